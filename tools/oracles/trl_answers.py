"""TRL's own answers; runs in an environment with trl, without a GPU.

python trl_answers.py fields|groups        # see axolotl_answers.py
python trl_answers.py < configs

A file does not name its script: it is refused where every script (``trl sft``, ``trl dpo``, ...)
refuses it. Keys that no script takes go to ``accelerate launch``, as ``trl`` does it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
import typing
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import assumed
import yaml
from apart import apart, refused_apart
from enumerated import listed

if typing.TYPE_CHECKING:
    from transformers import Trainer
    from trl import TrlParser

os.environ.setdefault("HF_HUB_OFFLINE", "1")

SCRIPTS = ("sft", "dpo", "grpo", "kto", "reward", "rloo", "distillation")
BASE = {
    "model_name_or_path": "my-company/base",
    "dataset_name": "my-company/rows",
    "use_peft": True,
    "output_dir": "out",
}
RICHER = BASE | {
    "eval_strategy": "steps",
    "eval_steps": 10,
    "save_strategy": "steps",
    "save_steps": 10,
    "metric_for_best_model": "loss",
    "dataloader_num_workers": 2,
    "max_steps": 100,
    "log_completions": True,
    "num_generations": 4,
    "use_vllm": True,
}
"""What other keys ask for."""


def answer(config: Mapping[str, object]) -> dict[str, object]:
    """Whether some script of TRL accepts a configuration, and the words of the nearest one."""
    unknown = {name: unknown_keys(config, name) for name in SCRIPTS}
    fewest = min(map(len, unknown.values()))
    near = [name for name in SCRIPTS if len(unknown[name]) == fewest]
    if fewest:
        refused = f"ValueError: unknown arguments {unknown[near[0]]}"
    else:
        answers = [parsed(config, name) for name in near]
        refused = "" if "" in answers else answers[0]
    return {"refused": refused, "names": [], "warned": [], "lora": bool(config.get("use_peft"))}


def unknown_keys(config: Mapping[str, object], script: str) -> list[str]:
    """The keys that neither a script nor the launcher takes."""
    known = {action.dest for action in parser(script)._actions} | launcher_options() | {"env"}
    return [key for key in config if key not in known]


def parsed(config: Mapping[str, object], script: str) -> str:
    """What a script says when it reads the file, and transformers when the trainer is made."""
    from torch.nn import Linear
    from transformers import Trainer

    Path("config.yaml").write_text(yaml.safe_dump(dict(config)))
    try:
        read = parser(script).parse_args_and_config(
            ["--config", "config.yaml"], return_remaining_strings=True
        )
        arguments = next(each for each in read if hasattr(each, "per_device_train_batch_size"))
        rows = [{"x": 1.0}]
        Trainer(Linear(1, 1), args=arguments, train_dataset=rows, eval_dataset=rows)
    except PackageNotFoundError:
        return ""  # DeepSpeed, which is not installed here
    except BaseException as error:  # whatever it raises is its answer
        return f"{type(error).__name__}: {error}"
    return ""


@cache
def parser(script: str) -> TrlParser:
    """That of a script; takes longer to make than to ask."""
    made = importlib.import_module(f"trl.scripts.{script}").make_parser(prog=f"trl {script}")
    return typing.cast("TrlParser", made)


@cache
def launcher_options() -> frozenset[str]:
    """Those of ``accelerate launch``."""
    from accelerate.commands.launch import launch_command_parser

    actions = launch_command_parser()._actions
    names = {action.dest for action in actions} - {"training_script", "training_script_args"}
    return frozenset(names | {"accelerate_config"})


def assume_a_gpu() -> None:
    """A GPU that can do everything; an error of argparse is raised."""
    import transformers.trainer as trainer

    assumed.raise_errors_of_argparse()
    assumed.assume_a_gpu()
    trainer.Trainer.init_hf_repo = lambda _self: None
    trainer.Trainer.create_accelerator_and_postprocess = lambda self: _fake_accelerator(self)


def _fake_accelerator(trainer: Trainer) -> None:
    """What ``Trainer.__init__`` reads of an accelerator: a real one keeps state of the process."""
    from types import SimpleNamespace

    sharded = bool(trainer.args.fsdp)
    trainer.is_deepspeed_enabled = trainer.args.deepspeed is not None
    trainer.is_fsdp_enabled = sharded
    trainer.is_fsdp_xla_enabled = False
    trainer.is_tp_enabled = False
    trainer.gather_function = None
    kind = "FULL_STATE_DICT"
    plugin = SimpleNamespace(state_dict_type=kind, activation_checkpointing=False)
    state = SimpleNamespace(fsdp_plugin=plugin)
    trainer.accelerator = SimpleNamespace(state=state, unwrap_model=lambda given, **_how: given)


def refused(key: str, values: Sequence[object]) -> list[bool]:
    """Of each value of a key, whether it is refused."""
    return refused_apart(lambda config: answer(config), (BASE, RICHER), key, values)


def listed_values() -> dict[str, tuple[object, ...]]:
    """Every key of every script, with the values that its type or transformers lists."""
    from transformers.trainer_utils import (
        HubStrategy,
        IntervalStrategy,
        SaveStrategy,
        SchedulerType,
    )
    from transformers.training_args import OptimizerNames

    found: dict[str, tuple[object, ...]] = {}
    for script in SCRIPTS:
        for owner in parser(script).dataclass_types:
            hints = typing.get_type_hints(owner)
            for name, field in owner.__dataclass_fields__.items():
                if field.init:
                    found[name] = found.get(name) or tuple(listed(hints[name]))
    checked = {
        "optim": OptimizerNames,
        "lr_scheduler_type": SchedulerType,
        "eval_strategy": IntervalStrategy,
        "logging_strategy": IntervalStrategy,
        "save_strategy": SaveStrategy,
        "hub_strategy": HubStrategy,
    }
    return found | {key: tuple(listed(kind)) for key, kind in checked.items()}


def groups() -> list[tuple[str, ...]]:
    """The keys that one condition of a configuration reads."""
    import transformers
    import trl.trainer
    from validator_groups import conditions

    found = [
        *conditions(Path(trl.trainer.__path__[0])),
        *conditions(Path(transformers.__path__[0])),
    ]
    known = listed_values().keys()
    kept = [tuple(name for name in each if name in known) for each in found]
    return list(dict.fromkeys(each for each in kept if len(each) > 1))


def main() -> None:
    """Answer."""
    import tempfile

    os.chdir(tempfile.mkdtemp())
    with contextlib.redirect_stdout(io.StringIO()):  # its log
        assume_a_gpu()
        for script in SCRIPTS:
            parser(script)
    if sys.argv[1:] == ["fields"]:
        from probes import lines

        for line in lines(listed_values(), refused):
            print(line, flush=True)
    elif sys.argv[1:] == ["groups"]:
        print("\n".join(" ".join(each) for each in groups()))
    else:
        for line in sys.stdin:
            print(json.dumps(apart(partial(answer, json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
