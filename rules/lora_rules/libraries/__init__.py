"""The Python libraries of a fine-tune, a folder each."""
