"""Decoder families whose modules follow from ``config.json`` exactly.

Each builder below writes down, for one transformers model class, the linear layers of a decoder
layer and what its norms and embeddings hold. ``tools/check_models.py`` builds every packaged model
with transformers on the meta device and compares names, shapes and the total.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lora_rules.needs import Unknown


@dataclass(frozen=True, slots=True)
class Linear:
    """One kind of linear layer: ``count`` of them, at ``path`` with ``{i}`` for the layer."""

    path: str
    inputs: int
    outputs: int
    bias: bool
    count: int

    @property
    def name(self) -> str:
        """The last part of the path, for example ``q_proj``."""
        return self.path.rsplit(".", 1)[-1]

    @property
    def parameters(self) -> int:
        """Weights and biases of all of them."""
        return self.count * self.outputs * (self.inputs + self.bias)


@dataclass(frozen=True, slots=True)
class Embedding:
    """The table of token embeddings."""

    path: str
    rows: int
    width: int

    @property
    def parameters(self) -> int:
        """Its weights."""
        return self.rows * self.width


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything in a dense decoder that holds parameters."""

    layers: int
    linears: tuple[Linear, ...]
    """Those inside the layers; the head is not among them."""
    embedding: Embedding
    head: Linear
    tied: bool
    """The head's weight is the embedding's: one tensor in memory."""
    others: int
    """Parameters of norms and of position embeddings."""


class Config:
    """A model's ``config.json``, read strictly."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def size(self, name: str, default: int | None = None) -> int:
        """A positive whole number.

        Raises:
            Unknown: if it is absent and has no default, or is something else.
        """
        value = self._values.get(name)
        if value is None:
            value = default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise Unknown(f"the model's configuration gives no {name}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """A switch."""
        value = self._values.get(name)
        return value if isinstance(value, bool) else default

    def refuse(self, name: str, *fine: object) -> None:
        """Raise :class:`Unknown` when the setting is there with a value that changes the shape."""
        value = self._values.get(name)
        if value is not None and value not in fine:
            raise Unknown(f"a model with {name}={value!r} has no exact parameter count here")

    @property
    def head_size(self) -> int:
        """Elements of one attention head."""
        return self.size("head_dim", self.size("hidden_size") // self.size("num_attention_heads"))


@dataclass(frozen=True, slots=True)
class Family:
    """What transformers and PEFT assume of one ``model_type``."""

    build: Callable[[Config, bool], Shape]
    tied: bool
    """``tie_word_embeddings`` of the configuration class, where ``config.json`` is silent."""
    peft_targets: tuple[str, ...] = ()
    """``target_modules`` that PEFT 0.21.2 fills in; none: it refuses ``None``."""


def _decoder(
    config: Config,
    tied: bool,
    attention: tuple[tuple[str, int, int, bool], ...],
    mlp: tuple[tuple[str, int, int, bool], ...],
    others: int,
    head_bias: bool = False,
) -> Shape:
    """A model of class ``…ForCausalLM`` with ``model.layers.{i}.self_attn`` and ``.mlp``."""
    layers, hidden = config.size("num_hidden_layers"), config.size("hidden_size")
    vocabulary = config.size("vocab_size")
    return Shape(
        layers,
        _linears("model.layers.{i}.self_attn.", layers, attention)
        + _linears("model.layers.{i}.mlp.", layers, mlp),
        Embedding("model.embed_tokens", vocabulary, hidden),
        Linear("lm_head", hidden, vocabulary, head_bias, 1),
        tied,
        others,
    )


def _linears(
    prefix: str, layers: int, rows: tuple[tuple[str, int, int, bool], ...]
) -> tuple[Linear, ...]:
    return tuple(Linear(prefix + name, into, out, bias, layers) for name, into, out, bias in rows)


def _grouped_attention(
    config: Config, qkv_bias: bool, out_bias: bool, out: str = "o_proj"
) -> tuple[tuple[str, int, int, bool], ...]:
    hidden, heads = config.size("hidden_size"), config.size("num_attention_heads")
    queries = heads * config.head_size
    keys = config.size("num_key_value_heads", heads) * config.head_size
    return (
        ("q_proj", hidden, queries, qkv_bias),
        ("k_proj", hidden, keys, qkv_bias),
        ("v_proj", hidden, keys, qkv_bias),
        (out, queries, hidden, out_bias),
    )


def _gated_mlp(config: Config, bias: bool) -> tuple[tuple[str, int, int, bool], ...]:
    hidden, inner = config.size("hidden_size"), config.size("intermediate_size")
    return (
        ("gate_proj", hidden, inner, bias),
        ("up_proj", hidden, inner, bias),
        ("down_proj", inner, hidden, bias),
    )


def _plain_mlp(config: Config, up: str, down: str) -> tuple[tuple[str, int, int, bool], ...]:
    hidden = config.size("hidden_size")
    inner = config.size("intermediate_size", 4 * hidden)
    return ((up, hidden, inner, True), (down, inner, hidden, True))


def _norms(config: Config, per_layer: int, per_layer_extra: int = 0, vectors: int = 1) -> int:
    """``per_layer`` norms of the hidden size in a layer and one at the end.

    ``vectors`` is 1 for RMSNorm's weight and 2 for LayerNorm's weight and bias.
    """
    layers, hidden = config.size("num_hidden_layers"), config.size("hidden_size")
    return vectors * hidden * (per_layer * layers + 1) + per_layer_extra * layers


def _llama(config: Config, tied: bool) -> Shape:
    bias = config.flag("attention_bias", False)
    attention = _grouped_attention(config, bias, bias)
    return _decoder(
        config,
        tied,
        attention,
        _gated_mlp(config, config.flag("mlp_bias", False)),
        _norms(config, 2),
    )


def _mistral(config: Config, tied: bool) -> Shape:
    attention = _grouped_attention(config, False, False)
    return _decoder(config, tied, attention, _gated_mlp(config, False), _norms(config, 2))


def _gemma(config: Config, tied: bool) -> Shape:
    bias = config.flag("attention_bias", False)
    attention = _grouped_attention(config, bias, bias)
    return _decoder(config, tied, attention, _gated_mlp(config, False), _norms(config, 2))


def _gemma2(config: Config, tied: bool) -> Shape:
    bias = config.flag("attention_bias", False)
    attention = _grouped_attention(config, bias, bias)
    return _decoder(config, tied, attention, _gated_mlp(config, False), _norms(config, 4))


def _gemma3_text(config: Config, tied: bool) -> Shape:
    bias = config.flag("attention_bias", False)
    attention = _grouped_attention(config, bias, bias)
    others = _norms(config, 4, per_layer_extra=2 * config.head_size)
    return _decoder(config, tied, attention, _gated_mlp(config, False), others)


def _qwen2(config: Config, tied: bool) -> Shape:
    attention = _grouped_attention(config, True, False)
    return _decoder(config, tied, attention, _gated_mlp(config, False), _norms(config, 2))


def _qwen3(config: Config, tied: bool) -> Shape:
    bias = config.flag("attention_bias", False)
    attention = _grouped_attention(config, bias, bias)
    others = _norms(config, 2, per_layer_extra=2 * config.head_size)
    return _decoder(config, tied, attention, _gated_mlp(config, False), others)


def _olmo(config: Config, tied: bool) -> Shape:
    bias = config.flag("attention_bias", False)
    return _decoder(
        config, tied, _grouped_attention(config, bias, bias), _gated_mlp(config, False), others=0
    )


def _olmo2(config: Config, tied: bool) -> Shape:
    bias = config.flag("attention_bias", False)
    attention = _grouped_attention(config, bias, bias)
    queries, keys = attention[0][2], attention[1][2]
    others = _norms(config, 2, per_layer_extra=queries + keys)
    return _decoder(config, tied, attention, _gated_mlp(config, False), others)


def _phi(config: Config, tied: bool) -> Shape:
    config.refuse("qk_layernorm", False)
    attention = _grouped_attention(config, True, True, out="dense")
    others = _norms(config, 1, vectors=2)
    mlp = _plain_mlp(config, "fc1", "fc2")
    return _decoder(config, tied, attention, mlp, others, head_bias=True)


def _phi3(config: Config, tied: bool) -> Shape:
    hidden, inner = config.size("hidden_size"), config.size("intermediate_size")
    (_, _, queries, _), (_, _, keys, _), *_ = _grouped_attention(config, False, False)
    attention = (
        ("o_proj", queries, hidden, False),
        ("qkv_proj", hidden, queries + 2 * keys, False),
    )
    mlp = (("gate_up_proj", hidden, 2 * inner, False), ("down_proj", inner, hidden, False))
    return _decoder(config, tied, attention, mlp, _norms(config, 2))


def _starcoder2(config: Config, tied: bool) -> Shape:
    config.refuse("use_bias", True)
    config.refuse("norm_type", "layer_norm")
    attention = _grouped_attention(config, True, True)
    others = _norms(config, 2, vectors=2)
    return _decoder(config, tied, attention, _plain_mlp(config, "c_fc", "c_proj"), others)


def _stablelm(config: Config, tied: bool) -> Shape:
    config.refuse("qk_layernorm", False)
    config.refuse("use_parallel_residual", False)
    attention = _grouped_attention(config, config.flag("use_qkv_bias", False), False)
    others = _norms(config, 2, vectors=2)
    return _decoder(config, tied, attention, _gated_mlp(config, False), others)


def _opt(config: Config, tied: bool) -> Shape:
    hidden, layers = config.size("hidden_size"), config.size("num_hidden_layers")
    config.refuse("word_embed_proj_dim", hidden)
    config.refuse("do_layer_norm_before", True)
    config.refuse("_remove_final_layer_norm", False)
    config.refuse("enable_bias", True)
    config.refuse("layer_norm_elementwise_affine", True)
    inner, vocabulary = config.size("ffn_dim"), config.size("vocab_size")
    positions = (config.size("max_position_embeddings") + 2) * hidden
    projections = tuple(
        (f"self_attn.{name}", hidden, hidden, True)
        for name in ("k_proj", "v_proj", "q_proj", "out_proj")
    )
    mlp = (("fc1", hidden, inner, True), ("fc2", inner, hidden, True))
    return Shape(
        layers,
        _linears("model.decoder.layers.{i}.", layers, projections + mlp),
        Embedding("model.decoder.embed_tokens", vocabulary, hidden),
        Linear("lm_head", hidden, vocabulary, False, 1),
        tied,
        positions + _norms(config, 2, vectors=2),
    )


def _gpt2(config: Config, tied: bool) -> Shape:
    hidden, layers = config.size("n_embd"), config.size("n_layer")
    config.refuse("add_cross_attention", False)
    inner, vocabulary = config.size("n_inner", 4 * hidden), config.size("vocab_size")
    rows = (
        ("attn.c_attn", hidden, 3 * hidden, True),
        ("attn.c_proj", hidden, hidden, True),
        ("mlp.c_fc", hidden, inner, True),
        ("mlp.c_proj", inner, hidden, True),
    )
    return Shape(
        layers,
        _linears("transformer.h.{i}.", layers, rows),
        Embedding("transformer.wte", vocabulary, hidden),
        Linear("lm_head", hidden, vocabulary, False, 1),
        tied,
        config.size("n_positions", 1024) * hidden + 2 * hidden * (2 * layers + 1),
    )


def _gpt_neox(config: Config, tied: bool) -> Shape:
    hidden, layers = config.size("hidden_size"), config.size("num_hidden_layers")
    inner, vocabulary = config.size("intermediate_size"), config.size("vocab_size")
    bias = config.flag("attention_bias", True)
    rows = (
        ("attention.query_key_value", hidden, 3 * hidden, bias),
        ("attention.dense", hidden, hidden, bias),
        ("mlp.dense_h_to_4h", hidden, inner, True),
        ("mlp.dense_4h_to_h", inner, hidden, True),
    )
    return Shape(
        layers,
        _linears("gpt_neox.layers.{i}.", layers, rows),
        Embedding("gpt_neox.embed_in", vocabulary, hidden),
        Linear("lm_head", hidden, vocabulary, False, 1),
        tied,
        _norms(config, 2, vectors=2),
    )


def _falcon(config: Config, tied: bool) -> Shape:
    hidden, layers = config.size("hidden_size"), config.size("num_hidden_layers")
    config.refuse("bias", False)
    config.refuse("alibi", False)
    config.refuse("parallel_attn", True)
    heads = config.size("num_attention_heads")
    head = hidden // heads
    grouped = config.flag("new_decoder_architecture", False)
    if not grouped:
        config.refuse("multi_query", True)
    keys = head * (config.size("num_kv_heads", heads) if grouped else 1)
    inner, vocabulary = config.size("ffn_hidden_size", 4 * hidden), config.size("vocab_size")
    rows = (
        ("self_attention.query_key_value", hidden, hidden + 2 * keys, False),
        ("self_attention.dense", hidden, hidden, False),
        ("mlp.dense_h_to_4h", hidden, inner, False),
        ("mlp.dense_4h_to_h", inner, hidden, False),
    )
    return Shape(
        layers,
        _linears("transformer.h.{i}.", layers, rows),
        Embedding("transformer.word_embeddings", vocabulary, hidden),
        Linear("lm_head", hidden, vocabulary, False, 1),
        tied,
        _norms(config, 2 if grouped else 1, vectors=2),
    )


_QV = ("q_proj", "v_proj")

FAMILIES: Mapping[str, Family] = {
    "llama": Family(_llama, False, _QV),
    "mistral": Family(_mistral, False, _QV),
    "gemma": Family(_gemma, True, _QV),
    "gemma2": Family(_gemma2, True, _QV),
    "gemma3_text": Family(_gemma3_text, True, _QV),
    "qwen2": Family(_qwen2, False, _QV),
    "qwen3": Family(_qwen3, False, _QV),
    "olmo": Family(_olmo, False),
    "olmo2": Family(_olmo2, False),
    "granite": Family(_llama, False),
    "smollm3": Family(_gemma, True),
    "phi": Family(_phi, False, ("q_proj", "v_proj", "fc1", "fc2")),
    "phi3": Family(_phi3, False),
    "starcoder2": Family(_starcoder2, True),
    "stablelm": Family(_stablelm, False, _QV),
    "opt": Family(_opt, True, _QV),
    "gpt2": Family(_gpt2, True, ("c_attn",)),
    "gpt_neox": Family(_gpt_neox, False, ("query_key_value",)),
    "falcon": Family(_falcon, True, ("query_key_value",)),
}
"""By ``model_type``. The ties and the targets are those of transformers 5.23.0 and PEFT 0.21.2."""
