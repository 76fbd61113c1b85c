"""Small scripts with one mistake or none.

Keywords, names, values, numbers, settings that belong together, and how a trainer is wired up.

Every script is complete: it makes a tiny model's trainer and, where that matters, trains a step.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lora_rules.checks.training.ll016_argument_not_accepted import NUMBERS
from lora_rules.libraries import signatures

KINDS = ("misspelt", "keyword", "name", "value", "number", "together", "wiring")
METHODS = ("SFT", "DPO", "GRPO", "KTO", "Reward")
ARGUMENTS = "transformers.TrainingArguments"
_LIBRARIES = Path(signatures.__file__).parent
_ELSEWHERE = frozenset(
    [
        "deepspeed",
        "fsdp",
        "fsdp_config",
        "parallelism_config",
        "accelerator_config",
        "use_vllm",
        "torch_compile",
        "push_to_hub",
        "tf32",
        "jit_mode_eval",
        "torch_compile_backend",
        "torch_compile_mode",
        "local_rank",
        "fp16",
        "bf16",
        "fp16_full_eval",
        "bf16_full_eval",
        "use_cpu",
    ]
)
"""What needs other hardware, another process or the network, or is given already."""


class Draw(NamedTuple):
    """A script, and what was drawn in it."""

    kind: str
    script: str
    keys: tuple[str, ...]
    """The words of what was drawn: a finding that holds one of them is about it."""


class Script(NamedTuple):
    """The parts of a script that draws change."""

    method: str
    imports: tuple[str, ...] = ()
    config: tuple[tuple[str, str], ...] = ()
    trainer: tuple[tuple[str, str], ...] = ()
    lora: str = "r=4, lora_alpha=8"
    before: str = ""
    rows: str = ""
    trains: bool = False

    def text(self, folder: str) -> str:
        """The script, of a model in a folder."""
        method = self.method
        rows = self.rows or ROWS[method]
        config = {"use_cpu": "True", "report_to": '"none"', "bf16": "False"} | dict(self.config)
        trainer = {"model": "model", "args": "args", "train_dataset": "rows"}
        if method == "GRPO":
            trainer["reward_funcs"] = "reward"
        trainer |= {"peft_config": "lora", "processing_class": "tokenizer"} | dict(self.trainer)
        lines = [
            "import transformers",
            "from datasets import Dataset",
            "from peft import LoraConfig, get_peft_model",
            f"from trl import {method}Config, {method}Trainer",
            *self.imports,
            f"MODEL = {folder!r}",
            "tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)",
            f"rows = Dataset.from_list([{rows}] * 4)",
            f"model = transformers.{LOADERS.get(method, 'AutoModelForCausalLM')}"
            f".from_pretrained(MODEL{', num_labels=1' if method == 'Reward' else ''})",
            f"lora = LoraConfig({self.lora})",
            "def reward(completions, **given):",
            "    return [1.0] * len(completions)",
            *([self.before] if self.before else []),
            f"args = {method}Config({', '.join(['OUT', *_given(config)])})".replace("OUT", '"out"'),
            f"trainer = {method}Trainer({', '.join(_given(trainer))})",
        ]
        if self.trains:
            lines.append("trainer.train()")
        return "\n".join(lines) + "\n"


def _given(arguments: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in arguments.items() if value]


LOADERS = {"Reward": "AutoModelForSequenceClassification"}
ROWS = {
    "SFT": '{"text": "good morning"}',
    "DPO": '{"prompt": "say", "chosen": " good", "rejected": " bad"}',
    "GRPO": '{"prompt": "say"}',
    "KTO": '{"prompt": "say", "completion": " good", "label": True}',
    "Reward": '{"chosen": "good day", "rejected": "bad day"}',
}


def draw(kind: str, chance: random.Random, folder: str) -> Draw:
    """One script of a kind."""
    makers: dict[str, Callable[[random.Random], tuple[Script, tuple[str, ...]]]] = {
        "misspelt": _misspelt,
        "keyword": _keyword,
        "name": _name,
        "value": _value,
        "number": _number,
        "together": _together,
        "wiring": _wiring,
    }
    script, keys = makers[kind](chance)
    return Draw(kind, script.text(folder), keys)


def _misspelt(chance: random.Random) -> tuple[Script, tuple[str, ...]]:
    method = chance.choice(METHODS)
    of_config = chance.random() < 0.5
    callee = f"trl.{method}{'Config' if of_config else 'Trainer'}"
    name = chance.choice(sorted(each for each in signatures.fields(callee) if len(each) > 5))
    at = chance.randrange(1, len(name) - 2)
    wrong = chance.choice(
        (
            name[:at] + name[at + 1 :],
            name[:at] + name[at] + name[at:],
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        )
    )
    return _with(method, of_config, wrong, "None"), (wrong,)


def _with(method: str, of_config: bool, name: str, value: str) -> Script:
    given = ((name, value),)
    return Script(method, config=given) if of_config else Script(method, trainer=given)


def _keyword(chance: random.Random) -> tuple[Script, tuple[str, ...]]:
    method = chance.choice(METHODS)
    of_config = chance.random() < 0.4
    callee = f"trl.{method}{'Config' if of_config else 'Trainer'}"
    other = f"trl.{method}{'Trainer' if of_config else 'Config'}"
    gone = signatures.every_field(callee) - signatures.fields(callee)
    foreign = (signatures.fields(other) | gone) - signatures.fields(callee)
    pool = gone if gone and chance.random() < 0.4 else foreign
    if chance.random() < 0.4:
        pool = signatures.fields(callee) - {"model", "args", "train_dataset", "reward_funcs"}
    names = sorted(pool - _ELSEWHERE - {"output_dir"})
    name = chance.choice(names)
    known = signatures.defaults(callee if name in signatures.fields(callee) else other)
    return _with(method, of_config, name, repr(known.get(name))), (name,)


def _name(chance: random.Random) -> tuple[Script, tuple[str, ...]]:
    library = chance.choice(("trl", "trl", "peft", "transformers"))
    table = json.loads((_LIBRARIES / library / "names.json").read_text())
    at_top = [name for name in table if name.count(".") == 1 and name.split(".")[1][0].isupper()]
    gone = [name for name in at_top if len(table[name]["at"]) % 2 == 0]
    there = [name for name in at_top if len(table[name]["at"]) % 2]
    pool = there if there and chance.random() < 0.5 else gone
    name = chance.choice(pool).rpartition(".")[2]
    script = Script("SFT", imports=(f"from {library} import {name}",))
    return script, (name,)


def _value(chance: random.Random) -> tuple[Script, tuple[str, ...]]:
    names = ["optim", "lr_scheduler_type", "eval_strategy", "save_strategy", "logging_strategy"]
    name = chance.choice([*names, "hub_strategy"])
    every = sorted(signatures.ever_choices(ARGUMENTS, name))
    value = chance.choice(every)
    if chance.random() < 0.5:
        value = chance.choice((value + "s", value[:-1], value.upper(), value.replace("_", "-")))
    config = ((name, repr(value)), ("logging_steps", "10"), ("eval_steps", "10"))
    extra = (("eval_dataset", "rows"),)
    return Script(chance.choice(METHODS), config=config, trainer=extra), (name,)


def _number(chance: random.Random) -> tuple[Script, tuple[str, ...]]:
    name = chance.choice(sorted(NUMBERS))
    value: Any = 0.01 if name in {"learning_rate", "weight_decay", "max_grad_norm"} else 1
    shown = repr(str(value)) if chance.random() < 0.6 else repr(value)
    config = {"max_steps": "1", "per_device_train_batch_size": "2", name: shown}
    return Script("SFT", config=tuple(config.items()), trains=True), (name,)


_SETTINGS = {
    "load_best_model_at_end": ("True", "True", "False"),
    "save_strategy": ("'steps'", "'epoch'", "'no'", "'best'"),
    "eval_strategy": ("'steps'", "'epoch'", "'no'"),
    "save_steps": ("10", "20", "30", "0.5", "2.5"),
    "eval_steps": ("10", "20", "0.5", "1.5"),
    "logging_steps": ("0", "5", "1.5"),
    "logging_strategy": ("'steps'", "'epoch'", "'no'"),
    "lr_scheduler_type": ("'reduce_lr_on_plateau'", "'cosine'", "'greedy'"),
    "warmup_steps": ("-1", "0", "10", "0.1"),
    "metric_for_best_model": ("'loss'",),
    "dataloader_num_workers": ("0", "2"),
    "dataloader_prefetch_factor": ("2", "None"),
}
_OF_METHOD = {
    "SFT": {
        "packing": ("True", "False"),
        "max_length": ("None", "32"),
        "padding_free": ("True", "False"),
        "per_device_train_batch_size": ("1", "2"),
        "assistant_only_loss": ("True", "False"),
        "completion_only_loss": ("True", "False", "None"),
        "dataset_text_field": ("'text'",),
    },
    "GRPO": {
        "num_generations": ("1", "2", "4", "6", "8"),
        "generation_batch_size": ("8", "12", "16", "None"),
        "steps_per_generation": ("1", "2", "None"),
        "per_device_train_batch_size": ("2", "4", "8"),
        "gradient_accumulation_steps": ("1", "2", "3"),
        "auto_find_batch_size": ("True", "False"),
        "log_completions_hub_repo": ("'me/rows'",),
        "log_completions": ("True", "False"),
    },
    "DPO": {
        "loss_type": ("'sigmoid'", "['sigmoid', 'sft']"),
        "loss_weights": ("[1.0]", "[1.0, 0.5]"),
        "precompute_ref_log_probs": ("True", "False"),
    },
}


def _together(chance: random.Random) -> tuple[Script, tuple[str, ...]]:
    method = chance.choice(METHODS)
    own = _OF_METHOD.get(method, {})
    settings = own if own and chance.random() < 0.6 else _SETTINGS
    names = chance.sample(sorted(settings), min(len(settings), chance.randint(1, 3)))
    config = tuple((name, chance.choice(settings[name])) for name in names)
    trainer = (("eval_dataset", "rows"),) if chance.random() < 0.8 else ()
    return Script(method, config=config, trainer=trainer), tuple(names)


_MASKING = "transformers.DataCollatorForLanguageModeling(tokenizer{})"
_WIRED: tuple[tuple[Script, tuple[str, ...]], ...] = (
    (Script("SFT", config=(("eval_strategy", "'epoch'"),)), ("eval_strategy",)),
    (
        Script("DPO", config=(("eval_strategy", "'steps'"), ("eval_steps", "5"))),
        ("eval_strategy",),
    ),
    (Script("DPO", trainer=(("ref_model", "model"),)), ("ref_model",)),
    (Script("KTO", trainer=(("ref_model", "model"),)), ("ref_model",)),
    (Script("SFT", trainer=(("data_collator", _MASKING.format("")),)), ("mlm", "Collator")),
    (Script("SFT", lora='target_modules=["q_proj", "lm_head"]'), ("lm_head",)),
    (
        Script("SFT", before="model = get_peft_model(model, lora)"),
        ("adapter", "peft_config", "PeftModel"),
    ),
    (
        Script("DPO", before="model = get_peft_model(model, lora)"),
        ("adapter", "peft_config", "PeftModel"),
    ),
    (Script("SFT", lora='target_modules=["no_such"]'), ("target_modules", "no_such")),
    (Script("SFT", lora='bias="None"'), ("bias",)),
    (Script("SFT", lora='task_type="CAUSAL"'), ("task_type",)),
    (Script("SFT", lora="r=0"), ("r",)),
    (Script("SFT", lora="lora_alpha=8, init_lora_weights='pisa'"), ("init_lora_weights",)),
    (Script("SFT", trainer=(("data_collator", _MASKING.format(", mlm=False")),)), ("mlm",)),
    (Script("SFT", lora='target_modules="all-linear"'), ("target_modules",)),
    (Script("SFT", lora='bias="lora_only"'), ("bias",)),
    (Script("DPO", trainer=(("ref_model", "None"),)), ("ref_model",)),
    (Script("SFT", lora='target_modules=["q_proj"], task_type="CAUSAL_LM"'), ("task_type",)),
    (
        Script("SFT", config=(("eval_strategy", "'epoch'"),), trainer=(("eval_dataset", "rows"),)),
        ("eval_strategy",),
    ),
    (
        Script(
            "SFT",
            before="model = get_peft_model(model, lora)",
            trainer=(("peft_config", ""),),
        ),
        ("adapter", "peft_config"),
    ),
)


def _wiring(chance: random.Random) -> tuple[Script, tuple[str, ...]]:
    script, keys = chance.choice(_WIRED)
    rates = (("learning_rate", chance.choice(("1e-4", "2e-4"))), ("num_train_epochs", "1"))
    return script._replace(config=(*rates, *script.config)), keys
