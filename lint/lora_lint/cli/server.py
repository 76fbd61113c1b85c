"""``lora-lint server``: what an editor starts, and speaks with over standard input and output."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

from lora_lint.cli.arguments import plugin_argument
from lora_lint.engine.config import ConfigError
from lora_lint.engine.run import CLEAN, TROUBLE


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="lora-lint server",
        description="Serve editors: the Language Server Protocol on standard input and output.",
        epilog="docs/editors.md says how to set up VS Code and Neovim",
    )
    plugin_argument(parser)
    parser.add_argument("--stdio", action="store_true", help="as ever; some editors say so")
    return parser


def main(arguments: list[str]) -> int:
    """Run the command; the answer is the exit code."""
    options = parser().parse_args(arguments)
    if find_spec("pygls") is None:
        sys.stderr.write("lora-lint: the server needs pygls: pip install 'lora-lint[lsp]'\n")
        return TROUBLE
    from lora_lint.cli.main import load_plugins
    from lora_lint.lsp.server import server

    try:
        load_plugins(options.plugin_file)
    except ConfigError as error:  # of a repository that is only looked at: the rest works
        sys.stderr.write(f"lora-lint: {error}\n")

    server.start_io()
    return CLEAN
