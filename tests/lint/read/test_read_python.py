# ruff: noqa: E501 (programs on one line)
"""Which calls are a recipe, what belongs to them, and where everything stands."""

import string
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.read.python.reader import read
from lora_lint.read.reading import Unreadable
from lora_lint.sources.source import Source
from lora_rules.recipe import Origin


def reading(code: str | bytes):
    data = code if isinstance(code, bytes) else textwrap.dedent(code).encode()
    return read(Source("train.py", "python", data))


def recipe_of(code: str):
    recipes = reading(code).recipes
    assert len(recipes) == 1, recipes
    return recipes[0]


@pytest.mark.parametrize(
    "code",
    [
        "import peft\npeft.LoraConfig(r=4)",
        "import peft as p\np.LoraConfig(r=4)",
        "import peft.tuners\npeft.tuners.LoraConfig(r=4)",
        "from peft import LoraConfig\nLoraConfig(r=4)",
        "from peft import LoraConfig as LC\nLC(r=4)",
        "from peft import *\nLoraConfig(r=4)",
        "from peft.tuners.lora import LoraConfig\nLoraConfig(r=4)",
        "from peft.tuners import lora\nlora.LoraConfig(r=4)",
        "def f():\n    from peft import LoraConfig\n    return LoraConfig(r=4)",
        "try:\n    from peft import LoraConfig\nexcept ImportError:\n    LoraConfig = None\nLoraConfig(r=4)",
        "if TYPE_CHECKING:\n    from peft import LoraConfig\ndef f():\n    LoraConfig(r=4)",
        "from peft import LoraConfig\nConfig = LoraConfig\nConfig(r=4)",
        "import functools\nfrom peft import LoraConfig\nfunctools.partial(LoraConfig, r=4)",
    ],
)
def test_every_import_spelling(code: str):
    recipe = recipe_of(code)
    assert recipe.callee == "peft.LoraConfig"
    assert recipe.dialect == "peft"
    assert recipe.settings["r"].candidates == (4,)


@pytest.mark.parametrize(
    "code",
    [
        "LoraConfig(r=4)",
        "class LoraConfig:\n    pass\nLoraConfig(r=4)",
        "from ludwig.schema.llms.peft import LoraConfig\nLoraConfig(r=4)",
        "from .config import LoraConfig\nLoraConfig(r=4)",
        "from utils import *\nLoraConfig(r=4)",
        "from peft import LoraConfig\ndef LoraConfig(**k):\n    pass\nLoraConfig(r=4)",
        "from peft import LoraConfig",
        "# LoraConfig(r=4)",
    ],
)
def test_a_class_of_another_origin_is_not_pefts(code: str):
    assert reading(code).recipes == ()


def test_a_partial_has_what_its_one_call_gives():
    start = "from functools import partial\nfrom peft import LoraConfig\n"
    start += "make = partial(LoraConfig, r=4, lora_alpha=8)\n"
    recipe = recipe_of(start + "config = make(r=16, bias='all')")
    assert recipe.settings["r"].candidates == (16,)
    assert recipe.settings["lora_alpha"].candidates == (8,)
    assert recipe.settings["bias"].candidates == ("all",)
    assert recipe.blocks[0].complete


@pytest.mark.parametrize(
    "later",
    ["one, two = make(), make(bias='all')", "build(make)", "make(**options)", "make('LORA')"],
)
def test_a_partial_that_is_called_otherwise_may_be_given_more(later: str):
    start = "from functools import partial\nfrom peft import LoraConfig\n"
    recipe = recipe_of(start + f"make = partial(LoraConfig, r=4)\n{later}")
    assert recipe.settings["r"].candidates == (4,)
    assert not recipe.blocks[0].complete
    assert not recipe.settings["bias"].candidates


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING", "False", "0"])
def test_what_no_run_comes_to_is_no_recipe(test: str):
    start = f"import typing\nfrom typing import TYPE_CHECKING\nfrom peft import LoraConfig\nif {test}:\n"
    start += "    if flag:\n        LoraConfig(r=4)\n"
    assert reading(start).recipes == ()
    assert recipe_of(start + "else:\n    LoraConfig(r=8)").settings["r"].candidates == (8,)


def test_a_referenced_class_is_a_call():
    recipe = recipe_of("from peft import LoraConfig\nm = dict(lora=dict(type=LoraConfig, r=64))")
    assert recipe.dialect == "xtuner"
    assert recipe.settings["r"].candidates == (64,)
    assert [key.name for key in recipe.blocks[0].keys] == ["r"]


def test_adalora():
    recipe = recipe_of("from peft import AdaLoraConfig\nAdaLoraConfig(init_r=12, total_step=9)")
    assert recipe.settings["peft_type"].candidates == ("ADALORA",)
    assert recipe.settings["r"].candidates == (12,)  # what PEFT takes for r
    assert recipe.settings["r"].key == "init_r"


def test_defaults_are_named():
    setting = recipe_of("from peft import LoraConfig\nLoraConfig(r=4)").settings["lora_alpha"]
    assert (setting.candidates, setting.origin, setting.source) == ((8,), Origin.DEFAULT, "PEFT")
    assert setting.span is None


def test_hidden_keywords_leave_no_default():
    recipe = recipe_of("from peft import LoraConfig\nLoraConfig(r=4, **load())")
    assert recipe.settings["r"].candidates == (4,)
    assert recipe.settings["lora_alpha"].candidates == ()
    assert not recipe.blocks[0].complete


def test_positional_arguments_are_not_understood():
    recipe = recipe_of("from peft import LoraConfig\nLoraConfig('CAUSAL_LM')")
    assert not recipe.blocks[0].complete
    assert recipe.settings["r"].candidates == ()


def test_spans_count_characters():
    recipe = recipe_of("from peft import LoraConfig\nx = 'é🎉'; c = LoraConfig(lora_alpha=16)")
    setting = recipe.settings["lora_alpha"]
    assert (recipe.span.line, recipe.span.column, recipe.span.end_column) == (2, 15, 40)
    assert (setting.key_span.column, setting.key_span.end_column) == (26, 36)
    assert (setting.span.column, setting.span.end_column) == (37, 39)


def test_a_splatted_key_stands_where_it_is_written():
    recipe = recipe_of("from peft import LoraConfig\nc = {'r': 4}\nLoraConfig(**c)")
    setting = recipe.settings["r"]
    assert (setting.span.line, setting.span.column) == (2, 11)
    assert (setting.key_span.line, setting.key_span.column) == (2, 6)
    assert recipe.blocks[0].keys[0].name == "r"


SCRIPT = """
    import torch
    from datasets import load_dataset
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    other = AutoModelForCausalLM.from_pretrained("other/model")
    bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(
        "org/model", quantization_config=bnb, torch_dtype=torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained("org/tokenizer")
    model = prepare_model_for_kbit_training(model)
    config = LoraConfig(r=8, lora_alpha=16)
    model = get_peft_model(model, config)
    data = load_dataset("org/data", split="train[:500]").map(f)
    args = SFTConfig(learning_rate=2e-4, max_seq_length=512)
    old = SFTConfig(learning_rate=1.0)
    trainer = SFTTrainer(model=model, args=args, train_dataset=data)
    """


def test_what_flows_together_belongs_together():
    settings = recipe_of(SCRIPT).settings
    assert settings["model_name_or_path"].value == "org/model"
    assert settings["load_in_4bit"].value is True
    assert settings["bnb_4bit_compute_dtype"].value == "bfloat16"
    assert settings["dtype"].value == "bfloat16"
    assert settings["learning_rate"].value == 2e-4
    assert settings["max_length"].value == 512
    assert settings["trainer_method"].value == "sft"
    assert settings["train_dataset"].value == ["org/data"]
    assert settings["dataset_split"].value == ["train[:500]"]
    assert settings["bnb_4bit_quant_type"].source == "bitsandbytes through transformers"


def test_blocks_are_in_order_and_the_adapter_comes_first():
    assert [block.receiver for block in recipe_of(SCRIPT).blocks] == [
        "peft.LoraConfig",
        "transformers.BitsAndBytesConfig",
        "transformers.AutoModelForCausalLM.from_pretrained",
        "peft.prepare_model_for_kbit_training",
        "peft.get_peft_model",
        "trl.SFTConfig",
        "trl.SFTTrainer",
    ]


HEAD = (
    "from peft import LoraConfig, get_peft_model\n"
    "from transformers import AutoModelForCausalLM, BitsAndBytesConfig, TrainingArguments\n"
)


def test_several_equally_near_decide_nothing():
    code = HEAD + (
        "LoraConfig(r=4)\na = TrainingArguments(learning_rate=1e-4)\n"
        "b = TrainingArguments(learning_rate=1e-5)\n"
    )
    setting = recipe_of(code).settings["learning_rate"]
    assert setting.candidates == ()
    assert setting.reason


def test_the_only_one_of_its_function_is_nearer_than_another_functions():
    code = HEAD + (
        "def a():\n    LoraConfig(r=4)\n    TrainingArguments(learning_rate=1e-4)\n"
        "def b():\n    TrainingArguments(learning_rate=1e-5)\n"
    )
    assert recipe_of(code).settings["learning_rate"].value == 1e-4


def test_a_model_without_quantization_config_is_not_quantized():
    code = HEAD + (
        "bnb = BitsAndBytesConfig(load_in_4bit=True)\n"
        "m = AutoModelForCausalLM.from_pretrained('a/b')\nget_peft_model(m, LoraConfig(r=4))\n"
    )
    setting = recipe_of(code).settings["load_in_4bit"]
    assert (setting.candidates, setting.origin) == ((False,), Origin.DEFAULT)


def test_quantization_under_a_condition_is_both():
    code = HEAD + (
        "bnb = BitsAndBytesConfig(load_in_4bit=True) if f() else None\n"
        "m = AutoModelForCausalLM.from_pretrained('a/b', quantization_config=bnb)\n"
        "get_peft_model(m, LoraConfig(r=4))\n"
    )
    assert set(recipe_of(code).settings["load_in_4bit"].candidates) == {True, False}


def test_an_unknown_quantization_config_is_unknown():
    code = HEAD + (
        "m = AutoModelForCausalLM.from_pretrained('a/b', quantization_config=f())\n"
        "get_peft_model(m, LoraConfig(r=4))\n"
    )
    assert recipe_of(code).settings["load_in_4bit"].candidates == ()


def test_unsloth():
    recipe = recipe_of(
        """
        from unsloth import FastLanguageModel
        n = 2048
        model, tokenizer = FastLanguageModel.from_pretrained(
            model_name="unsloth/x", max_seq_length=n, load_in_4bit=False)
        model = FastLanguageModel.get_peft_model(
            model, r=32, lora_alpha=32, use_gradient_checkpointing="unsloth")
        """
    )
    settings = recipe.settings
    assert recipe.dialect == "unsloth"
    assert settings["model_name_or_path"].value == "unsloth/x"
    assert settings["max_length"].value == 2048
    assert settings["load_in_4bit"].value is False
    assert settings["gradient_checkpointing"].value == "unsloth"
    assert settings["lora_dropout"].source == "Unsloth"


def test_unsloth_trains_embeddings_among_the_targets_whole():
    recipe = recipe_of(
        """
        from unsloth import FastLanguageModel
        model, tokenizer = FastLanguageModel.from_pretrained("unsloth/x")
        model = FastLanguageModel.get_peft_model(
            model, target_modules=["q_proj", "lm_head"], modules_to_save=["embed_tokens"])
        """
    )
    assert recipe.settings["target_modules"].value == ["q_proj"]
    assert recipe.settings["modules_to_save"].value == ["embed_tokens", "lm_head"]


def test_a_trainer_that_only_adds_methods_takes_what_the_library_s_takes():
    recipe = recipe_of(
        """
        from peft import LoraConfig
        from trl import SFTTrainer
        class Mine(SFTTrainer):
            def compute_loss(self, *args):
                return 0
        class Other(SFTTrainer):
            def __init__(self, rows):
                super().__init__("a/b")
        Mine("Qwen/Qwen2.5-0.5B", peft_config=LoraConfig(r=4))
        Other(4)
        """
    )
    assert [block.receiver for block in recipe.blocks] == ["peft.LoraConfig", "trl.SFTTrainer"]


def test_local_data_files_are_the_dataset():
    code = "from peft import LoraConfig\nfrom datasets import load_dataset\nLoraConfig(r=4)\n"
    settings = recipe_of(code + "d = load_dataset('json', data_files='a.jsonl')").settings
    assert settings["train_dataset"].value == ["a.jsonl"]


def test_image_adapters():
    code = "import diffusers\nfrom peft import LoraConfig\nLoraConfig(r=4, target_modules=['to_q'])"
    assert recipe_of(code).domain == "image"
    assert recipe_of(code.replace("import diffusers", "import os")).domain == "language"


def test_databricks_magics():
    code = "# MAGIC x\n%pip install peft\n%sh ls \\\n  -l\nfrom peft import LoraConfig\nLoraConfig(r=4)"
    recipe = recipe_of(code)
    assert recipe.settings["r"].value == 4
    assert recipe.span.line == 6


def test_newer_syntax_is_unknown_and_the_rest_is_read():
    code = """
        from peft import LoraConfig
        d = {"a": 1}
        print(f"{d["a"]}", f"{
            d["a"]
        }")
        LoraConfig(r=4, lora_alpha=f"{d["a"]}x")
        """
    recipe = recipe_of(code)
    assert recipe.settings["r"].value == 4
    assert recipe.span.line == 7


@pytest.mark.parametrize(
    "data",
    [
        b"from peft import LoraConfig\nLoraConfig(r=4",
        b"LoraConfig\xff\xfe",
        b"LoraConfig(r=4)\0",
        b"# coding: nonsense\nLoraConfig",
        b"# coding: base64\nLoraConfig",
        b"LoraConfig(" + b"(" * 5000 + b")" * 5000 + b")",
        b"from peft import LoraConfig\nLoraConfig(r=" + b"-" * 50000 + b"1)",
    ],
)
def test_unreadable(data: bytes):
    with pytest.raises(Unreadable):
        reading(data)


def test_coding_cookie():
    data = "# -*- coding: latin-1 -*-\nfrom peft import LoraConfig\nLoraConfig(r='é')".encode(
        "latin-1"
    )
    assert reading(data).recipes[0].settings["r"].value == "é"


def test_a_syntax_error_says_where():
    with pytest.raises(Unreadable) as caught:
        reading("from peft import LoraConfig\nLoraConfig(r=)")
    assert caught.value.span.line == 2


def test_deep_arithmetic_is_unknown():
    code = "from peft import LoraConfig\nLoraConfig(r=" + "+".join(["1"] * 900) + ", lora_alpha=4)"
    settings = recipe_of(code).settings
    assert settings["r"].candidates == ()
    assert settings["lora_alpha"].value == 4


@given(st.binary(max_size=200))
def test_arbitrary_bytes(data: bytes):
    for prefix in (b"", b"LoraConfig ", b"from peft import LoraConfig\nLoraConfig(r="):
        try:
            reading(prefix + data)
        except Unreadable:
            continue


FRAGMENTS = st.sampled_from(
    [
        "r",
        "a",
        "x",
        "=",
        "8",
        "'q'",
        "\n",
        "\n    ",
        "if ",
        "for ",
        "in ",
        "else:",
        ":",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "**",
        "*",
        ",",
        ".",
        "def f",
        "return ",
        "class C",
        "LoraConfig(",
        "lambda ",
        "import peft",
        "args.",
        "+=",
        "%",
        "while ",
        "try:",
        "del ",
        "global r",
        "yield ",
        "f'{r}'",
        " or ",
        "not ",
    ]
)


@given(st.lists(FRAGMENTS, max_size=40))
def test_arbitrary_programs(parts: list[str]):
    code = "from peft import LoraConfig\n" + "".join(parts) + "\nLoraConfig(r=r)\n"
    try:
        reading(code.encode())
    except Unreadable:
        return


VALUES = st.one_of(
    st.integers(-5, 300),
    st.floats(0, 1),
    st.booleans(),
    st.none(),
    st.text(string.ascii_lowercase, min_size=1),
    st.lists(st.sampled_from(["q_proj", "v_proj"]), max_size=3),
)
NAMES = ["r", "lora_alpha", "lora_dropout", "target_modules", "bias", "use_rslora"]


@given(st.lists(VALUES, min_size=6, max_size=6), st.integers(0, 5))
def test_an_unknown_name_makes_one_setting_unknown(values: list[object], chosen: int):
    texts = [repr(value) for value in values]
    before = _with(texts)
    texts[chosen] = "nowhere"
    after = _with(texts)
    assert after[NAMES[chosen]].candidates == ()
    for position, name in enumerate(NAMES):
        if position != chosen:
            assert after[name].candidates == before[name].candidates == (values[position],)


def _with(texts: list[str]):
    given_ = ", ".join(f"{name}={text}" for name, text in zip(NAMES, texts, strict=True))
    return recipe_of(f"from peft import LoraConfig\nLoraConfig({given_})").settings


MARIMO = """
import marimo

app = marimo.App()


@app.cell
def _():
    from unsloth import FastLanguageModel

    lora_rank = 32
    return FastLanguageModel, lora_rank


@app.cell
def _(FastLanguageModel, lora_rank, model):
    tuned = FastLanguageModel.get_peft_model(model, r=lora_rank, lora_alpha=lora_rank * 2)
    return (tuned,)
"""


def test_marimo_cells_see_each_others_names():
    (recipe,) = read(Source("a.py", "python", MARIMO.encode())).recipes
    assert recipe.settings["r"].candidates == (32,)
    assert recipe.settings["lora_alpha"].candidates == (64,)


def test_pefts_own_sub_configurations_are_read_as_dicts():
    text = (
        "from peft import EvaConfig, LoftQConfig, LoraConfig\n"
        "LoraConfig(eva_config=EvaConfig(rho=0.5), loftq_config=LoftQConfig(loftq_bits=8))\n"
    )
    (recipe,) = read(Source("a.py", "python", text.encode())).recipes
    assert recipe.settings["eva_config"].candidates == ({"rho": 0.5},)
    assert recipe.settings["loftq_config"].candidates == ({"loftq_bits": 8, "loftq_iter": 1},)


def test_dataclasses_from_a_parser_may_be_sliced():
    text = (
        "from dataclasses import dataclass, field\n"
        "from peft import LoraConfig\n"
        "from transformers import HfArgumentParser\n"
        "@dataclass\nclass A:\n    lora_rank: int = field(default=8)\n"
        "@dataclass\nclass B:\n    x: int = 1\n"
        "a, b = HfArgumentParser((A, B)).parse_args_into_dataclasses(True)[:2]\n"
        "LoraConfig(r=a.lora_rank)\n"
    )
    (recipe,) = read(Source("a.py", "python", text.encode())).recipes
    assert recipe.settings["r"].candidates == (8,)
    assert recipe.settings["r"].overridable


def test_an_import_under_a_test_is_still_the_import():
    text = (
        "def make(args, model):\n"
        "    if args.fast:\n        from unsloth import FastLanguageModel\n"
        "    if args.fast:\n        return FastLanguageModel.get_peft_model(model, r=4)\n"
    )
    (recipe,) = read(Source("a.py", "python", text.encode())).recipes
    assert recipe.callee == "unsloth.FastLanguageModel.get_peft_model"


@pytest.mark.parametrize(
    ("given", "value", "origin"),
    [
        ("activation_checkpointing=True", True, Origin.WRITTEN),
        ("activation_checkpointing=False", False, Origin.WRITTEN),
        ("gradient_checkpointing=True", True, Origin.WRITTEN),
        ("", False, Origin.DEFAULT),
    ],
)
def test_both_names_of_checkpointing_are_one_setting(given: str, value: bool, origin: Origin):
    code = f"""
        from peft import LoraConfig
        from transformers import Trainer, TrainingArguments
        config = LoraConfig(r=8)
        args = TrainingArguments(output_dir="out", {given})
        trainer = Trainer(model, args)
    """
    settings = recipe_of(code).settings
    assert settings["gradient_checkpointing"].candidates == (value,)
    assert settings["gradient_checkpointing"].origin is origin
    assert "activation_checkpointing" not in settings


def test_trl_checkpoints_unless_its_new_name_says_otherwise():
    code = """
        from peft import LoraConfig
        from trl import SFTConfig
        config = LoraConfig(r=8)
        args = SFTConfig(output_dir="out"{})
    """
    assert recipe_of(code.format("")).settings["gradient_checkpointing"].candidates == (True,)
    off = code.format(", activation_checkpointing=False")
    assert recipe_of(off).settings["gradient_checkpointing"].candidates == (False,)


def test_a_method_switches_checkpointing_on_under_both_names():
    for name in ("gradient_checkpointing_enable", "activation_checkpointing_enable"):
        settings = recipe_of(f"""
            from peft import LoraConfig
            config = LoraConfig(r=8)
            model.{name}()
        """).settings
        assert settings["gradient_checkpointing"].candidates == (True,)
