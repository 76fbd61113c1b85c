"""Edits in YAML: comments, quotes, anchors, lists, indentation."""

from __future__ import annotations

import pytest

from fixing import edited
from lora_lint.engine.config import Config
from lora_lint.fix.engine import fix, template_in
from lora_lint.fix.text import NotOffered
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Add, Remove, Rename, Set

HEAD = "base_model: m\ndatasets: [{path: d}]\nadapter: lora\n"


def in_axolotl(body: str, *edits: object) -> str:
    return edited(HEAD + body, "a.yaml", *edits).removeprefix(HEAD)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("lora_r: 4\n", "lora_r: 16\n"),
        ("lora_r:   4   # four\n", "lora_r:   16   # four\n"),
        ('"lora_r": "4"\n', '"lora_r": 16\n'),
        ("lora_r: &rank 4\n", "lora_r: &rank 16\n"),
        ("x: &rank 4\nlora_r: *rank\n", "x: &rank 4\nlora_r: 16\n"),
        ("lora_r: 4", "lora_r: 16"),
    ],
)
def test_a_value_is_mended_where_it_stands(before: str, after: str) -> None:
    assert in_axolotl(before, Set("r", 16)) == after


@pytest.mark.parametrize(
    "body",
    [
        "lora_r: &rank 4\nx: *rank\n",
        "lora_r: !rank 4\n",
        "base: &base\n  lora_r: 4\nother: *base\n<<: *base\n",
    ],
)
def test_a_value_that_serves_something_else_is_left_alone(body: str) -> None:
    with pytest.raises(NotOffered):
        in_axolotl(body, Set("r", 16))


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("lora_target_modules: [a, b]\n", ["q"], "lora_target_modules: [q]\n"),
        ("lora_target_modules:\n  - a\n  - b\nx: 1\n", ["q", "v"],
         "lora_target_modules:\n  - q\n  - v\nx: 1\n"),
        ("lora_target_modules:\n- a\nx: 1\n", ["q", "v"], "lora_target_modules:\n- q\n- v\nx: 1\n"),
        ("lora_target_modules:\n  - a\n  - b\nx: 1\n", "q.*", 'lora_target_modules: "q.*"\nx: 1\n'),
        ("lora_target_modules: 'a'\n", "q.*", "lora_target_modules: 'q.*'\n"),
        ("lora_target_modules: a\n", "true", 'lora_target_modules: "true"\n'),
    ],
)  # fmt: skip
def test_lists_and_texts_keep_their_form(before: str, value: object, after: str) -> None:
    assert in_axolotl(before, Set("target_modules", value)) == after


def test_a_list_with_a_comment_is_left_alone() -> None:
    with pytest.raises(NotOffered, match="comment"):
        in_axolotl("lora_target_modules:\n  - a # first\n  - b\n", Set("target_modules", ["q"]))


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("learning_rate: 1e-3\n", 2e-4, "learning_rate: 2.0e-4\n"),
        ("learning_rate: 0.001\n", 0.0002, "learning_rate: 0.0002\n"),
        ("learning_rate: 0.001\n", 0.00002, "learning_rate: 2.0e-5\n"),
        ("learning_rate: 1.0e-3\n", 0.00125, "learning_rate: 1.25e-3\n"),
    ],
)
def test_a_learning_rate_is_a_number_to_every_loader(before: str, value: float, after: str) -> None:
    assert in_axolotl(before, Set("learning_rate", value)) == after


@pytest.mark.parametrize(
    ("text", "path", "after"),
    [
        ("lora_r: 4 # four\nx: 1\n", "lora_dropout", "lora_r: 4 # four\nx: 1\nlora_dropout: 0.1\n"),
        ("lora_r: 4", "lora_dropout", "lora_r: 4\nlora_dropout: 0.1"),
        ("lora_r: 4\nlora_dropout:\n", "lora_dropout", "lora_r: 4\nlora_dropout: 0.1\n"),
        ("lora_r: 4\nlora_dropout: null # none\n", "", "lora_r: 4\nlora_dropout: 0.1 # none\n"),
        ("lora_r: 4\nx:\n  - 1\n\n# the end\n", "",
         "lora_r: 4\nx:\n  - 1\nlora_dropout: 0.1\n\n# the end\n"),
    ],
)  # fmt: skip
def test_a_key_is_added_after_the_others(text: str, path: str, after: str) -> None:
    assert in_axolotl(text, Add("lora_dropout", 0.1)) == after


def test_a_key_is_added_in_its_own_mapping() -> None:
    before = HEAD + "load_in_8bit: true\nlora_r: 8\nbnb_config_kwargs:\n    x: 1 # one\nseed: 1\n"
    after = edited(before, "a.yaml", Add("bnb_4bit_compute_dtype", "bfloat16"))
    line = "    bnb_4bit_compute_dtype: bfloat16\n"
    assert after == before.replace("# one\n", "# one\n" + line)


def test_a_mapping_that_is_not_there_is_made() -> None:
    after = in_axolotl("lora_r: 8\n", Add("bnb_4bit_compute_dtype", "bfloat16"))
    assert after == "lora_r: 8\nbnb_config_kwargs:\n  bnb_4bit_compute_dtype: bfloat16\n"


def test_a_key_is_added_between_braces() -> None:
    before = '{"base_model": m, "datasets": [], "adapter": lora, "lora_r": 4}\n'
    after = edited(before, "a.yaml", Add("lora_dropout", 0.1))
    assert after == before.replace("4}", '4, "lora_dropout": 0.1}')


def test_carriage_returns_and_marks_stay() -> None:
    before = (HEAD + "lora_r: 4\n").replace("\n", "\r\n")
    after = edited(before, "a.yaml", Add("lora_dropout", 0.1))
    assert after == before + "lora_dropout: 0.1\r\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("lora_r: 4\nlora_bias: x\nx: 1\n", "lora_r: 4\nx: 1\n"),
        ("lora_r: 4\nlora_bias: x\n", "lora_r: 4\n"),
    ],
)
def test_a_key_is_taken_out_with_its_line(before: str, after: str) -> None:
    before = before.replace("lora_bias: x", "lora_modules_to_save:\n  - a\n  - b")
    assert in_axolotl(before, Remove("modules_to_save")) == after


def test_a_comment_is_never_lost() -> None:
    with pytest.raises(NotOffered, match="comment"):
        in_axolotl("lora_r: 4\nlora_dropout: 0.1 # why\n", Remove("lora_dropout"))


def test_a_key_is_renamed_unless_the_name_is_taken() -> None:
    assert in_axolotl("lora_r: 4\nlora_dropot: 0\n", Rename("lora_dropot", "lora_dropout")) == (
        "lora_r: 4\nlora_dropout: 0\n"
    )
    with pytest.raises(NotOffered, match="already"):
        in_axolotl(
            "lora_r: 4\nlora_dropot: 0\nlora_dropout: 0\n", Rename("lora_dropot", "lora_dropout")
        )


DIALECTS = [
    ("model_name_or_path: m\nstage: sft\nfinetuning_type: lora\nlora_rank: 4\n",
     Set("r", 16), ("lora_rank: 4", "lora_rank: 16")),
    ("model_name_or_path: m\nstage: sft\nfinetuning_type: lora\nlora_rank: 4\n",
     Set("target_modules", "all-linear"), None),
    ("model_name_or_path: m\nstage: sft\nfinetuning_type: lora\nlora_target: q_proj\n",
     Set("target_modules", ["q_proj", "v_proj"]), ("q_proj", '"q_proj,v_proj"')),
    ("model_name_or_path: m\nstage: sft\nfinetuning_type: lora\nlora_target: q_proj\n",
     Set("target_modules", "all-linear"), ("q_proj", "all")),
    ("model_name_or_path: m\nstage: sft\nfinetuning_type: lora\nlora_rank: 4\n",
     Add("load_in_4bit", True), ("lora_rank: 4\n", "lora_rank: 4\nquantization_bit: 4\n")),
    ("model:\n  _component_: torchtune.models.llama3_1.lora_llama3_1_8b\n  lora_rank: 4\n",
     Set("r", 16), ("lora_rank: 4", "lora_rank: 16")),
    ("model:\n  _component_: torchtune.models.llama3_1.lora_llama3_1_8b\n  lora_rank: 4\n"
     "optimizer:\n  lr: 1e-3\n",
     Set("learning_rate", 2e-4), ("1e-3", "2.0e-4")),
    ("model: m\ntrain: true\ndata: d\nlora_parameters:\n  rank: 8\n  scale: 20.0\n",
     Set("lora_alpha", 16), ("20.0", "2.0")),
    ("model_name_or_path: m\ndataset_name: d\nuse_peft: true\nlora_r: 4\n",
     Add("bnb_4bit_use_double_quant", True),
     ("lora_r: 4\n", "lora_r: 4\nuse_bnb_nested_quant: true\n")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "edit", "change"), DIALECTS)
def test_a_setting_is_written_as_its_framework_calls_it(
    text: str, edit: object, change: tuple[str, str] | None
) -> None:
    after = edited(text, "a.yaml", edit)  # type: ignore[arg-type]
    assert after == (text if change is None else text.replace(*change))


def test_four_bits_for_axolotl_ask_for_its_qlora() -> None:
    text = "# lora-lint: gpu=RTX 3060\n" + HEAD.replace(": m", ": meta-llama/Llama-3.1-8B")
    text += "lora_r: 16\nlora_alpha: 32\nlora_target_linear: true\nbf16: true\n"
    source = Source("a.yaml", "yaml", text.encode())
    fixed = fix(source, Config(), {}, lambda finding: finding.code == "LL601")
    assert [applied.finding.code for applied in fixed.applied] == ["LL601"]
    assert "adapter: qlora\n" in fixed.source.text
    assert "load_in_4bit: true\n" in fixed.source.text


@pytest.mark.parametrize(
    ("text", "is_template"),
    [
        ("lora_r: {{ rank }}\n", True),
        ("out: ${HOME}/x\n", True),
        ("{% if x %}\nlora_r: 4\n{% endif %}\n", True),
        ("x: 1 # {{ not here }}\n", False),
        ("output_dir: /tmp\nlogs: ${output_dir}/logs\n", False),
        ("a:\n  b: 1\nc: ${a.b}\n", False),
    ],
)
def test_a_template_is_never_rewritten(text: str, is_template: bool) -> None:
    source = Source("a.yaml", "yaml", text.encode())
    assert bool(template_in(source)) is is_template
    bad = source._replace(data=text.encode() + HEAD.encode() + b"lora_alpha: 16\nlora_dropout: 5\n")
    fixed = fix(bad, Config(), {}, lambda _finding: True)
    assert not (is_template and fixed.applied)
