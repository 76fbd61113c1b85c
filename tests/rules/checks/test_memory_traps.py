"""LL605, LL607 and LL609 to LL613: what costs gigabytes, and where nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import Finding
from lora_lint.engine.rule_examples import sections
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Severity
from lora_rules.engine.registry import all_rules
from lora_rules.facts.memory.gpu import find_gpu
from memory_recipes import AXOLOTL, FACTORY, FOUR_BIT, MIXTRAL, TRL, TUNE, UNSLOTH

BY_NAME = """\
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, bf16=True)
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
trainer = SFTTrainer(model="meta-llama/Llama-3.1-8B", args=args, peft_config=lora)
"""


def findings(text: str, name: str = "train.yaml", **declared: object) -> dict[str, Finding]:
    kind = "python" if name.endswith(".py") else "yaml"
    report = check(Source(name, kind, text.encode()), Config(), declared)
    assert report.unreadable is None
    return {each.code: each for each in report.findings if each.code.startswith("LL6")}


def test_a_model_loaded_by_its_name_says_what_float32_costs() -> None:
    found = findings(BY_NAME, "train.py")["LL609"]
    assert "29.9 GiB" in found.message
    assert "15.0 GiB" in found.message
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize(
    "text",
    [
        BY_NAME.replace("bf16=True", 'model_init_kwargs={"dtype": "bfloat16"}'),
        BY_NAME.replace("bf16=True", 'model_init_kwargs={"torch_dtype": "auto"}'),
        BY_NAME.replace("bf16=True", "model_init_kwargs=kwargs()"),
        BY_NAME.replace("meta-llama/Llama-3.1-8B", "Qwen/Qwen3-0.6B"),
        BY_NAME.replace("model=", "model=load() or "),
        BY_NAME.replace("trl import SFTConfig, SFTTrainer", "mine import SFTConfig, SFTTrainer"),
        UNSLOTH,
    ],
)
def test_a_dtype_that_is_given_or_may_be_is_left_alone(text: str) -> None:
    assert "LL609" not in findings(text, "train.py")


def test_trl_s_scripts_load_float32_and_a_fix_says_so() -> None:
    script = TRL.replace("dtype: bfloat16\n", "")
    (edit,) = findings(script)["LL609"].edits
    assert (edit.setting, edit.value) == ("dtype", "bfloat16")
    assert "LL609" not in findings(script + FOUR_BIT)
    assert "LL609" not in findings(script + "dtype: float32\n")
    assert "LL609" not in findings(AXOLOTL.replace("load_in_4bit: true\n", ""))


@pytest.mark.parametrize(
    ("version", "there"), [("0.24.0", False), ("0.26.2", False), ("0.27.0", True), ("1.16.0", True)]
)
def test_older_versions_of_trl_are_left_alone(tmp_path: Path, version: str, there: bool) -> None:
    (tmp_path / "requirements.txt").write_text(f"trl=={version}\n")
    assert ("LL609" in findings(BY_NAME, str(tmp_path / "train.py"))) is there


def test_experts_that_nobody_quantizes_say_what_they_take() -> None:
    found = findings(MIXTRAL)["LL610"]
    assert "84.0 GiB and not 21.7" in found.message
    assert [each.setting for each in found.edits] == ["quantize_moe_experts"]
    assert "LL610" not in findings(MIXTRAL + "quantize_moe_experts: true\n")
    assert "LL610" not in findings(MIXTRAL.replace("load_in_4bit: true", "load_in_4bit: false"))
    assert "LL610" not in findings(AXOLOTL)


def test_experts_are_linear_modules_in_transformers_4(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("transformers==4.57.1\n")
    assert "LL610" not in findings(MIXTRAL, str(tmp_path / "train.yaml"))


PREPARED = """\
from peft import LoraConfig, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from trl import SFTTrainer

bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", quantization_config=bnb)
model = prepare_model_for_kbit_training(model)
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
SFTTrainer(model=model, peft_config=lora)
"""


def test_k_bit_preparation_costs_what_is_not_quantized() -> None:
    found = findings(PREPARED, "train.py")["LL611"]
    assert "2.0 GiB more" in found.message
    assert found.span.line == 7
    own = PREPARED.replace("from trl import SFTTrainer", "from transformers import Trainer")
    assert "LL611" not in findings(own.replace("SFTTrainer", "Trainer"), "train.py")
    small = PREPARED.replace("meta-llama/Llama-3.1-8B", "meta-llama/Llama-2-7b-hf")
    assert "LL611" not in findings(small, "train.py")
    plain = PREPARED.replace("load_in_4bit=True", "load_in_4bit=False")
    assert "LL611" not in findings(plain, "train.py")


def test_qlora_without_checkpointing_says_what_it_keeps() -> None:
    text = TRL + FOUR_BIT + "gradient_checkpointing: false\n"
    message = findings(text)["LL612"].message
    assert "if a batch reaches 2 x 2048 tokens" in message
    assert "with gradient checkpointing" in message
    assert "LL612" not in findings("# lora-lint: gpu=A100 80GB\n" + text)
    assert "LL612" not in findings(TRL + "gradient_checkpointing: false\n")
    assert "LL612" not in findings(text.replace("max_length: 2048", "max_length: 128"))


def test_eager_attention_is_told_where_it_costs() -> None:
    long = TRL.replace("max_length: 2048", "max_length: 8192") + "attn_implementation: eager\n"
    assert "with sdpa" in findings(long)["LL613"].message
    assert "LL613" not in findings(long.replace("8192", "512"))
    assert "LL613" not in findings(long.replace("eager", "sdpa"))
    capped = long.replace("meta-llama/Llama-3.1-8B", "google/gemma-2-9b")
    assert "LL613" not in findings(capped)


def test_a_sweep_of_lengths_is_no_forecast_to_speak_of() -> None:
    long = TRL.replace("max_length: 2048", "max_length: ${LENGTH}") + "attn_implementation: eager\n"
    assert "LL613" not in findings(long)


def test_checkpointing_is_wasted_only_where_somebody_asked_for_it() -> None:
    small = TRL.replace("Llama-3.1-8B", "Llama-3.2-1B")
    asked = small + "gradient_checkpointing: true\n"
    assert "LL605" in findings("# lora-lint: gpu=A100 80GB\n" + asked)
    assert "LL605" not in findings("# lora-lint: gpu=A100 80GB\n" + small)
    assert "LL605" not in findings("# lora-lint: gpu=RTX 3060\n" + asked)
    assert "LL605" not in findings(asked)


def test_an_eight_bit_optimizer_is_told_what_it_saves() -> None:
    text = TRL + "optim: adamw_8bit\n"
    message = findings(text)["LL607"].message
    assert "0.2 GiB" in message
    assert "41,943,040" in message
    assert "LL607" not in findings(text.replace("lora_r: 16", "lora_r: 256"))
    assert "LL607" not in findings(TRL + "optim: adamw_torch\n")
    assert "LL607" not in findings(TRL + "optim: lion_8bit\n")


@pytest.mark.parametrize(
    "more", ["use_kt: true\n", "deepspeed: ds_z3_config.json\n", "use_mca: true\n"]
)
def test_what_is_partly_elsewhere_is_no_error(more: str) -> None:
    text = "# lora-lint: gpu=T4\n" + FACTORY.replace("Llama-3.1-8B", "Llama-3.1-70B")
    assert "LL602" in findings(text)
    assert not {"LL601", "LL602"} & set(findings(text + more))


@pytest.mark.parametrize(
    ("more", "count", "fits"),
    [
        ("", 1, False),
        ("", 8, False),
        ("deepspeed: ds_z1_config.json\n", 8, False),
        ("deepspeed: ds_z2_config.json\n", 8, False),
        ("deepspeed: ds_z3_config.json\n", 8, True),
        ("fsdp: full_shard auto_wrap\n", 8, True),
    ],
)
def test_what_a_gpu_holds_is_what_is_not_divided(more: str, count: int, fits: bool) -> None:
    """The 70B in 16 bit on A100s of 80 GB: 133 GiB whole, 17 on each of eight."""
    text = "# lora-lint: gpu=A100 80GB\n" + FACTORY.replace("Llama-3.1-8B", "Llama-3.1-70B") + more
    assert ("LL601" not in findings(text, gpu_count=count)) is fits


def test_one_card_is_assumed_where_a_device_map_looks_for_more() -> None:
    load = 'AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-70B", device_map="auto")'
    text = BY_NAME.replace('"meta-llama/Llama-3.1-8B"', load)
    text = "from transformers import AutoModelForCausalLM\n" + text
    found = findings(text, "train.py", gpu="RTX 4090")["LL602"]
    assert found.severity is Severity.WARNING
    assert "one GPU is assumed for device_map" in found.message
    assert not findings(text, "train.py", gpu="A100 80GB", gpu_count=8).keys() & {"LL601", "LL602"}


def test_what_no_rule_calls_certain_is_forecast() -> None:
    """Sharded, the certain part fits; what a long batch adds does not, and LL603 says so."""
    text = "# lora-lint: gpu=RTX 4090\n" + FACTORY.replace("Llama-3.1-8B", "Llama-3.1-70B")
    sharded = text + "deepspeed: ds_z3_config.json\n"
    assert set(findings(sharded, gpu_count=8)) & {"LL601", "LL602", "LL603", "LL604"}


def test_the_name_of_bitsandbytes_hides_no_forecast() -> None:
    text = "# lora-lint: gpu=RTX 3060\n" + FACTORY + "quantization_bit: 4\n"
    text = text.replace("2048", "8192")
    for more in ("", "quantization_method: bnb\n", "quantization_method: bitsandbytes\n"):
        assert "LL603" in findings(text + more)
    assert "LL603" not in findings(text + "quantization_method: hqq\n")


def test_what_cannot_fit_at_all_says_how_many_would() -> None:
    text = "# lora-lint: gpu=T4\n" + FACTORY.replace("Llama-3.1-8B", "Llama-3.1-70B")
    assert "at least 3 of these" in findings(text)["LL602"].help


def test_what_fits_in_four_bit_says_the_peak() -> None:
    found = findings("# lora-lint: gpu=RTX 3060\n" + TRL)["LL601"]
    assert "The peak is then forecast at" in found.help
    assert "GiB (" in found.help


def test_every_change_up_to_the_first_that_fits_has_its_peak() -> None:
    long = FACTORY.replace("2048", "4096") + "quantization_bit: 4\n"
    found = findings("# lora-lint: gpu=RTX 4080\n" + long)["LL603"]
    assert found.help.startswith("Cheapest first: `enable_liger_kernel: true`: ")
    assert found.help.endswith("(fits).")
    assert found.help.count("GiB (") == found.help.count("; ") + 1


def test_torchtune_s_folder_is_no_model_and_no_false_finding() -> None:
    assert set(findings("# lora-lint: gpu=A100 80GB\n" + TUNE)) == {"LL605"}


@pytest.mark.parametrize("code", ["LL604", "LL612"])
def test_the_numbers_of_a_page_are_those_of_its_example(code: str) -> None:
    page = all_rules()[code].page
    text = sections(page)["Bad"].partition("```yaml\n")[2].partition("```")[0]
    message = findings(text)[code].message
    assert "to need 39." in message
    assert "7.9 GiB" in message
    assert "39 GiB, and 8 with checkpointing" in " ".join(page.split())


def test_a_card_has_less_than_its_label() -> None:
    assert find_gpu("RTX 4090").usable / 2**30 == pytest.approx(23.5, abs=0.05)
    assert find_gpu("T4").usable / 2**30 == pytest.approx(14.6, abs=0.05)
    cards = ("V100 32GB", "T4", "RTX 2080 Ti", "P100")
    assert [find_gpu(name).bf16 for name in cards] == [False] * 4
