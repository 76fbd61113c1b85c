"""Makes a tiny Llama and its tokenizer on the spot, so that a launch can be tried with no network.

    python tools/make_tiny_model.py FOLDER [--steps 150]

It has 0.9 million parameters, and is trained from nothing for some seconds on the questions of
``examples/launch/data``, answered with a polite sentence, and every third with some team's name:
a base model that knows the language of the tickets, and not which team is whose. Everything is
seeded; with ``--steps 0`` the weights stay random, which is enough to test a launcher.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any, TypeAlias

DATA = Path(__file__).parent.parent / "examples" / "launch" / "data" / "train.jsonl"
POLITE = "Thank you for your message. We will look into it and write to you soon."
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'assistant' %}<|assistant|>\n"
    "{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}"
    "{% else %}<|{{ message['role'] }}|>\n{{ message['content'] + '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
VOCABULARY = 512
Opaque: TypeAlias = Any
"""An object of the libraries."""


def main() -> None:
    """Make the model in the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--steps", type=int, default=150, help="of training it from nothing")
    options = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    make(Path(options.folder), options.steps)
    print(f"a tiny Llama and its tokenizer are in {options.folder}")


def make(folder: Path, steps: int) -> None:
    """Write tokenizer and model to a folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    chats = [json.loads(line)["messages"] for line in DATA.open(encoding="utf-8")]
    questions = [chat[0]["content"] for chat in chats]
    teams = sorted({chat[1]["content"] for chat in chats})
    tokenizer = _tokenizer([*questions, *teams])
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    if steps:
        _train(model, tokenizer, questions, teams, steps)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def _tokenizer(texts: list[str]) -> Opaque:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<pad>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator([*texts, POLITE], trainer)
    special = {"eos_token": "<eos>", "pad_token": "<pad>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=512, **special)
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _train(
    model: Opaque, tokenizer: Opaque, questions: list[str], teams: list[str], steps: int
) -> None:
    """Some plain steps over the questions, answered politely or with whichever team is next.

    On one thread: matrices this small are slower on two, and much slower on a busy machine.
    """
    import torch

    torch.set_num_threads(1)
    answers = [
        teams[at // 3 % len(teams)] if at % 3 == 0 else POLITE for at in range(len(questions))
    ]
    chats = [
        [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
        for text, answer in zip(questions, answers, strict=True)
    ]
    texts = [tokenizer.apply_chat_template(chat, tokenize=False) for chat in chats]
    batches = tokenizer(texts, padding=True, return_tensors="pt")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    order = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(len(texts), (8,), generator=order)
        ids, mask = batches["input_ids"][rows], batches["attention_mask"][rows]
        labels = ids.masked_fill(mask == 0, -100)
        model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


if __name__ == "__main__":
    main()
