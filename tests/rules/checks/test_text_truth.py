"""What the rules on texts, labels and tasks say, shown by the libraries on tiny models."""

from __future__ import annotations

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
