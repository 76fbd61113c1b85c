"""``lora-lint completion``: scripts for bash, zsh and fish, made from the commands' own parsers.

The scripts stand alone: completing starts no Python.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from lora_lint.engine.run import CLEAN
from lora_rules.engine._startup.typed import NamedTuple

SHELLS = ("bash", "zsh", "fish")


class Option(NamedTuple):
    """A flag, as a shell completes it."""

    flags: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]


class Command(NamedTuple):
    """A command and what may follow it."""

    name: str
    help: str
    options: tuple[Option, ...]
    choices: tuple[str, ...]
    """What its positional arguments may be; empty for files."""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="lora-lint completion",
        description="Print a script that completes lora-lint's commands and options in a shell.",
        epilog='bash: eval "$(lora-lint completion bash)"; zsh: the same; '
        "fish: lora-lint completion fish | source",
    )
    parser.add_argument("shell", choices=SHELLS)
    return parser


def main(arguments: list[str]) -> int:
    """Run the command; the answer is the exit code."""
    shell = parser().parse_args(arguments).shell
    sys.stdout.write("".join(f"{line}\n" for line in _WRITERS[shell](commands())))
    return CLEAN


def commands() -> tuple[Command, ...]:
    """Every command, ``check`` first: its options also follow no command at all."""
    from lora_lint.cli.main import COMMANDS

    return tuple(_command(name, _parser_of(run)) for name, run in COMMANDS.items())


class _Asked(BaseException):
    """Carries the parser that a command was about to use."""

    def __init__(self, made: argparse.ArgumentParser) -> None:
        super().__init__()
        self.made = made


def _parser_of(run: Callable[[list[str]], int]) -> argparse.ArgumentParser:
    """A command's parser.

    Commands make theirs when they run, because making all of them would slow every start down. So
    the command is run with parsers that answer with themselves instead of with arguments: nothing
    is kept beside the commands that could be out of date.
    """

    def answer(made: argparse.ArgumentParser, *_arguments: object) -> argparse.Namespace:
        raise _Asked(made)

    usual = argparse.ArgumentParser.parse_args
    setattr(argparse.ArgumentParser, "parse_args", answer)  # noqa: B010 - mypy's sake
    try:
        run([])
    except _Asked as asked:
        return asked.made
    finally:
        setattr(argparse.ArgumentParser, "parse_args", usual)  # noqa: B010
    raise TypeError("a command took no arguments")


def _command(name: str, made: argparse.ArgumentParser) -> Command:
    options = [
        Option(
            tuple(action.option_strings),
            _sentence(action.help),
            action.nargs != 0,
            tuple(map(str, action.choices or ())),
        )
        for action in made._actions
        if action.option_strings
    ]
    choices = [
        str(choice)
        for action in made._actions
        if not action.option_strings
        for choice in action.choices or ()
    ]
    return Command(name, _sentence(made.description), tuple(options), tuple(choices))


def _sentence(text: str | None) -> str:
    """One line, without what a shell or argparse would read into it."""
    line = " ".join((text or "").split()).replace("%%", "%")
    return "".join(char for char in line if char not in "'\"`$\\[]:")


def _bash(every: tuple[Command, ...]) -> Iterator[str]:
    yield "_lora_lint() {"
    yield '    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"'
    yield '    local command="check" words="" values=""'
    yield f'    case "${{COMP_WORDS[1]}}" in {"|".join(c.name for c in every)})'
    yield '        [ "$COMP_CWORD" -gt 1 ] && command="${COMP_WORDS[1]}" ;;'
    yield "    esac"
    yield '    case "$command $previous" in'
    for command in every:
        for option in command.options:
            for flag in option.flags if option.takes_value else ():
                values = " ".join(option.choices) or "-"
                yield f'        "{command.name} {flag}") values="{values}" ;;'
    yield "    esac"
    yield '    case "$command" in'
    for command in every:
        flags = [flag for option in command.options for flag in option.flags]
        yield f'        {command.name}) words="{" ".join((*flags, *command.choices))}" ;;'
    yield "    esac"
    yield f'    [ "$COMP_CWORD" -eq 1 ] && words="$words {" ".join(c.name for c in every)}"'
    yield '    [ -n "$values" ] && words="${values#-}"'
    yield '    COMPREPLY=($(compgen -W "$words" -- "$current"))'
    yield '    [ "${#COMPREPLY[@]}" -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))'
    yield "}"
    yield "complete -o filenames -F _lora_lint lora-lint"


def _zsh(every: tuple[Command, ...]) -> Iterator[str]:
    yield "#compdef lora-lint"
    for command in every:
        yield f"_lora_lint_{_identifier(command.name)}() {{"
        yield "    _arguments -s \\"
        for option in command.options:
            yield from (f"        {spec} \\" for spec in _zsh_specs(option))
        what = f"({' '.join(command.choices)})" if command.choices else "_files"
        yield f"        '*:argument:{what}'"
        yield "}"
    yield "_lora_lint() {"
    yield "    local -a commands=("
    for command in every:
        yield f"        '{command.name}:{command.help}'"
    yield "    )"
    yield "    if (( CURRENT == 2 )) && [[ ${words[2]} != -* ]]; then"
    yield "        _describe command commands"
    yield "    fi"
    yield "    case ${words[2]} in"
    for command in every:
        call = f"_lora_lint_{_identifier(command.name)}"
        shifted = f"shift words; (( CURRENT-- )); {call}; return"
        yield f"        {command.name}) (( CURRENT > 2 )) && {{ {shifted} }} ;;"
    yield "    esac"
    yield "    _lora_lint_check"
    yield "}"
    yield "compdef _lora_lint lora-lint"


def _zsh_specs(option: Option) -> Iterator[str]:
    value = ""
    if option.takes_value:
        value = f":value:({' '.join(option.choices)})" if option.choices else ":value:_files"
    for flag in option.flags:
        yield f"'*{flag}[{option.help}]{value}'"


def _identifier(name: str) -> str:
    return name.replace("-", "_")


def _fish(every: tuple[Command, ...]) -> Iterator[str]:
    names = " ".join(command.name for command in every)
    none = f"not __fish_seen_subcommand_from {names}"
    for command in every:
        yield f"complete -c lora-lint -n '{none}' -f -a {command.name} -d '{command.help}'"
    yield f"complete -c lora-lint -n '{none}' -F"
    for command in every:
        when = f"__fish_seen_subcommand_from {command.name}"
        conditions = [when, none] if command.name == "check" else [when]
        for condition in conditions:
            for option in command.options:
                yield f"complete -c lora-lint -n '{condition}' {_fish_option(option)}"
            if command.choices:
                choices = " ".join(command.choices)
                yield f"complete -c lora-lint -n '{condition}' -f -a '{choices}'"


def _fish_option(option: Option) -> str:
    parts = [f"-l {flag[2:]}" if flag[:2] == "--" else f"-s {flag[1:]}" for flag in option.flags]
    if option.choices:
        parts.append(f"-x -a '{' '.join(option.choices)}'")
    elif option.takes_value:
        parts.append("-r")
    return " ".join([*parts, f"-d '{option.help}'"])


_WRITERS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
