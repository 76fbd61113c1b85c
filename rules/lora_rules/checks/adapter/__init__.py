"""Rules about the adapter: rank, alpha, dropout, variants, task heads."""
