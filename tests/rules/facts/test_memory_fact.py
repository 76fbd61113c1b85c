"""Fact ``memory_forecast`` and the rules on it, from files as people write them."""

from __future__ import annotations

import pytest

from lora_lint.engine.check import check, recipes_of
from lora_lint.engine.config import Config
from lora_lint.engine.finding import Finding
from lora_lint.report.memory_outlook import tell
from lora_lint.sources.source import Source
from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.facts.memory.gpu import find_gpu
from lora_rules.facts.memory.memory_forecast import MemoryForecast, Outlook, outlook, remedies
from lora_rules.facts.memory.sharding import Sharding
from lora_rules.recipe import Recipe
from memory_recipes import AXOLOTL, FACTORY, FOUR_BIT, TRL

GIB = 2**30

PYTHON = """\
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

peft = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
args = SFTConfig(per_device_train_batch_size=2, max_length=2048, bf16=True,
                 gradient_checkpointing=True)
"""


def recipe(text: str, kind: str = "yaml") -> Recipe:
    name = "train.py" if kind == "python" else "train.yaml"
    (found,) = recipes_of(Source(name, kind, text.encode()), Config(), {})
    return found


def told(text: str, kind: str = "yaml") -> MemoryForecast:
    result = tell(recipe(text, kind))
    assert not result.unknown, result.unknown
    (found,) = result.forecasts
    return found


def unknown(text: str, kind: str = "yaml") -> str:
    result = tell(recipe(text, kind))
    assert not result.forecasts
    return result.unknown


def findings(text: str) -> dict[str, Finding]:
    report = check(Source("train.yaml", "yaml", text.encode()), Config(), {})
    assert report.unreadable is None
    return {each.code: each for each in report.findings if each.code.startswith("LL6")}


def test_the_parts_add_up_and_the_weights_are_the_model_s() -> None:
    found = told(TRL).forecast
    assert sum(found.parts.values()) == pytest.approx(found.allocated)
    assert found.parts["weights"] == 8_030_261_248 * 2
    assert found.parts["adapters"] == 41_943_040 * 4
    assert found.condition == "if a batch reaches 2 x 2048 tokens"


def test_four_bit_makes_the_weights_smaller_and_trl_the_adapter_16_bit() -> None:
    found = told(TRL + FOUR_BIT)
    assert found.plan.known.quantization == "nf4-dq"
    assert found.forecast.parts["weights"] < 6 * GIB
    assert found.forecast.parts["adapters"] == 41_943_040 * 2


def test_who_computes_the_loss_follows_from_the_framework() -> None:
    losses = {
        text: told(text).plan.assumed(None).loop.loss
        for text in (
            TRL,
            FACTORY,
            FACTORY + "enable_liger_kernel: true\n",
            AXOLOTL,
            AXOLOTL + "plugins: [axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin]\n",
        )
    }
    assert list(losses.values()) == [
        LossPath.CHUNKED,
        LossPath.TRAINER,
        LossPath.LIGER,
        LossPath.TRAINER,
        LossPath.CUT,
    ]


def test_llama_factory_keeps_a_float32_adapter_and_does_not_prepare() -> None:
    loop = told(FACTORY + "quantization_bit: 4\n").plan.assumed(None).loop
    assert (loop.adapter, loop.prepared, loop.base) == ("fp32", False, "bf16")
    assert loop.checkpointing is Checkpointing.FULL


@pytest.mark.parametrize(
    ("text", "reentrant"),
    [
        (FACTORY, True),
        (FACTORY + "use_reentrant_gc: false\n", False),
        (AXOLOTL, True),
        (AXOLOTL + "gradient_checkpointing_kwargs: {use_reentrant: false}\n", False),
        (TRL, False),
        (TRL + "gradient_checkpointing_kwargs: {use_reentrant: true}\n", True),
    ],
)
def test_whose_checkpointing_is_reentrant(text: str, reentrant: bool) -> None:
    assert told(text).plan.assumed(None).loop.reentrant is reentrant


def test_a_name_given_to_trl_s_trainer_loads_float32() -> None:
    by_name = PYTHON + 'SFTTrainer(model="meta-llama/Llama-3.1-8B", args=args, peft_config=peft)\n'
    loaded = (
        f'{PYTHON}base = "meta-llama/Llama-3.1-8B"\n'
        'model = AutoModelForCausalLM.from_pretrained(base, dtype="bfloat16")\n'
        "SFTTrainer(model=model, args=args, peft_config=peft)\n"
    )
    assert told(by_name, "python").forecast.parts["weights"] == 8_030_261_248 * 4
    assert told(loaded, "python").forecast.parts["weights"] == 8_030_261_248 * 2
    assert "the base is assumed to be loaded in fp32" in told(by_name, "python").assumptions


def test_what_is_left_open_is_said() -> None:
    said = told(TRL).assumptions
    assert "attention is assumed to be sdpa" in said
    assert any("adamw_torch_fused" in sentence for sentence in said)
    written = told(TRL + "attn_implementation: sdpa\noptim: adamw_8bit\n")
    assert not any("sdpa" in each or "adamw" in each for each in written.assumptions)
    assert written.plan.optimizer == "adamw_8bit"


def test_one_sequence_needs_no_mask() -> None:
    alone = told(TRL.replace("size: 2", "size: 1")).forecast
    assert "mask" in told(TRL).forecast.parts
    assert "mask" not in alone.parts


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TRL.replace("meta-llama/Llama-3.1-8B", "my-org/my-model"), "'my-org/my-model'"),
        (TRL + "deepspeed: ds.json\n", "which stage of ZeRO"),
        (TRL + "optim: galore_adamw\n", "galore_adamw"),
        (FACTORY.replace("stage: sft", "stage: dpo"), "dpo"),
        (AXOLOTL.replace("checkpointing: true", "checkpointing: false"), "fused kernels"),
        (AXOLOTL + "torch_compile: true\n", "compiled"),
        (FACTORY + "use_distributed_optimizer: true\n", "Megatron"),
        (FACTORY.replace("bf16: true", "quantization_bit: 8"), "int8"),
        (TRL.replace("max_length: 2048", "max_length: 0"), "is none"),
    ],
)
def test_what_is_not_modelled_has_no_number(text: str, why: str) -> None:
    assert why in unknown(text)


def test_a_device_map_needs_the_word_that_there_is_one_gpu() -> None:
    text = f"""{PYTHON}base = "meta-llama/Llama-3.1-8B"
model = AutoModelForCausalLM.from_pretrained(base, dtype="bfloat16", device_map="auto")
SFTTrainer(model=model, args=args, peft_config=peft)
"""
    assert "--gpu-count 1" in unknown(text, "python")
    source = Source("train.py", "python", text.encode())
    (found,) = recipes_of(source, Config(), {"gpu_count": 1})
    assert tell(found).forecasts
    (found,) = recipes_of(source, Config(), {"gpu_count": 2})
    (forecast,) = tell(found).forecasts
    assert forecast.plan.sharding == Sharding("pipeline", 2)


def test_preparing_the_model_for_k_bits_costs_what_is_not_quantized() -> None:
    head = PYTHON.replace("import LoraConfig", "import LoraConfig, prepare_model_for_kbit_training")
    head += 'base = "meta-llama/Llama-3.1-8B"\n'
    head += "model = AutoModelForCausalLM.from_pretrained(base, load_in_4bit=True)\n"
    tail = "SFTTrainer(model=model, args=args, peft_config=peft)\n"
    plain = told(head + tail, "python")
    prepared = told(head + "model = prepare_model_for_kbit_training(model)\n" + tail, "python")
    more = prepared.forecast.parts["weights"] - plain.forecast.parts["weights"]
    assert more == pytest.approx(2 * 2 * 128256 * 4096, rel=0.01)


def test_a_trainer_of_one_s_own_has_no_number() -> None:
    text = PYTHON.replace("SFTTrainer", "DPOTrainer")
    text += 'DPOTrainer(model="meta-llama/Llama-3.1-8B", args=args, peft_config=peft)\n'
    assert "DPOTrainer" in unknown(text, "python")


def test_an_old_bitsandbytes_keeps_more() -> None:
    from lora_rules.recipe import Origin, Setting

    here = recipe(TRL + FOUR_BIT + "gradient_checkpointing: false\n")
    pin = Setting("pinned_bitsandbytes", ("0.43.1",), Origin.WRITTEN, "pin")
    older = here._replace(settings={**here.settings, "pinned_bitsandbytes": pin})
    (now,), (then,) = tell(here).forecasts, tell(older).forecasts
    assert then.plan.keeps_quantized_inputs
    assert then.forecast.allocated >= now.forecast.allocated


def test_remedies_lower_the_peak_and_the_last_resort_combines_them() -> None:
    found = told(FACTORY)
    small = remedies(found.plan, find_gpu("RTX 3060"), found.switch)
    peaks = [each.forecast.allocated for each in small]
    assert all(peak < found.forecast.allocated for peak in peaks)
    assert " and " in small[-1].what
    assert small[-1].outlook is outlook(small[-1].forecast, find_gpu("RTX 3060"))
    words = [each.what for each in small[:-1]]
    assert words[0] == "`enable_liger_kernel: true`"
    assert words[1] == "a micro batch of 1 with 16 accumulation steps"
    assert words[2].startswith("a 4-bit base")


def test_a_change_that_helps_by_less_than_a_tenth_is_named() -> None:
    found = told(TRL.replace("size: 2", "size: 8").replace("2048", "4096") + FOUR_BIT)
    gpu = find_gpu("RTX 4090")
    (fewer,) = [each for each in remedies(found.plan, gpu, found.switch) if "q_proj" in each.what]
    now = found.plan.on(gpu).allocated
    assert 0.9 * now < fewer.forecast.allocated < 0.99 * now


def test_free_changes_together_come_before_one_that_costs() -> None:
    found = told(AXOLOTL.replace("len: 2048", "len: 16384"))
    options = remedies(found.plan, find_gpu("A10"), found.switch)
    first = next(each for each in options if each.fits)
    assert first.what.startswith("axolotl's CutCrossEntropyPlugin and a micro batch of")
    assert first.plan.length == 16384


def test_the_largest_micro_batch_that_fits_is_offered() -> None:
    found = told(TRL.replace("size: 2", "size: 32"))
    gpu = find_gpu("A100 80GB")
    micro = next(
        each for each in remedies(found.plan, gpu, found.switch) if "micro batch" in each.what
    )
    assert micro.fits
    bigger = [size for size in (16, 8, 4, 2) if size > micro.plan.batch]
    assert micro.plan.batch * micro.plan.accumulation == 32
    for size in bigger:
        text = TRL.replace("size: 2", f"size: {size}")
        assert outlook(told(text).plan.on(gpu), gpu) is not Outlook.FITS


def test_nothing_is_said_without_a_gpu() -> None:
    assert not findings(TRL.replace("size: 2", "size: 512"))


def test_a_certain_error_silences_the_forecast() -> None:
    found = findings("# lora-lint: gpu=T4\n" + TRL)
    assert set(found) == {"LL601"}


def test_checkpointing_takes_the_blame_where_it_is_off() -> None:
    text = "# lora-lint: gpu=RTX 4090\n" + TRL + FOUR_BIT
    off = findings(text + "gradient_checkpointing: false\n")
    assert set(off) == {"LL604"}
    assert "with gradient checkpointing it would be" in off["LL604"].message
    assert not findings(text + "gradient_checkpointing: true\n")


def test_a_tight_run_names_what_dominates_and_what_would_do() -> None:
    text = "# lora-lint: gpu=RTX 3060\n" + TRL.replace("size: 2", "size: 16") + FOUR_BIT
    found = findings(text + "gradient_checkpointing: true\n")
    assert set(found) == {"LL603"}
    assert "if a batch reaches 16 x 2048 tokens" in found["LL603"].message
    assert "Most of it:" in found["LL603"].message
    assert "GiB" in found["LL603"].help


def test_inside_the_band_nobody_speaks() -> None:
    """A run that the forecast itself puts above the threshold, but its band's low end does not."""
    gpu = find_gpu("RTX 3060")
    sizes = [
        size
        for size in range(1, 17)
        if outlook(told(TRL.replace("size: 2", f"size: {size}") + FOUR_BIT).plan.on(gpu), gpu)
        is Outlook.TIGHT
    ]
    assert sizes
    for size in sizes:
        text = "# lora-lint: gpu=RTX 3060\n" + TRL.replace("size: 2", f"size: {size}") + FOUR_BIT
        assert "LL603" not in findings(text)


def test_over_the_card_but_inside_the_band_is_tight_and_no_finding() -> None:
    text = AXOLOTL.replace("len: 2048", "len: 5376")
    gpu = find_gpu("RTX 4090")
    found = told(text).plan.on(gpu)
    assert found.band.low < 0.86 * gpu.usable < gpu.most < found.allocated
    assert outlook(found, gpu) is Outlook.TIGHT
    assert set(findings("# lora-lint: gpu=RTX 4090\n" + text)) == {"LL606"}


def test_logits_are_named_only_where_they_need_not_be() -> None:
    declared = "# lora-lint: gpu=A100 80GB\n"
    assert set(findings(declared + FACTORY)) == {"LL606"}
    assert not findings(declared + FACTORY + "enable_liger_kernel: true\n")
    assert not findings(declared + TRL)
