"""The native configuration: what it takes, what it tells, how ``--set`` changes it."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from launch_cases import CONFIG, folder
from lora_launch.cli import main
from lora_launch.config import config, document, overrides
from lora_launch.errors import LaunchError
from lora_rules.libraries.signatures import fields


def read(text: str, *settings: str) -> config.Config:
    return config.read(changed(text, *settings))


def changed(text: str, *settings: str) -> document.Document:
    return overrides.apply(document.Document("x.yaml", "yaml", text), settings)


def complaint(text: str, *settings: str) -> str:
    with pytest.raises(LaunchError) as caught:
        read(text, *settings)
    return str(caught.value)


def test_a_sound_configuration_is_read_as_written():
    found = read(CONFIG)
    assert found.given("lora") == {"r": 8, "lora_alpha": 16, "target_modules": "all-linear"}
    assert found.given("training")["learning_rate"] == 2e-4
    assert found.given("quantization") == {}


@pytest.mark.parametrize(
    ("section", "callee"),
    [
        ("lora", "peft.LoraConfig"),
        ("training", "trl.SFTConfig"),
        ("quantization", "transformers.BitsAndBytesConfig"),
    ],
)
def test_every_key_of_the_library_is_a_key_of_the_section(section, callee):
    annotation = config.Config.model_fields[section].annotation
    kinds = [annotation, *getattr(annotation, "__args__", ())]
    known = next(kind.model_fields for kind in kinds if hasattr(kind, "model_fields"))
    assert known.keys() == fields(callee)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  r: 8", "  rank: 8", "x.yaml:4: lora has no key rank. Did you mean r?"),
        (
            "  lora_alpha: 16",
            "  lora_alpa: 16",
            "x.yaml:5: lora has no key lora_alpa. Did you mean lora_alpha?",
        ),
        (
            "  r: 8",
            "  learning_rate: 1.0",
            "x.yaml:4: lora has no key learning_rate; it belongs in the section training.",
        ),
        ("  r: 8", "  r: eight", "x.yaml:4: lora.r must be a whole number, not 'eight'."),
        ("use_cpu: true", "use_cpu: 'yes'", "training.use_cpu must be true or false, not 'yes'."),
        ("data:", "dat:", "there is no section dat"),
        ("  train: train.jsonl", "  eval: x", "the key data.train is missing."),
        ("  name: small", "  samples: -1", "run.samples must be at least 0, not -1."),
        (
            "  name: small",
            "hardware: {strategy: dp}\n",
            "hardware.strategy must be auto, ddp, fsdp or deepspeed, not 'dp'.",
        ),
        ("  name: small", "learning_rate: 1\n", "It belongs in the section training."),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_nearest_name(old, new, told):
    text = CONFIG.replace("  output_dir: out\n", "") if new.endswith("\n") else CONFIG
    assert told in complaint(text.replace(old, new))


def test_everything_wrong_is_told_at_once():
    told = complaint(CONFIG.replace("r: 8", "rank: 8").replace("max_length", "max_len"))
    assert len(told.splitlines()) == 2


def test_no_is_a_strategy():
    for value in ("no", "'no'", "false"):
        found = read(CONFIG, f"training.eval_strategy={value}")
        assert found.given("training")["eval_strategy"] == "no"


def test_two_seeds_are_refused():
    assert "keep one" in complaint(CONFIG + "  seed: 1\n", "training.seed=2")


@pytest.mark.parametrize(
    ("setting", "section", "key", "value"),
    [
        ("lora.r=32", "lora", "r", 32),
        ("lora.use_dora=true", "lora", "use_dora", True),
        ("training.learning_rate=1e-5", "training", "learning_rate", 1e-5),
        ("lora.target_modules=[q_proj, v_proj]", "lora", "target_modules", ["q_proj", "v_proj"]),
        ("lora.rank_pattern.q_proj=4", "lora", "rank_pattern", {"q_proj": 4}),
        ("hardware.count=2", "hardware", "count", 2),
        ("run.name=it's: odd", "run", "name", None),
    ],
)
def test_set_changes_one_value(setting, section, key, value):
    if value is None:
        with pytest.raises(LaunchError, match="--set"):
            read(CONFIG, setting)
        return
    found = read(CONFIG, setting).everything
    assert found[section][key] == value
    found[section].pop(key)
    before = read(CONFIG).everything
    before[section].pop(key, None)
    assert found == before


def test_set_into_flow_empty_and_null_sections():
    text = CONFIG.split("run:", maxsplit=1)[0]
    for run in ("run: {name: a}\n", "run: {}\n", "run:\n", ""):
        assert read(text + run, "run.seed=3").run.seed == 3


def test_set_keeps_the_lines_before_it():
    before, after = CONFIG.splitlines(), changed(CONFIG, "lora.r=64").text.splitlines()
    differing = [number for number, line in enumerate(before) if after[number] != line]
    assert differing == [3]


def test_a_wrong_set_is_told_as_such():
    assert complaint(CONFIG, "lora.rank=3").startswith("--set lora.rank=3: lora has no key rank")
    assert "write --set" in complaint(CONFIG, "lora.r")
    assert "has no keys" in complaint(CONFIG, "lora.r.x=1")


def test_schema_is_valid_and_takes_the_example(capsys):
    assert main(["config", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema)
    assert check.is_valid(read(CONFIG).everything | {"quantization": {"load_in_4bit": True}})
    assert not check.is_valid({"model": {}, "lora": {"rank": 1}, "data": {"train": "x"}})


def test_the_model_may_be_a_name(tmp_path):
    path = folder(tmp_path, CONFIG.replace("model:\n  pretrained_model_name_or_path:", "model:"))
    found = config.read(document.load(str(path)))
    assert found.model.pretrained_model_name_or_path == "model"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("none.yaml", None, "there is no such file"),
        ("x.txt", "a", "a configuration is"),
        ("x.yaml", "lora: [", "x.yaml:"),
        ("x.yaml", "", "is empty"),
        ("x.yaml", "colour: red\n", "neither our format"),
        ("x.yaml", b"\xff\xfe\xff", "is not UTF-16 text"),
    ],
)
def test_files_that_are_none(tmp_path, capsys, name, text, told):
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["--config", str(path)]) == 2
    assert told in capsys.readouterr().err
