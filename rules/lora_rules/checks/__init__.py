"""The rules, a file a rule, in folders by family."""
