"""Rule LL029, words-cut-otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import BASH
from lora_rules.recipe import Setting

_SHOWN = 4


@rule(
    "LL029",
    Severity.ERROR,
    evidence=[
        BASH.says(
            "Words end at blanks, whatever stands before them; a backslash quotes the blank or "
            "the quote behind it (run)."
        ),
    ],
    of_records=True,
)
def words_cut_otherwise(miscut_words: Setting) -> Iterator[Problem]:
    r"""The shell makes other words of a command than its author meant.

    ## What it checks
    In a training command:

    - a list with blanks behind its commas;
    - blanks around the equals sign of `key=value`;
    - a backslash before a blank in the midst of a line, which remains where lines are joined;
    - a backslash before the quote that should close a text, as in a Windows path, with options
      behind it.

    ## Why it matters
    A word ends at the first blank that is not quoted. Of `a, b` the option gets `a,` and the
    program one word more, which it refuses or takes for a second value: a module, a data set or a
    path whose name ends in a comma. A lone `=` is a word too. A backslash quotes the blank behind
    it, so the program gets a word of one blank. A quoted quote closes nothing: the text goes on to
    the next one, and the options up to there are part of it.

    ## Bad
    ```shell
    llamafactory-cli train \
        --model_name_or_path my-company/base-7B \
        --stage sft \
        --learning_rate 1e-4 \
        --dataset my_data \
        --template default \
        --lora_target q_proj, v_proj \  # LL029: q_proj, v_proj
        --output_dir out
    ```

    ## Good
    ```shell
    llamafactory-cli train \
        --model_name_or_path my-company/base-7B \
        --stage sft \
        --learning_rate 1e-4 \
        --dataset my_data \
        --template default \
        --lora_target q_proj,v_proj \
        --output_dir out
    ```

    ## When to ignore it
    Never: the program gets other words than those that stand there.

    ## Options
    None.
    """
    value = miscut_words.value
    if not isinstance(value, list) or not value:
        return
    why, *words = map(str, value)
    message, instead = _SAID[why](words)
    yield Problem(miscut_words.span, message, help=instead)


def _comma(words: list[str]) -> tuple[str, str]:
    shown = ", ".join(f"`{word}`" for word in words[:_SHOWN])
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return (
        f"the blank behind a comma ends the word: the program gets {shown}{more}, not one list.",
        "Write the list without blanks, or without commas where the option takes several words.",
    )


def _equals(words: list[str]) -> tuple[str, str]:
    joined = "".join(words)
    return (
        f"`{' '.join(words)}` are three words: the program gets a lone `=` and assigns nothing.",
        f"Write {joined}.",
    )


def _blank(_words: list[str]) -> tuple[str, str]:
    return (
        "a backslash before a blank quotes it: the program gets a word of one blank, or one that "
        "begins with it, which is no option of its own.",
        "Remove the backslashes within the line: they continue a line only at its end.",
    )


def _quote(words: list[str]) -> tuple[str, str]:
    return (
        f'`\\"` does not close the text: {words[0]} and what follows up to the next quote are '
        "part of it and never reach the program as options.",
        'Write the path without the backslash at its end, or with "/".',
    )


_SAID = {"comma": _comma, "equals": _equals, "blank": _blank, "quote": _quote}
