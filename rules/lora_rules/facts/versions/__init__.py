"""Facts about the versions of libraries that a recipe runs on."""
