"""axolotl: the options of its commands, by version."""
