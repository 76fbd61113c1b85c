"""The frameworks that are driven by a configuration file, a folder each."""
