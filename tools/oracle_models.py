"""Small models of many architectures, real enough for PEFT: two layers, a width of 64.

The first thirty are those of ``tests/data/peft_cases.jsonl``, under the names that it uses.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any, NamedTuple

import torch
import transformers
from torch import nn
from transformers import CONFIG_MAPPING

_SIZES = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 128,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
_GROUPED = {**_SIZES, "num_key_value_heads": 2}
_WIDE = {**_GROUPED, "head_dim": 16}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
_OLD = {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 128, "n_positions": 64}
_ENDS = {"bos_token_id": 1, "eos_token_id": 2}
_LABELS = {"num_labels": 3}
_BART = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "vocab_size": 128,
    "max_position_embeddings": 64,
}
_DISTILBERT = {
    "dim": 64,
    "hidden_dim": 128,
    "n_layers": 2,
    "n_heads": 4,
    "vocab_size": 128,
    "max_position_embeddings": 64,
}
_T5 = {
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 128,
    "num_layers": 2,
    "num_heads": 4,
    "vocab_size": 128,
    "decoder_start_token_id": 0,
}
_DEEPSEEK = {
    **_SIZES,
    "num_key_value_heads": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "v_head_dim": 16,
    "qk_nope_head_dim": 16,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
}
_VIT = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 16,
    "patch_size": 8,
}
_SWIN = {
    "embed_dim": 16,
    "depths": [1, 2],
    "num_heads": [2, 4],
    "window_size": 2,
    "image_size": 16,
    "patch_size": 2,
}
_SIGLIP = {**_VIT, "model_type": "siglip_vision_model"}

CAUSAL = "AutoModelForCausalLM"
SEQ2SEQ = "AutoModelForSeq2SeqLM"
MASKED = "AutoModelForMaskedLM"
CLASSIFIER = "AutoModelForSequenceClassification"
IMAGE = "AutoModelForImageClassification"
IMAGE_TEXT = "AutoModelForImageTextToText"


class Small(NamedTuple):
    """How to build a model."""

    loader: str
    model_type: str
    fields: dict[str, Any]


MODELS: dict[str, Small] = {
    "llama": Small(CAUSAL, "llama", _GROUPED),
    "mistral": Small(CAUSAL, "mistral", _GROUPED),
    "qwen2": Small(CAUSAL, "qwen2", _GROUPED),
    "qwen3": Small(CAUSAL, "qwen3", _WIDE),
    "llama:tied": Small(CAUSAL, "llama", {**_GROUPED, "tie_word_embeddings": True}),
    "gemma2": Small(CAUSAL, "gemma2", _WIDE),
    "gemma3_text": Small(CAUSAL, "gemma3_text", _WIDE),
    "phi3": Small(CAUSAL, "phi3", _GROUPED),
    "phi": Small(CAUSAL, "phi", _GROUPED),
    "falcon": Small(
        CAUSAL,
        "falcon",
        {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 128},
    ),
    "bloom": Small(
        CAUSAL, "bloom", {"hidden_size": 64, "n_layer": 2, "n_head": 4, "vocab_size": 128}
    ),
    "gpt2": Small(CAUSAL, "gpt2", {**_OLD, **_ENDS}),
    "gpt_neox": Small(CAUSAL, "gpt_neox", _SIZES),
    "gptj": Small(CAUSAL, "gptj", {**_OLD, **_ENDS, "rotary_dim": 8}),
    "opt": Small(
        CAUSAL,
        "opt",
        {
            "hidden_size": 64,
            "ffn_dim": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "vocab_size": 128,
            "max_position_embeddings": 64,
            "word_embed_proj_dim": 64,
        },
    ),
    "mamba": Small(
        CAUSAL,
        "mamba",
        {"hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 128, "state_size": 8},
    ),
    "mixtral": Small(CAUSAL, "mixtral", {**_GROUPED, "num_local_experts": 4}),
    "qwen2_moe": Small(
        CAUSAL, "qwen2_moe", {**_GROUPED, **_EXPERTS, "shared_expert_intermediate_size": 32}
    ),
    "qwen3_moe": Small(CAUSAL, "qwen3_moe", {**_WIDE, **_EXPERTS}),
    "gpt_oss": Small(
        CAUSAL, "gpt_oss", {**_WIDE, "num_local_experts": 4, "num_experts_per_tok": 2}
    ),
    "deepseek_v3": Small(CAUSAL, "deepseek_v3", _DEEPSEEK),
    "t5": Small(SEQ2SEQ, "t5", _T5),
    "bart": Small(SEQ2SEQ, "bart", _BART),
    "bert": Small(MASKED, "bert", _SIZES),
    "bert:seqcls": Small(CLASSIFIER, "bert", {**_SIZES, **_LABELS}),
    "llama:seqcls": Small(CLASSIFIER, "llama", {**_GROUPED, **_LABELS}),
    "distilbert:seqcls": Small(CLASSIFIER, "distilbert", {**_DISTILBERT, **_LABELS}),
    "roberta": Small(MASKED, "roberta", {**_SIZES, "pad_token_id": 1}),
    "vit": Small(IMAGE, "vit", {**_VIT, **_LABELS}),
    "resnet": Small(
        IMAGE,
        "resnet",
        {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], **_LABELS},
    ),
    "convnext": Small(
        IMAGE, "convnext", {"hidden_sizes": [16, 32], "depths": [1, 1], "num_stages": 2, **_LABELS}
    ),
    "swin": Small(IMAGE, "swin", {**_SWIN, **_LABELS}),
    "swinv2": Small(IMAGE, "swinv2", {**_SWIN, **_LABELS}),
    "gemma": Small(CAUSAL, "gemma", _WIDE),
    "granite": Small(CAUSAL, "granite", _GROUPED),
    "olmo2": Small(CAUSAL, "olmo2", _GROUPED),
    "olmoe": Small(CAUSAL, "olmoe", {**_GROUPED, **_EXPERTS}),
    "stablelm": Small(CAUSAL, "stablelm", _GROUPED),
    "cohere": Small(CAUSAL, "cohere", _GROUPED),
    "starcoder2": Small(CAUSAL, "starcoder2", _GROUPED),
    "phimoe": Small(CAUSAL, "phimoe", {**_GROUPED, "num_local_experts": 4}),
    "gpt_bigcode": Small(CAUSAL, "gpt_bigcode", {**_OLD, **_ENDS}),
    "electra:seqcls": Small(CLASSIFIER, "electra", {**_SIZES, "embedding_size": 32, **_LABELS}),
    "roberta:seqcls": Small(CLASSIFIER, "roberta", {**_SIZES, "pad_token_id": 1, **_LABELS}),
    "bart:seqcls": Small(CLASSIFIER, "bart", {**_BART, **_LABELS, "eos_token_id": 2}),
    "qwen2:seqcls": Small(CLASSIFIER, "qwen2", {**_GROUPED, **_LABELS}),
    "deberta-v2:seqcls": Small(CLASSIFIER, "deberta-v2", {**_SIZES, **_LABELS}),
    "whisper": Small(
        "AutoModelForSpeechSeq2Seq",
        "whisper",
        {
            **{key: value for key, value in _BART.items() if key != "max_position_embeddings"},
            "num_mel_bins": 8,
            "max_source_positions": 16,
            "max_target_positions": 16,
            "pad_token_id": 0,
        },
    ),
    "gemma3": Small(
        IMAGE_TEXT,
        "gemma3",
        {
            "text_config": {**_WIDE, "model_type": "gemma3_text"},
            "vision_config": _SIGLIP,
            "mm_tokens_per_image": 4,
        },
    ),
    "llava": Small(
        IMAGE_TEXT,
        "llava",
        {
            "text_config": {**_GROUPED, "model_type": "llama"},
            "vision_config": {**_VIT, "model_type": "clip_vision_model"},
        },
    ),
}


@cache
def _built(name: str) -> nn.Module:
    small = MODELS[name]
    config = CONFIG_MAPPING[small.model_type](**small.fields)
    with torch.device("meta"):
        model: nn.Module = getattr(transformers, small.loader).from_config(
            config, attn_implementation="eager"
        )
    return model


def built(name: str) -> nn.Module:
    """The model on the meta device: its modules are real, its weights are not there."""
    return copy.deepcopy(_built(name))


def config_file(name: str) -> dict[str, Any]:
    """The fields of its ``config.json``, as transformers would write them."""
    model = _built(name)
    fields: dict[str, Any] = model.config.to_diff_dict()
    fields["architectures"] = [type(model).__name__]
    fields.pop("transformers_version", None)
    return fields


@cache
def _weighted(name: str) -> nn.Module:
    small = MODELS[name]
    config = CONFIG_MAPPING[small.model_type](**small.fields)
    loader = getattr(transformers, small.loader)
    model: nn.Module = loader.from_config(config, attn_implementation="eager")
    return model


def weighted(name: str) -> nn.Module:
    """The model with real, random weights: some initialisations look at them."""
    return copy.deepcopy(_weighted(name))
