"""AI Toolkit."""
