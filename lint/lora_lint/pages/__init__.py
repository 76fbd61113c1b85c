"""HTML pages that need nothing else to be read."""
