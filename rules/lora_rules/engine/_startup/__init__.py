"""Stand-ins for slow imports of the standard library: the linter starts anew for every commit."""
