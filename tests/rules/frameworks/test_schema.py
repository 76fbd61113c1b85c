"""A mistake in a framework's table is named, with its line, before it can be built."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conftest import ROOT
from lora_lint.translate.schema.check import TableError, check

sys.path.insert(0, str(ROOT / "tools"))
import build_frameworks

FOLDER = ROOT / "rules" / "lora_rules" / "frameworks"
TABLES = {
    f"frameworks/{path.parent.name}/keys.yaml": path.read_text()
    for path in FOLDER.glob("*/keys.yaml")
}
OTHERS = {"frameworks/not_recipes.yaml": (FOLDER / "not_recipes.yaml").read_text()}


def wrong(table: str, old: str, new: str) -> list[str]:
    """What is reported of a table in which one thing is changed, without file and line."""
    path = f"frameworks/{table}/keys.yaml"
    assert old in TABLES[path]
    changed = TABLES[path].replace(old, new, 1)
    line = TABLES[path][: TABLES[path].index(old)].count("\n") + 1
    with pytest.raises(TableError) as refused:
        check({**TABLES, path: changed}, OTHERS)
    sentences = str(refused.value).splitlines()
    assert all(sentence.startswith(f"{path}:{line}: ") for sentence in sentences)
    return [sentence.removeprefix(f"{path}:{line}: ") for sentence in sentences]


def test_ours_are_right() -> None:
    check(TABLES, OTHERS)


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        (
            "mlx_lm",
            "lora_parameters.rank, default: 8",
            "lora_parameters.rank, defualt: 8",
            "fields.r.defualt is no key of a field; did you mean default?",
        ),
        (
            "mlx_lm",
            "key: data, as: one_or_many",
            "key: data, as: one_or_man",
            "fields.train_dataset.as: one_or_man is no spelling; did you mean one_or_many?",
        ),
        ("mlx_lm", "  optim:", "  optmi:", "optmi is no setting; did you mean optim?"),
        ("mlx_lm", "lora: {key", "lroa: {key", "lroa is no key of a table; did you mean lora?"),
        ("mlx_lm", "lora: {key", "lora: {kye", "lora.kye is no key of the switch"),
        (
            "mlx_lm",
            "values: [lora, dora], ",
            "",
            "lora needs values (those that mean LoRA), pattern or present",
        ),
        ("mlx_lm", "order: 12", "order: first", "order: it should be a valid integer, not 'first'"),
        ("mlx_lm", "order: 12", "order: 0", "order: it should be greater than 0, not 0"),
        (
            "mlx_lm",
            "[lora_parameters]",
            "[lora_parameters is mappin]",
            "is no condition; KEY, ",
        ),
        (
            "mlx_lm",
            "any_of: [lora_par",
            "any_off: [lora_par",
            "signature.any_off is no key of a",
        ),
        ("mlx_lm", "  seed: {key", "  r: {key", "fields.r is written twice"),
        ("mlx_lm", "rank, default: 8", "rank, default: eight", "r.default: 'eight' is not int"),
        ("mlx_lm", "rank, default: 8", "rank, default: {times: 2}", "r.default.of is missing"),
        ("mlx_lm", "{key: seed, default: 0}", "{}", "fields.seed has neither a key nor a default"),
        ("ludwig", "times: 2, of: r}", "times: 2, of: rr}", "rr is no setting"),
        ("ludwig", "times: 2, of: r}", "times: 2, of: max_steps}", "has to stand above it"),
        (
            "ludwig",
            "text_as_numbers: none",
            "text_as_numbers: non",
            "text_as_numbers: it should",
        ),
        ("axolotl", "known_keys: {axolotl", "known_keys: {axoltl", "is no file of known_keys"),
        ("axolotl", "when: load_in_4bit", "when: load_in_4bits", "did you mean load_in_4bit?"),
        (
            "lora_launch",
            "takes: peft.LoraConfig",
            "takes: peft.LoraConfg",
            "mean peft.LoraConfig?",
        ),
        ("lora_launch", "order: 2", "ordr: 2", "ordr is no key of a table; did you mean order?"),
    ],
)
def test_a_mistake_is_named_with_its_line(table: str, old: str, new: str, said: str) -> None:
    sentences = wrong(table, old, new)
    assert any(said in sentence for sentence in sentences), sentences


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        (
            "axolotl",
            "key: seed,",
            "key: sead,",
            "fields.seed: sead is no key of the framework",
        ),
        (
            "oumi",
            "peft.lora_init_weights",
            "peft.lora_init_wieghts",
            "mean peft.lora_init_weights?",
        ),
        ("trl", "key: seed,", "key: sead,", "fields.seed: sead is no key that is known; did"),
        ("mlx_lm", "key: learning_rate", "key: lerning_rate", "did you mean learning_rate?"),
        ("mlx_lm", "key: batch_size", "key: batch_szie", "did you mean batch_size?"),
        (
            "torchtune",
            "optimizer.weight_decay",
            "optimizer.wieght_decay",
            "mean optimizer.weight",
        ),
    ],
)
def test_a_misspelt_key_of_a_framework_is_named(table: str, old: str, new: str, said: str) -> None:
    (sentence,) = wrong(table, old, new)
    assert said in sentence


def test_a_word_that_only_one_framework_has_is_no_mistake() -> None:
    path = "frameworks/trl/keys.yaml"
    new = TABLES[path].replace("key: seed,", "key: dungeon_number,")
    check({**TABLES, path: new}, OTHERS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("framework: x\n", "x:1: needs two documents: how a file is known, and what it says"),
        ("framework: [x\n---\n", "x:2: is no YAML: "),
        ("framework: x\n---\n{}\n", "x:1: signature is missing"),
    ],
)
def test_a_file_that_is_no_table_is_named(text: str, said: str) -> None:
    with pytest.raises(TableError) as refused:
        check({"x": text}, {})
    assert str(refused.value).startswith(said)


def test_the_files_that_are_left_alone_are_checked_too() -> None:
    with pytest.raises(TableError, match=r"y:2: DeepSpeed.all_off is no key of a signature"):
        check({}, {"y": "DeepSpeed:\n  all_off: [zero_optimization]\n"})


def test_a_wrong_table_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "frameworks"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "keys.yaml").write_text("framework: M\nsignature: {}\n---\nfeilds: {}\n")
    (folder / "not_recipes.yaml").write_text("{}\n")
    monkeypatch.setattr(build_frameworks, "FOLDER", folder)
    monkeypatch.setattr(build_frameworks, "OTHERS", folder / "not_recipes.yaml")
    with pytest.raises(TableError, match=r"mine/keys.yaml:4: feilds is no key of a table; did you"):
        build_frameworks.tables()
