"""The pages of a run: one HTML file that needs nothing else to be read."""
