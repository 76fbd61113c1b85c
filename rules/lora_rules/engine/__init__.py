"""How a rule is declared, found and given what it asks for."""
