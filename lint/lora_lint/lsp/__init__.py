"""``lora-lint server``: the linter in an editor, over the Language Server Protocol.

Needs the extra ``lsp`` (pygls). Nothing else in the program imports this package.
"""
