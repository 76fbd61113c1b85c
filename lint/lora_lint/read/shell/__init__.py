"""Shell scripts as text: words, variables, commands. Nothing is expanded by a shell."""
