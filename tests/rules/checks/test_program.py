"""What a program is asked once, and what of it belongs to one recipe."""

from __future__ import annotations

from lora_lint.engine.config import Config
from pages import lint

HEAD = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments
"""
RUN = """\
bnb{i} = BitsAndBytesConfig(load_in_4bit=True)
base{i} = AutoModelForCausalLM.from_pretrained("m/m-8B", quantization_config=bnb{i})
model{i} = get_peft_model(base{i}, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"]))
trainer{i} = Trainer(model=model{i}, args=TrainingArguments("out{i}"))
trainer{i}.train()
"""


def test_each_recipe_of_a_program_is_asked_for_its_own_model() -> None:
    text = HEAD + "".join(RUN.format(i=i) for i in range(3))
    found = lint(text, "python", Config())
    lines = [finding.span.line for finding in found if finding.code == "LL504"]
    assert lines == [5, 10, 15]


def test_what_is_about_the_program_alone_is_reported_once() -> None:
    merge = "model{i}.merge_and_unload()\n"
    text = HEAD + "".join((RUN + merge).format(i=i) for i in range(3))
    found = [finding for finding in lint(text, "python", Config()) if finding.code == "LL508"]
    assert [finding.span.line for finding in found] == [8, 14, 20]
