"""Together's client."""
