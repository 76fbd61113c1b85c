"""Settings that do not do what they seem to: unknown, harmful before training, or never read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lora_rules.evidence import (
    FRAMEWORK_SOURCES,
    PEFT_BENCHMARK,
    PEFT_SOURCE,
    TRANSFORMERS_SOURCE,
    VLLM_SOURCE,
)
from lora_rules.facts import signatures
from lora_rules.facts.held_revision import held_at_revision
from lora_rules.recipe import Block, Key, Recipe
from lora_rules.rule import Problem, Remove, Rename, Safety, Set, Severity, rule


@rule(
    "LL001",
    Severity.ERROR,
    evidence=[PEFT_SOURCE, TRANSFORMERS_SOURCE, FRAMEWORK_SOURCES],
    without_adapter=True,
)
def unknown_key(
    recipe: Recipe,
    pinned_peft: str | None = None,
    pinned_transformers: str | None = None,
    pinned_trl: str | None = None,
    *,
    allow: tuple[str, ...] = (),
) -> Iterator[Problem]:
    """A keyword or key that its receiver does not know.

    ## What it checks
    Every keyword of a call is looked up in the signature of the installed library's version, if
    the repository pins one, else of the newest; every key of a framework's file in the list of
    keys that the framework reads, where that list is known in full. It is an error where the
    receiver refuses the key, a warning where it drops it without a word, or where the key existed
    in an older version and nothing is pinned.

    ## Why it matters
    PEFT's and TRL's configurations raise TypeError. axolotl, nemo-automodel and Unsloth Studio
    drop what they do not know: the value that was meant never arrives, and the run looks normal.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, alpha=32, target_modules="all-linear")  # LL001: alpha
    ```
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    warmup_ration: 0.1  # LL001: warmup_ration
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    Among the official recipes it fires on four (1.3 %), each time rightly: three keys that axolotl
    no longer reads, and one misspelt (`context_parapllel_size`).

    ## When to ignore it
    When a plugin reads the key, or a fork of the library accepts it: put it into `allow`.

    ## Options
    - `allow` (none): keys that pass everywhere.
    """
    pins = {"peft": pinned_peft, "transformers": pinned_transformers, "trl": pinned_trl}
    for block in recipe.blocks:
        if recipe.dialect == "unsloth" and block.receiver.startswith("trl."):
            continue  # Unsloth puts classes of its own, with more parameters, in their place
        if "." in block.receiver and block.receiver in signatures.callees():
            yield from _against_signature(recipe, block, pins, allow)
        elif block.known_keys:
            yield from _against_list(block, recipe, allow)


def _against_signature(
    recipe: Recipe, block: Block, pins: Mapping[str, str | None], allow: tuple[str, ...]
) -> Iterator[Problem]:
    if signatures.is_open(block.receiver):
        return
    library, _, callee = block.receiver.partition(".")
    callee = callee.rpartition(".")[2]
    version = pins.get(library)
    known = _known_fields(block.receiver, version, pins.get("transformers"))
    quiet = callee == "BitsAndBytesConfig"  # it only logs what it does not know
    for key in block.keys:
        if key.name in known or key.name in allow:
            continue
        source = signatures.owner(block.receiver, key.name).partition(".")[0]
        moment = _moment(block.receiver, key.name, source)
        if moment:
            pin = pins.get(source)
            if not pin and held_at_revision(recipe, source):
                continue
            here = f"{source} {pin}" if pin else f"the newest {source}"
            yield Problem(
                key.span,
                f"{callee} has no parameter {key.name} in {here}: it {moment}.",
                severity=Severity.ERROR if pin and not quiet else Severity.WARNING,
                help=f"Write it the way {here} wants it, or pin {source}.",
                edits=_rename(key.name, known),
            )
        else:
            effect = "it is ignored" if quiet else "TypeError"
            text = f"{callee} has no parameter {key.name}: {effect}."
            yield _unknown(key, text, known, Severity.WARNING if quiet else None)


def _known_fields(receiver: str, version: str | None, parent: str | None) -> frozenset[str]:
    """The parameters of a version; of one too old to be known, all that ever were."""
    try:
        return signatures.fields(receiver, version, parent)
    except KeyError:
        return signatures.every_field(receiver)


def _moment(receiver: str, name: str, source: str) -> str:
    """When a parameter came or went, if it ever was one."""
    removed = signatures.removed(receiver, name)
    if removed:
        return f"was removed by {source} {removed}"
    introduced = signatures.introduced(receiver, name)
    return f"came with {source} {introduced}" if introduced else ""


def _against_list(block: Block, recipe: Recipe, allow: tuple[str, ...]) -> Iterator[Problem]:
    who = recipe.framework or recipe.dialect
    for key in block.keys:
        leaf = key.name.rpartition(".")[2]
        if key.name in block.known_keys or key.name in allow or leaf in allow:
            continue
        if not block.strict and key.candidates == (None,):
            continue  # dropped, and empty anyway
        effect = "refuses it" if block.strict else "drops it without a word"
        text = f"{who} does not know {key.name} and {effect}."
        yield _unknown(key, text, block.known_keys, None if block.strict else Severity.WARNING)


def _unknown(key: Key, text: str, known: Iterable[str], severity: Severity | None) -> Problem:
    edits = _rename(key.name, known)
    return Problem(
        key.span,
        text,
        severity=severity,
        help=f"Did you mean {edits[0].to}?" if edits else "Remove it, or check its spelling.",
        edits=edits,
    )


def _rename(name: str, known: Iterable[str]) -> tuple[Rename, ...]:
    nearest = nearest_key(name, known)
    return (Rename(name, nearest),) if nearest else ()


SYNONYMS = {
    "rank": "r",
    "lora_r": "r",
    "lora_rank": "r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "lora_target_modules": "target_modules",
    "targets": "target_modules",
    "lora_bias_type": "bias",
    "evaluation_strategy": "eval_strategy",
    "max_seq_length": "max_length",
}
"""What people write for PEFT's and TRL's names, too far apart for spelling alone to tell."""


def nearest_key(name: str, known: Iterable[str]) -> str | None:
    """The known key that was probably meant, or ``None``."""
    names = sorted(known)
    if SYNONYMS.get(name) in names:
        return SYNONYMS[name]
    lowered = {candidate.lower(): candidate for candidate in names}
    if name.lower() in lowered:
        return lowered[name.lower()]
    from difflib import get_close_matches  # only for a message

    close = get_close_matches(name, names, n=1, cutoff=0.8)
    return close[0] if close else None


@rule("LL003", Severity.WARNING, evidence=[PEFT_SOURCE])
def non_noop_init(recipe: Recipe, init_lora_weights: bool) -> Iterator[Problem]:
    """The adapter starts as random noise on top of the base model.

    ## What it checks
    `init_lora_weights` is false in a configuration that is trained: a framework's file, or a call
    whose adapter a trainer gets. Scripts that convert adapters and files under a tests folder are
    left alone.

    ## Why it matters
    PEFT then fills both matrices at random, so the model is damaged before the first step instead
    of being the base model exactly. PEFT's own documentation calls this value one for debugging.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTTrainer

    names = "all-linear"
    config = LoraConfig(r=16, target_modules=names, init_lora_weights=False)  # LL003: False
    trainer = SFTTrainer(model="Qwen/Qwen2.5-0.5B", peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, init_lora_weights="gaussian")
    ```

    ## When to ignore it
    In tests that want an adapter with an effect; or when the weights are loaded right afterwards.

    ## Options
    None.
    """
    if init_lora_weights is False and recipe.trains and not _in_tests(recipe.path):
        yield Problem(
            "init_lora_weights",
            "init_lora_weights=False starts both matrices at random: the base model is damaged "
            "before the first step.",
            help="Leave it out (True), or name a method such as 'gaussian' or 'pissa'.",
            edits=(Set("init_lora_weights", True),),
            safety=Safety.SAFE,
        )


def _in_tests(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    return any(part in ("test", "tests") or part.startswith("test_") for part in parts)


@rule("LL004", Severity.ERROR, evidence=[PEFT_SOURCE])
def inference_mode_training(recipe: Recipe, inference_mode: bool) -> Iterator[Problem]:
    """A new adapter that is told not to train.

    ## What it checks
    `inference_mode` is true for a fresh adapter that is trained: in a framework's file, or in a
    call whose adapter a trainer gets. The record of a trained one (`adapter_config.json`) and
    scripts that only load adapters are left alone.

    ## Why it matters
    PEFT freezes the adapter's weights. With everything else frozen too, the first backward pass
    raises RuntimeError: no tensor requires a gradient.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTTrainer

    names = "all-linear"
    config = LoraConfig(r=16, target_modules=names, inference_mode=True)  # LL004: True
    trainer = SFTTrainer(model="Qwen/Qwen2.5-0.5B", peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, inference_mode=False)
    ```

    ## When to ignore it
    When the file only loads an adapter to use it.

    ## Options
    None.
    """
    if inference_mode and recipe.trains and not recipe.may_be("adapter_name_or_path"):
        yield Problem(
            "inference_mode",
            "inference_mode=True freezes the adapter: training it raises RuntimeError.",
            help="Leave it out.",
            edits=(Set("inference_mode", False),),
            safety=Safety.SAFE,
        )


@rule("LL005", Severity.INFO, evidence=[PEFT_SOURCE])
def bias_trains_nothing(recipe: Recipe, bias: str) -> Iterator[Problem]:
    """Biases are trained, which most current models do not have.

    ## What it checks
    `bias` is "all" or "lora_only" in a training configuration.

    ## Why it matters
    Llama, Mistral, Gemma and Qwen3 have no biases in their linear layers, so the setting trains
    nothing there. Where a model has them, the trained biases stay in force when the adapter is
    switched off: the base model is then no longer what it was (PEFT's documentation says so), and
    vLLM refuses the adapter.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, bias="lora_only")  # LL005: "lora_only"
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, bias="none")
    ```

    ## When to ignore it
    When the model has biases and the adapter will be merged.

    ## Options
    None.
    """
    if bias in ("all", "lora_only") and not recipe.result:
        yield Problem(
            "bias",
            f'bias="{bias}" trains biases that most current models do not have, and that stay '
            "when the adapter is switched off.",
            help='Set bias to "none".',
            edits=(Set("bias", "none"),),
        )


@rule("LL006", Severity.INFO, evidence=[PEFT_BENCHMARK])
def dora_cost(recipe: Recipe, use_dora: bool) -> Iterator[Problem]:
    """DoRA costs a quarter more time; worth knowing before a long run.

    ## What it checks
    `use_dora` is on in a training configuration.

    ## Why it matters
    In PEFT's own comparison (Llama-3.2-3B, one seed) DoRA took 26.4 % more time and 10.1 % more
    peak memory than LoRA at equal rank, for an accuracy within noise (46.93 against 47.84 %). The
    DoRA paper reports gains on other tasks.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, use_dora=True)  # LL006: True
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## When to ignore it
    When a comparison on your own task shows that it pays.

    ## Options
    None.
    """
    if use_dora and not recipe.result:
        yield Problem(
            "use_dora",
            "use_dora costs about 26 % more time and 10 % more peak memory (PEFT's own benchmark).",
            help="Compare with plain LoRA on your own evaluation set.",
        )


@rule("LL007", Severity.WARNING, evidence=[VLLM_SOURCE])
def serving_incompatible(
    recipe: Recipe, serve: str, *, max_lora_rank: int = 16
) -> Iterator[Problem]:
    """The adapter cannot be served by the engine that was declared.

    ## What it checks
    With `# lora-lint: serve=vllm` (or `serve = "vllm"` in the settings): `modules_to_save`, a
    `bias` other than "none", `use_dora`, or an `r` above `max_lora_rank`.

    ## Why it matters
    vLLM refuses to load such an adapter. Its `max_lora_rank` is 16 unless the server is started
    with another one. An adapter that is merged into the base model is not concerned.

    ## Bad
    ```python
    # lora-lint: serve=vllm
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=64)  # LL007: 64
    ```

    ## Good
    ```python
    # lora-lint: serve=vllm
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## When to ignore it
    When the adapter is merged before it is served.

    ## Options
    - `max_lora_rank` (16): what the server is started with.
    """
    if serve.lower() != "vllm":
        return
    rank = recipe.known("r")
    if isinstance(rank, int) and rank > max_lora_rank:
        yield Problem(
            "r",
            f"r = {rank} is above vLLM's max_lora_rank of {max_lora_rank}.",
            help=f"Start the server with --max-lora-rank {rank}, and set the option to match.",
        )
    for name, refused in (
        ("modules_to_save", recipe.known("modules_to_save")),
        ("use_dora", recipe.known("use_dora")),
        ("bias", recipe.known("bias") in ("all", "lora_only")),
    ):
        if refused:
            yield Problem(
                name, f"vLLM refuses adapters with {name}.", help="Merge the adapter, or drop it."
            )


@rule("LL008", Severity.WARNING, evidence=[PEFT_SOURCE])
def ignored_subconfig(recipe: Recipe) -> Iterator[Problem]:
    """A setting that nothing reads, because the one that switches it on is missing.

    ## What it checks
    `loftq_config`, `eva_config`, `corda_config` or `lora_ga_config` without the
    `init_lora_weights` of that name; EVA or CorDA without their configuration (the defaults are
    taken); `alora_invocation_tokens` with another task than CAUSAL_LM; `use_qalora` (GPTQ only)
    over a bitsandbytes model; `base_model_name_or_path` written by hand (PEFT overwrites it).

    ## Why it matters
    PEFT drops the setting with a warning that scrolls by, or with none.

    ## Bad
    ```python
    from peft import LoraConfig

    bits = {"loftq_bits": 4}
    config = LoraConfig(r=16, lora_alpha=32, loftq_config=bits)  # LL008: bits
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, init_lora_weights="olora")
    ```

    ## When to ignore it
    When the file is shared between runs that switch the setting on and runs that do not.

    ## Options
    None.
    """
    if recipe.result:
        return
    yield from _unused_initialisation(recipe)
    tokens = recipe.writes("alora_invocation_tokens") and recipe.may_be("alora_invocation_tokens")
    task = recipe.settings.get("task_type")
    if tokens and task is not None and task.candidates and "CAUSAL_LM" not in task.candidates:
        yield Problem(
            "alora_invocation_tokens",
            "alora_invocation_tokens only work with task_type CAUSAL_LM.",
            help='Set task_type to "CAUSAL_LM", or remove the tokens.',
        )
    if isinstance(recipe.known("base_model_name_or_path"), str):
        yield Problem(
            "base_model_name_or_path",
            "base_model_name_or_path is overwritten by PEFT with the name of the model it is "
            "given.",
            help="Remove it.",
            edits=(Remove("base_model_name_or_path"),),
        )


INITIALISATIONS = {
    "loftq_config": "loftq",
    "eva_config": "eva",
    "corda_config": "corda",
    "lora_ga_config": "lora_ga",
}
"""Each sub-configuration and the ``init_lora_weights`` that reads it."""


def _unused_initialisation(recipe: Recipe) -> Iterator[Problem]:
    setting = recipe.settings.get("init_lora_weights")
    if setting is None or not setting.candidates:
        return
    chosen = setting.candidates
    for name, method in INITIALISATIONS.items():
        given = recipe.writes(name) and recipe.may_be(name) and _holds(recipe, name)
        if given and method not in chosen:
            yield Problem(
                name,
                f'{name} is ignored unless init_lora_weights is "{method}".',
                help=f'Set init_lora_weights to "{method}", or remove it.',
                also=("init_lora_weights",),
                edits=(Remove(name),),
            )
    for name, method in (("eva_config", "eva"), ("corda_config", "corda")):
        if chosen == (method,) and not recipe.may_be(name):
            yield Problem(
                "init_lora_weights",
                f'init_lora_weights="{method}" without {name}: PEFT takes default values, and '
                "needs its own preparation call before training.",
                help=f"Pass a {name}, and call PEFT's initialisation for it.",
            )


def _holds(recipe: Recipe, name: str) -> bool:
    """Whether it is known to hold something: a value that is passed through may be nothing.

    An empty ``loftq_config`` is PEFT's default; an empty object of another kind is one.
    """
    setting = recipe.settings[name]
    empty = setting.candidates == ({},) and (name == "loftq_config" or not setting.written)
    return bool(setting.candidates) and not empty


@rule("LL009", Severity.WARNING, evidence=[FRAMEWORK_SOURCES], without_adapter=True)
def conflicting_sources(recipe: Recipe) -> Iterator[Problem]:
    """The same setting is written twice in one place, with different values.

    ## What it checks
    A key that stands twice in one YAML or JSON mapping, or a flag that is given twice on a
    command line, with different values.

    ## Why it matters
    The last one wins and the first is dropped without a word. A reader who sees the first
    believes something else runs.

    ## Bad
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 8  # LL009: lora_r
    lora_alpha: 32
    lora_target_linear: true
    lora_r: 16
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    ```

    ## When to ignore it
    Never: remove the one that does not count.

    ## Options
    None.
    """
    for block in recipe.blocks:
        for lost, counts in block.duplicates:
            if lost.candidates and counts.candidates and lost.candidates == counts.candidates:
                continue
            yield Problem(
                lost.span,
                f"{lost.name} is written again on line {counts.span.line}; only that one counts.",
                help="Remove the one that is not meant.",
                also=(counts.span,),
            )


@rule("LL010", Severity.WARNING, evidence=[FRAMEWORK_SOURCES], without_adapter=True)
def adapter_settings_without_adapter(recipe: Recipe, lora_enabled: bool) -> Iterator[Problem]:
    """LoRA settings in a run that is not a LoRA run.

    ## What it checks
    The file sets a rank, an alpha or target modules, but the switch that turns LoRA on in its
    framework is off or missing: `use_peft` (TRL, oumi), `peft` (AutoTrain), `adapter` (axolotl).
    A file that asks for full fine-tuning in so many words, or has the switch with nothing behind
    it, is left alone.

    ## Why it matters
    The framework ignores the adapter's settings and trains every parameter: a memory need several
    times larger, at a learning rate that was chosen for LoRA.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    dataset_name: trl-lib/Capybara
    lora_r: 16  # LL010: 16
    lora_alpha: 32
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    dataset_name: trl-lib/Capybara
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: all-linear
    learning_rate: 2.0e-4
    num_train_epochs: 1
    max_length: 1024
    ```

    ## When to ignore it
    When the switch is given on the command line.

    ## Options
    None.
    """
    if lora_enabled:
        return
    switch = recipe.settings["lora_enabled"].key
    if recipe.writes(switch) and recipe.settings["lora_enabled"].span is None:
        return  # the switch stands there, empty: somebody meant it
    written = [
        name
        for name in ("r", "lora_alpha", "target_modules")
        if (setting := recipe.settings.get(name)) is not None and setting.written
    ]
    if written:
        yield Problem(
            written[0],
            f"{recipe.framework or recipe.dialect} trains without an adapter here: {switch} does "
            "not turn LoRA on, so this is ignored and every parameter is trained.",
            help=f"Turn it on with {switch}, or remove the LoRA settings.",
        )
