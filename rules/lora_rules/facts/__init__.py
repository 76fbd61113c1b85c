"""What can be derived from a recipe: functions that are given what their parameters name."""
