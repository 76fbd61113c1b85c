"""From a framework's keys to the field's terms, by the tables in ``dialects/``."""
