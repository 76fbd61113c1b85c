"""Rules about the modules that an adapter is put on."""
