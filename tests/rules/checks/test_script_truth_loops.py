"""What the rules on a script's own loops say, shown by the libraries on tiny models."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
from test_script_truth import lora, loss, tiny  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def nodes(value: Any) -> int:
    """How many nodes of the autograd graph live as long as a tensor."""
    pending, seen = [value.grad_fn], set()
    while pending:
        node = pending.pop()
        if node is not None and node not in seen:
            seen.add(node)
            pending += [before for before, _ in node.next_functions]
    return len(seen)


def test_llb50_a_sum_of_losses_keeps_the_nodes_of_every_batch() -> None:
    model = peft.get_peft_model(tiny(), lora(target_modules="all-linear"))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    weights = sum(parameter.requires_grad for parameter in model.parameters())  # one node each
    total: Any = 0
    kept = []
    for _ in range(4):
        value = loss(model)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += value
        kept.append(nodes(total) - weights)
    assert kept[0] > 100
    assert kept == [kept[0] * n for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("every", [1, 2])
def test_llb50_a_sum_that_goes_backward_raises_at_the_second_pass(every: int) -> None:
    model = peft.get_peft_model(tiny(), lora())
    total: Any = 0
    for step in range(2 * every):
        total += loss(model)
        if step + 1 == every:
            total.backward()
        elif step + 1 == 2 * every:
            with pytest.raises(RuntimeError, match="backward through the graph a second time"):
                total.backward()


ADAPTIVE = ["Adam", "AdamW", "RMSprop", "Adafactor"]


@pytest.mark.parametrize("name", ["SGD", *ADAPTIVE])
def test_llb52_only_a_step_that_follows_the_size_of_the_gradient_grows(name: str) -> None:
    steps = []
    for divided in (False, True):
        model = peft.get_peft_model(tiny(), lora(init_lora_weights=False))
        torch.manual_seed(0)
        parts = [one for one in model.parameters() if one.requires_grad]
        with torch.no_grad():
            for part in parts:
                part.copy_(torch.randn_like(part) * 0.1)
        before = [part.clone() for part in parts]
        optimizer = getattr(torch.optim, name)(parts, lr=1e-3)
        for _ in range(4):
            (loss(model) / (4 if divided else 1)).backward()
        optimizer.step()
        steps.append(
            torch.cat([(a - b).flatten() for a, b in zip(parts, before, strict=True)]).detach()
        )
    grown = (steps[0].norm() / steps[1].norm()).item()
    assert grown == pytest.approx(4 if name == "SGD" else 1, rel=0.02)


def test_llb52_clipping_acts_on_the_sum() -> None:
    norms = []
    for divided in (False, True):
        model = peft.get_peft_model(tiny(), lora(init_lora_weights=False))
        for _ in range(4):
            (loss(model) / (4 if divided else 1)).backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
    assert norms[0] == pytest.approx(4 * norms[1], rel=0.2)


VOCABULARY = 64


def best(logits: Any, labels: Any) -> Any:
    return logits.argmax(-1)


@pytest.mark.parametrize(
    ("arguments", "more", "grows"),
    [
        ({}, {}, True),
        ({"eval_accumulation_steps": 1}, {}, False),
        ({"batch_eval_metrics": True}, {}, False),
        ({}, {"preprocess_logits_for_metrics": best}, False),
        ({}, {"compute_metrics": None}, False),
    ],
)
def test_llb53_logits_of_all_rows_are_kept(
    tmp_path: Path, arguments: dict[str, Any], more: dict[str, Any], *, grows: bool
) -> None:
    kept = []

    class Looks(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
        def on_prediction_step(self, *_: Any, **__: Any) -> None:
            gc.collect()
            logits = [
                each
                for each in gc.get_objects()
                if type(each) is torch.Tensor and each.shape[-1:] == (VOCABULARY,)
            ]
            rows = [each.shape[0] for each in logits if each.dim() == 3 and not each.requires_grad]
            kept.append(max(rows, default=0))

    given = {"compute_metrics": lambda _, compute_result=True: {}} | more
    trainer = transformers.Trainer(
        peft.get_peft_model(tiny(), lora()),
        transformers.TrainingArguments(
            str(tmp_path),
            use_cpu=True,
            report_to="none",
            per_device_eval_batch_size=2,
            **arguments,
        ),
        eval_dataset=[{"input_ids": torch.arange(5), "labels": torch.arange(5)}] * 8,
        callbacks=[Looks()],
        **given,
    )
    trainer.evaluate()
    assert len(kept) == 4
    assert (kept[-1] >= 6) is grows
    assert grows or max(kept) <= 2
