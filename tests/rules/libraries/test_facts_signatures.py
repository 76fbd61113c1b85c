"""The table of signatures says what the wheels on PyPI say."""

from __future__ import annotations

import json
import os

import pytest

from lora_lint.sources.pins.requirement import parse
from lora_rules.engine.version_range import VersionRange
from lora_rules.libraries import signatures

SERVICES = {"tinker", "together", "fireworks"}
"""Libraries whose calls have a service train."""


def test_newest_defaults_of_lora_config() -> None:
    known = signatures.defaults("peft.LoraConfig")
    wanted = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "bias": "none", "target_modules": None}
    assert {name: known[name] for name in wanted} == wanted
    assert known["init_lora_weights"] is True
    assert known["use_rslora"] is False
    assert known["use_dora"] is False


def test_newest_defaults_of_quantization() -> None:
    known = signatures.defaults("transformers.BitsAndBytesConfig")
    assert known["bnb_4bit_quant_type"] == "fp4"
    assert known["bnb_4bit_compute_dtype"] == "float32"
    assert known["bnb_4bit_quant_storage"] == "uint8"
    assert known["load_in_4bit"] is False


@pytest.mark.parametrize(
    ("callee", "field", "value"),
    [
        ("transformers.TrainingArguments", "learning_rate", 5e-5),
        ("transformers.TrainingArguments", "per_device_train_batch_size", 8),
        ("transformers.TrainingArguments", "lr_scheduler_type", "linear"),
        ("trl.SFTConfig", "learning_rate", 2e-5),
        ("trl.SFTConfig", "max_length", 1024),
        ("trl.SFTConfig", "gradient_checkpointing", True),
        ("trl.SFTConfig", "per_device_train_batch_size", 8),
        ("trl.DPOConfig", "learning_rate", 1e-6),
        ("peft.AdaLoraConfig", "init_r", 12),
        ("peft.AdaLoraConfig", "lora_alpha", 8),
        ("unsloth.FastLanguageModel.get_peft_model", "r", 16),
        ("unsloth.FastLanguageModel.from_pretrained", "load_in_4bit", True),
        ("unsloth.FastLanguageModel.from_pretrained", "max_seq_length", 2048),
    ],
)
def test_newest_default(callee: str, field: str, value: object) -> None:
    assert signatures.defaults(callee)[field] == value


def test_what_nobody_accepts() -> None:
    known = signatures.fields("peft.LoraConfig")
    assert {"r", "lora_alpha", "target_modules", "task_type", "modules_to_save"} <= known
    assert not {"rank", "alpha", "lora_r", "dropout", "load_in_4bit", "self"} & known
    assert not {"fsdp_typo", "self"} & signatures.fields("trl.SFTConfig")


def test_fields_come_and_go() -> None:
    assert signatures.introduced("peft.LoraConfig", "use_dora") == "0.9.0"
    assert signatures.introduced("peft.LoraConfig", "r") is None
    assert signatures.introduced("peft.LoraConfig", "no_such_field") is None
    assert signatures.removed("peft.LoraConfig", "r") is None
    assert signatures.removed("trl.SFTConfig", "max_seq_length") == "0.20.0"
    assert signatures.introduced("trl.SFTConfig", "max_length") == "0.16.0"
    assert signatures.removed("transformers.TrainingArguments", "warmup_ratio") == "5.15.0"


def test_a_child_asks_its_parent() -> None:
    assert signatures.removed("trl.SFTConfig", "overwrite_output_dir") == "5.0.0"
    assert signatures.introduced("trl.SFTConfig", "eval_strategy") == "4.41.0"


def test_versions_matter() -> None:
    assert "use_dora" not in signatures.fields("peft.LoraConfig", "0.8.0")
    assert "use_dora" in signatures.fields("peft.LoraConfig", "0.9")
    assert signatures.defaults("peft.LoraConfig", "0.3.0")["lora_alpha"] is None
    assert "max_seq_length" in signatures.fields("trl.SFTConfig", "0.12.0")
    assert "max_seq_length" not in signatures.fields("trl.SFTConfig")


def test_between_two_samples_both_count() -> None:
    """0.8.2 is read neither: what 0.8.0 or 0.9.0 has cannot be called unknown."""
    between = signatures.fields("peft.LoraConfig", "0.8.2")
    assert between == signatures.fields("peft.LoraConfig", "0.8.0") | signatures.fields(
        "peft.LoraConfig", "0.9.0"
    )
    assert "lora_alpha" not in signatures.defaults("peft.LoraConfig", "0.3.1")
    assert signatures.defaults("peft.LoraConfig", "0.3.1")["r"] == 8


def test_a_parent_of_unknown_version_is_not_held_against_anybody() -> None:
    assert "no_cuda" not in signatures.fields("trl.SFTConfig")
    assert "no_cuda" in signatures.fields("trl.SFTConfig", "0.12.0")
    assert "no_cuda" in signatures.fields("trl.SFTConfig", None, "4.46.1")


def test_newer_than_the_newest_is_the_newest() -> None:
    newest = signatures.versions("peft.LoraConfig")[-1]
    assert signatures.fields("peft.LoraConfig", "99.0") == signatures.fields("peft.LoraConfig")
    assert signatures.fields("peft.LoraConfig", newest) == signatures.fields("peft.LoraConfig")


def span(text: str) -> VersionRange:
    requirement = parse(f"peft{text}", "requirements.txt")
    assert requirement is not None
    return VersionRange((requirement.conditions,))


def test_a_range_has_what_any_of_its_versions_has() -> None:
    def has_dora(text: str) -> bool:
        return "use_dora" in signatures.fields("peft.LoraConfig", span(text))

    assert not has_dora("<0.9.0")
    assert not has_dora(">=0.5,<0.9")
    assert has_dora("<=0.9.0")
    assert has_dora(">=0.5")
    assert has_dora("==0.9.*")
    assert has_dora("<0.9.0") is has_dora("==0.8.0") is False


def test_a_default_that_changes_within_a_range_is_not_known() -> None:
    assert "lora_alpha" not in signatures.defaults("peft.LoraConfig", span(">=0.3.0,<0.5"))
    assert signatures.defaults("peft.LoraConfig", span(">=0.9"))["lora_alpha"] == 8


def test_the_newest_of_a_range() -> None:
    assert signatures.newest("peft.LoraConfig", span("<0.9.0")) == "0.8.0"
    assert signatures.newest("peft.LoraConfig", span(">=99")) is None


@pytest.mark.parametrize(
    ("text", "above"),
    [("==99.0", True), (">=99", True), (">=0.9", False), ("<99", False), ("", False)],
)
def test_what_is_newer_than_everything_read(text: str, above: bool) -> None:
    assert signatures.is_above_table("peft.LoraConfig", span(text)) is above


def test_the_newest_one_read_is_not_above_the_table() -> None:
    newest = signatures.versions("peft.LoraConfig")[-1]
    assert not signatures.is_above_table("peft.LoraConfig", span(f">={newest}"))
    assert signatures.is_above_table("peft.LoraConfig", span(f">{newest}"))


def test_what_is_not_there() -> None:
    with pytest.raises(KeyError):
        signatures.fields("peft.NoSuchConfig")
    with pytest.raises(KeyError):
        signatures.fields("peft.LoraConfig", "0.1.0")


def test_open_signatures_are_marked() -> None:
    closed = {callee for callee in signatures.callees() if not signatures.is_open(callee)}
    assert {"peft.LoraConfig", "trl.SFTConfig", "transformers.TrainingArguments"} <= closed
    assert "unsloth.FastLanguageModel.get_peft_model" not in closed
    assert "transformers.BitsAndBytesConfig" not in closed


def test_allowed_strings() -> None:
    assert set(signatures.choices("peft.LoraConfig", "task_type")) == {
        "SEQ_CLS",
        "SEQ_2_SEQ_LM",
        "CAUSAL_LM",
        "TOKEN_CLS",
        "QUESTION_ANS",
        "FEATURE_EXTRACTION",
    }
    assert set(signatures.choices("peft.LoraConfig", "bias")) == {"none", "all", "lora_only"}
    newest = signatures.choices("peft.LoraConfig", "init_lora_weights")
    assert {"gaussian", "pissa", "olora", "eva", "corda", "loftq", "orthogonal"} <= set(newest)
    assert "pissa" not in signatures.choices("peft.LoraConfig", "init_lora_weights", "0.7.0")
    assert signatures.choices("peft.LoraConfig", "r") == ()


@pytest.mark.parametrize("callee", sorted(signatures.callees()))
def test_every_callee_can_be_read(callee: str) -> None:
    assert signatures.versions(callee)
    assert set(signatures.defaults(callee)) <= signatures.fields(callee)


def test_each_library_has_its_own_callees_and_they_are_small() -> None:
    assert signatures.libraries() == {"peft", "transformers", "trl", "unsloth", *SERVICES}
    folder = os.path.dirname(signatures.__file__)
    for library in signatures.libraries():
        path = os.path.join(folder, library, "signatures.json")
        assert os.path.getsize(path) < 80_000
        with open(path, encoding="utf-8") as table:
            assert {name.partition(".")[0] for name in json.load(table)} == {library}


def test_only_the_library_in_question_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(signatures.packaged, "entry", lambda file, _name: read.append(file))
    signatures._find.cache_clear()
    assert not signatures.is_known("trl.SFTConfig")
    assert not signatures.is_known("numpy.linspace")
    assert read == ["libraries/trl/signatures.json"]
    signatures._find.cache_clear()
