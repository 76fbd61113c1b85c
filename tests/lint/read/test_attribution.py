"""Which model an adapter is put on, when a file holds more than one, or something else."""

from __future__ import annotations

import textwrap

import pytest

from lora_lint.read.python.reader import read
from lora_lint.sources.source import Source

HEAD = """\
import torch
from diffusers import StableDiffusionPipeline
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from torch import nn
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, CLIPTextModel, Trainer
from trl import SFTTrainer
from ours import build
NF4 = BitsAndBytesConfig(load_in_4bit=True)
"""
MODEL, FOUR_BIT = "model_name_or_path", "load_in_4bit"


def bases(code: str) -> list[tuple[object, object]]:
    """Of each adapter, by its rank: the model it is put on, and whether that is quantized."""
    text = HEAD + textwrap.dedent(code)
    recipes = read(Source("train.py", "python", text.encode())).recipes
    by_rank = sorted(recipes, key=lambda recipe: recipe.settings["r"].value)  # type: ignore[arg-type]
    return [
        tuple(  # type: ignore[misc]
            setting.value if (setting := recipe.settings.get(name)) and setting.known else None
            for name in (MODEL, FOUR_BIT)
        )
        for recipe in by_rank
    ]


OTHERS = {
    "a second adapter on a module of the file that is wrapped already": """
        class Head(nn.Module):
            def __init__(self):
                super().__init__()
                self.enc = nn.Linear(8, 8)
        def one(device):
            head = Head()
            head = get_peft_model(head, build("first")).to(device)
            head.add_adapter("other", LoraConfig(r=1, target_modules=["enc"]))
        def two(folder):
            return AutoModelForCausalLM.from_pretrained("a/b")
    """,
    "what a parameter builds, beside a model of another function": """
        def one(factory):
            model = factory()
            model = get_peft_model(model, LoraConfig(r=1, target_modules=["enc"]))
        def two(folder):
            return AutoModelForCausalLM.from_pretrained("a/b")
    """,
    "a module of the file beside a model": """
        class Head(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.enc = nn.Linear(width, width)
        backbone = AutoModelForCausalLM.from_pretrained("a/b")
        head = get_peft_model(Head(64), LoraConfig(r=1, target_modules=["enc"]))
    """,
    "a part of a pipeline, beside its text encoder": """
        encoder = CLIPTextModel.from_pretrained("a/clip")
        pipe = StableDiffusionPipeline.from_pretrained("a/sd", text_encoder=encoder)
        unet = pipe.unet
        unet.add_adapter(LoraConfig(r=1, target_modules=["to_q"]))
    """,
    "what another module builds, beside a teacher": """
        teacher = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=NF4)
        student = build("small")
        student = get_peft_model(student, LoraConfig(r=1))
    """,
}


@pytest.mark.parametrize("name", OTHERS)
def test_an_adapter_on_something_else_has_no_model_of_the_file(name: str) -> None:
    assert bases(OTHERS[name]) == [(None, None)]


def test_a_configuration_for_nobody_does_not_get_the_model_of_another_one() -> None:
    assert bases("""
        CASES = [LoraConfig(r=1, target_modules=["enc"])]
        def two():
            model = AutoModelForCausalLM.from_pretrained("a/b")
            return get_peft_model(model, LoraConfig(r=2))
    """) == [(None, None), ("a/b", False)]


SAME = {
    "through a function of another module": """
        base = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=NF4)
        model = build(base)
        model = get_peft_model(model, LoraConfig(r=1))
    """,
    "inside a module of the file": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.lm = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=NF4)
        model = get_peft_model(Net(), LoraConfig(r=1))
    """,
    "as an attribute that another method assigns": """
        class Job:
            def load(self):
                self.lm = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=NF4)
            def run(self):
                teacher = AutoModelForCausalLM.from_pretrained("c/d")
                SFTTrainer(model=self.lm, peft_config=LoraConfig(r=1)).train()
    """,
    "as a name of the module, from a function that nothing calls": """
        base = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=NF4)
        teacher = AutoModelForCausalLM.from_pretrained("c/d")
        def run():
            SFTTrainer(model=base, peft_config=LoraConfig(r=1)).train()
    """,
}


@pytest.mark.parametrize("name", SAME)
def test_a_model_is_followed(name: str) -> None:
    assert bases(SAME[name]) == [("a/b", True)]


def test_two_builders_have_each_their_own_model() -> None:
    assert bases("""
        def small():
            model = AutoModelForCausalLM.from_pretrained("a/small")
            return get_peft_model(model, LoraConfig(r=1))
        def large():
            model = AutoModelForCausalLM.from_pretrained("a/large", quantization_config=NF4)
            model = prepare_model_for_kbit_training(model)
            return get_peft_model(model, LoraConfig(r=2))
    """) == [("a/small", False), ("a/large", True)]


def test_a_builder_that_gets_its_model_from_elsewhere_has_not_the_others() -> None:
    assert bases("""
        def lora(name):
            return get_peft_model(build(name), LoraConfig(r=1))
        def qlora(name):
            model = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=NF4)
            return get_peft_model(model, LoraConfig(r=2))
    """) == [(None, None), ("a/b", True)]


def test_two_callers_of_one_loader_have_each_their_own_arguments() -> None:
    assert bases("""
        def load(name, bnb=None):
            return AutoModelForCausalLM.from_pretrained(name, quantization_config=bnb)
        def small():
            return get_peft_model(load("a/small"), LoraConfig(r=1))
        def large():
            return get_peft_model(load("a/large", NF4), LoraConfig(r=2))
    """) == [("a/small", False), ("a/large", True)]


def test_a_configuration_that_may_be_none_decides_nothing() -> None:
    text = HEAD + textwrap.dedent("""
        import sys
        bnb = NF4 if len(sys.argv) > 1 else None
        model = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=bnb)
        model = get_peft_model(model, LoraConfig(r=1))
    """)
    (recipe,) = read(Source("train.py", "python", text.encode())).recipes
    assert set(recipe.settings[FOUR_BIT].candidates) == {True, False}


def test_an_adapter_that_was_removed_does_not_belong_to_what_comes_after() -> None:
    text = HEAD + textwrap.dedent("""
        base = AutoModelForCausalLM.from_pretrained("a/b")
        first = get_peft_model(base, LoraConfig(r=1))
        first.unload()
        second = get_peft_model(base, LoraConfig(r=2))
        Trainer(model=second)
    """)
    first, second = read(Source("train.py", "python", text.encode())).recipes
    wraps = [block.receiver for block in second.blocks if block.receiver.endswith("get_peft_model")]
    assert len(wraps) == 1
    assert "transformers.Trainer" in [block.receiver for block in second.blocks]
    assert "transformers.Trainer" not in [block.receiver for block in first.blocks]
