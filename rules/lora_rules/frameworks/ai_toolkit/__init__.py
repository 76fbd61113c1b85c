"""What we know of AI Toolkit."""
