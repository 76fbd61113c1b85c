"""What a model class creates anew and PEFT's task does not save, shown by the libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lora_rules.facts.adapter.saved_modules import SAVED_BY_TASK
from lora_rules.facts.model.fresh_modules import fresh_modules, not_saved

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

BERT = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "pad_token_id": 0,
}
BART = {
    "vocab_size": 64,
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
T5 = {
    "vocab_size": 64,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 64,
    "num_layers": 1,
    "num_heads": 4,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "decoder_start_token_id": 0,
}
XLM = {"vocab_size": 64, "emb_dim": 32, "n_layers": 1, "n_heads": 4}
XLNET = {"vocab_size": 64, "d_model": 32, "n_layer": 1, "n_head": 4, "d_inner": 64}
MODERN = BERT | {
    "cls_token_id": 3,
    "sep_token_id": 4,
    "bos_token_id": 3,
    "eos_token_id": 4,
}
SEQUENCE, ANSWERS = (
    ("ForSequenceClassification", "SEQ_CLS"),
    (
        "ForQuestionAnswering",
        "QUESTION_ANS",
    ),
)
CASES = [
    ("microsoft/deberta-base", "Deberta", SEQUENCE, BERT | {"pooler_hidden_size": 32}),
    ("microsoft/deberta-v3-base", "DebertaV2", SEQUENCE, BERT | {"pooler_hidden_size": 32}),
    ("facebook/bart-large", "Bart", SEQUENCE, BART),
    ("facebook/mbart-large-50", "MBart", SEQUENCE, BART),
    ("google-t5/t5-base", "T5", SEQUENCE, T5),
    ("google/mt5-small", "MT5", SEQUENCE, T5),
    ("xlnet/xlnet-base-cased", "XLNet", SEQUENCE, XLNET),
    ("flaubert/flaubert_base_cased", "Flaubert", SEQUENCE, XLM),
    ("FacebookAI/xlm-mlm-en-2048", "XLM", SEQUENCE, XLM),
    ("answerdotai/ModernBERT-base", "ModernBert", ANSWERS, MODERN),
]


def answer(model: Any) -> Any:
    given = model.eval()(input_ids=torch.tensor([[5, 6, 7, 2]]))
    return given.logits if "logits" in given else given.start_logits


@pytest.mark.parametrize("targets", ["all-linear", "some"])
@pytest.mark.parametrize(("name", "family", "of", "fields"), CASES, ids=[c[1] for c in CASES])
def test_a_saved_adapter_lacks_what_the_class_created(
    tmp_path: Path, name: str, family: str, of: tuple[str, str], fields: Any, targets: str
) -> None:
    loaded, task = of
    fresh = fresh_modules(name, family + loaded)
    assert fresh is not None
    config = getattr(transformers, f"{family}Config")(**fields)
    made = getattr(transformers, family + loaded)
    torch.manual_seed(0)
    whole = made(config)
    base = getattr(whole, whole.base_model_prefix)
    if family == "ModernBert":  # its checkpoints are of a masked language model, with its head
        base = transformers.ModernBertForMaskedLM(config)
    base.save_pretrained(tmp_path / "base")
    kinds = dict(whole.named_modules())
    assert all(isinstance(kinds[layer], torch.nn.Linear) for layer in fresh.layers)
    if targets == "some":
        inside = (n for n, each in base.named_modules() if isinstance(each, torch.nn.Linear))
        targets = next(inside).replace(".", r"\.") + "$"
        targets = rf".*{targets}"
    tops = list(dict.fromkeys(layer.partition(".")[0] for layer in fresh.layers))
    assert not_saved(fresh, SAVED_BY_TASK[task])
    assert not not_saved(fresh, tops)
    for saved in (None, tops):
        lora = peft.LoraConfig(
            task_type=task, target_modules=targets, modules_to_save=saved, init_lora_weights=False
        )
        torch.manual_seed(1)
        model = peft.get_peft_model(made.from_pretrained(tmp_path / "base"), lora)
        before = answer(model)
        model.save_pretrained(tmp_path / "adapter")
        torch.manual_seed(2)
        again = made.from_pretrained(tmp_path / "base")
        after = answer(peft.PeftModel.from_pretrained(again, tmp_path / "adapter"))
        assert torch.allclose(before, after, atol=1e-5) is (saved is not None)


def test_a_checkpoint_that_was_fine_tuned_has_its_head() -> None:
    for name in ("facebook/bart-large-mnli", "cross-encoder/nli-deberta-v3-base", "mine/t5-base"):
        assert fresh_modules(name, "AutoModelForSequenceClassification") is None
    assert fresh_modules("google-t5/t5-base", "AutoModelForSeq2SeqLM") is None


def test_a_layer_is_covered_by_the_end_of_its_path() -> None:
    fresh = fresh_modules("facebook/bart-base", "BartForSequenceClassification")
    assert fresh is not None
    assert not_saved(fresh, ["dense"]) == ["classification_head.out_proj"]
    assert not_saved(fresh, ["head"]) == []
