"""Oumi's own answers; runs in an environment with oumi, without a GPU.

python oumi_answers.py fields            # see axolotl_answers.py
python oumi_answers.py < configs
"""

from __future__ import annotations

import json
import sys
from typing import Any

import yaml
from dotted import hint_of, keys_of, refused_with
from enumerated import listed
from probes import lines

BASE = {
    "model": {"model_name": "my-company/base"},
    "data": {"train": {"datasets": [{"dataset_name": "mine"}]}},
    "training": {"trainer_type": "TRL_SFT", "use_peft": True},
    "peft": {"lora_r": 16},
}


def answer(config: dict[str, Any]) -> str:
    """Why Oumi refuses a configuration when it reads it; empty where it does not."""
    from oumi.core.configs import TrainingConfig

    try:
        TrainingConfig.from_str(yaml.safe_dump(config))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main() -> None:
    """Answer."""
    if sys.argv[1:] == ["fields"]:
        from oumi.core.configs import TrainingConfig

        found = {key: listed(hint_of(TrainingConfig, key)) for key in keys_of("oumi.train")}
        for line in lines(found, refused_with(answer, BASE)):
            print(line)
    else:
        for line in sys.stdin:
            print(json.dumps({"refused": answer(json.loads(line))}), flush=True)


if __name__ == "__main__":
    main()
