"""Oumi: the keys of ``oumi train``, by version."""
