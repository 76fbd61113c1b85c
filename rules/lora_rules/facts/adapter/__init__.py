"""Facts about the adapter: which modules it is put on, and how much it trains."""
