"""Records of finished runs, and programs that only answer with a trained adapter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.engine.check import check, recipes_of
from lora_lint.engine.config import Config
from lora_lint.sources.source import Source

SAVED = {
    "auto_mapping": None,
    "base_model_name_or_path": "Qwen/Qwen2.5-0.5B",
    "fan_in_fan_out": False,
    "inference_mode": True,
    "init_lora_weights": True,
    "lora_alpha": 32,
    "peft_type": "LORA",
    "r": 16,
    "revision": None,
    "target_modules": ["q_proj"],
    "use_dora": True,
}
"""As PEFT before 0.18 saves it, which does not name its own version."""


def codes(name: str, text: str, kind: str = "yaml") -> list[str]:
    report = check(Source(name, kind, text.encode()), Config(), {})
    assert not report.unreadable
    return [finding.code for finding in report.findings]


@pytest.mark.parametrize(
    "summary",
    [
        {"run": {"peft_config": {"default": SAVED}}, "loss": 1.2},
        {"adapters": [SAVED]},
        {"config": {"r": 16, "lora_alpha": 0, "inference_mode": True, "peft_version": "0.21.2"}},
    ],
)
def test_a_record_inside_a_summary_is_not_linted_for_how_to_train(summary: object) -> None:
    text = json.dumps(summary, indent=1)
    (recipe,) = recipes_of(Source("summary.json", "json", text.encode()), Config(), {})
    assert recipe.result
    assert codes("summary.json", text, "json") == []


def test_what_somebody_wrote_is_no_record() -> None:
    """It is switched to inference, and that is a mistake: PEFT wrote none of the other keys."""
    text = "lora:\n  peft_type: LORA\n  r: 16\n  lora_alpha: 0\n  inference_mode: true\n"
    assert "LL101" in codes("mine.yaml", text)
    assert "LL004" in codes("mine.yaml", text)


def test_a_configuration_beside_the_trained_adapter_is_a_record(tmp_path: Path) -> None:
    text = "base_model: m\ndatasets: [{path: d}]\nadapter: lora\nlora_r: 8\nlora_alpha: 0\n"
    path = tmp_path / "config.yaml"
    assert "LL101" in codes(str(path), text)
    (tmp_path / "adapter_model.safetensors").touch()
    assert codes(str(path), text) == []


def test_what_mlx_lm_wrote_beside_its_adapter_is_a_record(tmp_path: Path) -> None:
    text = '{"model": "m", "fine_tune_type": "lora", "iters": 100, "learning_rate": 1e-06, '
    text += '"lora_parameters": {"rank": 16, "scale": 16.0, "dropout": 0.0}}'
    path = tmp_path / "adapter_config.json"
    assert "LL102" in codes(str(path), text, "json")
    (tmp_path / "adapters.safetensors").touch()
    assert codes(str(path), text, "json") == []


LOADS = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
model = PeftModel.from_pretrained(base, "my-adapter")
"""


@pytest.mark.parametrize(
    ("then", "count"),
    [
        ("model.eval()\nprint(model.generate(**inputs))\n", 0),
        ("model = model.merge_and_unload()\nmodel.save_pretrained('out')\n", 1),
        ("from transformers import Trainer\nTrainer(model=model).train()\n", 1),
        ("from mine import fit\nfit(model)\n", 1),
        ("loss = model(**batch).loss\nloss.backward()\n", 1),
    ],
)
def test_a_program_that_only_answers_is_no_recipe(then: str, count: int) -> None:
    report = check(Source("a.py", "python", (LOADS + then).encode()), Config(), {})
    assert report.recipes == count


def test_a_keyword_that_loading_no_longer_takes_is_reported_all_the_same() -> None:
    text = LOADS.replace('0.5B")', '0.5B", load_in_8bit=True)') + "model.generate(**inputs)\n"
    assert codes("a.py", text, "python") == ["LLB07"]
