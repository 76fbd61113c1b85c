"""What the rules on texts, labels and tasks say, shown by the libraries on tiny models."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
from test_script_truth import tiny, tokenizer  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def padded_row(words: Any, length: int = 12) -> dict[str, list[int]]:
    given = {"padding": "max_length", "max_length": length, "truncation": True}
    row = dict(words(["w1", "w2", "w3"], is_split_into_words=True, **given))
    return {**row, "labels": list(row["input_ids"])}


@pytest.mark.parametrize("name", ["seq2seq", "padding", "default"])
def test_ll912_collators_leave_padded_labels(name: str) -> None:
    words = tokenizer()
    collator = {
        "seq2seq": transformers.DataCollatorForSeq2Seq(words),
        "padding": transformers.DataCollatorWithPadding(words),
        "default": transformers.default_data_collator,
    }[name]
    row = padded_row(words)
    row.pop("token_type_ids", None)
    labels = collator([dict(row), dict(row)])["labels"]
    assert labels.tolist() == [row["input_ids"]] * 2
    assert (labels == words.pad_token_id).sum() == 18


def test_ll912_the_collator_of_language_modeling_makes_labels_of_its_own() -> None:
    words = tokenizer()
    collator = transformers.DataCollatorForLanguageModeling(words, mlm=False)
    labels = collator([padded_row(words)])["labels"]
    assert (labels == -100).sum() == 9


def test_ll912_the_loss_counts_padding() -> None:
    model, words = tiny(), tokenizer()
    row = padded_row(words)
    ids, mask = torch.tensor([row["input_ids"]]), torch.tensor([row["attention_mask"]])
    padded = model(input_ids=ids, attention_mask=mask, labels=ids)
    scores = padded.logits[0, :-1].log_softmax(-1)
    every = -scores.gather(1, ids[0, 1:, None]).squeeze(1)
    assert padded.loss.item() == pytest.approx(every.mean().item(), rel=1e-5)
    masked = model(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100))
    assert masked.loss.item() == pytest.approx(every[:2].mean().item(), rel=1e-5)


def test_ll905_trl_tokenizes_a_text_column_with_special_tokens(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, processors

    datasets, trl = pytest.importorskip("datasets"), pytest.importorskip("trl")
    words = {"<s>": 0, "hello": 1, "<unk>": 2, "</s>": 3}
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))  # noqa: S106
    made.add_special_tokens(["<s>", "</s>"])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    special = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    words = transformers.PreTrainedTokenizerFast(tokenizer_object=made, **special)
    words.chat_template = "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    messages = [{"role": "user", "content": "hello"}]
    text = words.apply_chat_template(messages, tokenize=False)
    arguments = trl.SFTConfig(str(tmp_path), use_cpu=True, report_to="none", bf16=False)
    first = {}
    for column, value in {"text": text, "messages": messages}.items():
        rows = datasets.Dataset.from_dict({column: [value] * 2})
        trainer = trl.SFTTrainer(tiny(), args=arguments, train_dataset=rows, processing_class=words)
        first[column] = trainer.train_dataset[0]["input_ids"]
    assert first["text"][:3] == [0, 0, 1]
    assert first["messages"][:2] == [0, 1]


def classifier() -> Any:
    config = tiny().config
    config.pad_token_id, config.num_labels = None, 2
    return transformers.LlamaForSequenceClassification(config)


def test_llb45_a_batch_needs_the_padding_id_of_the_model() -> None:
    model, rows = classifier(), torch.tensor([[1, 2, 3], [4, 5, 6]])
    assert model(input_ids=rows[:1]).logits.shape == (1, 2)
    with pytest.raises(ValueError, match="no padding token"):
        model(input_ids=rows)
    model.config.pad_token_id = 0
    assert model(input_ids=rows).logits.shape == (2, 2)


@pytest.mark.parametrize("given", [False, True])
def test_llb45_the_trainer_takes_the_padding_id_of_its_tokenizer(
    tmp_path: Path, given: bool
) -> None:
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_list([{"input_ids": [1, 2, 3], "labels": 1}] * 4)
    arguments = transformers.TrainingArguments(
        str(tmp_path), use_cpu=True, report_to="none", max_steps=1, save_strategy="no"
    )
    words = tokenizer() if given else None
    trainer = transformers.Trainer(
        classifier(), arguments, train_dataset=rows, processing_class=words
    )
    if given:
        trainer.train()
        return
    with pytest.raises(ValueError, match="no padding token"):
        trainer.train()


@pytest.mark.parametrize("task", ["SEQ_2_SEQ_LM", "CAUSAL_LM", None])
def test_ll417_a_speech_model_takes_no_text(task: str | None) -> None:
    sizes = {"d_model": 16, "vocab_size": 64, "num_mel_bins": 8, "max_source_positions": 30}
    for part in ("encoder", "decoder"):
        sizes |= {f"{part}_layers": 1, f"{part}_attention_heads": 2, f"{part}_ffn_dim": 16}
    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 3}
    config = transformers.WhisperConfig(**sizes, **special, max_target_positions=20)
    model = transformers.WhisperForConditionalGeneration(config)
    adapter = peft.LoraConfig(r=2, target_modules=["q_proj"], task_type=task)
    model = peft.get_peft_model(model, adapter)
    batch = {"input_features": torch.zeros(1, 8, 60), "labels": torch.tensor([[4, 5]])}
    if task is None:
        assert model(**batch).loss > 0
        return
    with pytest.raises(TypeError, match="input_ids"):
        model(**batch)


def test_ll914_a_space_at_the_end_is_a_token_of_its_own() -> None:
    from tokenizers import ByteLevelBPETokenizer

    words = ByteLevelBPETokenizer()
    words.train_from_iterator(["Answer: Paris is the answer 7 of 9"] * 50, vocab_size=400)
    template, text = (words.encode(each).tokens for each in ("Answer: ", "Answer: Paris"))
    assert template[-1] == "Ġ"
    assert "Ġ" not in text
    assert words.encode("Answer:").tokens == text[: len(template) - 1] == template[:-1]


def mllama() -> tuple[Any, Any]:
    """The two classes that load one checkpoint: for text alone, and with images."""
    from transformers.models.mllama.modeling_mllama import MllamaForCausalLM

    text = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "vocab_size": 64}
    text |= {"num_attention_heads": 2, "num_key_value_heads": 2, "cross_attention_layers": [1]}
    text |= {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    text |= {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "image_size": 28}
    vision |= {"num_global_layers": 1, "attention_heads": 2, "patch_size": 14, "max_num_tiles": 1}
    vision |= {"vision_output_dim": 32, "intermediate_layers_indices": [0]}
    vision |= {"supported_aspect_ratios": [[1, 1]]}
    config = transformers.MllamaConfig(vision_config=vision, text_config=text)
    return MllamaForCausalLM(config.text_config), transformers.MllamaForConditionalGeneration(
        config
    )


@pytest.mark.parametrize("classes", ["llama", "llama back", "mllama", "the same"])
def test_llb46_an_adapter_is_not_found_on_another_class(tmp_path: Path, classes: str) -> None:
    base, other = (tiny(), transformers.LlamaModel(tiny().config))
    if classes == "llama back":
        base, other = other, base
    elif classes == "mllama":
        base, other = mllama()
    elif classes == "the same":
        other = tiny()
    config = peft.LoraConfig(r=2, target_modules=["q_proj"])
    trained = peft.get_peft_model(base, config)
    for name, parameter in trained.named_parameters():
        if "lora_B" in name:
            torch.nn.init.ones_(parameter)
    trained.save_pretrained(tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = peft.PeftModel.from_pretrained(other, tmp_path)
    missing = any("missing adapter keys" in str(each.message) for each in caught)
    sums = [parameter.sum() for name, parameter in loaded.named_parameters() if "lora_B" in name]
    assert missing == (classes != "the same")
    assert (sum(sums) == 0) == (classes != "the same")


def test_ll915_a_number_beyond_the_embedding_raises() -> None:
    model = tiny()
    rows = model.get_input_embeddings()
    assert torch.equal(rows(torch.tensor([5]))[0], rows.weight[5])
    with pytest.raises(IndexError):
        model(input_ids=torch.tensor([[1, model.config.vocab_size]]))
