"""A call with an argument more or less, through libcst: comments, commas and lines stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import libcst as cst

from lora_lint.fix.text import Change, NotOffered, narrowed

Rewrite = Callable[[cst.Call], cst.Call]


def rewritten(text: str, start: int, end: int, rewrite: Rewrite) -> Iterator[Change]:
    """The changes that a rewriting of the call between two offsets comes to.

    Raises:
        NotOffered: if libcst reads no call there.
    """
    written = text[start:end]
    if "\r" in written.replace("\r\n", ""):
        raise NotOffered("the call's lines end in bare carriage returns")
    plain = written.replace("\r\n", "\n")
    try:
        call = cst.parse_expression(plain)
    except (cst.ParserSyntaxError, RecursionError):
        raise NotOffered("libcst does not read the call") from None
    if not isinstance(call, cst.Call) or _code(call) != plain:
        raise NotOffered("libcst does not read the call")
    change = narrowed(0, plain, _code(rewrite(call)))
    shift = _carriage_returns(written)
    yield Change(start + shift(change.start), start + shift(change.end), change.new)


def _code(call: cst.Call) -> str:
    return cst.Module(body=[]).code_for_node(call)


def _carriage_returns(written: str) -> Callable[[int], int]:
    r"""From an offset in the text with ``\n`` to the one in the text as written."""
    places = [i for i, char in enumerate(written) if written[i : i + 2] == "\r\n"]

    def shift(offset: int) -> int:
        for place in places:
            if place < offset:
                offset += 1
        return offset

    return shift


def without(call: cst.Call, keyword: str) -> cst.Call:
    """The call without an argument.

    Raises:
        NotOffered: if a comment stands with it.
    """
    at = next((i for i, arg in enumerate(call.args) if _name(arg) == keyword), None)
    if at is None:
        raise NotOffered(f"{keyword} is not in the call")
    args, gone = list(call.args), call.args[at]
    before = _after(args[at - 1]) if at else call.whitespace_before_args
    if _comments(_after(gone)) or _own_line_comments(before):
        raise NotOffered(f"a comment speaks of {keyword}")
    if at == len(args) - 1 and at:
        last = args[at - 1]
        args[at - 1] = last.with_changes(
            comma=gone.comma, whitespace_after_arg=gone.whitespace_after_arg
        )
        if _comments(before):
            args[at - 1] = _with_space(args[at - 1], _keeping(before, _after(gone)))
    del args[at]
    return call.with_changes(args=args)


def with_argument(call: cst.Call, keyword: str, value: str) -> cst.Call:
    """The call with one more argument at its end, laid out like the others."""
    new = cst.Arg(
        keyword=cst.Name(keyword),
        value=cst.parse_expression(value),
        equal=cst.AssignEqual(
            whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
        ),
    )
    if not call.args:
        return call.with_changes(args=[new])
    args = list(call.args)
    last = args[-1]
    closing, between = _after(last), _between(call)
    lead = _keeping(closing, between) if _comments(closing) else between
    new = new.with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg)
    if _comments(closing):
        new = _with_space(new, _bare(closing))
    args[-1] = last.with_changes(
        comma=cst.Comma(whitespace_after=lead), whitespace_after_arg=cst.SimpleWhitespace("")
    )
    return call.with_changes(args=[*args, new])


def _name(arg: cst.Arg) -> str:
    return arg.keyword.value if arg.keyword is not None else ""


def _after(arg: cst.Arg) -> cst.BaseParenthesizableWhitespace:
    """What stands between an argument, or its comma, and what follows."""
    if isinstance(arg.comma, cst.Comma):
        return arg.comma.whitespace_after
    return arg.whitespace_after_arg


def _with_space(arg: cst.Arg, space: cst.BaseParenthesizableWhitespace) -> cst.Arg:
    if isinstance(arg.comma, cst.Comma):
        return arg.with_changes(comma=arg.comma.with_changes(whitespace_after=space))
    return arg.with_changes(whitespace_after_arg=space)


def _between(call: cst.Call) -> cst.BaseParenthesizableWhitespace:
    """What usually stands between two arguments, without comments."""
    if len(call.args) > 1:
        space = _after(call.args[-2])
    else:
        space = call.whitespace_before_args
        if not isinstance(space, cst.ParenthesizedWhitespace):
            return cst.SimpleWhitespace(" ")
    return _bare(space)


def _comments(space: cst.BaseParenthesizableWhitespace) -> bool:
    """Whether a comment ends the line."""
    return isinstance(space, cst.ParenthesizedWhitespace) and (
        space.first_line.comment is not None or _own_line_comments(space)
    )


def _own_line_comments(space: cst.BaseParenthesizableWhitespace) -> bool:
    return isinstance(space, cst.ParenthesizedWhitespace) and any(
        line.comment is not None for line in space.empty_lines
    )


def _bare(space: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    """The same break and indentation, without comments."""
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return space
    first = space.first_line.with_changes(comment=None, whitespace=cst.SimpleWhitespace(""))
    return space.with_changes(first_line=first, empty_lines=[])


def _keeping(
    commented: cst.BaseParenthesizableWhitespace, space: cst.BaseParenthesizableWhitespace
) -> cst.BaseParenthesizableWhitespace:
    """A space with the comments of another; a comment needs its line to end."""
    if not isinstance(commented, cst.ParenthesizedWhitespace):
        return space
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return commented
    return space.with_changes(first_line=commented.first_line, empty_lines=commented.empty_lines)
