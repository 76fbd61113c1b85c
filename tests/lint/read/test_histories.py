"""What happened to an object before a call: on all ways, or on some."""

from __future__ import annotations

import textwrap

import pytest

from lora_lint.read.python.reader import read
from lora_lint.sources.source import Source
from lora_rules.history import last
from lora_rules.recipe import Call

HEAD = """\
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer
base = AutoModelForCausalLM.from_pretrained("a/b")
config = LoraConfig(r=4)
"""
ADDING = ("peft.get_peft_model", "peft.PeftModel.from_pretrained", ".merge_and_unload")


def calls(code: str) -> tuple[Call, ...]:
    text = HEAD + textwrap.dedent(code)
    return read(Source("train.py", "python", text.encode())).recipes[0].calls


def before_training(code: str) -> set[str]:
    """The last call of those that add or remove an adapter, on each way to the trainer."""
    trainer = next(call for call in calls(code) if call.name == "transformers.Trainer")
    found = last(trainer.histories.get("model"), lambda call, _: call.name in ADDING, {})
    return {call.name if call is not None else "none" for call in found}


WAYS = {
    "no way": ("model = base", {"none"}),
    "one after another": (
        "model = get_peft_model(base, config)\nmodel = model.merge_and_unload()",
        {".merge_and_unload"},
    ),
    "one arm or the other": (
        "if saved:\n    model = PeftModel.from_pretrained(base, saved)\n"
        "else:\n    model = get_peft_model(base, config)",
        {"peft.PeftModel.from_pretrained", "peft.get_peft_model"},
    ),
    "one arm, or none": (
        "model = base\nif lora:\n    model = get_peft_model(base, config)",
        {"none", "peft.get_peft_model"},
    ),
    "an arm that leaves takes no part": (
        "model = get_peft_model(base, config)\n"
        "if merge:\n    model.merge_and_unload()\n    raise SystemExit",
        {"peft.get_peft_model"},
    ),
    "another object on each way": (
        "if saved:\n"
        "    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained('c'), saved)\n"
        "else:\n    model = get_peft_model(base, config)",
        {"peft.PeftModel.from_pretrained", "peft.get_peft_model"},
    ),
    "a conditional expression": (
        "model = PeftModel.from_pretrained(base, 'c') if saved else get_peft_model(base, config)",
        {"peft.PeftModel.from_pretrained", "peft.get_peft_model"},
    ),
    "in a function, once returned early": (
        "def make():\n    if saved:\n        return PeftModel.from_pretrained(base, saved)\n"
        "    return get_peft_model(base, config)\nmodel = make()",
        {"peft.PeftModel.from_pretrained", "peft.get_peft_model"},
    ),
    "in a function that may fall through": (
        "model = base\ndef wrap():\n    if not lora:\n        return model\n"
        "    get_peft_model(model, config)\nwrap()",
        {"none", "peft.get_peft_model"},
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_what_happened_on_each_way(name: str) -> None:
    code, expected = WAYS[name]
    assert before_training(code + "\nTrainer(model=model)") == expected


def test_a_statement_of_its_own_drops_what_comes_out() -> None:
    found = calls("model = get_peft_model(base, config)\nmodel.merge_and_unload()\n")
    used = {call.name: call.used for call in found}
    assert used["peft.get_peft_model"]
    assert not used[".merge_and_unload"]


TRAINED = {
    "**options of a name": (
        "options = {'model': base, 'train_dataset': rows}\nTrainer(**options)",
        {"model": True, "complete": True},
    ),
    "dict(...) with a key added later": (
        "options = dict(train_dataset=rows)\noptions['model'] = base\nTrainer(**options)",
        {"model": True, "complete": True},
    ),
    "a dictionary that somebody else got first": (
        "options = {'model': base}\nchange(options)\nTrainer(**options)",
        {"model": False, "complete": False},
    ),
    "a dictionary that was updated": (
        "options = {'model': base}\noptions.update(more)\nTrainer(**options)",
        {"model": False, "complete": False},
    ),
    "two dictionaries": (
        "options = {'model': base}\nTrainer(**options, **more)",
        {"model": False, "complete": False},
    ),
    "an attribute of a class": (
        "class Run:\n    model = base\n\nTrainer(model=Run.model)",
        {"model": True, "complete": True},
    ),
    "an attribute of a class through an instance": (
        "class Run:\n    model = base\n\n    def go(self):\n        Trainer(model=self.model)\n\n"
        "Run().go()",
        {"model": True, "complete": True},
    ),
}


@pytest.mark.parametrize("name", TRAINED)
def test_who_is_trained(name: str) -> None:
    code, expected = TRAINED[name]
    every = calls(code)
    trainer = next(call for call in every if call.name == "transformers.Trainer")
    base = next(call.made for call in every if call.name.endswith("LM.from_pretrained"))
    assert {
        "model": trainer.things.get("model") == base,
        "complete": trainer.complete,
    } == expected


CALLED = {
    "forward": "def forward(self, x):\n        return self.model(x)",
    "__call__": "def __call__(self, x):\n        return self.model(x)",
}


@pytest.mark.parametrize("method", CALLED)
def test_an_object_that_is_called_is_gone_into(method: str) -> None:
    code = f"""\
class Net:
    def __init__(self, model):
        self.model = model

    {CALLED[method]}

net = Net(get_peft_model(base, config))
net(rows)
"""
    names = [(call.name, call.on and call.on.wrapped) for call in calls(code)]
    assert names[-2:] == [(".__call__", False), (".__call__", True)]
