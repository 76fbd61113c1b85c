"""From a framework's keys to the field's terms, by the tables of ``lora_rules.frameworks``."""
