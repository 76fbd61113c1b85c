"""Which files there are, and what is in them."""
