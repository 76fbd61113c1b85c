"""What we know of LitGPT."""
