"""The vocabulary: every setting once, and everything that six partial lists said before it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from lora_launch.config.config import TYPES, Lora, Training
from lora_lint.engine.config import DECLARATIONS
from lora_lint.engine.declare import LIBRARIES
from lora_lint.report.setting_groups import group_of, grouped, is_principal
from lora_lint.translate import framework
from lora_lint.translate.draft import ADAPTER
from lora_rules.engine.askable import OF_COMMENTS, is_setting
from lora_rules.engine.facts import FACTS
from lora_rules.engine.types import is_annotation
from lora_rules.engine.views import VIEWS
from lora_rules.recipe import Origin, Setting
from lora_rules.settings import SETTINGS, Declared, names_where

BEFORE = json.loads((ROOT / "tests" / "data" / "setting_lists.json").read_text())
"""The six lists as they were on the day when the vocabulary replaced them."""

NEW = {
    "lists": {
        *("added_tokens", "dropped_options", "miscut_words", "debug", "report_to"),
        "targets_beside_all",
    },
    "mappings": {
        "dataset_kwargs",
        "device_map",
        "gradient_checkpointing_kwargs",
        "lr_scheduler_kwargs",
        "model_init_kwargs",
    },
    "numbers": {
        "eval_accumulation_steps",
        "eval_steps",
        "gpus_per_process",
        "label_smoothing_factor",
        "layers_to_transform",
        "max_grad_norm",
        "num_labels",
        "save_steps",
        "served_rank",
        "train_rows",
    },
    "flags": {
        "at_module_level",
        "autocast_adapter_dtype",
        "dataloader_drop_last",
        "ensure_weight_tying",
        "load_best_model_at_end",
        "lora_bias",
        "online",
        "swept_by_loop",
        "trust_remote_code",
        "use_cpu",
        "use_liger_kernel",
        "use_qalora",
    },
}
"""What the lists had forgotten: the type of each says that it belongs there."""


class TestWhatTheListsSaid:
    @pytest.mark.parametrize(
        ("title", "now"),
        [
            ("lists", names_where(lambda setting: setting.takes_list)),
            ("mappings", names_where(lambda setting: setting.takes_mapping)),
            ("numbers", names_where(lambda setting: setting.is_number)),
            ("flags", names_where(lambda setting: setting.is_flag)),
            ("adapter", ADAPTER),
            ("never_none", names_where(lambda setting: None in setting.never)),
            ("never_empty", names_where(lambda setting: "" in setting.never)),
            ("never_zero", names_where(lambda setting: 0 in setting.never)),
        ],
    )
    def test_every_list(self, title: str, now: frozenset[str]) -> None:
        assert now == set(BEFORE[title]) | NEW.get(title, set())

    def test_headings(self) -> None:
        assert {name: group_of(name) for name in BEFORE["groups"]} == BEFORE["groups"]

    def test_the_order_under_a_heading_and_which_defaults_are_shown(self) -> None:
        settings = {name: Setting(name, (1,), Origin.WRITTEN, name) for name in reversed(SETTINGS)}
        shown = {
            title: tuple(each.name for each in found if is_principal(each.name))
            for title, found in grouped(settings).items()
        }
        assert shown == {title: tuple(names) for title, names in BEFORE["order"].items()}

    def test_texts(self) -> None:
        assert {name: SETTINGS[name].doc for name in BEFORE["meanings"]} == BEFORE["meanings"]

    def test_the_launcher_takes_what_a_default_does_not_show(self) -> None:
        training = {
            "report_to": ["wandb", "tensorboard"],
            "lr_scheduler_kwargs": {"num_cycles": 2},
            "max_length": None,
            "warmup_steps": 0.1,
            "fsdp": ["full_shard", "auto_wrap"],
            "include_num_input_tokens_seen": "all",
        }
        adapter = {"init_lora_weights": "pissa", "lora_alpha": 22.5, "target_modules": "all-linear"}
        assert Training.model_validate(training).model_dump(exclude_unset=True) == training
        assert Lora.model_validate(adapter).model_dump(exclude_unset=True) == adapter


class TestDeclarations:
    @pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
    def test_it_is_whole(self, setting: Declared) -> None:
        assert setting.doc.endswith((".", "`."))
        assert setting.name.isidentifier()
        assert set(setting.kinds) <= {*TYPES, "VersionRange"}  # nobody writes a pin there
        assert len(set(setting.kinds)) == len(setting.kinds)

    def test_none_is_declared_twice(self) -> None:
        text = (ROOT / "rules" / "lora_rules" / "settings.py").read_text()
        names = re.findall(r'^    Declared\("(\w+)"', text, re.MULTILINE)
        assert names == list(SETTINGS)

    def test_a_rule_can_ask_for_every_type_but_that_of_pairs(self) -> None:
        kinds = {kind for setting in SETTINGS.values() for kind in setting.kinds}
        assert {kind for kind in kinds if not is_annotation(kind)} == {"list[list[int]]"}

    def test_what_can_be_declared_beside_a_recipe_is_there(self) -> None:
        names = {setting for setting, _ in DECLARATIONS.values()} - {"model_name_or_path"}
        names |= {f"pinned_{library.replace('-', '_')}" for library in LIBRARIES} | {"online"}
        assert names_where(lambda setting: setting.owner == "declaration") == names


def _asked(tree: ast.AST) -> Iterator[str]:
    """Names by which code asks a recipe for a setting."""
    for node in ast.walk(tree):
        given: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            method, owner = node.func.attr, ast.unparse(node.func.value)
            if owner == "keys":  # the keys of a file, as they are written
                continue
            if method in ("known", "may_be") or (method == "get" and owner.endswith("settings")):
                given = node.args[0]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(
            "recipe.settings"
        ):
            given = node.slice
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            yield given.value


@pytest.mark.parametrize("package", ["rules", "lint"])
def test_every_name_that_code_asks_for_is_one(package: str) -> None:
    files = sorted(Path(ROOT / package).rglob("*.py"))
    asked = {name for file in files for name in _asked(ast.parse(file.read_text()))}
    unknown = asked - set(FACTS) - set(VIEWS) - OF_COMMENTS
    assert asked  # few in the rules: a rule names its settings as parameters
    assert {name for name in unknown if not is_setting(name)} == set()


def test_every_field_of_a_table_is_one() -> None:
    names = {
        field.name for name in framework.names() for field in framework.load(name).table.fields
    }
    assert {name for name in names if not is_setting(name)} == set()
