"""Rule LL011, incompatible-settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.keys import KeyPage, kebab
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Partial, Value, certainly, elements_of, is_given
from lora_rules.evidence import PEFT_SOURCE, TRANSFORMERS_SOURCE
from lora_rules.facts.adapter.lora_variants import VARIANTS
from lora_rules.facts.run.written_keys import writes
from lora_rules.recipe import Blocks, Origin


def keys() -> tuple[KeyPage, ...]:
    """What is to be said of each key."""
    return (
        KeyPage(
            "peft/layers-to-transform-with-text-targets",
            "layers_to_transform with a text for target_modules: PEFT raises ValueError.",
            "List the modules, or put the layer numbers into the expression.",
        ),
        KeyPage(
            "peft/layers-pattern-with-text-targets",
            "layers_pattern with a text for target_modules: PEFT raises ValueError.",
            "List the modules, or put the layers' place into the expression.",
        ),
        KeyPage(
            "peft/layers-pattern-needs-layers-to-transform",
            "layers_pattern without layers_to_transform: PEFT raises ValueError.",
            "Add layers_to_transform, or remove it.",
        ),
        KeyPage(
            "peft/lora-bias-with-dora",
            "lora_bias with use_dora: PEFT raises ValueError.",
            "Remove one of them.",
        ),
        KeyPage(
            "peft/lora-bias-with-initialisation",
            "lora_bias with the name of a method in init_lora_weights: PEFT raises ValueError.",
            "Remove one of them.",
        ),
        KeyPage(
            "peft/dora-with-megatron",
            "use_dora with megatron_config: PEFT raises.",
            "Remove use_dora.",
        ),
        KeyPage(
            "peft/several-variants",
            f"More than one of {', '.join(VARIANTS)} and MiCA: PEFT builds a layer as one of them.",
            "Keep one of them.",
        ),
        KeyPage(
            "peft/loftq-needs-config",
            'init_lora_weights="loftq" without loftq_config: PEFT raises ValueError.',
            "Pass loftq_config=LoftQConfig(loftq_bits=4).",
        ),
        KeyPage(
            "peft/loftq-config-incomplete",
            "A dict as loftq_config that lacks loftq_bits or loftq_iter: PEFT raises KeyError.",
            "Pass loftq_config=LoftQConfig(loftq_bits=4), which fills in the rest.",
        ),
        KeyPage(
            "peft/orthogonal-needs-even-rank",
            'An odd r with init_lora_weights="orthogonal": PEFT raises ValueError.',
            "Set r to an even number.",
        ),
        KeyPage(
            "peft/rslora-patterns-with-converted-initialisation",
            "rank_pattern or alpha_pattern with use_rslora and an initialisation that changes the "
            "base weights: PEFT warns.",
            "Train with one rank, or without use_rslora.",
            why="The adapter cannot be converted back to plain LoRA after training.",
            severity=Severity.WARNING,
        ),
        KeyPage(
            "transformers/load-in-4bit-with-load-in-8bit",
            "load_in_4bit and load_in_8bit are both on: transformers raises ValueError.",
            "Keep one.",
        ),
        KeyPage(
            "peft/every-target-excluded",
            "exclude_modules takes out every target: PEFT raises, no module is left to adapt.",
            "Exclude less.",
        ),
        KeyPage(
            "peft/target-in-modules-to-save",
            "A module that is in target_modules and in modules_to_save: it is trained in full, "
            "without LoRA. Where all are, PEFT raises, because no module is left to adapt.",
            "Name each module in one of the two.",
        ),
        KeyPage(
            "peft/bdlora-sides-overlap",
            "target_modules_bd_a and target_modules_bd_b of use_bdlora overlap: PEFT raises "
            "ValueError.",
            "Name each module in one of the two.",
        ),
        KeyPage(
            "peft/bdlora-target-on-neither-side",
            "A target that is in neither target_modules_bd_a nor target_modules_bd_b of "
            "use_bdlora: PEFT raises ValueError.",
            "Name each target in one of the two.",
        ),
    )


@rule(
    "LL011",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "LoraConfig and its layers raise for each of these pairs, and warn of rsLoRA with "
            "patterns and a converted initialisation; each was run."
        ),
        TRANSFORMERS_SOURCE.says(
            "BitsAndBytesConfig raises ValueError where load_in_4bit and load_in_8bit are both on."
        ),
    ],
    keys=keys,
)
def incompatible_settings(
    blocks: Blocks,
    framework: Behaviour,
    lora_variants: tuple[str, ...],
    r: Value,
    target_modules: Value,
    exclude_modules: Value,
    modules_to_save: Value,
    layers_to_transform: Value,
    layers_pattern: Value,
    rank_pattern: Value,
    alpha_pattern: Value,
    use_rslora: Value,
    lora_bias: Value,
    use_dora: Value,
    use_bdlora: Value,
    megatron_config: Value,
    init_lora_weights: Value,
    loftq_config: Value,
    load_in_4bit: Value,
    load_in_8bit: Value,
) -> Iterator[Problem]:
    """Two settings that the library refuses together.

    ## What it checks
    Two settings of one adapter or one quantization that PEFT or transformers refuses together, or
    one that it refuses without another; each pair has a key of its own.

    - Layers: `layers_to_transform` or `layers_pattern` with a text for `target_modules`;
      `layers_pattern` alone.
    - Modules that are excluded, or saved whole, and are all the targets.
    - Variants: `lora_bias` with DoRA or an initialisation method, DoRA with Megatron, several
      variants.
    - `init_lora_weights`: "loftq" without a complete `loftq_config`, "orthogonal" with an odd `r`.
    - `load_in_4bit` with `load_in_8bit`.
    - A warning: rsLoRA with patterns and an initialisation that changes the base weights; a target
      that is also saved whole, beside others.

    ## Why it matters
    The run ends with an exception, often after the base model has been loaded.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        layers_to_transform=[0, 1],  # LL011: [0, 1]
    )
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    dataset_name: trl-lib/Capybara
    use_peft: true
    lora_r: 16
    lora_target_modules: all-linear
    load_in_4bit: true
    load_in_8bit: true  # LL011: true
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "v_proj"],
        layers_to_transform=[0, 1],
    )
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if certainly(load_in_4bit, True) and certainly(load_in_8bit, True):
        yield _two_widths()
    if not framework.adapter_as_written:
        return
    layers = {"layers_to_transform": layers_to_transform, "layers_pattern": layers_pattern}
    if isinstance(target_modules, Known) and isinstance(target_modules.value, str):
        yield from _text_targets(layers, blocks)
    if _is_written(layers_pattern) and not is_given(layers_to_transform):
        yield _pattern_alone()
    if certainly(lora_bias, True):
        yield from _lora_bias(use_dora, init_lora_weights)
    if certainly(use_dora, True) and _is_written(megatron_config):
        yield _dora_with_megatron()
    yield from _variants(lora_variants, init_lora_weights)
    yield from _loftq(init_lora_weights, loftq_config)
    if certainly(init_lora_weights, "orthogonal"):
        yield from _orthogonal(r)
    if certainly(use_rslora, True):
        patterns = {"rank_pattern": rank_pattern, "alpha_pattern": alpha_pattern}
        yield from _rslora_conversion(init_lora_weights, patterns)
    yield from _all_excluded(exclude_modules, target_modules)
    yield from _saved_targets(modules_to_save, target_modules)
    if isinstance(use_bdlora, Known) and isinstance(use_bdlora.value, dict):
        yield from _bdlora(use_bdlora.value, target_modules)


def _text_targets(layers: Mapping[str, Value], blocks: Blocks) -> Iterator[Problem]:
    for name, value in layers.items():
        given = isinstance(value, Known) and value.value is not None  # 0 is a layer, [] is a list
        if given and writes(blocks, name):
            yield Problem(
                name,
                f"{name} needs target_modules as a list; PEFT raises ValueError for a text.",
                help="List the modules, or put the layer numbers into the expression.",
                also=("target_modules",),
                key=f"peft/{kebab(name)}-with-text-targets",
            )


def _pattern_alone() -> Problem:
    return Problem(
        "layers_pattern",
        "layers_pattern without layers_to_transform: PEFT raises ValueError.",
        help="Add layers_to_transform, or remove it.",
        key="peft/layers-pattern-needs-layers-to-transform",
    )


def _lora_bias(use_dora: Value, init_lora_weights: Value) -> Iterator[Problem]:
    if certainly(use_dora, True):
        yield Problem(
            "lora_bias",
            "lora_bias does not work with use_dora: PEFT raises ValueError.",
            key="peft/lora-bias-with-dora",
        )
    if isinstance(init_lora_weights, Known) and isinstance(init_lora_weights.value, str):
        yield Problem(
            "lora_bias",
            f'lora_bias does not work with init_lora_weights="{init_lora_weights.value}": PEFT '
            "raises ValueError.",
            also=("init_lora_weights",),
            key="peft/lora-bias-with-initialisation",
        )


def _dora_with_megatron() -> Problem:
    return Problem(
        "use_dora",
        "use_dora does not work with megatron_config: PEFT raises.",
        key="peft/dora-with-megatron",
    )


def _variants(variants: tuple[str, ...], init_lora_weights: Value) -> Iterator[Problem]:
    chosen = list(variants)
    if chosen and certainly(init_lora_weights, "mica"):
        chosen.insert(0, "init_lora_weights")  # MiCA is a variant, too
    if len(chosen) > 1:
        yield Problem(
            chosen[1],
            f"{' and '.join(chosen)} cannot be combined: PEFT builds one variant of LoRA.",
            also=(chosen[0],),
            key="peft/several-variants",
        )


def _loftq(method: Value, config: Value) -> Iterator[Problem]:
    if not isinstance(method, Known) or method.value != "loftq":
        return
    if method.setting.origin is not Origin.WRITTEN:
        return  # the framework makes the configuration that it derives this from
    if not is_given(config) or certainly(config, {}):
        yield Problem(
            "init_lora_weights",
            'init_lora_weights="loftq" needs a loftq_config: PEFT raises ValueError.',
            help="Pass loftq_config=LoftQConfig(loftq_bits=4).",
            key="peft/loftq-needs-config",
        )
    elif isinstance(config, Known) and isinstance(config.value, dict):
        missing = [key for key in ("loftq_bits", "loftq_iter") if key not in config.value]
        if missing:
            yield Problem(
                "loftq_config",
                f"loftq_config lacks {' and '.join(missing)}: PEFT raises KeyError for a dict "
                "that is not complete.",
                help="Pass loftq_config=LoftQConfig(loftq_bits=4), which fills in the rest.",
                key="peft/loftq-config-incomplete",
            )


def _orthogonal(r: Value) -> Iterator[Problem]:
    if isinstance(r, Known) and isinstance(r.value, int) and r.value > 0 and r.value % 2:
        yield Problem(
            "r",
            f'r = {r.value} with init_lora_weights="orthogonal": PEFT needs an even rank.',
            help=f"Set r to {r.value + 1}.",
            also=("init_lora_weights",),
            key="peft/orthogonal-needs-even-rank",
        )


def _rslora_conversion(
    init_lora_weights: Value, patterns: Mapping[str, Value]
) -> Iterator[Problem]:
    if not isinstance(init_lora_weights, Known):
        return
    method = init_lora_weights.value
    converting = isinstance(method, str) and (
        method.startswith("pissa") or method in ("olora", "corda", "lora_ga")
    )
    given = [name for name, value in patterns.items() if _is_pattern(value)]
    if converting and given:
        yield Problem(
            given[0],
            f'{given[0]} with use_rslora and init_lora_weights="{method}": the adapter cannot '
            "be converted back to plain LoRA after training (PEFT warns).",
            severity=Severity.WARNING,
            also=("use_rslora",),
            key="peft/rslora-patterns-with-converted-initialisation",
        )


def _is_pattern(value: Value) -> bool:
    return isinstance(value, Partial) or (
        isinstance(value, Known) and value.value not in (None, {})
    )


def _two_widths() -> Problem:
    return Problem(
        "load_in_8bit",
        "load_in_4bit and load_in_8bit are both on: transformers raises ValueError.",
        help="Keep one.",
        also=("load_in_4bit",),
        key="transformers/load-in-4bit-with-load-in-8bit",
    )


def _all_excluded(exclude_modules: Value, target_modules: Value) -> Iterator[Problem]:
    excluded = elements_of(exclude_modules)
    targets = elements_of(target_modules) if isinstance(target_modules, Known) else ()
    if (
        certainly(exclude_modules, ".*")
        or certainly(exclude_modules, ".+")
        or (targets and all(name in excluded for name in targets))
    ):
        yield Problem(
            "exclude_modules",
            "exclude_modules takes out every target: PEFT raises, no module is left to adapt.",
            also=("target_modules",),
            key="peft/every-target-excluded",
        )


def _saved_targets(modules_to_save: Value, target_modules: Value) -> Iterator[Problem]:
    saved, targets = elements_of(modules_to_save), elements_of(target_modules)
    both = [name for name in targets if name in saved]
    if both:
        alone = isinstance(target_modules, Known) and len(both) == len(targets)
        yield Problem(
            "modules_to_save",
            f"{', '.join(map(str, both))} also stand in target_modules: "
            + (
                "PEFT raises, no module is left to adapt." if alone else "trained in full, no LoRA."
            ),
            severity=Severity.ERROR if alone else Severity.WARNING,
            help="Name each module in one of the two.",
            also=("target_modules",),
            key="peft/target-in-modules-to-save",
        )


def _bdlora(config: Mapping[str, object], target_modules: Value) -> Iterator[Problem]:
    first, second = config.get("target_modules_bd_a"), config.get("target_modules_bd_b")
    if isinstance(first, list) and isinstance(second, list) and set(first) & set(second):
        yield Problem(
            "use_bdlora",
            "target_modules_bd_a and target_modules_bd_b overlap: PEFT raises ValueError.",
            key="peft/bdlora-sides-overlap",
        )
    sides = [*_names(first), *_names(second)]
    targets = map(str, elements_of(target_modules))
    if sides and config.get("match_strict", True):
        neither = [name for name in targets if not any(side in name for side in sides)]
        if neither:
            yield Problem(
                "use_bdlora",
                f"{', '.join(neither)} stand in neither target_modules_bd_a nor "
                "target_modules_bd_b: PEFT raises ValueError.",
                also=("target_modules",),
                key="peft/bdlora-target-on-neither-side",
            )


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _is_written(value: Value) -> bool:
    """Whether a setting is written, and certainly not empty."""
    if isinstance(value, Known):
        return value.setting.written and value.value not in (None, False, "", [], {})
    return isinstance(value, Partial)
