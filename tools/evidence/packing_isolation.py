"""Whether examples that TRL's ``SFTTrainer`` packs into one sequence see each other.

    python tools/evidence/packing_isolation.py

Two examples are packed, and their hidden states are taken on the trainer's own way to the loss;
then the first example gets other tokens. What the second one's states move by is what it sees of
the first. Run with transformers 4.56.2: 0.69 in every line with TRL 0.22.2 and 0.23.0; 0.000 for
``bfd`` and 0.69 for ``wrapped`` with 0.23.1, 0.24.0, 0.27.2, 1.0.0, 1.10.0 and 1.13.0, and the same
with TRL 1.16.0 and transformers 5.24.0. TRL 0.16.1, 0.17.0 and 0.18.2, whose packing has no
strategies, give 0.69.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from importlib.metadata import version
from itertools import product
from typing import Any, TypeAlias

Opaque: TypeAlias = Any
"""An object of the libraries."""
FIRST, SECOND = 12, 8
"""Lengths of the two examples."""


def main() -> None:
    """Print, for each attention and strategy, how far the second example moves."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    print("TRL", version("trl"), "transformers", version("transformers"))
    for attention, strategy in product(("sdpa", "eager"), _strategies()):
        print(f"{attention:6} {strategy:8} moves by {moved(attention, strategy):.3f}")


def _strategies() -> tuple[str, ...]:
    from trl import SFTConfig

    return ("bfd", "wrapped") if hasattr(SFTConfig, "packing_strategy") else ("",)


def moved(attention: str, strategy: str) -> float:
    """The largest change of the second example's hidden states."""
    one, other = (_states(attention, strategy, start) for start in (10, 40))
    return float((one - other).abs().max())


def _states(attention: str, strategy: str, start: int) -> Opaque:
    """The second example's last hidden states, beside a first one whose tokens begin so."""
    import torch
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    second = list(range(100, 100 + SECOND))
    rows = [list(range(start, start + FIRST)), second]
    model = _tiny(attention)
    kept: list[Opaque] = []
    model.model.norm.register_forward_hook(lambda *made: kept.append(made[2].detach()))
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            packing=True,
            **({"packing_strategy": strategy} if strategy else {}),
            max_length=FIRST + SECOND,
            per_device_train_batch_size=1,
            bf16=False,
            use_cpu=True,
            report_to=[],
        )
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_dict({"input_ids": rows}),
            processing_class=_tokenizer(),
        )
        batch = next(iter(trainer.get_train_dataloader()))
        with torch.no_grad():
            trainer.compute_loss(model, dict(batch))
    tokens = batch["input_ids"][0].tolist()
    at = next(at for at in range(len(tokens)) if tokens[at : at + SECOND] == second)
    if at != FIRST:
        raise RuntimeError("the two examples were not packed into one sequence")
    return kept[-1][0, at : at + SECOND]


def _tiny(attention: str) -> Opaque:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config)


def _tokenizer() -> Opaque:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    words = {f"w{number}": number for number in range(126)} | {"<pad>": 126, "<eos>": 127}
    special = {"pad_token": "<pad>", "eos_token": "<eos>"}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel(words)), **special)


if __name__ == "__main__":
    main()
