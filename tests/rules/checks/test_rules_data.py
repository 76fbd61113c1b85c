"""LL208 and LL902 to LL909: tasks, prompts, packing, lengths, held-out rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from told import axolotl, factory, findings, told, trl

RATE = "learning_rate: 2.0e-4\n"


@pytest.mark.parametrize(
    ("task", "rank", "rows", "speaks"),
    [
        ("style", 8, None, False),
        ("style", 16, None, False),
        ("style", 32, None, True),
        ("classification", 64, None, True),
        ("instruction", 64, None, False),
        ("instruction", 128, None, True),
        ("domain", 64, None, False),
        ("code", 8, None, True),
        ("code", 8, 2_000, False),
        ("style", 64, 80_000, False),
        ("poetry", 512, None, False),
    ],
)
def test_rank_bands_of_a_declared_task(
    task: str, rank: int, rows: int | None, speaks: bool
) -> None:
    text = f"from peft import LoraConfig\nLoraConfig(r={rank}, lora_alpha={rank})\n"
    declared = {"task": task} | ({} if rows is None else {"train_rows": rows})
    assert told(text, "LL208", "python", **declared) == [("LL208", "info")] * speaks


def test_the_guides_are_named_with_their_disagreement() -> None:
    text = "from peft import LoraConfig\nLoraConfig(r=256, lora_alpha=256)\n"
    (one,) = findings(text, "LL208", "python", task="domain")
    assert "Osei 16, Brenndoerfer 16 to 32" in one.message
    assert "a convention that nobody measured" in one.message


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        (axolotl("train_on_inputs: true\n"), True),
        (axolotl("train_on_inputs: false\n"), False),
        (axolotl("train_on_inputs: true\nrl: dpo\n"), False),
        (factory("train_on_prompt: true\n"), True),
        (factory("train_on_input: true\n"), True),
        (factory("mask_prompt: false\n"), True),
        (factory("completion_only_loss: false\n"), True),
        (factory("completion_only_loss: true\n"), False),
        (factory(""), False),
    ],
)
def test_loss_on_prompts(text: str, speaks: bool) -> None:
    assert told(text + RATE, "LL902") == [("LL902", "info")] * speaks


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        (axolotl("sample_packing: true\n"), True),
        (axolotl("sample_packing: true\nflash_attention: true\n"), False),
        (axolotl("sample_packing: true\nattn_implementation: sdpa\n"), False),
        (axolotl("sample_packing: true\nattn_implementation: ${ATTENTION}\n"), False),
        (axolotl("sample_packing: false\n"), False),
        (factory("packing: true\n"), True),
        (factory("packing: true\nneat_packing: true\n"), False),
        (factory("packing: true\n").replace("sft", "pt"), False),
    ],
)
def test_packed_examples_that_see_each_other(text: str, speaks: bool) -> None:
    assert told(text + RATE, "LL903") == [("LL903", "warning")] * speaks


def test_packing_in_trl_depends_on_strategy_and_version(tmp_path: Path) -> None:
    path = str(tmp_path / "train.py")
    text = """\
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer
model = AutoModelForCausalLM.from_pretrained("my-company/base-7B", attn_implementation="sdpa")
config = LoraConfig(r=16, lora_alpha=32)
args = SFTConfig(learning_rate=2e-4, packing=True)
trainer = SFTTrainer(model=model, args=args, peft_config=config)
"""
    assert told(text, "LL903", "python", path) == []
    wrapped = text.replace("packing=True", 'packing=True, packing_strategy="wrapped"')
    assert told(wrapped, "LL903", "python", path) == [("LL903", "warning")]
    flash = text.replace("sdpa", "flash_attention_2")
    unsaid = text.replace(', attn_implementation="sdpa"', "")
    ways = {"sdpa": text, "eager": text.replace("sdpa", "eager"), "flash": flash, "": unsaid}
    mixing = {
        "0.18.2": {"sdpa", "eager", "flash", ""},
        "0.22.2": {"sdpa", "eager", ""},
        "0.23.0": {"sdpa", "eager", ""},
        "0.23.1": set(),
        "1.16.0": set(),
    }
    for version, mixed in mixing.items():
        (tmp_path / "requirements.txt").write_text(f"trl=={version}\n")
        for attention, script in ways.items():
            expected = [("LL903", "warning")] * (attention in mixed)
            assert told(script, "LL903", "python", path) == expected, (version, attention)


@pytest.mark.parametrize(
    ("given", "speaks"),
    [
        ('model_init_kwargs={"attn_implementation": "eager"}', True),
        ('model_init_kwargs={"dtype": "bfloat16"}', True),
        ('model_init_kwargs={"attn_implementation": "flash_attention_2"}', False),
        ('model_init_kwargs={"attn_implementation": chosen()}', False),
        ("model_init_kwargs=chosen()", False),
    ],
)
def test_packing_in_trl_with_the_attention_of_model_init_kwargs(
    tmp_path: Path, given: str, speaks: bool
) -> None:
    (tmp_path / "requirements.txt").write_text("trl==0.23.0\n")
    text = f"""\
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
args = SFTConfig(output_dir="o", learning_rate=2e-4, packing=True, {given})
trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=LoraConfig(r=16))
"""
    path = str(tmp_path / "train.py")
    assert told(text, "LL903", "python", path) == [("LL903", "warning")] * speaks


@pytest.mark.parametrize(
    "model",
    [
        "model = load()",
        'model = AutoModelForCausalLM.from_pretrained("a/b", **options())',
        'model = AutoModelForCausalLM.from_pretrained("a/b", use_flash_attention_2=True)',
    ],
)
def test_packing_in_trl_with_an_attention_that_is_not_seen(tmp_path: Path, model: str) -> None:
    (tmp_path / "requirements.txt").write_text("trl==0.23.0\n")
    text = f"""\
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer
{model}
args = SFTConfig(output_dir="o", learning_rate=2e-4, packing=True)
trainer = SFTTrainer(model=model, args=args, peft_config=LoraConfig(r=16))
"""
    assert told(text, "LL903", "python", str(tmp_path / "train.py")) == []


def chat(words: int) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": "word " * words}]}


def with_data(folder: Path, rows: list[dict[str, object]]) -> str:
    """The path of a recipe beside ``data.jsonl`` with these rows."""
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / "train.yaml")


@pytest.mark.parametrize(
    ("long", "speaks"),
    [(0, False), (5, False), (6, True)],
)
def test_rows_that_cannot_fit(tmp_path: Path, long: int, speaks: bool) -> None:
    """512 tokens hold no more than 4,096 characters, and a word here has five."""
    rows = [chat(900)] * long + [chat(700)] * (100 - long)
    path = with_data(tmp_path, rows)
    text = axolotl(f"sequence_len: 512\n{RATE}")
    assert told(text, "LL904", path=path) == [("LL904", "warning")] * speaks


def test_a_length_that_nobody_wrote_is_named(tmp_path: Path) -> None:
    path = with_data(tmp_path, [chat(900)] * 10)
    (one,) = findings(axolotl(RATE), "LL904", path=path)
    assert "10 of 10 rows have more than 8 characters for each of 512 tokens" in one.message
    assert "axolotl's default" in one.message


@pytest.mark.parametrize("rows", [[{"embedding": "x" * 9000}], [{"text": 1}], []])
def test_rows_of_another_shape_are_not_measured(
    tmp_path: Path, rows: list[dict[str, object]]
) -> None:
    assert told(axolotl(RATE), "LL904,LL908", path=with_data(tmp_path, rows)) == []


def test_packed_rows_are_not_measured(tmp_path: Path) -> None:
    path = with_data(tmp_path, [chat(900)] * 10)
    assert told(axolotl(f"sample_packing: true\n{RATE}"), "LL904", path=path) == []


def test_spaces_do_not_count_as_text(tmp_path: Path) -> None:
    path = with_data(tmp_path, [{"text": "a" + " " * 9000}] * 10)
    assert told(axolotl(RATE), "LL904", path=path) == []


@pytest.mark.parametrize(("repeated", "speaks"), [(5, False), (6, True)])
def test_repeated_rows(tmp_path: Path, repeated: int, speaks: bool) -> None:
    rows: list[dict[str, object]] = [{"text": str(number)} for number in range(100 - repeated)]
    path = with_data(tmp_path, rows + [{"text": "0"}] * repeated)
    assert told(axolotl(RATE), "LL908", path=path) == [("LL908", "info")] * speaks


@pytest.mark.parametrize("text", ["{not json}\n", "[1, 2]", '"text"\n', "\xff"])
def test_broken_data_are_not_judged(tmp_path: Path, text: str) -> None:
    path = with_data(tmp_path, [])
    (tmp_path / "data.jsonl").write_bytes(text.encode("latin-1"))
    assert told(axolotl(RATE), "LL904,LL908,LL907", path=path) == []


@pytest.mark.parametrize(
    ("lines", "rows", "speaks"),
    [
        ("num_epochs: 3\n", 2000, True),
        ("num_epochs: 1\n", 2000, False),
        ("num_epochs: 3\n", 5000, False),
        ("num_epochs: 3\nval_set_size: 0.1\n", 2000, False),
        ("num_epochs: 3\ntest_datasets: [{path: held-out.jsonl}]\n", 2000, False),
        ("num_epochs: 3\neval_strategy: epoch\n", 2000, False),
        ("num_epochs: 3\nmax_steps: 60\n", 2000, False),
        ("num_epochs: 3\nval_set_size: ${SHARE}\n", 2000, False),
    ],
)
def test_nothing_held_out(lines: str, rows: int, speaks: bool) -> None:
    found = [("LL906", "info")] * speaks
    assert told(axolotl(lines + RATE), "LL906", train_rows=rows) == found


def test_the_same_file_for_training_and_evaluation_is_an_error(tmp_path: Path) -> None:
    path = with_data(tmp_path, [chat(1)])
    text = axolotl(f"test_datasets: [{{path: data.jsonl}}]\n{RATE}")
    assert told(text, "LL907", path=path) == [("LL907", "error")]
    assert told(text, "LL907") == [("LL907", "warning")]
    other = text.replace("test_datasets: [{path: data", "test_datasets: [{path: held-out")
    assert told(other, "LL907", path=path) == []


def test_another_split_of_the_same_data_is_no_leak() -> None:
    text = axolotl(f"test_datasets: [{{path: a/b, split: test}}]\n{RATE}").replace(
        "datasets: [{path: data.jsonl}]", "datasets: [{path: a/b, split: train}]", 1
    )
    assert told(text, "LL907") == []


def test_the_same_name_in_llama_factory_is_a_warning() -> None:
    text = factory(f"dataset: alpaca,identity\neval_dataset: identity\n{RATE}")
    assert told(text, "LL907") == [("LL907", "warning")]


@pytest.mark.parametrize(
    ("training", "speaks"),
    [("", True), ("max_length=1024", False), ("max_length=None", False), ("max_length=N", False)],
)
def test_a_length_by_default(training: str, speaks: bool) -> None:
    text = trl(f"learning_rate=2e-4, {training}")
    assert told(text, "LL909", "python") == [("LL909", "info")] * speaks


def test_trl_before_0_16_had_no_such_default(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("trl==0.12.0\n")
    path = str(tmp_path / "train.py")
    assert told(trl("learning_rate=2e-4"), "LL909", "python", path) == []
