"""Shell scripts: words, variables, commands, and the recipes that they start."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint.read.shell.reader import read_text
from lora_lint.read.shell.scan import Scanner
from lora_lint.read.shell.variables import Variables
from lora_rules.recipe import Origin, Recipe


def one(text: str) -> Recipe:
    (recipe,) = read_text(text, "train.sh")
    return recipe


def value(recipe: Recipe, name: str) -> object:
    return recipe.settings[name].candidates


def words(text: str) -> list[list[tuple[str, ...]]]:
    variables = Variables()
    taken = [variables.take(command) for command in Scanner(text).scan()]
    return [[word.candidates for word in command] for command in taken if command]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c", [[("a",), ("b",), ("c",)]]),
        ("a 'b c' \"d e\"", [[("a",), ("b c",), ("d e",)]]),
        ("a \\\n  b", [[("a",), ("b",)]]),
        ("a \\\r\n  b", [[("a",)], [("b",)]]),
        ("a # b\nc#d", [[("a",)], [("c#d",)]]),
        ("a; b && c | d", [[("a",)], [("b",)], [("c",)], [("d",)]]),
        ("a > out.txt 2>&1 b", [[("a",), ("b",)]]),
        ("cat <<EOF\n--lora_r 8\nEOF\na", [[("cat",)], [("a",)]]),
        ("X=8\na $X \"$X\" ${X}k '$X'", [[("a",), ("8",), ("8",), ("8k",), ("$X",)]]),
        ("X=8; Y=$X\na $Y", [[("a",), ("8",)]]),
        ("export X=8\na $X", [[("a",), ("8",)]]),
        ('ARGS="--r 8 --a 16"\na $ARGS', [[("a",), ("--r",), ("8",), ("--a",), ("16",)]]),
        ('ARGS="--r 8"\nARGS+=" --a 16"\na $ARGS', [[("a",), ("--r",), ("8",), ("--a",), ("16",)]]),
        ('ARGS=(--r 8\n  --a 16)\na "${ARGS[@]}"', [[("a",), ("--r",), ("8",), ("--a",), ("16",)]]),
        ("a ${X:-8}", [[("a",), ("8",)]]),
        ("X=4\na ${X:-8}", [[("a",), ("4",)]]),
        ("a $1 $(b) `c` $((1+2))", [[("a",), (), (), (), ()]]),
        ("X=$(b)\na $X", [[("a",), ()]]),
        (
            "if [ $Y ]; then X=1; else X=2; fi\na $X",
            [[("[",), (), ("]",)], [("a",), ("1", "2")]],
        ),
        ("if [ $Y ]; then X=1; fi\na $X", [[("[",), (), ("]",)], [("a",), ()]]),
        ("for x in 1 2; do\n  a $x\ndone\nb $x", [[("a",), ("1", "2")], [("b",), ()]]),
        ("X=1 a $X", [[("a",), ()]]),
        ("a 'never closed", [[("a",), ("never closed",)]]),
    ],
)
def test_words_and_variables(text: str, expected: list[list[tuple[str, ...]]]) -> None:
    assert words(text) == expected


def test_a_swift_command_with_its_defaults() -> None:
    recipe = one(
        "MODEL=Qwen/Qwen2.5-7B-Instruct\n"
        "NPROC_PER_NODE=2 swift sft \\\n"
        '    --model "$MODEL" \\\n'
        "    --lora_rank 8 --target_modules q_proj v_proj \\\n"
        "    --dataset 'org/name#500' --learning_rate 1e-4\n"
    )
    assert recipe.dialect == "ms-swift"
    assert recipe.kind == "shell"
    assert value(recipe, "model_name_or_path") == ("Qwen/Qwen2.5-7B-Instruct",)
    assert value(recipe, "r") == (8,)
    assert value(recipe, "lora_alpha") == (32,)
    assert recipe.settings["lora_alpha"].origin is Origin.DEFAULT
    assert recipe.settings["lora_alpha"].source == "ms-swift"
    assert value(recipe, "target_modules") == (["q_proj", "v_proj"],)
    assert value(recipe, "learning_rate") == (1e-4,)
    assert value(recipe, "trainer_method") == ("sft",)
    span = recipe.settings["r"].span
    assert span is not None
    assert (span.line, span.column, span.end_column) == (4, 17, 18)


def test_llamafactory_and_trl_and_litgpt() -> None:
    recipe = one(
        "llamafactory-cli train --stage dpo --model_name_or_path m --finetuning_type lora "
        "--lora_rank 4 --template qwen --dataset d"
    )
    assert recipe.dialect == "llamafactory"
    assert value(recipe, "lora_alpha") == (8,)
    assert value(recipe, "trainer_method") == ("dpo",)
    recipe = one("trl dpo --model_name_or_path m --dataset_name d --use_peft --lora_r 32")
    assert recipe.dialect == "trl"
    assert value(recipe, "r") == (32,)
    assert value(recipe, "trainer_method") == ("dpo",)
    recipe = one("litgpt finetune_lora checkpoints/m --lora_r 16 --train.epochs 2")
    assert recipe.dialect == "litgpt"
    assert value(recipe, "r") == (16,)
    assert value(recipe, "num_train_epochs") == (2,)


def test_another_program_with_lora_flags_is_generic_and_has_no_defaults() -> None:
    recipe = one("torchrun --nproc_per_node 2 finetune.py --lora_r=64 --lora-alpha 16 --bf16 True")
    assert recipe.dialect == "generic"
    assert value(recipe, "r") == (64,)
    assert value(recipe, "lora_alpha") == (16,)
    assert "lora_dropout" not in recipe.settings


def test_a_command_that_takes_its_settings_from_a_file_gets_no_defaults() -> None:
    assert list(read_text("llamafactory-cli train recipe.yaml", "t.sh")) == []
    recipe = one("swift sft --config a.yaml --lora_rank 64 --lora_alpha 128")
    assert recipe.dialect == "generic"
    assert "learning_rate" not in recipe.settings


def test_variables_that_are_not_known_make_unknown_settings() -> None:
    recipe = one("swift sft --model m --dataset d --tuner_type lora --lora_rank $RANK")
    assert value(recipe, "r") == ()
    assert "$RANK" in recipe.settings["r"].reason


def test_a_variables_default_is_overridable() -> None:
    recipe = one("swift sft --model m --dataset d --tuner_type lora --lora_rank ${RANK:-16}")
    setting = recipe.settings["r"]
    assert setting.candidates == (16,)
    assert setting.overridable
    assert setting.origin is Origin.DERIVED
    assert setting.source == "the default of ${RANK:-16}"


def test_a_loop_gives_several_candidates() -> None:
    recipe = one(
        "for r in 8 16 32; do\n"
        "  swift sft --model m --dataset d --tuner_type lora --lora_rank $r\ndone\n"
    )
    assert value(recipe, "r") == (8, 16, 32)


def test_a_flag_given_twice_is_noted_and_the_last_counts() -> None:
    recipe = one("swift sft --model m --tuner_type lora --lora_rank 8 --dataset d --lora_rank 16")
    assert value(recipe, "r") == (16,)
    ((lost, counts),) = recipe.blocks[0].duplicates
    assert (lost.candidates, counts.candidates) == ((8,), (16,))


@pytest.mark.parametrize(
    "text",
    [
        "echo --lora_r 8",
        "grep lora_r file.txt",
        "python serve.py --enable-lora --lora-modules a=b",
        "export LORA_R=8",
        "# swift sft --lora_rank 8 --lora_alpha 16",
        "docker run image --lora_weights x",
    ],
)
def test_what_trains_nothing_holds_no_recipe(text: str) -> None:
    assert list(read_text(text, "t.sh")) == []


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="a$({[\"'`\\\n #;&|<>=)}]-0x", max_size=60))
def test_any_text_is_scanned_without_an_exception(text: str) -> None:
    list(read_text("swift sft --lora_rank 8 " + text, "t.sh"))
    list(read_text(text + "\nswift sft --lora_rank 8", "t.sh"))
