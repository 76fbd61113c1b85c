"""Fresh configurations to ask PEFT and the linter about: plausible ones, with one or two slips."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from torch import nn

Settings = dict[str, Any]
TASKS = ("CAUSAL_LM", "SEQ_CLS", "SEQ_2_SEQ_LM", "FEATURE_EXTRACTION", "TOKEN_CLS", "QUESTION_ANS")
ELSEWHERE = (
    "q_proj", "v_proj", "o_proj", "out_proj", "query", "value", "c_attn", "c_fc", "dense", "wi",
    "query_key_value", "gate_proj", "up_proj", "down_proj", "fc1", "w1", "w2", "w3", "qkv_proj",
    "gate_up_proj", "in_proj", "x_proj", "lin1", "q_lin", "pwconv1", "lm_head", "embed_tokens",
)  # fmt: skip
"""Layers of many architectures."""

METHODS = (
    "gaussian", "pissa", "olora", "orthogonal", "mica", "pissa_niter_4", "eva", "lora_ga", "corda",
    "loftq",
)  # fmt: skip


class Names:
    """What there is in a model to be named."""

    def __init__(self, model: nn.Module) -> None:
        modules = {path: one for path, one in model.named_modules() if path}
        kinds = {path: type(one).__name__ for path, one in modules.items()}
        adapted = ("Linear", "Conv1D", "Conv2d")
        self.linears = [path for path, kind in kinds.items() if kind in adapted]
        self.leaves = sorted({path.rpartition(".")[2] for path in self.linears})
        self.inner = [name for name in self.leaves if not name.isdigit()] or self.leaves
        self.others = sorted({path.rpartition(".")[2] for path in kinds} - set(self.leaves))
        self.fused = [path for path, one in model.named_parameters() if one.dim() == 3]
        self.task = {
            "ForSequenceClassification": "SEQ_CLS",
            "ForCausalLM": "CAUSAL_LM",
            "LMHeadModel": "CAUSAL_LM",
            "ForConditionalGeneration": "SEQ_2_SEQ_LM",
        }.get(_ending(type(model).__name__))


def _ending(name: str) -> str:
    at = name.find("For")
    return name[at:] if at > 0 else name[-len("LMHeadModel") :]


def draw(model: nn.Module, chance: random.Random) -> Settings:
    """The settings of one case, as JSON could hold them."""
    names = Names(model)
    settings: Settings = {"r": chance.choice([4, 8, 16]), "lora_alpha": chance.choice([16, 32])}
    count = chance.randint(1, min(5, len(names.inner)))
    settings["target_modules"] = chance.sample(names.inner, count)
    if chance.random() < 0.4:
        settings["lora_dropout"] = chance.choice([0.0, 0.05, 0.1])
    if names.task and chance.random() < 0.8:
        settings["task_type"] = names.task
    for slip in chance.sample(SLIPS, chance.choice([0, 1, 1, 1, 2, 2, 3])):
        slip(settings, names, chance)
    return settings


def _typo(name: str, chance: random.Random) -> str:
    at = chance.randrange(len(name))
    return chance.choice([name[:at] + name[at + 1 :], name + "_", name[:at] + "x" + name[at:]])


def _elsewhere(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["target_modules"] = chance.sample(ELSEWHERE, chance.randint(1, 4))


def _mixed(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["target_modules"] = [chance.choice(names.leaves), *chance.sample(ELSEWHERE, 2)]


def _misspelt(settings: Settings, names: Names, chance: random.Random) -> None:
    targets = chance.sample(names.inner, min(2, len(names.inner)))
    targets[0] = _typo(targets[0], chance)
    settings["target_modules"] = targets


def _odd_module(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["target_modules"] = [chance.choice(names.leaves), chance.choice(names.others)]


def _everything(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["target_modules"] = chance.choice(["all-linear", "all-linear", None, "ALL-LINEAR"])


def _expression(settings: Settings, names: Names, chance: random.Random) -> None:
    some = "|".join(chance.sample(names.inner, min(2, len(names.inner))))
    settings["target_modules"] = chance.choice(
        [
            rf".*\.({some})",
            rf".*({some})",
            rf"model\.layers\.\d+\..*({some})",
            rf".*\.0\..*\.({some})",
            some,
            f"({some})$",
        ]
    )


def _paths(settings: Settings, names: Names, chance: random.Random) -> None:
    path = chance.choice(names.linears)
    settings["target_modules"] = [path, ".".join(path.split(".")[-2:])]


def _layers(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["layers_to_transform"] = chance.choice([0, 1, [0], [1], [0, 1], [1, 2], [7], 9, [-1]])
    if chance.random() < 0.4:
        settings["layers_pattern"] = chance.choice(["layers", "layer", "h", ["layers"], "block"])


def _ranks(settings: Settings, names: Names, chance: random.Random) -> None:
    key = chance.choice([*names.inner, _typo(names.inner[0], chance), chance.choice(ELSEWHERE)])
    key = chance.choice([key, key, rf".*\.{key}", rf"\.0\..*{key}"])
    name = chance.choice(["rank_pattern", "alpha_pattern"])
    settings[name] = {key: chance.choice([4, 16, 32, 0] if name == "rank_pattern" else [8, 64])}


def _excluded(settings: Settings, names: Names, chance: random.Random) -> None:
    leaf = chance.choice(names.inner)
    settings["exclude_modules"] = chance.choice(
        [[leaf], leaf, rf".*\.{leaf}", ["vision_tower"], [_typo(leaf, chance)], r".*\.1\..*", ".*"]
    )


def _saved(settings: Settings, names: Names, chance: random.Random) -> None:
    usual = ["lm_head", "embed_tokens", "score", "classifier", "head", "wte", "shared", "norm"]
    usual += [_typo("lm_head", chance), chance.choice(names.leaves), chance.choice(names.others)]
    settings["modules_to_save"] = chance.sample(usual, chance.randint(1, 2))


def _head(settings: Settings, names: Names, chance: random.Random) -> None:
    targets = settings.get("target_modules")
    if isinstance(targets, list):
        more = chance.choice(["lm_head", "embed_tokens", "wte", "score", "classifier"])
        settings["target_modules"] = [*targets, more]


def _parameters(settings: Settings, names: Names, chance: random.Random) -> None:
    fused = sorted({".".join(path.split(".")[-2:]) for path in names.fused})
    some = [*fused, "experts.gate_proj", "mlp.experts.w1", f"{chance.choice(names.leaves)}.weight"]
    settings["target_parameters"] = chance.sample(some, chance.randint(1, 2))
    if chance.random() < 0.4:
        settings["target_modules"] = []
    if chance.random() < 0.7:
        settings["lora_dropout"] = 0.0


def _experts(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["target_modules"] = chance.choice(
        [
            ["q_proj", "gate_proj", "up_proj", "down_proj"],
            ["q_proj", "w1", "w2", "w3"],
            ["q_proj", "up_proj"],
            ["q_proj", "down_proj"],
            ["q_proj", "gate"],
            ["gate_up_proj", "down_proj"],
            r".*\.(q_proj|down_proj)",
        ]
    )


def _tokens(settings: Settings, names: Names, chance: random.Random) -> None:
    layer = chance.choice(["embed_tokens", "wte", "word_embeddings", "lm_head"])
    settings["trainable_token_indices"] = chance.choice(
        [[1, 2], [127], [128], [50000], {layer: [1, 2]}, {"embed_tokens": [1], "lm_head": [1]}]
    )


def _tying(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["ensure_weight_tying"] = True
    if chance.random() < 0.6:
        settings["modules_to_save"] = ["embed_tokens"]


def _task(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["task_type"] = chance.choice([None, *TASKS, "causal_lm", "CLM"])


def _number(settings: Settings, names: Names, chance: random.Random) -> None:
    name, values = chance.choice(
        [
            ("r", [0, -1, "8", 8.0, 128, 300, 64]),
            ("lora_alpha", [0, -8, "16", None, 0.5]),
            ("lora_dropout", [1.0, 1.5, -0.1, "0.1"]),
            ("bias", ["all", "lora_only", "lora", None, "NONE"]),
        ]
    )
    settings[name] = chance.choice(values)


def _method(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["init_lora_weights"] = chance.choice([*METHODS, "kaiming", "PiSSA", True])


def _variant(settings: Settings, names: Names, chance: random.Random) -> None:
    leaf = chance.choice(names.inner)
    settings |= chance.choice(
        [
            {"use_dora": True},
            {"lora_bias": True},
            {"use_rslora": True},
            {"fan_in_fan_out": True},
            {"use_qalora": True},
            {"kasa_config": {"__cls__": "KasaConfig"}},
            {"velora_config": {"__cls__": "VeloraConfig"}},
            {"alora_invocation_tokens": [5, 6]},
            {
                "use_bdlora": {
                    "__cls__": "BdLoraConfig",
                    "target_modules_bd_a": [leaf],
                    "nblocks": 2,
                }
            },
            {"use_dora": True, "lora_bias": True},
        ]
    )


def _copies(settings: Settings, names: Names, chance: random.Random) -> None:
    settings["layer_replication"] = chance.choice([[[0, 2], [1, 2]], [[0, 4]], [[0, 1]], [0, 2]])


def _keyword(settings: Settings, names: Names, chance: random.Random) -> None:
    settings[chance.choice(["rank", "alpha", "dropout", "load_in_4bit", "targets"])] = 8


SLIPS: list[Callable[[Settings, Names, random.Random], None]] = [
    _elsewhere, _mixed, _mixed, _misspelt, _odd_module, _everything, _everything, _expression,
    _expression, _paths, _layers, _layers, _ranks, _ranks, _excluded, _excluded, _saved, _saved,
    _head, _parameters, _experts, _tokens, _tying, _task, _number, _method, _variant, _variant,
    _copies, _keyword,
]  # fmt: skip
"""What may be off; some more often than others."""
