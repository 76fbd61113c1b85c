"""What the rules on modes and precision of a script say, shown by the libraries on tiny models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
from test_script_truth import lora, tiny  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def trained(folder: Path, **fields: Any) -> Any:
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_list([{"input_ids": [1, 2, 3], "labels": [1, 2, 3]}] * 4)
    model = peft.get_peft_model(tiny().eval(), lora(lora_dropout=0.5, init_lora_weights=False))
    arguments = transformers.TrainingArguments(
        str(folder), use_cpu=True, report_to="none", max_steps=1, save_strategy="no", **fields
    )
    trainer = transformers.Trainer(model, arguments, train_dataset=rows, eval_dataset=rows)
    trainer.train()
    return model


def answers(model: Any) -> list[Any]:
    given = {"max_new_tokens": 8, "return_dict_in_generate": True, "output_logits": True}
    prompt = torch.tensor([[1, 2, 3]])
    return [
        torch.stack(model.generate(input_ids=prompt, do_sample=False, **given).logits[:1])
        for _ in range(2)
    ]


def test_llb41_generate_leaves_training_mode(tmp_path: Path) -> None:
    model = trained(tmp_path)
    assert model.training
    first, second = answers(model)
    assert model.training
    assert not torch.equal(first, second)
    model.eval()
    first, second = answers(model)
    assert torch.equal(first, second)


def test_llb41_an_evaluation_ends_training_mode(tmp_path: Path) -> None:
    model = trained(tmp_path, eval_strategy="steps", eval_steps=1)
    assert not model.training
    first, second = answers(model)
    assert torch.equal(first, second)


def test_llb41_a_loaded_adapter_that_may_be_trained_keeps_its_dropout(tmp_path: Path) -> None:
    peft.get_peft_model(tiny(), lora(lora_dropout=0.5)).save_pretrained(tmp_path)
    frozen = peft.PeftModel.from_pretrained(tiny().eval(), tmp_path)
    free = peft.PeftModel.from_pretrained(tiny().eval(), tmp_path, is_trainable=True)
    assert not frozen.training
    assert free.training
