"""Bytes to recipes, a module a kind of file. Nothing that is read is ever run."""
