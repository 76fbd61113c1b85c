"""One recipe an adapter: its own settings, then those of the calls that belong to it."""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.read.choices import Arms, united
from lora_lint.read.python import datasets, surroundings
from lora_lint.read.python.arguments import Argument, Found, in_order, known_calls
from lora_lint.read.python.imports import imported_names
from lora_lint.read.python.links import Linked, Links, adding
from lora_lint.read.python.options import DATACLASS_PARSERS
from lora_lint.read.python.order import Run, Ways
from lora_lint.read.python.origins import Origins
from lora_lint.read.python.reach import entered
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.runs import by_runs
from lora_lint.read.python.scopes import Module, Scope
from lora_lint.read.python.settings import Told, setting
from lora_lint.read.recipes import File, Recipes
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.frameworks import behaviour_of
from lora_rules.program import Calls
from lora_rules.recipe import Block, Call, Origin, Recipe, Setting

_ORDER = ("quantization", "training", "trainer", "prepare", "model")
"""Who is asked first for a setting that several calls may give; the adapter itself comes before."""

_IMAGE_TARGETS = frozenset(
    ["to_q", "to_k", "to_v", "to_out.0", "to_out", "add_k_proj", "out_proj", "fc1"]
)


class Made(NamedTuple):
    """The recipes of a file, and what could not be read of it."""

    recipes: tuple[Recipe, ...] = ()
    notes: tuple[str, ...] = ()


def recipes(resolver: Resolver, file: File) -> Made:
    """Every LoRA recipe of a module or notebook."""
    made_in = _made_in(resolver)
    if made_in:
        resolver.program.gather(made_in)
    calls = _calls(resolver)
    own = [found for found in calls if not found.site.text.path]
    adapters = [found for found in own if found.known.kind == "adapter" or _is_cli(found)]
    loads = [found for found in own if found.known.kind == "continue"]
    wraps = [found for found in own if found.known.kind == "wrap"]
    if not adapters and not loads and not (wraps and "from_pretrained" in resolver.index.calls):
        return _without_adapter(resolver, calls, file)
    added = (node for model, given in adding(resolver) for node, _ in (model, *given))
    origins = Origins(resolver, calls, added)
    gone = Ways(resolver, origins)
    gone.until(origins.known)
    loads += [found for found in wraps if _of_saved_config(origins, found)]
    if not adapters and not loads:
        return _without_adapter(resolver, calls, file)
    wanted = [*adapters, *loads]
    ways = gone.until({id(found.call) for found in wanted})
    around = _calls_around(wanted, ways)
    served = _used_afterwards(resolver, origins, calls, loads)
    taken = Recipes(note for way in ways for note in way.notes)
    notes: list[str] = []
    for runs in by_runs(resolver, adapters, calls):
        links, told = Links(resolver, calls, origins), Told(resolver)
        taken.take(
            recipe
            for adapter in runs.adapters
            for recipe in _recipes(links, told, adapter, file, around, served, runs.choices)
        )
        notes += links.notes
    taken.take(_without_config(loads, adapters, ways, file, Told(resolver)))
    notes += (*resolver.notes(), *taken.notes)
    imports = imported_names(resolver.index)
    made = tuple(recipe._replace(imports=imports) for recipe in taken.taken)
    return Made(made, tuple(dict.fromkeys(notes)))


def _calls(resolver: Resolver) -> list[Found]:
    """The known calls of the run, and the configurations that its parsers fill."""
    calls = known_calls(resolver)
    if DATACLASS_PARSERS.isdisjoint(resolver.index.calls):
        return calls
    from lora_lint.read.python.parsed import parsed  # most files have no such parser

    return in_order([*calls, *parsed(resolver)])


_MAKING = ("LoraConfig", "AdaLoraConfig", "get_peft_model", "ModelConfig")
"""Calls that make an adapter, or say how."""


def _made_in(resolver: Resolver) -> list[Scope]:
    """The functions in which adapters are made, so that their values may come from other files."""
    return [
        site.block.scope
        for name in _MAKING
        for _, site in resolver.index.calls.get(name, ())
        if not isinstance(site.block.scope, Module)
    ]


def _without_adapter(resolver: Resolver, calls: list[Found], file: File) -> Made:
    from lora_lint.read.python.unadapted import unadapted  # most files have an adapter

    return Made(tuple(unadapted(resolver, calls, file)), tuple(resolver.notes()))


def _used_afterwards(
    resolver: Resolver, origins: Origins, calls: list[Found], loads: list[Found]
) -> dict[str, Setting]:
    """What is known of how the same file serves its adapter, or loads it again; few do."""
    found: dict[str, Setting] = {}
    if "LoRARequest" in resolver.index.calls:
        from lora_lint.read.python import serving

        found |= serving.settings(resolver)
    if loads:
        from lora_lint.read.python import reloading

        found |= reloading.settings(resolver, origins, calls)
    return found


def _of_saved_config(origins: Origins, found: Found) -> bool:
    """Whether it is ``get_peft_model(model, PeftConfig.from_pretrained(…))``."""
    return any(
        call is not None and call.name.endswith(".from_pretrained")
        for seen in origins.seen(found.expression("peft_config"))
        for call in origins.last(seen)
    )


def _calls_around(wanted: list[Found], ways: list[Run]) -> dict[int, Calls]:
    """What the script does on the first way on which each call is met, by the call's identity."""
    around: dict[int, Calls] = {}
    identities = {id(found.call) for found in wanted}
    for way in ways:
        for identity in identities & way.nodes:
            around.setdefault(identity, way.calls)
    return around


def _without_config(
    loads: list[Found], adapters: list[Found], ways: list[Run], file: File, told: Told
) -> Iterator[Recipe]:
    """The ways on which an adapter is loaded and none is configured: only their calls are known.

    Where the file configures one adapter, it says how the adapters begin that the file loads.
    """
    begins = told.written(adapters[0]) if len(adapters) == 1 else {}
    begins = {name: value for name, value in begins.items() if name == "init_lora_weights"}
    configured = {id(adapter.call) for adapter in adapters}
    by_identity = {id(found.call): found for found in loads}
    for way in ways:
        met = by_identity.keys() & way.nodes
        loaded = [by_identity[identity] for identity in met]
        loaded.sort(key=lambda found: (found.span.cell or 0, found.span))
        if loaded and configured.isdisjoint(way.nodes):
            only_infers = _only_infers(way)
            yield Recipe(
                file.path,
                file.kind,
                "peft",
                loaded[0].span,
                begins if only_infers else {},
                callee=loaded[0].known.callee,
                framework="PEFT",
                calls=way.calls,
                result=only_infers,
            )


_MORE_THAN_INFERENCE = frozenset(
    [
        ".train",
        ".backward",
        ".step",
        ".fit",
        ".merge_and_unload",
        ".merge_adapter",
        ".unload",
        ".add_weighted_adapter",
        ".save_pretrained",
        ".push_to_hub",
        ".prepare",
    ]
)
"""Methods after which a loaded adapter was trained, merged or written anew."""


_LIBRARIES = frozenset(
    ["", "builtins", "transformers", "peft", "torch", "accelerate", "bitsandbytes"]
)
"""Whose functions do not train what they are given, but for those named here; ``""`` stands for a
method. What another function does with a model is not known: it may train it."""


def _only_infers(way: Run) -> bool:
    """Whether a trained adapter is only loaded to answer with it: then nothing is fine-tuned."""
    return not any(_does_more(call) for call in way.calls)


def _does_more(call: Call) -> bool:
    name = call.name
    if name in _MORE_THAN_INFERENCE or name.endswith(("Trainer", ".get_peft_model")):
        return True
    if name in ("=+", "=/"):
        return False
    if name.startswith(("=", "torch.optim.")):
        return True
    if name.startswith("peft.") and name.endswith(".from_pretrained"):
        trainable = call.arguments.get("is_trainable")
        return trainable is not None and trainable.candidates != (False,)
    foreign = not name or ("." in name[1:] and name.split(".")[0] not in _LIBRARIES)
    return foreign and bool(call.on or call.things)


def _is_cli(found: Found) -> bool:
    """TRL's ``ModelConfig(use_peft=True, lora_r=…)`` written out in code."""
    return found.known.kind == "cli" and bool({"use_peft", "lora_r"} & found.arguments.keys())


def _recipes(
    links: Links,
    told: Told,
    adapter: Found,
    file: File,
    around: dict[int, Calls],
    served: dict[str, Setting],
    runs: list[Arms],
) -> Iterator[Recipe]:
    """The recipe of an adapter; where commands reach it, that of each of its runs."""
    recipe, linked = _recipe(links, told, adapter, file, around, served)
    program = links.resolver.program
    seen: set[str] = set()
    for run in runs or [()]:
        settings = dict(recipe.settings)
        blocks = recipe.blocks
        if any(setting.choices for setting in settings.values()):
            blocks = _settled(links, linked, adapter, settings, blocks, run)
        same = repr([(name, each.candidates) for name, each in settings.items()])
        if same not in seen:
            seen.add(same)
            started = program.shown(program.starts[run[0].arm][1].span) if run else None
            yield recipe._replace(settings=settings, blocks=blocks, started=started)


def _recipe(
    links: Links,
    told: Told,
    adapter: Found,
    file: File,
    around: dict[int, Calls],
    served: dict[str, Setting],
) -> tuple[Recipe, Linked]:
    """The recipe of an adapter in all of its runs, and the calls that belong to it."""
    linked = links.of(adapter)
    resolver = links.resolver
    settings = told.written(adapter) | surroundings.settings(adapter) | served
    members = [found for kind in _ORDER if (found := linked.one(kind)) is not None]
    for found in members:
        for name, value in told.written(found).items():
            settings.setdefault(name, value)
    for kind in _ORDER:
        for name, value in links.undecided(told, linked.several(kind), kind).items():
            settings.setdefault(name, value)
    trainer = linked.one("trainer")
    for name, value in datasets.settings(links, trainer, adapter).items():
        settings.setdefault(name, value)
    _model_string(resolver, linked, settings)
    _quantization(linked, settings)
    _gradient_checkpointing(resolver, linked, settings)
    for found in (adapter, *members):
        for name, value in told.absent(found).items():
            if found.known.kind == "trainer" and name in {"max_length", "packing"}:
                continue
            settings.setdefault(name, value)
    dialect = _dialect(adapter)
    settings |= _moved_targets(dialect, settings)
    others = in_order(found for kind in linked.by_kind for found in links.shown(linked, kind))
    blocks = tuple(
        told.block(found) for found in (adapter, *(each for each in others if each is not adapter))
    )
    recipe = Recipe(
        file.path,
        file.kind,
        dialect,
        adapter.span,
        settings,
        blocks,
        adapter.known.callee,
        _domain(resolver, settings),
        framework=behaviour_of(dialect).label,
        calls=around.get(id(adapter.call), Calls()),
        is_configuration=adapter.referenced,
    )
    return recipe, linked


def _settled(
    links: Links,
    linked: Linked,
    adapter: Found,
    settings: dict[str, Setting],
    blocks: tuple[Block, ...],
    run: Arms,
) -> tuple[Block, ...]:
    """Keep the values of the runs that are possible where the adapter is configured.

    Args:
        links: of the file.
        linked: the calls that belong to the adapter.
        adapter: the adapter.
        settings: all of them; those of other runs are taken out.
        blocks: the calls' keys.
        run: the command that starts the program, if one is known.
    """
    from lora_lint.read.python.worlds import settle  # most recipes have one world

    branches = links.resolver.branches
    taken = branches.taken(entered(adapter.site))
    around = [both for arms in taken if (both := united(arms, run)) is not None]
    for scope, call in linked.entered().items():
        arms = branches.entered_by(scope, call)
        around = [both for each in around if (both := united(each, arms)) is not None]
    return settle(settings, blocks, around, links.notes)


def _dialect(adapter: Found) -> str:
    if adapter.referenced:
        return "xtuner"
    library = adapter.known.callee.partition(".")[0]
    return library if library in _OWN else "peft"


_OWN = frozenset({"unsloth", "tinker", "together", "fireworks"})
"""Libraries whose calls make an adapter of their own."""


def _moved_targets(dialect: str, settings: dict[str, Setting]) -> dict[str, Setting]:
    """What Unsloth makes of embeddings among the targets."""
    if dialect != "unsloth":
        return {}
    from lora_rules.libraries.unsloth.targets import moved  # few files call Unsloth

    return moved(settings)


def _model_string(resolver: Resolver, linked: Linked, settings: dict[str, Setting]) -> None:
    """``SFTTrainer(model="org/name")``."""
    if linked.model_string is None or "model_name_or_path" in settings:
        return
    node, site = linked.model_string
    argument = Argument("model", resolver.thunk(node, site), node, site, None, site.text.span(node))
    named = setting(resolver, "model_name_or_path", argument, site)
    if any(not isinstance(value, str) for value in named.candidates):
        named = named._replace(candidates=(), choices=(), reason="the model is an object")
    settings["model_name_or_path"] = named


def _quantization(linked: Linked, settings: dict[str, Setting]) -> None:
    """What is known of quantization beyond what the calls themselves say."""
    names = ("load_in_4bit", "load_in_8bit")
    model = linked.one("model")
    if linked.undecided:
        for name in names:
            known = settings.get(name)
            settings[name] = Setting(
                name,
                (),
                Origin.WRITTEN,
                name,
                known.span if known else None,
                reason=linked.undecided,
            )
    elif linked.unquantized and model is not None and model.known.source == "transformers":
        for name in names:
            if name not in settings:
                settings[name] = Setting(
                    name, (False,), Origin.DEFAULT, name, source="transformers"
                )
    elif linked.maybe_unquantized:
        for name in names:
            known = settings.get(name)
            if known is not None and known.candidates and False not in known.candidates:
                settings[name] = known._replace(candidates=(*known.candidates, False), choices=())


def _gradient_checkpointing(
    resolver: Resolver, linked: Linked, settings: dict[str, Setting]
) -> None:
    """``model.gradient_checkpointing_enable()``, or what preparing a k-bit model does unasked."""
    name = "gradient_checkpointing"
    if name in settings and settings[name].candidates != (False,):
        return
    for method in ("gradient_checkpointing_enable", "activation_checkpointing_enable"):
        for call, site in resolver.index.calls.get(method, [])[:1]:
            settings[name] = Setting(name, (True,), Origin.WRITTEN, method, site.text.span(call))
            return
    if linked.one("prepare") is not None and name not in settings:
        source = "PEFT's prepare_model_for_kbit_training"
        key = "use_gradient_checkpointing"
        settings[name] = Setting(name, (True,), Origin.DEFAULT, key, source=source)


def _domain(resolver: Resolver, settings: dict[str, Setting]) -> str:
    """Image adapters: diffusers is imported, and the targets are not plainly a language model's."""
    if "diffusers" not in resolver.index.libraries:
        return "language"
    targets = settings.get("target_modules")
    named = [value for value in (targets.candidates if targets else ()) if isinstance(value, list)]
    if named and not any(_IMAGE_TARGETS & {str(item) for item in value} for value in named):
        return "language"
    return "image"
