"""AutoTrain Advanced: the options of its command, by version."""
