"""Rule LL415, unsupported-on-layer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from lora_rules.checks.targets.target_names import in_transformers_5
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.keys import KeyPage
from lora_rules.engine.problem import Edit, Problem, Safety, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value, flag_of
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import PEFT_SOURCE
from lora_rules.facts.adapter.lora_variants import VARIANTS
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
    from lora_rules.facts.model.modules import Linear


ON_EMBEDDINGS = frozenset({"use_dora"})


ON_CONVOLUTIONS = frozenset({"use_dora"})


NOT_ON_PARAMETERS = ("use_dora", "lora_bias", "fan_in_fan_out", *VARIANTS[1:])


INITIALISATIONS_OF_WEIGHTS = ("pissa", "corda", "olora", "loftq", "mica", "orthogonal")
"""Methods that ask the layer for its weight, which the module of fused experts does not have."""


def keys() -> tuple[KeyPage, ...]:
    """What is to be said of each key."""
    settings = f"{', '.join(NOT_ON_PARAMETERS[:-1])} or {NOT_ON_PARAMETERS[-1]}"
    variants = f"{', '.join(VARIANTS[1:-1])} or {VARIANTS[-1]}"
    methods = f"{', '.join(INITIALISATIONS_OF_WEIGHTS[:-1])} or {INITIALISATIONS_OF_WEIGHTS[-1]}"
    return (
        KeyPage(
            "peft/parameter-of-adapted-module",
            "A parameter in target_parameters whose module is a target, too: PEFT raises "
            "ValueError.",
            "Name it in one of the two.",
        ),
        KeyPage(
            "peft/dropout-on-parameters",
            "lora_dropout, and a parameter (a fused expert) is adapted: PEFT raises ValueError.",
            "Set lora_dropout to 0, or leave the experts out.",
            why="transformers 5 fuses the experts of many models, whose old names PEFT translates.",
        ),
        KeyPage(
            "peft/unsupported-setting-on-parameters",
            f"{settings}, and a parameter (a fused expert) is adapted: PEFT raises ValueError.",
            "Remove the setting, or leave the experts out.",
        ),
        KeyPage(
            "peft/initialisation-on-parameters",
            f"An initialisation that asks for the layer's weight ({methods}), and a parameter (a "
            "fused expert) is adapted: PEFT raises.",
            "Leave init_lora_weights out.",
        ),
        KeyPage(
            "peft/lora-bias-on-embedding",
            "lora_bias, and an embedding is a target: PEFT raises ValueError.",
            "Remove lora_bias, or leave the embedding out.",
        ),
        KeyPage(
            "peft/variant-on-embedding",
            f"{variants}, and an embedding is a target: PEFT raises ValueError.",
            "Remove the variant, or leave the embedding out.",
        ),
        KeyPage(
            "peft/variant-on-convolution",
            f"{variants}, and a convolution is a target: PEFT raises ValueError.",
            "Remove the variant, or leave the convolution out.",
        ),
        KeyPage(
            "peft/initialisation-on-convolution",
            "An initialisation other than gaussian and lora_ga, and a convolution is a target: "
            "PEFT raises ValueError.",
            "Leave init_lora_weights out.",
        ),
        KeyPage(
            "peft/lora-bias-without-base-bias",
            "lora_bias, and a target has no bias of its own: merge_and_unload raises RuntimeError.",
            "Leave lora_bias out.",
            severity=Severity.WARNING,
        ),
        KeyPage(
            "peft/fan-in-fan-out-unfit",
            "fan_in_fan_out is on and a target is a linear layer, or off and a target is a Conv1D: "
            "PEFT warns and corrects it.",
            "Set it as the layers need.",
            severity=Severity.INFO,
        ),
        KeyPage(
            "peft/olora-on-conv1d",
            'init_lora_weights="olora", and a target is a Conv1D, whose weight is transposed: the '
            "first step raises.",
            "Choose another initialisation.",
        ),
        KeyPage(
            "peft/variant-on-conv1d",
            "use_bdlora or kasa_config, and a target is a Conv1D: PEFT raises.",
            "Remove the variant.",
        ),
        KeyPage(
            "peft/mica-rank-above-features",
            "MiCA with a rank above the features of a target: PEFT raises.",
            "Lower r.",
        ),
        KeyPage(
            "peft/kasa-rank-not-below-features",
            "KaSA with a rank that is not below the features of a target: PEFT raises.",
            "Lower r.",
        ),
        KeyPage(
            "peft/bdlora-target-on-neither-side",
            "A target that is in neither target_modules_bd_a nor target_modules_bd_b of "
            "use_bdlora: PEFT raises ValueError.",
            "Name each target in one of the two.",
        ),
        KeyPage(
            "peft/bdlora-blocks-do-not-divide",
            "A number of blocks in use_bdlora that does not divide the rank and the features of a "
            "target: PEFT raises ValueError.",
            "Choose a number that divides both.",
        ),
    )


@rule(
    "LL415",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "ParamWrapper, Embedding, Conv2d, Linear and their variants raise for these "
            "settings; each was run on a small model."
        ),
    ],
    keys=keys,
)
def unsupported_on_layer(
    framework: Behaviour,
    targeted: Targeted,
    lora_variants: tuple[str, ...],
    r: Value,
    use_bdlora: Value,
    lora_dropout: float = 0.0,
    lora_bias: bool = False,
    fan_in_fan_out: Setting | None = None,
    init_lora_weights: bool | str = True,
    target_parameters: list[str] | None = None,
    pinned_transformers: VersionRange = ANY,
) -> Iterator[Problem]:
    """A setting that the layers it meets in this model cannot have.

    ## What it checks
    A setting that the layers which it meets in the base model cannot have, by what PEFT builds for
    each target.

    - Parameters (fused experts, also by their old names) take no dropout, DoRA, `lora_bias` or
      initialisation from weights; a warning for old names unless transformers 5 is pinned.
    - Embeddings take no `lora_bias` and of the variants only DoRA; convolutions no initialisation
      from weights; GPT-2's `Conv1D` no OLoRA, BD-LoRA or KaSA.
    - KaSA needs a rank below the layer's size, MiCA one not above it, BD-LoRA blocks that divide
      it.
    - `lora_bias` on layers without a bias is a warning, a `fan_in_fan_out` that PEFT corrects an
      info.

    ## Why it matters
    PEFT raises while it builds the adapter; OLoRA on `Conv1D` raises in the first step, `lora_bias`
    on a layer without a bias when the adapter is merged.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-30B-A3B")
    names = ["q_proj", "v_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.05,  # LL415: 0.05
        target_modules=names,
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-30B-A3B")
    names = ["q_proj", "v_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=names)
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    transposed = flag_of(fan_in_fan_out)
    if targeted.parameters:
        corrected = any(targeted.inventory.kinds[path] == "linear" for path in targeted.adapted)
        flags = {"lora_bias": lora_bias, "fan_in_fan_out": transposed and not corrected}
        chosen = {*lora_variants, *(name for name, on in flags.items() if on)}
        severity, since = Severity.ERROR, ""
        if not target_parameters:
            severity = in_transformers_5(pinned_transformers, severity)
            since = ", as transformers 5 fuses experts"
        reported = bool(target_parameters)  # by LL303, of parameters that are named
        dropout = 0.0 if reported or framework.drops_dropout_on_experts else lora_dropout
        yield from _on_parameters(targeted, dropout, chosen, severity, since)
        yield from _initialised_parameters(init_lora_weights, severity, since)
    yield from _on_embeddings(targeted, lora_variants, lora_bias=lora_bias)
    yield from _on_convolutions(targeted, init_lora_weights)
    if lora_bias:
        yield from _without_bias(targeted)
    if fan_in_fan_out is not None and fan_in_fan_out.written:
        yield from _orientation(targeted, fan_in_fan_out=transposed)
    yield from _on_conv1d(targeted, lora_variants, init_lora_weights)
    if isinstance(r, Known) and isinstance(r.value, int):
        yield from _sizes(targeted, r.value, lora_variants, init_lora_weights)
        if isinstance(use_bdlora, Known) and isinstance(use_bdlora.value, Mapping):
            yield from _block_diagonal(targeted, r.value, use_bdlora.value)


def _on_parameters(
    targeted: Targeted, dropout: float, chosen: Collection[str], severity: Severity, since: str
) -> Iterator[Problem]:
    example = targeted.parameters[0]
    both = [path for path in targeted.parameters if path.rpartition(".")[0] in targeted.adapted]
    if both:
        yield Problem(
            "target_parameters",
            f"{both[0]} belongs to a module that gets an adapter, too: PEFT raises ValueError.",
            help="Name it in one of the two.",
            also=("target_modules",),
            key="peft/parameter-of-adapted-module",
        )
    if dropout != 0:
        edits: tuple[Edit, ...] = (Set("lora_dropout", 0.0),)
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {dropout:g}, and {example} is adapted as a parameter{since}: PEFT "
            "raises ValueError.",
            severity=severity,
            help="Set lora_dropout to 0, or leave the experts out.",
            edits=edits,
            safety=Safety.SAFE,
            key="peft/dropout-on-parameters",
        )
    for name in NOT_ON_PARAMETERS:
        if name in chosen:
            yield Problem(
                name,
                f"{name} does not work on parameters, and {example} is adapted as one{since}: PEFT "
                "raises ValueError.",
                severity=severity,
                help=f"Remove {name}, or leave the experts out.",
                key="peft/unsupported-setting-on-parameters",
            )


def _initialised_parameters(
    method: bool | str, severity: Severity, since: str
) -> Iterator[Problem]:
    if isinstance(method, str) and method.lower().startswith(INITIALISATIONS_OF_WEIGHTS):
        yield Problem(
            "init_lora_weights",
            f'init_lora_weights="{method}" does not work on parameters such as fused '
            f"experts{since}: PEFT raises.",
            severity=severity,
            help="Leave it out (True).",
            key="peft/initialisation-on-parameters",
        )


def _on_embeddings(
    targeted: Targeted, variants: tuple[str, ...], *, lora_bias: bool
) -> Iterator[Problem]:
    inventory = targeted.inventory
    tables = [path for path in targeted.adapted if inventory.kinds[path] == "embedding"]
    convolutions = [path for path in targeted.adapted if inventory.kinds[path] == "conv"]
    if tables and lora_bias:
        yield Problem(
            "lora_bias",
            f"lora_bias does not work on {tables[0]}, an embedding: PEFT raises ValueError.",
            key="peft/lora-bias-on-embedding",
        )
    for paths, allowed, kind in (
        (tables, ON_EMBEDDINGS, "embedding"),
        (convolutions, ON_CONVOLUTIONS, "convolution"),
    ):
        for name in variants:
            if paths and name not in allowed:
                yield Problem(
                    name,
                    f"{name} does not work on {paths[0]}: PEFT raises ValueError.",
                    key=f"peft/variant-on-{kind}",
                )


def _on_convolutions(targeted: Targeted, method: bool | str) -> Iterator[Problem]:
    paths = [path for path in targeted.adapted if targeted.inventory.kinds[path] == "conv"]
    if paths and isinstance(method, str) and method.lower() not in ("gaussian", "lora_ga"):
        yield Problem(
            "init_lora_weights",
            f'init_lora_weights="{method}" does not work on {paths[0]}, a convolution: PEFT raises '
            "ValueError.",
            help="Leave it out (True).",
            key="peft/initialisation-on-convolution",
        )


def _without_bias(targeted: Targeted) -> Iterator[Problem]:
    linears = targeted.inventory.linears
    bare = [path for path in targeted.adapted if path in linears and not linears[path].bias]
    if bare:
        yield Problem(
            "lora_bias",
            f"lora_bias on layers without a bias ({bare[0]}): the adapter cannot be merged, "
            "merge_and_unload raises RuntimeError.",
            severity=Severity.WARNING,
            help="Leave lora_bias out.",
            key="peft/lora-bias-without-base-bias",
        )


def _orientation(targeted: Targeted, *, fan_in_fan_out: bool) -> Iterator[Problem]:
    if not targeted.inventory.exact:
        return
    kinds = {targeted.inventory.kinds[path] for path in targeted.adapted}
    wrong = "linear" if fan_in_fan_out else "Conv1D"
    if wrong in kinds:
        edits: tuple[Edit, ...] = (Set("fan_in_fan_out", not fan_in_fan_out),)
        yield Problem(
            "fan_in_fan_out",
            f"fan_in_fan_out={fan_in_fan_out} does not fit a {wrong} layer: PEFT warns and "
            "corrects it.",
            severity=Severity.INFO,
            edits=edits,
            safety=Safety.SAFE,
            key="peft/fan-in-fan-out-unfit",
        )


def _on_conv1d(targeted: Targeted, variants: tuple[str, ...], method: object) -> Iterator[Problem]:
    rows = [path for path in targeted.adapted if targeted.inventory.kinds[path] == "Conv1D"]
    if not rows:
        return
    if isinstance(method, str) and method.lower() == "olora":
        yield Problem(
            "init_lora_weights",
            f'init_lora_weights="{method}" on {rows[0]}, whose weight is transposed (Conv1D): the '
            "first step raises.",
            key="peft/olora-on-conv1d",
        )
    for name in ("use_bdlora", "kasa_config"):
        if name in variants:
            yield Problem(
                name,
                f"{name} does not work on {rows[0]}, a Conv1D: PEFT raises.",
                key="peft/variant-on-conv1d",
            )


def _sizes(
    targeted: Targeted, rank: int, variants: tuple[str, ...], method: object
) -> Iterator[Problem]:
    linears = _adapted(targeted)
    if not linears:
        return
    least = min(linears, key=lambda each: min(each.inputs, each.outputs))
    size = min(least.inputs, least.outputs)
    if method == "mica" and rank > size:
        yield Problem(
            "r",
            f"r = {rank} with MiCA, and {least.path} has {size} features: PEFT raises.",
            key="peft/mica-rank-above-features",
        )
    if "kasa_config" in variants and rank >= size:
        yield Problem(
            "r",
            f"r = {rank} with KaSA, and {least.path} has {size} features: PEFT raises.",
            key="peft/kasa-rank-not-below-features",
        )


def _block_diagonal(
    targeted: Targeted, rank: int, config: Mapping[str, object]
) -> Iterator[Problem]:
    linears = _adapted(targeted)
    if not linears:
        return
    for side, at in (("target_modules_bd_a", "inputs"), ("target_modules_bd_b", "outputs")):
        yield from _blocks(config, rank, side, [(one.path, getattr(one, at)) for one in linears])
    yield from _neither_side(config, targeted)


def _adapted(targeted: Targeted) -> list[Linear]:
    linears = targeted.inventory.linears
    return [each for path, each in linears.items() if path in targeted.adapted]


def _neither_side(config: Mapping[str, object], targeted: Targeted) -> Iterator[Problem]:
    """Of a list of targets LL011 tells; an expression or "all-linear" needs the model."""
    lists = (config.get("target_modules_bd_a"), config.get("target_modules_bd_b"))
    names = [str(name) for one in lists if isinstance(one, list) for name in one]
    if not names or not config.get("match_strict", True) or not isinstance(targeted.written, str):
        return
    neither = [path for path in targeted.adapted if not any(name in path for name in names)]
    if neither:
        yield Problem(
            "use_bdlora",
            f"{neither[0]} stands in neither target_modules_bd_a nor target_modules_bd_b: PEFT "
            "raises ValueError.",
            key="peft/bdlora-target-on-neither-side",
        )


def _blocks(
    config: Mapping[str, object], rank: int, side: str, sizes: list[tuple[str, int]]
) -> Iterator[Problem]:
    count, names = config.get("nblocks", 1), config.get(side)
    if not isinstance(count, int) or count < 1 or not isinstance(names, list):
        return
    for path, size in sizes:
        if any(name in path for name in names) and (size % count or rank % count):
            yield Problem(
                "use_bdlora",
                f"{count} blocks divide not both r = {rank} and the {size} features of {path}: "
                "PEFT raises ValueError.",
                key="peft/bdlora-blocks-do-not-divide",
            )
            return
