"""What pages on schedules, data and initialisation say, shown by the libraries themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
trl = pytest.importorskip("trl")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def rates(name: str, warmup: int, steps: int) -> list[float]:
    """The learning rate of every step, with 1 as the rate that was set."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = transformers.get_scheduler(name, optimizer, warmup, steps)
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return found


def flow(folder: Path, steps: int, **fields: Any) -> list[tuple[int, bool, bool]]:
    """The steps at which the Trainer would evaluate and save, as it decides itself."""
    args = transformers.TrainingArguments(output_dir=str(folder), max_steps=steps, **fields)
    state = transformers.TrainerState(
        max_steps=steps,
        eval_steps=int(args.eval_steps or args.logging_steps),
        save_steps=int(args.save_steps),
        logging_steps=int(args.logging_steps),
    )
    decides, found = transformers.trainer_callback.DefaultFlowCallback(), []
    for step in range(1, steps + 1):
        state.global_step = step
        control = transformers.TrainerControl()
        decides.on_step_end(args, state, control)
        if control.should_evaluate or control.should_save:
            found.append((step, control.should_evaluate, control.should_save))
    return found


def test_ll807_a_warmup_longer_than_the_run() -> None:
    found = rates("linear", warmup=300, steps=200)
    assert max(found) < 1
    assert sum(found) / len(found) < 0.5


def test_ll807_a_number_below_one_is_a_share(tmp_path: Path) -> None:
    args = transformers.TrainingArguments(output_dir=str(tmp_path), warmup_steps=0.03)
    assert args.get_warmup_steps(1000) == 30


def test_ll807_the_ratio_is_gone(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="warmup_ratio"):
        transformers.TrainingArguments(output_dir=str(tmp_path), warmup_ratio=0.03)


def test_ll811_three_epochs_are_the_default(tmp_path: Path) -> None:
    for config in (transformers.TrainingArguments, trl.SFTConfig):
        assert config(output_dir=str(tmp_path), bf16=False).num_train_epochs == 3


def test_ll812_the_constant_schedule_has_no_warmup() -> None:
    assert rates("constant", warmup=10, steps=20) == [1.0] * 20
    assert rates("constant_with_warmup", warmup=10, steps=20)[0] == 0


def test_ll813_one_evaluation_at_the_end(tmp_path: Path) -> None:
    found = flow(tmp_path, 30, eval_strategy="steps", eval_steps=50, save_strategy="no")
    assert found == [(30, True, False)]


def test_lla03_the_end_is_saved_unless_the_strategy_is_no(tmp_path: Path) -> None:
    assert flow(tmp_path, 30, save_strategy="steps", save_steps=500) == [(30, False, True)]
    assert flow(tmp_path, 30, save_strategy="no") == []


@pytest.mark.parametrize("config", ["SFTConfig", "DPOConfig", "KTOConfig"])
def test_ll909_the_start_of_1024_tokens_is_kept(tmp_path: Path, config: str) -> None:
    args = getattr(trl, config)(output_dir=str(tmp_path), bf16=False)
    assert args.max_length == 1024
    assert getattr(args, "truncation_mode", "keep_start") == "keep_start"


def test_ll909_nothing_is_said_of_what_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    from datasets import Dataset
    from tokenizers import Tokenizer, models

    words = Tokenizer(models.WordLevel({str(i): i for i in range(64)}))
    special = {"eos_token": "1", "pad_token": "2"}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, **special)
    config = transformers.LlamaConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        vocab_size=64,
    )
    row = [3] * 1500 + [1]
    trainer = trl.SFTTrainer(
        model=transformers.LlamaForCausalLM(config),
        args=trl.SFTConfig(output_dir=str(tmp_path), bf16=False, use_cpu=True, report_to="none"),
        train_dataset=Dataset.from_dict({"input_ids": [row]}),
        processing_class=tokenizer,
    )
    assert trainer.train_dataset[0]["input_ids"] == row[:1024]
    said = caplog.text + capsys.readouterr().out
    assert "truncat" not in said.lower()


def test_ll805_b_starts_at_zero() -> None:
    layer = peft.get_peft_model(
        torch.nn.Sequential(torch.nn.Linear(8, 8)), peft.LoraConfig(r=2, target_modules=["0"])
    )
    (b,) = [weight for name, weight in layer.named_parameters() if "lora_B" in name]
    assert not b.any()


def test_ll013_pissa_trains_the_principal_components() -> None:
    torch.manual_seed(0)
    base = torch.nn.Linear(16, 16, bias=False)
    left, values, right = torch.linalg.svd(base.weight.detach().clone())
    config = peft.LoraConfig(r=3, lora_alpha=3, target_modules=["0"], init_lora_weights="pissa")
    model = peft.get_peft_model(torch.nn.Sequential(base), config)
    layer = model.base_model.model[0]
    trained = layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    principal = left[:, :3] @ torch.diag(values[:3]) @ right[:3]
    assert torch.allclose(trained, principal, atol=1e-4)


def step_of(optimizer: Any, scale: float) -> float:
    """How far the first step goes on a gradient of that size."""
    weight = torch.nn.Parameter(torch.zeros(1))
    rule = optimizer([weight], lr=0.1)
    weight.grad = torch.full((1,), scale)
    rule.step()
    return abs(float(weight))


def test_ll810_adams_step_does_not_depend_on_the_size_of_the_gradient() -> None:
    assert step_of(torch.optim.Adam, 1000.0) == pytest.approx(step_of(torch.optim.Adam, 1.0))
    assert step_of(torch.optim.SGD, 1000.0) == pytest.approx(1000 * step_of(torch.optim.SGD, 1.0))


def fitted_noise() -> tuple[float, float, float]:
    """The loss on noise that a model is fitted to, before and after; and on other noise."""
    torch.manual_seed(0)
    inputs, targets = torch.randn(20, 40), torch.randn(20, 1)
    others = torch.randn(200, 40), torch.randn(200, 1)
    model, loss = torch.nn.Linear(40, 1), torch.nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    before = float(loss(model(inputs), targets))
    for _ in range(300):
        optimizer.zero_grad()
        loss(model(inputs), targets).backward()
        optimizer.step()
    return before, float(loss(model(inputs), targets)), float(loss(model(others[0]), others[1]))


def test_ll906_ll907_the_loss_on_rows_that_are_trained_on_shows_nothing() -> None:
    before, after, other = fitted_noise()
    assert after < 0.01 < before
    assert other > 1


def test_ll908_a_repeated_row_weighs_more() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    (rows @ weight).mean().backward()
    assert weight.grad[0] == pytest.approx(2 * float(weight.grad[1]))


def test_ll908_repeated_rows_are_on_both_sides() -> None:
    torch.manual_seed(0)
    order = torch.randperm(200).tolist()  # two copies of each of 100 rows
    held_out, trained_on = order[:20], {place % 100 for place in order[20:]}
    assert any(place % 100 in trained_on for place in held_out)
