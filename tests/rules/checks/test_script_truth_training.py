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


def test_llb42_the_base_is_trained_and_only_the_adapter_is_saved(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    model = peft.get_peft_model(tiny(), lora())
    for parameter in model.parameters():
        parameter.requires_grad = True
    before = {name: part.clone() for name, part in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss(model).backward()
    optimizer.step()
    changed = {n for n, part in model.state_dict().items() if not torch.equal(before[n], part)}
    assert any("base_layer.weight" in name for name in changed)
    model.save_pretrained(tmp_path)
    assert all("lora_" in name for name in load_file(tmp_path / "adapter_model.safetensors"))
    loaded = peft.PeftModel.from_pretrained(tiny(), tmp_path)
    assert not torch.allclose(loss(loaded), loss(model))


def test_llb42_quantized_weights_cannot_require_a_gradient(folder: str) -> None:
    model = peft.get_peft_model(four_bits(folder), lora())
    with pytest.raises(RuntimeError, match="floating point"):
        model.requires_grad_(True)


class Saved:
    """A tensor that a graph saved for its backward pass."""

    alive = 0

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor.detach()  # else it holds the graph that holds it
        Saved.alive += 1

    def __del__(self) -> None:
        Saved.alive -= 1


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("number", [False, True])
def test_llb43_a_sum_of_losses_keeps_the_activations_of_every_batch(
    *, number: bool, frozen: bool
) -> None:
    import gc

    model = peft.get_peft_model(tiny(), lora()).eval()
    if frozen:
        model.requires_grad_(False)
    gc.collect()
    kept: list[int] = []
    total: Any = 0
    with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
        before = Saved.alive
        for _ in range(4):
            value = loss(model)
            total += value.item() if number else value
            del value
            gc.collect()
            kept.append(Saved.alive - before)
    if number or frozen:
        assert kept == [0, 0, 0, 0]
    else:
        assert kept[0] > 10
        assert kept == [kept[0] * n for n in (1, 2, 3, 4)]


def test_llb44_evaluation_mode_lasts_until_train_is_called() -> None:
    fields = {"lora_dropout": 0.5, "init_lora_weights": False}
    model = peft.get_peft_model(tiny(), lora(**fields))
    assert not torch.equal(loss(model), loss(model))
    model.eval()
    loss(model).backward()
    assert not model.training
    assert torch.equal(loss(model), loss(model))
    model.train()
    assert not torch.equal(loss(model), loss(model))


def test_llb44_checkpointing_is_off_in_evaluation_mode() -> None:
    model = peft.get_peft_model(tiny(), lora())
    model.gradient_checkpointing_enable({"use_reentrant": False})
    saved = []
    for mode in (True, False):
        model.train(mode)
        counted: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor, counted=counted: counted.append(tensor.numel()) or tensor, lambda t: t
        ):
            loss(model)
        saved.append(len(counted))
    assert saved[0] < saved[1]


@pytest.mark.parametrize("whole", [True, False])
def test_llb38_weights_of_a_base_do_not_arrive_after_the_adapter(*, whole: bool) -> None:
    other = tiny()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    base = tiny()
    model = peft.get_peft_model(base, lora())
    target = model if whole else base
    with pytest.raises(RuntimeError, match="base_layer"):
        target.load_state_dict(other.state_dict())
    base = tiny()
    model = peft.get_peft_model(base, lora())
    before = {name: part.clone() for name, part in base.state_dict().items()}
    (model if whole else base).load_state_dict(other.state_dict(), strict=False)
    same = {name for name, part in base.state_dict().items() if torch.equal(before[name], part)}
    assert same >= {name for name in before if "base_layer" in name or "lora_" in name}
    assert (len(same) == len(before)) is whole
    peft.set_base_model_state_dict(model, other.state_dict())
    assert torch.equal(
        base.state_dict()["model.layers.0.self_attn.q_proj.base_layer.weight"],
        other.state_dict()["model.layers.0.self_attn.q_proj.weight"],
    )
