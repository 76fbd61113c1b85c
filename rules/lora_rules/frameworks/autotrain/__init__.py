"""AutoTrain."""
