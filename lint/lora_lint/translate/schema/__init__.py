"""What a framework's table may say: checked when the tables are built, and never while linting."""
