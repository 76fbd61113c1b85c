# ruff: noqa: E501 (programs on one line)
"""The calls of a script, in order, and the objects that they act on."""

from __future__ import annotations

import textwrap

import pytest

from lora_lint.read import notebook
from lora_lint.read.python.reader import read
from lora_lint.sources.source import Source
from lora_rules.recipe import Call, Recipe, Thing

HEAD = """\
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
"""


def recipes(code: str) -> tuple[Recipe, ...]:
    text = HEAD + textwrap.dedent(code)
    return read(Source("train.py", "python", text.encode())).recipes


def calls(code: str) -> tuple[Call, ...]:
    return recipes(code)[0].calls


def the(found: tuple[Call, ...], name: str) -> Call:
    (call,) = [call for call in found if call.name == name]
    return call


def names(found: tuple[Call, ...]) -> list[str]:
    return [call.name for call in found]


WRAP = "peft.get_peft_model"
LOAD = "transformers.AutoModelForCausalLM.from_pretrained"


def test_a_wrapped_model_is_the_same_object():
    found = calls(
        """
        model = AutoModelForCausalLM.from_pretrained("a/b")
        model = prepare_model_for_kbit_training(model)
        model = get_peft_model(model, LoraConfig(r=4))
        model = model.to("cuda")
        trainer = Trainer(model=model)
        """
    )
    model = the(found, LOAD).made
    assert model is not None
    assert the(found, WRAP).made == model
    assert the(found, "transformers.Trainer").things["model"] == model
    assert the(found, "transformers.Trainer").things["model"].wrapped
    assert not the(found, WRAP).things["model"].wrapped


def test_a_wrapped_object_equals_itself():
    assert Thing(1, wrapped=True) == Thing(1)
    assert not Thing(1, wrapped=True) != Thing(1)  # noqa: SIM202
    assert Thing(1) != Thing(1, "part")
    assert len({Thing(1), Thing(1, wrapped=True), Thing(2)}) == 2


def test_functions_are_gone_through_where_they_are_called():
    found = calls(
        """
        def freeze(part):
            for parameter in part.parameters():
                parameter.requires_grad = False

        def main():
            model = load()
            model = get_peft_model(model, LoraConfig(r=4))
            freeze(model)
            model.train()

        if __name__ == "__main__":
            main()
        """
    )
    model = the(found, WRAP).made
    assert names(found)[-4:] == [WRAP, ".parameters", "=requires_grad", ".train"]
    assert the(found, "=requires_grad").on == Thing(model.number, "parameters()[]")
    assert the(found, "=requires_grad").branch[-1] < 0


def test_returned_objects_keep_their_identity():
    found = calls(
        """
        def load():
            model = AutoModelForCausalLM.from_pretrained("a/b")
            tokenizer = AutoTokenizer.from_pretrained("a/b")
            return model, tokenizer

        model, tokenizer = load()
        tokenizer.pad_token = tokenizer.eos_token
        get_peft_model(model, LoraConfig(r=4))
        """
    )
    tokenizer = the(found, "transformers.AutoTokenizer.from_pretrained").made
    assert the(found, WRAP).things["model"] == the(found, LOAD).made
    assert the(found, "=pad_token").on == tokenizer
    assert the(found, "=pad_token").things["value"] == Thing(tokenizer.number, "eos_token")


def test_a_name_that_may_hold_two_objects_holds_neither():
    found = calls(
        """
        if flag():
            model = AutoModelForCausalLM.from_pretrained("a/b")
        else:
            model = other()
        get_peft_model(model, LoraConfig(r=4))
        """
    )
    assert the(found, WRAP).things["model"] != the(found, LOAD).made


def test_what_stands_under_a_test_is_not_certain():
    found = calls(
        """
        model = load()
        if flag():
            model = get_peft_model(model, LoraConfig(r=4))
            model.half()
        model.train()
        """
    )
    wrap, half, train = the(found, WRAP), the(found, ".half"), the(found, ".train")
    assert wrap.certain_after(half)
    assert not wrap.certain_after(train)
    assert train.on == wrap.made


def test_the_same_test_twice_is_one_branch():
    found = calls(
        """
        def main(args):
            model = load()
            if args.lora:
                model = get_peft_model(model, LoraConfig(r=4))
            if args.lora:
                model.half()
        """
    )
    assert the(found, WRAP).certain_after(the(found, ".half"))


def test_what_follows_a_continue_is_the_other_arm():
    found = calls(
        """
        model = get_peft_model(load(), LoraConfig(r=4))
        for name, parameter in model.named_parameters():
            if "lora" in name:
                continue
            parameter.requires_grad = False
        model.train()
        """
    )
    assert the(found, "=requires_grad").branch[-1] > 0
    assert the(found, ".train").branch == ()


def test_a_test_with_a_known_outcome_is_no_branch():
    found = calls(
        """
        LORA = True
        model = load()
        if LORA:
            model = get_peft_model(model, LoraConfig(r=4))
        else:
            model.half()
        """
    )
    assert the(found, WRAP).branch == ()
    assert ".half" not in names(found)


def test_parameters_in_a_comprehension_are_the_models():
    found = calls(
        """
        import torch
        model = load()
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
        model = get_peft_model(model, LoraConfig(r=4))
        optimizer.step()
        """
    )
    made = the(found, "torch.AdamW")
    assert made.things["params"].number == the(found, WRAP).made.number
    assert the(found, ".step").on == made.made
    assert made.arguments["lr"].value == 1e-3


def test_a_class_of_the_file():
    found = calls(
        """
        class Run:
            def __init__(self):
                self.model = AutoModelForCausalLM.from_pretrained("a/b")

            def wrap(self):
                self.model = get_peft_model(self.model, LoraConfig(r=4))

        run = Run()
        run.wrap()
        run.model.train()
        """
    )
    assert the(found, WRAP).things["model"] == the(found, LOAD).made
    assert the(found, ".train").on == the(found, LOAD).made


def test_a_subclass_of_a_trainer_counts_as_one():
    found = calls(
        """
        class Mine(Trainer):
            def compute_loss(self, model, inputs):
                return model(**inputs).loss

        Mine(get_peft_model(load(), LoraConfig(r=4)))
        """
    )
    assert the(found, "transformers.Trainer").things["model"] == the(found, WRAP).made


def test_a_function_of_another_module_is_named():
    found = calls(
        """
        from helpers import prepare
        model = get_peft_model(load(), LoraConfig(r=4))
        prepare(model)
        """
    )
    assert the(found, "helpers.prepare").things["0"] == the(found, WRAP).made


def test_a_function_that_is_handed_over_may_run_more_than_once():
    found = calls(
        """
        tokenizer = AutoTokenizer.from_pretrained("a/b")

        def tokenize(row):
            return tokenizer(row["text"])

        data.map(tokenize)
        LoraConfig(r=4)
        """
    )
    call = next(call for call in found if call.name == ".__call__")
    assert call.on == the(found, "transformers.AutoTokenizer.from_pretrained").made
    assert call.branch[-1] < 0


def test_a_function_that_nobody_calls_is_a_run_of_its_own():
    first, second = recipes(
        """
        def one():
            get_peft_model(load(), LoraConfig(r=4))

        def two():
            get_peft_model(load(), LoraConfig(r=8)).half()
        """
    )
    assert ".half" not in names(first.calls)
    assert ".half" in names(second.calls)


def test_a_loaded_adapter_is_a_recipe_of_calls_only():
    (recipe,) = recipes(
        """
        base = AutoModelForCausalLM.from_pretrained("a/b")
        model = PeftModel.from_pretrained(base, "adapter")
        """
    )
    assert recipe.callee == "peft.PeftModel.from_pretrained"
    assert not recipe.settings
    assert not recipe.blocks
    assert the(recipe.calls, "peft.PeftModel.from_pretrained").made == the(recipe.calls, LOAD).made


def test_open_keywords_are_told():
    found = calls("get_peft_model(load(), LoraConfig(r=4), **more)")
    assert not the(found, WRAP).complete


def test_recursion_ends():
    found = calls(
        """
        def again(model):
            again(model)
            model.half()

        again(get_peft_model(load(), LoraConfig(r=4)))
        """
    )
    assert names(found)[-2:] == ["", ".half"]


@pytest.mark.parametrize(
    "code",
    [
        "LoraConfig(r=" + "(" * 150 + "4" + ")" * 150 + ")",
        "LoraConfig(r=4)\nx = " + "+".join(["a.b()"] * 900),
        "LoraConfig(r=4)\n"
        + "\n".join(f"def f{i}(x):\n    f{i + 1}(x)\n    f{i + 1}(x)" for i in range(40))
        + "\nf0(1)",
        "LoraConfig(r=4)\n(a, *b), [c, d] = e = f()\nfor a.b, c[0] in d: del a, c[0]",
        "LoraConfig(r=4)\nx: int\nx += (y := 3)\nlambda: (yield)\n{**a, 'b': [*c]}[0](1)(2).x = 3",
        "LoraConfig(r=4)\nmatch x:\n    case {'a': y, **z}: y()\n    case [1, *_]: pass",
        "async def f():\n    async for x in y: LoraConfig(r=4)\n    async with a as (b, c): await b()",
    ],
)
def test_strange_programs_are_read(code: str):
    assert recipes(code)


def test_a_notebook_pins_what_it_installs():
    cells = [
        "!pip install -q 'transformers==4.46.3' peft trl==0.12.0",
        "from peft import LoraConfig\nLoraConfig(r=4)",
    ]
    data = {"cells": [{"cell_type": "code", "source": cell} for cell in cells], "nbformat": 4}
    import json

    (recipe,) = notebook.read(Source("x.ipynb", "notebook", json.dumps(data).encode())).recipes
    assert {name: str(each) for name, each in recipe.pins.items()} == {
        "transformers": "4.46.3",
        "trl": "0.12.0",
    }
