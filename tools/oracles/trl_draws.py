"""Small scripts with one mistake or none, drawn from what the installed libraries say.

A script is a trainer of a tiny model and some drawn parts: keywords and values of a configuration
or of the trainer, columns of data, an adapter's settings, a name that is imported. Fields, types,
choices and the conditions that constructors raise under come from ``trl_real``, and what was there
once from older wheels; no table of the linter is asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from oracles import trl_real as real

KINDS = ("misspelt", "keyword", "name", "value", "number", "together", "wiring")
METHODS = ("SFT", "DPO", "GRPO", "KTO", "Reward")
LOADERS = {"Reward": "AutoModelForSequenceClassification"}
_MACHINE = frozenset(
    [
        "accelerator_config",
        "bf16",
        "bf16_full_eval",
        "ddp_backend",
        "deepspeed",
        "eos_token",
        "fp16",
        "fp16_full_eval",
        "fsdp",
        "fsdp_config",
        "hub_model_id",
        "hub_token",
        "jit_mode_eval",
        "liger_kernel_config",
        "output_dir",
        "parallelism_config",
        "push_to_hub",
        "ray_scope",
        "resume_from_checkpoint",
        "tf32",
        "torch_compile",
        "torch_compile_backend",
        "torch_compile_mode",
        "use_cpu",
        "use_liger_kernel",
        "use_transformers_continuous_batching",
        "use_vllm",
    ]
)
"""What needs other hardware, another package or the network, or is given already."""


class Part(NamedTuple):
    """Something that was drawn for a script."""

    where: str
    """``config``, ``trainer``, ``lora``, ``loader``: a keyword of that call; ``import``, ``rows``,
    ``wrapped``: as they say."""
    name: str
    value: str = ""


class Draw(NamedTuple):
    """A script, and what was drawn in it."""

    kind: str
    script: str
    keys: tuple[str, ...]
    """The words of what was drawn: a finding that holds one of them is about it."""


class Sketch(NamedTuple):
    """What a script is written from; parts can be taken out, to see which one is refused."""

    kind: str
    method: str
    parts: tuple[Part, ...]
    base: tuple[Part, ...] = ()
    """Parts that are there so that the others matter: never taken out."""
    trains: bool = False

    def draw(self, folder: str, guilty: tuple[Part, ...] | None = None) -> Draw:
        """The script, of a model in a folder, and the words of the parts that are judged."""
        named = self.parts if guilty is None else guilty
        words = dict.fromkeys(word for part in named for word in _words(part))
        return Draw(self.kind, _text(self, folder), tuple(words))


def _words(part: Part) -> Iterator[str]:
    yield part.name
    if part.where == "wrapped":
        yield from ("adapter", "peft_config", "PeftModel", "get_peft_model")
    elif part.where == "rows":
        yield from ("train_dataset", "column", "columns", "dataset", "data")
    elif part.name == "data_collator":
        yield from ("mlm", "Collator", part.value.partition("(")[0].rpartition(".")[2])
    elif part.name == "eval_dataset":
        yield "eval_strategy"


ROWS = {
    "SFT": '{"text": "good morning"}',
    "DPO": '{"prompt": "say", "chosen": " good", "rejected": " bad"}',
    "GRPO": '{"prompt": "say"}',
    "KTO": '{"prompt": "say", "completion": " good", "label": True}',
    "Reward": '{"chosen": "good day", "rejected": "bad day"}',
    "chat": '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", '
    '"content": "b"}]}',
    "pairs": '{"prompt": "say", "completion": " good"}',
    "tokens": '{"input_ids": [1, 2, 3], "labels": [1, 2, 3]}',
    "named": '{"instruction": "say", "output": "good"}',
}


def _text(sketch: Sketch, folder: str) -> str:
    method = sketch.method
    every = (*sketch.base, *sketch.parts)

    def given(where: str, **default: str) -> str:
        found = default | {part.name: part.value for part in every if part.where == where}
        return ", ".join(f"{name}={value}" for name, value in found.items() if value)

    trainer = {"model": "model", "args": "args", "train_dataset": "rows"}
    if method == "GRPO":
        trainer["reward_funcs"] = "reward"
    trainer |= {"processing_class": "tokenizer", "peft_config": "lora"}
    rows = next((part.value for part in every if part.where == "rows"), ROWS[method])
    labels = {"num_labels": "1"} if method == "Reward" else {}
    loaded = given("loader", **labels)
    imports = [f"from {part.value} import {part.name}" for part in every if part.where == "import"]
    lines = [
        "import torch",
        "import transformers",
        "from datasets import Dataset",
        "from peft import LoraConfig, get_peft_model",
        f"from trl import {method}Config, {method}Trainer",
        *imports,
        f"MODEL = {folder!r}",
        "tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)",
        f"rows = Dataset.from_list([{rows}] * 4)",
        f"model = transformers.{LOADERS.get(method, 'AutoModelForCausalLM')}"
        f".from_pretrained(MODEL{', ' * bool(loaded)}{loaded})",
        f"lora = LoraConfig({given('lora', r='4', lora_alpha='8')})",
        "def reward(completions, **given):",
        "    return [1.0] * len(completions)",
        *(["model = get_peft_model(model, lora)"] if _is_wrapped(every) else []),
        f'args = {method}Config("out", '
        f"{given('config', use_cpu='True', report_to=repr('none'), bf16='False')})",
        f"trainer = {method}Trainer({given('trainer', **trainer)})",
        *(["trainer.train()"] if sketch.trains else []),
    ]
    return "\n".join(lines) + "\n"


def _is_wrapped(parts: tuple[Part, ...]) -> bool:
    return any(part.where == "wrapped" for part in parts)


def sketch(kind: str, chance: random.Random, old: real.OldWheels) -> Sketch:
    """One script of a kind, as parts."""
    makers: dict[str, Callable[[random.Random, real.OldWheels], Sketch]] = {
        "misspelt": _misspelt,
        "keyword": _keyword,
        "name": _name,
        "value": _value,
        "number": _number,
        "together": _together,
        "wiring": _wiring,
    }
    return makers[kind](chance, old)


def _call(chance: random.Random) -> tuple[str, str, str]:
    """A method, where in its script a keyword goes, and the class that takes it."""
    method = chance.choice(METHODS)
    where = chance.choice(("config", "config", "trainer", "trainer", "lora"))
    named = {"config": f"trl.{method}Config", "trainer": f"trl.{method}Trainer"}
    return method, where, named.get(where, "peft.LoraConfig")


def _misspelt(chance: random.Random, _old: real.OldWheels) -> Sketch:
    method, where, callee = _call(chance)
    name = chance.choice(sorted(each for each in real.keywords(callee) if len(each) > 5))
    at = chance.randrange(1, len(name) - 2)
    wrong = chance.choice(
        (
            name[:at] + name[at + 1 :],
            name[:at] + name[at] + name[at:],
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        )
    )
    return Sketch("misspelt", method, (Part(where, wrong, "None"),))


def _keyword(chance: random.Random, old: real.OldWheels) -> Sketch:
    """A keyword of the class itself, of another one, or of the class in an older version."""
    method, where, callee = _call(chance)
    library, _, cls = callee.partition(".")
    mine = real.keywords(callee)
    pool = set(mine) - {"model", "args", "train_dataset", "reward_funcs"}
    if chance.random() < 0.6:
        pool = set(old.keywords(library, cls)) - mine
        if where == "config":
            pool |= old.keywords("transformers", "TrainingArguments") - mine
        other = f"trl.{chance.choice(METHODS)}{chance.choice(('Config', 'Trainer'))}"
        if not pool or chance.random() < 0.5:
            pool = set(real.keywords(other)) - mine
    name = chance.choice(sorted(pool - _MACHINE) or ["report"])
    known = real.fields(callee) if where != "trainer" else {}
    default = known[name].default if name in known else None
    return Sketch("keyword", method, (Part(where, name, _shown(default)),))


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str | int | float | bool | list) else "None"


def _name(chance: random.Random, old: real.OldWheels) -> Sketch:
    library = chance.choice(("trl", "trl", "peft", "transformers"))
    gone = sorted(set(old.names(library)) - set(real.exported(library)))
    pool = gone if gone and chance.random() < 0.6 else list(real.exported(library))
    return Sketch("name", "SFT", (Part("import", chance.choice(pool), library),))


_LOADED = ("attn_implementation", "dtype", "device_map")


def _value(chance: random.Random, _old: real.OldWheels) -> Sketch:
    """A choice that a library lists, one of another keyword, or one that is changed a little."""
    method, where, callee = _call(chance)
    if where == "trainer":
        name = chance.choice(_LOADED)
        choices = {
            "attn_implementation": ("eager", "sdpa", "flex_attention"),
            "dtype": ("auto", "float32", "bfloat16", "float16"),
            "device_map": ("auto", "cpu", "balanced"),
        }[name]
        where, every = "loader", (*choices, "none", "default", "fp32")
    else:
        listed = {
            name: each.choices
            for name, each in real.fields(callee).items()
            if each.choices and name not in _MACHINE | {"peft_type"}
        }
        name = chance.choice(sorted(listed))
        choices = listed[name]
        every = tuple(sorted({value for each in listed.values() for value in each}))
    value = chance.choice(choices)
    if chance.random() < 0.6:
        changed = (value + "s", value[:-1], value.upper(), value.lower(), value.replace("_", "-"))
        value = chance.choice((*changed, chance.choice(every)))
    base = (
        Part("config", "logging_steps", "10"),
        Part("config", "eval_steps", "10"),
        Part("trainer", "eval_dataset", "rows"),
    )
    return Sketch("value", method, (Part(where, name, repr(value)),), base)


def _number(chance: random.Random, _old: real.OldWheels) -> Sketch:
    """A number as a text, negative, zero, a fraction, or as it should be; one step is trained."""
    method = chance.choice(("SFT", "SFT", "SFT", "DPO", "KTO", "Reward"))
    where, callee = chance.choice((("config", f"trl.{method}Config"), ("lora", "peft.LoraConfig")))
    numbers = {
        name: each
        for name, each in real.fields(callee).items()
        if each.types & {int, float} and name not in _MACHINE and not each.types & {bool, str}
    }
    name = chance.choice(sorted(numbers))
    field = numbers[name]
    usual = field.default if isinstance(field.default, int | float) else 1
    odd = ("-1", "0", "0.5" if int in field.types else "1.5", "'many'", repr(str(usual)))
    value = chance.choice((*odd, repr(str(usual)), repr(usual)))
    base = (Part("config", "max_steps", "1"), Part("config", "save_strategy", "'no'"))
    kept = tuple(part for part in base if part.name != name)
    return Sketch("number", method, (Part(where, name, value),), kept, trains=True)


def _together(chance: random.Random, _old: real.OldWheels) -> Sketch:
    """Settings that one condition above a ``raise`` reads, and some others."""
    method = chance.choice(METHODS)
    callee = f"trl.{method}Config"
    known = real.fields(callee)
    free = sorted(set(known) - _MACHINE)
    groups = [
        group for group in real.groups(callee, f"trl.{method}Trainer") if not set(group) & _MACHINE
    ]
    names = list(chance.choice(groups)) if chance.random() < 0.85 else []
    names += chance.sample(free, chance.randint(0 if names else 2, 2))
    parts = tuple(
        Part("config", name, _typed(known[name], chance)) for name in dict.fromkeys(names)
    )
    if chance.random() < 0.7:
        parts = (*parts, Part("trainer", "eval_dataset", "rows"))
    return Sketch("together", method, parts)


def _typed(field: real.Field, chance: random.Random) -> str:
    """A value of the type that the library declares."""
    if field.choices:
        return repr(chance.choice(field.choices))
    usual = field.default if isinstance(field.default, int | float) else 1
    pool = {
        bool: ("True", "True", "False"),
        int: ("1", "2", "3", "8", repr(usual)),
        float: ("0.1", "0.5", "2.0", repr(usual)),
        dict: ("{}",),
        list: ("[]", "[1.0]"),
        type(None): ("None",),
    }
    kinds = [kind for kind in pool if kind in field.types]
    return chance.choice(pool[chance.choice(kinds)]) if kinds else _shown(field.default)


def _wiring(chance: random.Random, _old: real.OldWheels) -> Sketch:
    """What a trainer is given: data of other columns, no tokenizer, a wrapped model, ..."""
    method = chance.choice(METHODS)
    pool = [*_trainer_parts(method, chance), *_lora_parts(chance)]
    pool.append(Part("rows", "rows", ROWS[chance.choice(sorted(ROWS))]))
    pool.append(Part("wrapped", "model"))
    pool.append(Part("config", "eval_strategy", chance.choice(("'steps'", "'epoch'"))))
    if method == "SFT":
        pool.append(Part("config", "dataset_text_field", "'text'"))
        pool.append(Part("config", "assistant_only_loss", "True"))
    return Sketch("wiring", method, tuple(chance.sample(pool, chance.randint(1, 3))))


_OBJECTS = {
    "model": ("MODEL", "None"),
    "args": ("None", ""),
    "train_dataset": ("None", "", "[1]"),
    "eval_dataset": ("rows", "{'a': rows}", "None"),
    "processing_class": ("None", "", "tokenizer"),
    "peft_config": ("None", "", "{'r': 8}"),
    "compute_metrics": ("len",),
    "compute_loss_func": ("len",),
    "callbacks": ("[transformers.EarlyStoppingCallback(2)]", "[transformers.PrinterCallback]"),
    "optimizers": ("(torch.optim.AdamW(model.parameters(), lr=1e-4), None)", "(None, None)"),
    "optimizer_cls_and_kwargs": ("(torch.optim.AdamW, {'lr': 1e-4})",),
    "formatting_func": ("lambda row: 'a'", "None"),
    "ref_model": ("model", "None", "MODEL"),
    "reward_funcs": ("reward", "[]", "[reward, reward]", "MODEL", "None"),
    "reward_processing_classes": ("tokenizer", "[tokenizer, tokenizer]"),
    "data_collator": (
        "transformers.DataCollatorForLanguageModeling(tokenizer)",
        "transformers.DataCollatorForLanguageModeling(tokenizer, mlm=False)",
        "transformers.DataCollatorForSeq2Seq(tokenizer)",
        "transformers.DataCollatorWithPadding(tokenizer)",
        "transformers.default_data_collator",
        "transformers.DataCollatorForWholeWordMask(tokenizer)",
    ),
}
"""Expressions by the name of a trainer's parameter; ``""`` leaves it out."""


def _trainer_parts(method: str, chance: random.Random) -> Iterator[Part]:
    for name in sorted(real.keywords(f"trl.{method}Trainer") & _OBJECTS.keys()):
        yield Part("trainer", name, chance.choice(_OBJECTS[name]))


_LAYERS = {
    "target_modules": (
        "'all-linear'",
        "['q_proj']",
        "['no_such']",
        "['q_proj', 'lm_head']",
        "['self_attn']",
        "'.*_proj'",
        "('q_proj', 'v_proj')",
        "[]",
        "['embed_tokens']",
        "'q_proj'",
        "['norm']",
        "[0, 1]",
    ),
    "exclude_modules": ("['q_proj']", "'q_proj'", "['no_such']"),
    "modules_to_save": ("['lm_head']", "('lm_head',)", "'lm_head'", "['no_such']"),
    "layers_to_transform": ("[0]", "[99]", "0", "-1"),
    "rank_pattern": ("{'q_proj': 8}", "{'no_such': 8}", "{'q_proj': '8'}"),
    "alpha_pattern": ("{'q_proj': 8}", "{'no_such': 8}"),
    "trainable_token_indices": ("[0, 1]", "[99999]", "{'embed_tokens': [0]}"),
    "target_parameters": ("['q_proj.weight']", "['no.weight']"),
    "layer_replication": ("[(0, 2), (1, 3)]", "[[0, 9]]"),
    "loftq_config": ("{}", "{'loftq_bits': 4}"),
    "layers_pattern": ("'layers'", "'blocks'"),
}


def _lora_parts(chance: random.Random) -> Iterator[Part]:
    known = real.fields("peft.LoraConfig")
    for name in chance.sample(sorted(known), 4):
        if name in _LAYERS:
            yield Part("lora", name, chance.choice(_LAYERS[name]))
        elif known[name].types & {bool, int, float, str} and name != "peft_type":
            yield Part("lora", name, _typed(known[name], chance))
    yield Part("lora", "target_modules", chance.choice(_LAYERS["target_modules"]))
