"""Rule LL019, command-ends-early."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import BASH
from lora_rules.recipe import Setting

_NAMED = 4


@rule(
    "LL019",
    Severity.ERROR,
    evidence=[
        BASH.says(
            "Only a backslash directly before the newline continues a line; one before a blank "
            "quotes the blank, and a comment goes to the end of its line (run)."
        ),
    ],
    of_records=True,
)
def command_ends_early(dropped_options: Setting) -> Iterator[Problem]:
    r"""A command of a script ends above some of its options.

    ## What it checks
    A training command ends at the end of a line, and what follows begins with `--`, because of:

    - a blank behind the backslash, or the carriage return of a file from Windows;
    - a comment behind the backslash, or before it;
    - a comment line between lines that are continued;
    - an empty line after a backslash, or no backslash at all.

    ## Why it matters
    The shell continues a line only where the backslash is its last character. Otherwise it runs
    the command with the options so far, and takes the rest for a command of its own, which it does
    not find. The training starts without the options below: with the framework's rank, learning
    rate and data. "command not found" is printed when the training has ended. A blank behind a
    backslash is an argument of its own besides, which some programs refuse.

    ## Bad
    ```shell
    llamafactory-cli train \
        --model_name_or_path my-company/base-7B \
        --stage sft \
        --learning_rate 1e-4 \
        --dataset my_data \
        --template default \
        # --lora_rank 64 \  # LL019: # --lora_rank 64 \
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
        --output_dir out
    ```

    ## When to ignore it
    Never: the options below do not reach the program.

    ## Options
    None.
    """
    options = dropped_options.value
    if not isinstance(options, list) or not options:
        return
    named = ", ".join(map(str, options[:_NAMED]))
    more = f" and {len(options) - _NAMED} more" if len(options) > _NAMED else ""
    one = len(options) == 1
    from_windows = "carriage return" in dropped_options.source
    fate = "reaches the program, it is" if one else "reach the program, they are"
    yield Problem(
        dropped_options.span,
        f"the command ends here, because {dropped_options.source}: {named}{more} below never "
        f"{fate} run as a command.",
        help="Give the file line feeds alone (dos2unix)."
        if from_windows
        else "Make a backslash the last character of each line of the command but the last, "
        "and move comments above it.",
        also=(dropped_options.key_span,) if dropped_options.key_span is not None else (),
    )
