"""Random settings of ``LoraConfig`` for a model, plausible ones and some that PEFT refuses."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

LINEAR = {"Linear", "Conv1D", "NonDynamicallyQuantizableLinear"}
TASKS = {"causal": "CAUSAL_LM", "seq2seq": "SEQ_2_SEQ_LM", "sequence": "SEQ_CLS"}


class _Names:
    """What there is in a model to be named."""

    def __init__(self, model: nn.Module) -> None:
        modules = dict(model.named_modules())
        self.linears = [path for path, one in modules.items() if type(one).__name__ in LINEAR]
        self.tables = [path for path, one in modules.items() if "Embedding" in type(one).__name__]
        self.tables = [path for path in self.tables if hasattr(modules[path], "num_embeddings")]
        self.others = [path for path in modules if path and path not in self.linears]
        self.leaves = sorted({path.rpartition(".")[2] for path in self.linears}) or ["q_proj"]
        self.fused = [name for name, one in model.named_parameters() if one.dim() == 3]
        self.lists = sorted(
            {path.split(".")[at - 1] for path in self.linears for at in _indices(path) if at}
        )
        depths = [int(path.split(".")[at]) for path in self.linears for at in _indices(path)]
        self.depth = max(depths, default=0) + 1


def _indices(path: str) -> list[int]:
    return [at for at, part in enumerate(path.split(".")) if part.isdigit()]


def random_adapter(model: nn.Module, task: str, chance: random.Random) -> dict[str, Any]:
    """Settings; JSON can hold them."""
    names = _Names(model)
    adapter: dict[str, Any] = {"r": chance.choice([1, 2, 4, 8, 16, 64])}
    adapter["target_modules"] = targets = _targets(names, chance)
    for share, settings in (
        (0.25, _ranks),
        (0.2, _excluded),
        (0.2, _saved),
        (0.15, _fused),
        (0.05, _tokens),
        (0.15, _flags),
        (0.2, _biases),
    ):
        if chance.random() < share:
            adapter |= settings(names, chance)
    if isinstance(targets, list) and chance.random() < 0.3:
        adapter |= _layers(names, chance)
    if task in TASKS and chance.random() < (0.7 if task == "sequence" else 0.3):
        adapter["task_type"] = TASKS[task]
    return adapter


def _targets(names: _Names, chance: random.Random) -> list[str] | str | None:
    kind = chance.random()
    some = chance.sample(names.leaves, chance.randint(1, min(5, len(names.leaves))))
    if kind < 0.2:
        return "all-linear"
    if kind < 0.28:
        return None
    if kind < 0.45:
        return _expression(names, some, chance)
    if kind < 0.55:
        paths = chance.sample(names.linears, min(2, len(names.linears)))
        return [*some, *(path.split(".", chance.randint(0, 2))[-1] for path in paths)]
    if kind < 0.62 and names.tables:
        return [*some, chance.choice(names.tables).rpartition(".")[2]]
    if kind < 0.66:
        return [*some, chance.choice(names.others).rpartition(".")[2]]
    if kind < 0.7:
        return [*some, "no_such_module", "o_proj"]
    return some


def _expression(names: _Names, some: list[str], chance: random.Random) -> str:
    return chance.choice(
        [
            rf".*\.({'|'.join(some)})",
            rf".*\.{chance.randrange(names.depth)}\..*({'|'.join(some)})",
            rf".*({'|'.join(some)})$",
            r".*(proj|dense|fc1|query|c_attn)",
            r".*(attn|attention).*(q|k|v|query|value)(_proj)?",
            rf"(?!.*\.0\.).*({'|'.join(some)})",
        ]
    )


def _ranks(names: _Names, chance: random.Random) -> dict[str, Any]:
    path = chance.choice(names.linears) if names.linears else "q_proj"
    keys = [chance.choice(names.leaves), path.replace(".", r"\."), rf"^{path}", "down_proj"]
    keys += [rf".*\.{chance.randrange(names.depth)}\..*{chance.choice(names.leaves)}", "nothing"]
    chosen = chance.sample(keys, chance.randint(1, 3))
    return {"rank_pattern": {key: chance.choice([2, 3, 12]) for key in chosen}}


def _excluded(names: _Names, chance: random.Random) -> dict[str, Any]:
    leaf = chance.choice(names.leaves)
    lists = [leaf, *chance.sample(names.linears, min(2, len(names.linears)))]
    return {"exclude_modules": chance.choice([[leaf], lists, rf".*\.0\..*{leaf}", ["nothing"]])}


def _saved(names: _Names, chance: random.Random) -> dict[str, Any]:
    tables = [path.rpartition(".")[2] for path in names.tables] or ["embed_tokens"]
    usual = ["lm_head", "embed_tokens", "score", "classifier", "head", "nothing"]
    return {"modules_to_save": chance.sample([*usual, *tables], chance.randint(1, 3))}


def _fused(names: _Names, chance: random.Random) -> dict[str, Any]:
    if not names.fused:
        return {"target_parameters": [f"{chance.choice(names.leaves)}.weight"]}
    leaves = sorted({".".join(name.split(".")[-2:]) for name in names.fused})
    return {"target_parameters": chance.sample(leaves, chance.randint(1, len(leaves)))}


def _tokens(_names: _Names, chance: random.Random) -> dict[str, Any]:
    return {"trainable_token_indices": sorted(chance.sample(range(20), 3))}


def _flags(_names: _Names, chance: random.Random) -> dict[str, Any]:
    return chance.choice(
        [{"use_dora": True}, {"use_dora": True}, {"lora_bias": True}, {"lora_dropout": 0.05}]
    )


def _biases(_names: _Names, chance: random.Random) -> dict[str, Any]:
    return {"bias": chance.choice(["all", "all", "lora_only"])}


def _layers(names: _Names, chance: random.Random) -> dict[str, Any]:
    some = sorted(chance.sample(range(names.depth + 1), chance.randint(1, names.depth)))
    layers: dict[str, Any] = {"layers_to_transform": chance.choice([some, some, some[0], []])}
    if names.lists and chance.random() < 0.4:
        pattern = chance.choice(names.lists)
        layers["layers_pattern"] = chance.choice([pattern, [pattern, "h"], [pattern]])
    return layers
