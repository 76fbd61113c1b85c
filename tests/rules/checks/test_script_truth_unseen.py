"""What the pages of LLB60 and following say, seen by running the libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
from test_script_truth import lora, tiny, tokenizer  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
IDS = [[1, 2, 3]]


def logits(model: Any) -> Any:
    with torch.no_grad():
        return model(torch.tensor(IDS)).logits


def wrapped() -> Any:
    return peft.get_peft_model(tiny(), lora(init_lora_weights=False)).eval()


def rows() -> Any:
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset.from_list([{"input_ids": [1, 2, 3], "labels": [1, 2, 3]}] * 4)


def test_llb61_a_loss_without_the_count_raises(tmp_path: Path) -> None:
    class Old(transformers.Trainer):  # type: ignore[misc, name-defined]
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False) -> Any:
            return model(**inputs).loss

    arguments = transformers.TrainingArguments(
        str(tmp_path), use_cpu=True, report_to="none", max_steps=1, save_strategy="no"
    )
    trainer = Old(wrapped(), arguments, train_dataset=rows())
    with pytest.raises(TypeError, match="num_items_in_batch"):
        trainer.train()


def test_llb63_a_statement_disables_nothing() -> None:
    model = wrapped()
    with_adapter = logits(model)
    model.disable_adapter()
    assert torch.equal(logits(model), with_adapter)
    assert torch.equal(logits(model.base_model.model), with_adapter)
    with model.disable_adapter():
        assert not torch.equal(logits(model), with_adapter)


def test_llb64_the_base_has_the_adapter(tmp_path: Path) -> None:
    wrapped().save_pretrained(tmp_path)
    base = tiny().eval()
    alone = logits(base)
    tuned = peft.PeftModel.from_pretrained(base, tmp_path).eval()
    assert not torch.equal(logits(base), alone)
    assert torch.equal(logits(base), logits(tuned))


def test_llb65_what_is_no_module_raises(tmp_path: Path) -> None:
    wrapped().save_pretrained(tmp_path)

    class Engine:
        """As vLLM's LLM: it holds a model and is none."""

    with pytest.raises(AttributeError, match="modules"):
        peft.PeftModel.from_pretrained(Engine(), tmp_path)
    with pytest.raises(AttributeError, match="modules"):
        peft.get_peft_model(Engine(), lora())


def test_llb66_the_result_is_no_model() -> None:
    model = wrapped()
    result = peft.set_peft_model_state_dict(model, peft.get_peft_model_state_dict(model))
    assert not isinstance(result, torch.nn.Module)
    with pytest.raises(AttributeError):
        result.print_trainable_parameters()


def test_llb04_another_name_nests(tmp_path: Path) -> None:
    model = peft.get_peft_model(wrapped(), lora(), adapter_name="second")
    active = {tuple(m.active_adapters) for m in model.modules() if hasattr(m, "lora_A")}
    assert active == {("second",)}
    model.save_pretrained(tmp_path)
    from safetensors.torch import load_file

    names = load_file(tmp_path / "second" / "adapter_model.safetensors")
    assert all(name.startswith("base_model.model.base_model.model.") for name in names)


def test_ll417_a_model_without_a_head_raises() -> None:
    headless = transformers.AutoModel.from_config(tiny().config)
    with pytest.raises(AttributeError, match="prepare_inputs_for_generation"):
        peft.get_peft_model(headless, lora(task_type="CAUSAL_LM"))


def grpo(folder: Path, reward: Any) -> Any:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    arguments = trl.GRPOConfig(
        str(folder),
        use_cpu=True,
        report_to="none",
        max_steps=1,
        save_strategy="no",
        per_device_train_batch_size=2,
        num_generations=2,
        max_completion_length=4,
        bf16=False,
    )
    data = datasets.Dataset.from_list([{"prompt": "a b"}] * 4)
    words = tokenizer()
    return trl.GRPOTrainer(
        tiny(), reward, args=arguments, train_dataset=data, processing_class=words
    )


def test_llb60_a_closed_function_raises(tmp_path: Path) -> None:
    def reward(prompts: Any, completions: Any) -> Any:
        return [0.0 for _ in completions]

    with pytest.raises(TypeError, match="completion_ids"):
        grpo(tmp_path, reward).train()


def test_llb60_one_reward_for_all_raises(tmp_path: Path) -> None:
    def reward(completions: Any, **kwargs: Any) -> Any:
        return [0.0]

    with pytest.raises(ValueError, match="returned 1 rewards"):
        grpo(tmp_path, reward).train()


def test_llb62_a_list_is_no_text(tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_list([{"q": "a", "a": "b"}] * 4)
    arguments = trl.SFTConfig(str(tmp_path), use_cpu=True, report_to="none", bf16=False)
    given: dict[str, Any] = {"args": arguments, "train_dataset": data}
    with pytest.raises(AttributeError, match="endswith"):
        trl.SFTTrainer(
            tiny(), **given, processing_class=tokenizer(), formatting_func=lambda row: [row["q"]]
        )
    trl.SFTTrainer(
        tiny(), **given, processing_class=tokenizer(), formatting_func=lambda row: row["q"]
    )


def test_ll028_a_tokenizer_without_a_template_raises() -> None:
    words = tokenizer()
    with pytest.raises(ValueError, match="chat_template is not set"):
        words.apply_chat_template([{"role": "user", "content": "w1"}], tokenize=False)
    words.chat_template = "{{ messages[0]['content'] }}"
    assert words.apply_chat_template([{"role": "user", "content": "w1"}], tokenize=False) == "w1"


def generated(ids: Any, **given: Any) -> list[int]:
    model = tiny().eval()
    model.config.pad_token_id = model.generation_config.pad_token_id = None
    model.config.eos_token_id = model.generation_config.eos_token_id = None
    out = model.generate(torch.tensor(ids), max_new_tokens=4, do_sample=False, **given)
    return [int(token) for token in out[0][len(ids[0]) :]]


def test_llb67_generation_goes_on_behind_the_padding() -> None:
    left = generated([[0, 0, 5, 6]], attention_mask=torch.tensor([[0, 0, 1, 1]]))
    right = generated([[5, 6, 0, 0]], attention_mask=torch.tensor([[1, 1, 0, 0]]))
    assert left == generated([[5, 6]])
    assert right != left


def test_llb67_padding_without_a_mask_is_text() -> None:
    masked = torch.tensor([[0, 0, 1, 1]])
    assert generated([[0, 0, 5, 6]]) != generated([[0, 0, 5, 6]], attention_mask=masked)


def test_llb10_zero3_takes_no_device_map(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.integrations import accelerate

    monkeypatch.setattr(accelerate, "is_deepspeed_zero3_enabled", lambda: True)
    with pytest.raises(ValueError, match="not compatible with passing a `device_map`"):
        accelerate.check_and_set_device_map({"": 0})
    with pytest.raises(ValueError, match="not compatible with passing a `device_map`"):
        accelerate.check_and_set_device_map("auto")


def test_llb68_the_auto_class_asks_for_the_task_type(tmp_path: Path) -> None:
    tiny().save_pretrained(tmp_path / "base")

    def saved(name: str, **given: Any) -> str:
        base = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base")
        peft.get_peft_model(base, lora(**given)).save_pretrained(tmp_path / name)
        return str(tmp_path / name)

    auto = peft.AutoPeftModelForCausalLM
    auto.from_pretrained(saved("causal"))
    auto.from_pretrained(saved("none", task_type=None))
    with pytest.raises(ValueError, match="Expected target PEFT class: PeftModelForSeq2SeqLM"):
        auto.from_pretrained(saved("other", task_type="SEQ_2_SEQ_LM"))
    # What transformers' add_adapter saves is the configuration as it was given.
    lora(task_type=None, base_model_name_or_path=str(tmp_path / "base")).save_pretrained(
        tmp_path / "injected"
    )
    with pytest.raises(ValueError, match="Cannot infer the auto class"):
        auto.from_pretrained(str(tmp_path / "injected"))
