"""What a memory forecast needs to know of a model: its decoder layers, kind by kind.

All sizes are elements, not bytes. A model whose layers are not understood is unknown: a state-space
layer or a latent attention keeps other tensors than the formulas of this package count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum

from lora_rules.engine._startup.record import lazily, record
from lora_rules.engine._startup.typed import TYPE_CHECKING, Protocol
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.kinds import KINDS, Kind
from lora_rules.facts.model.model_config import Config

if TYPE_CHECKING:
    from lora_rules.facts.model.architecture import Architecture


class Role(Enum):
    """What a linear layer reads, which decides whether autograd keeps that input anyway."""

    ATTENTION_IN = "attention input"
    """Query, key, value or all of them fused: reads the normalized residual stream."""
    ATTENTION_OUT = "attention output"
    """Reads what the attention kernel wrote, which a fused kernel keeps for its own backward."""
    MLP_IN = "MLP input"
    """Gate and up: reads the second normalized residual stream."""
    MLP_OUT = "MLP output"
    """Down: reads the activation function's product."""


@record(frozen=True)
class Projection:
    """A linear layer of one decoder layer."""

    name: str
    """The last part of its path."""
    inputs: int
    outputs: int
    role: Role
    bias: bool = False

    @property
    def weights(self) -> int:
        """Elements of its weight matrix."""
        return self.inputs * self.outputs


@record(frozen=True)
class Experts:
    """The routed experts of a layer, as the single tensors that transformers 5 makes of them."""

    count: int
    active: int
    """How many of them see a token."""
    inner: int
    """Width of one expert."""
    parameters: int
    """Elements of all of them together."""


@record(frozen=True)
class Block:
    """One kind of decoder layer."""

    projections: tuple[Projection, ...]
    count: int
    """How many layers are of this kind."""
    experts: Experts | None = None

    @property
    def weights(self) -> int:
        """Elements of its linear layers' weights, routed experts aside."""
        return sum(each.weights for each in self.projections)

    @property
    def largest(self) -> int:
        """Elements of its largest linear layer."""
        return max(each.weights for each in self.projections)

    def has(self, *names: str) -> bool:
        """Whether it has a linear layer of one of these names."""
        return any(each.name in names for each in self.projections)


_IN_ATTENTION = frozenset(
    ["q_proj", "k_proj", "v_proj", "qkv_proj", "query_key_value", "c_attn", "W_pack", "Wqkv"]
)
_IN_MLP = frozenset(
    [
        "gate_proj",
        "up_proj",
        "gate_up_proj",
        "shared_expert_gate",
        "fc1",
        "fc_in",
        "c_fc",
        "dense_h_to_4h",
        "w1",
        "w3",
    ]
)
_OUT_MLP = frozenset(["down_proj", "fc2", "fc_out", "dense_4h_to_h", "w2"])
_OUT_ATTENTION = frozenset(["o_proj", "out_proj", "dense"])
FUSED = ("qkv_proj", "query_key_value", "c_attn", "W_pack", "Wqkv")
"""Names of a projection to queries, keys and values at once."""
_GATED = ("gate_proj", "gate_up_proj", "w3")


class LinearLike(Protocol):
    """A linear layer as the facts about models describe it."""

    @property
    def path(self) -> str:
        """Where it stands."""

    @property
    def inputs(self) -> int:
        """Elements that it reads."""

    @property
    def outputs(self) -> int:
        """Elements that it writes."""

    @property
    def bias(self) -> bool:
        """Whether it has a bias."""


@record(frozen=True)
class Shape:
    """A decoder-only model as the forecast sees it."""

    model_type: str
    kind: Kind
    blocks: tuple[Block, ...]
    hidden: int
    heads: int
    queries: int
    """Width of all queries of a token: heads times head size."""
    keys: int
    """Width of all keys of a token (and of all values)."""
    inner: int
    """Width of the MLP."""
    gated: bool
    activation: str
    vocabulary: int
    embedding_parameters: int
    """The token embedding's, and the head's where it is a tensor of its own."""
    other_parameters: int
    """Norms, biases, routers, position embeddings."""
    caps_logits: bool = False
    """The logits go through a tanh (``final_logit_softcapping``, Gemma 2)."""
    caps_scores: bool = False
    """So do the attention scores (``attn_logit_softcapping``)."""

    @property
    def layers(self) -> int:
        """Decoder layers."""
        return sum(block.count for block in self.blocks)

    @property
    def linear_parameters(self) -> int:
        """Weights of the linear layers inside the decoder layers: what bitsandbytes quantizes."""
        return sum(block.weights * block.count for block in self.blocks)

    @property
    def expert_parameters(self) -> int:
        """Weights of fused experts, which bitsandbytes does not see."""
        return sum(
            block.experts.parameters * block.count
            for block in self.blocks
            if block.experts is not None
        )

    @property
    def linear_outputs(self) -> int:
        """Rows of all those weights: int8 keeps one scale for each."""
        return sum(
            each.outputs * block.count for block in self.blocks for each in block.projections
        )

    @property
    def parameters(self) -> int:
        """All of them, a tied tensor once."""
        return (
            self.linear_parameters
            + self.expert_parameters
            + self.embedding_parameters
            + self.other_parameters
        )


def shape_from_parts(
    config: Mapping[str, object],
    linears: Iterable[LinearLike],
    parameters: int,
    embedding_parameters: int,
    experts: Iterable[tuple[str, int]] = (),
) -> Shape:
    """The shape of a model whose modules are known.

    Args:
        config: the fields of its ``config.json``.
        linears: every linear layer at its full path; those outside numbered layers are left out.
        parameters: all parameters of the model, a tied tensor once.
        embedding_parameters: the token embedding's, and the head's unless it is tied.
        experts: path and number of elements of each tensor of fused experts.

    Raises:
        Unknown: if the layers of that type are not modelled, or a size is missing.
    """
    model_type = config.get("model_type")
    kind = KINDS.get(model_type) if isinstance(model_type, str) else None
    if kind is None or not isinstance(model_type, str):
        raise Unknown(f"what the layers of a model of type {model_type!r} keep is not modelled")
    fields = Config(config)
    blocks = _blocks(linears, experts, fields)
    hidden = _first(fields, "hidden_size", "n_embd")
    heads = _first(fields, "num_attention_heads", "n_head")
    queries, keys = _attention(blocks[0], heads, fields)
    weights = sum(
        (b.weights + (b.experts.parameters if b.experts else 0)) * b.count for b in blocks
    )
    return Shape(
        model_type=model_type,
        kind=kind,
        blocks=blocks,
        hidden=hidden,
        heads=heads,
        queries=queries,
        keys=keys,
        inner=_inner(blocks),
        gated=any(block.has(*_GATED) or block.experts is not None for block in blocks),
        activation=_activation(config, kind),
        vocabulary=fields.size("vocab_size"),
        embedding_parameters=embedding_parameters,
        other_parameters=max(0, parameters - weights - embedding_parameters),
        caps_logits=bool(config.get("final_logit_softcapping", model_type == "gemma2")),
        caps_scores=bool(config.get("attn_logit_softcapping", model_type == "gemma2")),
    )


def shape_of(config: Mapping[str, object]) -> Shape:
    """The shape of a model, from the fields of its ``config.json`` alone.

    Raises:
        Unknown: if its type is not counted exactly or not modelled, or a field is missing.
    """
    from lora_rules.facts.model.architecture import from_config

    return shape_of_architecture(from_config(config, "", prequantized=False))


def shape_of_architecture(architecture: Architecture) -> Shape:
    """The shape of a model that the fact ``architecture`` knows, mixtures of experts too.

    Raises:
        Unknown: if the layers of that type are not modelled, or a size is missing.
    """
    found = architecture.modules
    head = found.head.parameters if found.head is not None else 0
    return shape_from_parts(
        {**found.table.defaults, **architecture.values},
        architecture.linears,
        found.parameters,
        head + sum(each.parameters for each in found.embeddings),
        [(each.path, each.parameters) for each in found.fused_experts],
    )


def _first(fields: Config, *names: str) -> int:
    """The size of that name; if there is none of these, what is wrong with the first."""
    wrong: Unknown | None = None
    for name in names:
        try:
            return fields.size(name)
        except Unknown as why:
            wrong = wrong or why
    raise wrong or Unknown("a size has no name")


def _activation(config: Mapping[str, object], kind: Kind) -> str:
    for name in ("hidden_activation", "hidden_act", "activation_function", "activation"):
        value = config.get(name)
        if isinstance(value, str):
            return value
    return kind.activation


def _inner(blocks: tuple[Block, ...]) -> int:
    widths = [
        each.inputs for block in blocks for each in block.projections if each.role is Role.MLP_OUT
    ]
    widths += [b.experts.inner * b.experts.active for b in blocks if b.experts is not None]
    if not widths:
        raise Unknown("the model has no MLP that is modelled")
    return max(widths)


def _attention(block: Block, heads: int, fields: Config) -> tuple[int, int]:
    """Widths of queries and of keys, from the projections."""
    by_name = {each.name: each.outputs for each in block.projections}
    if "q_proj" in by_name and "k_proj" in by_name:
        return by_name["q_proj"], by_name["k_proj"]
    fused = next((by_name[name] for name in FUSED if name in by_name), None)
    out = next((p.inputs for p in block.projections if p.role is Role.ATTENTION_OUT), None)
    if fused is None or out is None or not heads:
        raise Unknown("the model has no attention that is modelled")
    return out, (fused - out) // 2


def _blocks(
    linears: Iterable[LinearLike], experts: Iterable[tuple[str, int]], fields: Config
) -> tuple[Block, ...]:
    layers: dict[str, list[Projection]] = {}
    for each in linears:
        layer, name = _place(each.path)
        if layer is None:
            continue
        layers.setdefault(layer, []).append(
            Projection(name.rsplit(".", 1)[-1], each.inputs, each.outputs, _role(name), each.bias)
        )
    routed: Counter[str] = Counter()
    for path, elements in experts:
        layer, _ = _place(path)
        if layer is not None:
            routed[layer] += elements
    kinds: dict[tuple[tuple[Projection, ...], int], int] = {}
    for layer, projections in layers.items():
        key = (tuple(projections), routed[layer])
        kinds[key] = kinds.get(key, 0) + 1
    if not kinds:
        raise Unknown("the model has no decoder layers")
    return tuple(
        Block(projections, count, _experts(elements, fields) if elements else None)
        for (projections, elements), count in kinds.items()
    )


def _experts(elements: int, fields: Config) -> Experts:
    return Experts(
        count=_first(fields, "num_local_experts", "num_experts", "n_routed_experts"),
        active=_first(fields, "num_experts_per_tok", "top_k"),
        inner=_first(fields, "moe_intermediate_size", "intermediate_size"),
        parameters=elements,
    )


_LAYER = lazily(r"^(?:(.*?)\.)?(\d+)\.(.+)$")


def _place(path: str) -> tuple[str | None, str]:
    """The layer that a path stands in, and the rest of the path; no layer for a head."""
    found = _LAYER.match(path)
    return (None, path) if found is None else (f"{found[1]}.{found[2]}", found[3])


def _role(path: str) -> Role:
    name = path.rsplit(".", 1)[-1]
    if name in _IN_ATTENTION:
        return Role.ATTENTION_IN
    if name in _IN_MLP:
        return Role.MLP_IN
    if name in _OUT_MLP or (name == "c_proj" and "mlp" in path):
        return Role.MLP_OUT
    if name in _OUT_ATTENTION or name == "c_proj":
        return Role.ATTENTION_OUT
    raise Unknown(f"what the linear layer {path!r} keeps for the backward pass is not modelled")
