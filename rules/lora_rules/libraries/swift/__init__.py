"""ms-swift: the options of its commands, by version."""
