"""What the rules on training without effect say, shown by the libraries on tiny models."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
from test_script_truth import folder as folder  # noqa: E402
from test_script_truth import four_bits, lora, loss, tiny  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Allocate(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
    """What AdaLoRA needs and nobody calls."""

    def on_optimizer_step(
        self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
    ) -> None:
        model.base_model.update_and_allocate(state.global_step)


@pytest.mark.parametrize("allocates", [False, True])
def test_llb39_ranks_are_taken_away_by_update_and_allocate_only(
    tmp_path: Path, *, allocates: bool
) -> None:
    config = peft.AdaLoraConfig(
        init_r=6,
        target_r=2,
        tinit=1,
        tfinal=2,
        deltaT=1,
        total_step=8,
        target_modules=["q_proj", "v_proj"],
        task_type="CAUSAL_LM",
    )
    model = peft.get_peft_model(tiny(), config)
    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": torch.tensor([1, 2, 3])}] * 16
    arguments = transformers.TrainingArguments(
        str(tmp_path),
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        max_steps=8,
        per_device_train_batch_size=2,
        learning_rate=0.01,
    )
    callbacks = [Allocate()] if allocates else []
    transformers.Trainer(model, arguments, train_dataset=rows, callbacks=callbacks).train()
    ranks = [int((e != 0).sum()) for name, e in model.named_parameters() if "lora_E" in name]
    assert len(ranks) == 4
    assert sum(ranks) == (2 if allocates else 6) * 4
    assert (max(ranks) < 6) is allocates
    assert (model.peft_config["default"].rank_pattern is None) is not allocates


@pytest.mark.parametrize("library", ["peft", "transformers", "trl"])
def test_llb39_no_library_calls_it(library: str) -> None:
    """But for AdaMSS, another method, whose own callback does."""
    module = pytest.importorskip(library)
    root = Path(module.__file__).parent
    calling = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if ".update_and_allocate(" in path.read_text(encoding="utf-8")
    ]
    assert all(path.startswith(("tuners/adalora/", "tuners/adamss/")) for path in calling)


def test_llb06_a_loop_trains_what_is_not_quantized(folder: str) -> None:
    model = four_bits(folder)
    before = {name: part.clone() for name, part in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    loss(model).backward()
    optimizer.step()
    changed = {n for n, part in model.state_dict().items() if not torch.equal(before[n], part)}
    assert changed
    assert all("embed_tokens" in n or "norm" in n or "lm_head" in n for n in changed)
    with pytest.raises(RuntimeError, match="floating point"):
        next(p for n, p in model.named_parameters() if "q_proj" in n).requires_grad_(True)


@pytest.mark.parametrize("loads", ["PeftModel.from_pretrained", "load_adapter"])
def test_llb05_an_adapter_of_a_resized_model_brings_its_embedding_unasked(
    folder: str, tmp_path: Path, loads: str
) -> None:
    base = transformers.AutoModelForCausalLM.from_pretrained(folder)
    base.resize_token_embeddings(70)
    peft.get_peft_model(base, lora()).save_pretrained(tmp_path / "adapter")
    saved = str(tmp_path / "adapter")
    fresh = transformers.AutoModelForCausalLM.from_pretrained(folder)
    through_peft = loads == "PeftModel.from_pretrained"
    load = partial(peft.PeftModel.from_pretrained, fresh) if through_peft else fresh.load_adapter
    with pytest.raises(RuntimeError, match="mismatch"):
        load(saved)
    fresh = transformers.AutoModelForCausalLM.from_pretrained(folder)
    fresh.resize_token_embeddings(70)
    peft.PeftModel.from_pretrained(fresh, saved)


def test_ll407_an_embedding_that_is_resized_after_the_adapter_stays_frozen() -> None:
    model = peft.get_peft_model(tiny(), lora())
    model.resize_token_embeddings(70)
    assert model.get_input_embeddings().weight.shape[0] == 70
    free = [name for name, part in model.named_parameters() if part.requires_grad]
    assert free
    assert all("lora_" in name for name in free)
