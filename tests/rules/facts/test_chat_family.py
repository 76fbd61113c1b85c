"""With which token a chat model begins a turn: from LLaMA-Factory's own constants."""

from __future__ import annotations

import pytest

from lora_rules.facts.model.chat_family import family, family_of_template, template_of


@pytest.mark.parametrize(
    ("model", "template", "begins"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "qwen", "<|im_start|>"),
        ("/models/Qwen2.5-7B-Instruct/", "qwen", "<|im_start|>"),
        ("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit", "llama3", "<|start_header_id|>"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama3", "<|start_header_id|>"),
        ("google/gemma-3-4b-it", "gemma3", "<start_of_turn>"),
        ("lmsys/vicuna-7b-v1.5", "vicuna", ""),
        ("Qwen/Qwen2.5-7B", "", ""),
        ("my-company/chat", "", ""),
        ("", "", ""),
    ],
)
def test_a_chat_model_is_known_by_the_last_part_of_its_name(model, template, begins) -> None:
    assert template_of(model) == template
    assert family(model) == begins


@pytest.mark.parametrize(
    ("template", "begins"),
    [("qwen3_nothink", "<|im_start|>"), ("mistral", "[INST]"), ("default", ""), ("none", "")],
)
def test_a_template_has_the_token_of_its_user_turns(template, begins) -> None:
    assert family_of_template(template) == begins
    assert family_of_template("deepseek-r1") == "", "the name of a model is none of a template"


def test_templates_of_one_family_begin_a_turn_alike() -> None:
    assert {family_of_template(name) for name in ("qwen", "qwen3", "qwen3_nothink")} == {
        "<|im_start|>"
    }
