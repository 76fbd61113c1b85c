"""What LLaMA-Factory does with declarations of data, against what LL021 says of them.

    ENV/bin/python tools/evidence/data_declarations.py

``ENV`` is an environment with LLaMA-Factory (``tools/oracles/README.md``). A declaration is parsed
and a row of each kind converted, as ``data/loader.py`` does it.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from types import ModuleType
from typing import Any

os.environ.setdefault("DISABLE_VERSION_CHECK", "1")

ALPACA = {"instruction": "a", "input": "", "output": "b"}
CHAT = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
PAIR = {"question": "a", "good": "b", "bad": "c"}
TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user"}
CASES: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("as it should be", {}, ALPACA),
    ("no column input", {}, {"instruction": "a", "output": "b"}),
    ("formatting misspelt", {"format": "sharegpt", "columns": {"messages": "messages"}}, CHAT),
    ("formatting unknown", {"formatting": "chatml"}, CHAT),
    ("no tags", {"formatting": "sharegpt", "columns": {"messages": "messages"}}, CHAT),
    (
        "tags without content_tag",
        {
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": {"role_tag": "role"},
        },
        CHAT,
    ),
    (
        "tags without assistant_tag",
        {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": TAGS},
        CHAT,
    ),
    ("columns without messages", {"formatting": "sharegpt", "columns": {"tools": "t"}}, CHAT),
    ("ranking without columns", {"ranking": True}, ALPACA),
    (
        "ranking with other names",
        {"ranking": True, "columns": {"instruction": "question", "output": "good"}},
        PAIR,
    ),
    (
        "ranking as it should be",
        {"ranking": True, "columns": {"prompt": "question", "chosen": "good", "rejected": "bad"}},
        PAIR,
    ),
    ("columns without response", {"columns": {"prompt": "instruction"}}, ALPACA),
    ("kto without kto_tag", {}, ALPACA),
)


def main() -> None:
    """Print what becomes of each."""
    with contextlib.redirect_stdout(io.StringIO()):
        import llamafactory.hparams  # noqa: F401  # transformers looks for torchaudio itself

        sys.modules["torchaudio"] = ModuleType("torchaudio")
        from llamafactory.data.converter import get_dataset_converter
        from llamafactory.data.parser import get_dataset_list
        from llamafactory.hparams import DataArguments
    try:
        get_dataset_list(["other"], {"here": {"file_name": "a.json"}})
    except ValueError as error:
        print(f"a name that is not declared: ValueError: {error}")
    for title, entry, row in CASES:
        (declared,) = get_dataset_list(["here"], {"here": {"file_name": "a.json", **entry}})
        try:
            convert = get_dataset_converter(declared.formatting, declared, DataArguments())
            made = convert(row)
            answers = [turn["content"] for turn in made["_response"]]
            print(f"{title}: prompt {made['_prompt']}, answers {answers}")
        except Exception as error:  # whatever it raises is what is asked
            print(f"{title}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
