"""Questions about what a script does, for the rules that depend on its order.

All of them answer for what is certain: a call of something unknown that is given an object may have
done anything to it, and ``touches`` says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.effects import FREES
from lora_rules.libraries.effects import effect_of
from lora_rules.program import Calls, Test
from lora_rules.recipe import Call, Setting, Span, Thing

_LIBRARIES = frozenset(
    [
        "accelerate",
        "argparse",
        "bitsandbytes",
        "builtins",
        "collections",
        "copy",
        "csv",
        "dataclasses",
        "datasets",
        "datetime",
        "deepspeed",
        "evaluate",
        "functools",
        "gc",
        "glob",
        "huggingface_hub",
        "itertools",
        "json",
        "logging",
        "loguru",
        "math",
        "matplotlib",
        "numpy",
        "os",
        "pandas",
        "pathlib",
        "peft",
        "pprint",
        "random",
        "re",
        "rich",
        "safetensors",
        "shutil",
        "sklearn",
        "subprocess",
        "sys",
        "tempfile",
        "time",
        "torch",
        "torchinfo",
        "tqdm",
        "transformers",
        "trl",
        "typing",
        "wandb",
        "warnings",
    ]
)
"""Libraries whose calls do to a model only what their names say."""
_HARMLESS_METHODS = frozenset(
    [
        ".accumulate",
        ".backward",
        ".clip_grad_norm_",
        ".prepare",
        ".prepare_model",
        ".unwrap_model",
        ".print",
        ".append",
        ".info",
        ".save_model",
        ".watch",
        ".log",
        ".debug",
        ".add_module",
        ".format",
        ".add_callback",
        ".push_to_hub",
        ".write",
        ".register",
    ]
)
OPTIMIZERS = ("Adam", "SGD", "RMSprop", "Adafactor", "Lion", "PagedAdam", "PagedLion")


class Training(NamedTuple):
    """A model that is trained."""

    model: Thing
    setup: Call
    """Where the trainer, or the optimizer, is made."""
    start: Call
    """Where training begins."""


def adapter_loads(calls: Calls) -> list[Call]:
    """Where a trained adapter is loaded onto a model."""
    return [call for call in calls.last_named("from_pretrained") if is_adapter_load(call)]


def is_adapter_load(call: Call) -> bool:
    """Whether a call loads a trained adapter onto a model."""
    classes = ("peft.PeftModel", "peft.AutoPeftModel")
    return call.name.startswith(classes) and call.name.endswith(".from_pretrained")


def peft_wraps(calls: Calls) -> list[Call]:
    """Where a model gets an adapter from PEFT itself."""
    return calls.named("peft.get_peft_model")


def trainable_adapters(calls: Calls) -> list[Call]:
    """Where a model gets an adapter that is trained: a new one, or one that is loaded for it."""
    loads = adapter_loads(calls)
    trainable = [call for call in loads if argument_is(call.arguments.get("is_trainable"), True)]
    return [*calls.last_named("get_peft_model"), *trainable]


def is_loaded_model(call: Call) -> bool:
    """Whether a call loads a base model through transformers."""
    owner, _, method = call.name.rpartition(".")
    if method != "from_pretrained" or not owner.startswith("transformers."):
        return False
    last = owner.rpartition(".")[2]
    other = ("Tokenizer", "Processor", "Config", "Extractor")
    return ("Model" in last or "For" in last) and not any(word in last for word in other)


def has_own_code(load: Call) -> bool:
    """Whether a model may bring code of its own, of which nothing is known."""
    return argument(load, "trust_remote_code", False) is not False


def base_load(calls: Calls, model: Thing | None) -> Call | None:
    """The call that loaded the base model, when it is certainly that."""
    made = calls.maker(model)
    return made if made is not None and is_loaded_model(made) else None


def of(call: Call, thing: Thing) -> bool:
    """Whether a call is a method of an object or of a part of it."""
    return call.on is not None and call.on.number == thing.number


def given(call: Call, thing: Thing) -> bool:
    """Whether an object, or a part of it, is an argument."""
    return any(other.number == thing.number for other in call.things.values())


_ANSWERS = ("generate()", "__call__()")


def is_unknown(call: Call, thing: Thing) -> bool:
    """Whether a call may do anything at all to an object.

    What a model answers is not the model: whoever is given that cannot change the model.
    """
    if not any(
        other.number == thing.number and not other.part.startswith(_ANSWERS)
        for other in call.things.values()
    ):
        return False
    return does_anything(call, thing)


def does_anything(call: Call, thing: Thing) -> bool:
    """Whether of a call it is not known what it does to an object that it is given."""
    if call.name.startswith("="):
        return False
    if call.name.startswith("."):
        return not of(call, thing) and call.name not in _HARMLESS_METHODS
    return call.name.partition(".")[0] not in _LIBRARIES


def trainings(calls: Calls, model: Thing | None) -> list[Training]:
    """Every time that a model is certainly trained, with a trainer or in a loop of the script."""
    return _trainings(calls).get(model, []) if model is not None else []


def all_trainings(calls: Calls) -> Iterator[Training]:
    """Every time that some model is certainly trained."""
    for found in _trainings(calls).values():
        yield from found


def _trainings(calls: Calls) -> dict[Thing, list[Training]]:
    found: dict[Thing, list[Training]] = calls.once("trainings", lambda: _find_trainings(calls))
    return found


def _find_trainings(calls: Calls) -> dict[Thing, list[Training]]:
    found: dict[Thing, list[Training]] = {}
    for call in calls:
        training = _training(calls, call)
        if training is not None:
            found.setdefault(training.model, []).append(training)
    return found


def _training(calls: Calls, call: Call) -> Training | None:
    if call.made is None:
        return None
    if call.name.endswith("Trainer"):
        model = call.things.get("model")
        start = _first_after(calls, call, trains)
        if model is not None and not model.part and start is not None:
            return Training(model, call, start)
    elif is_optimizer(call):
        of_parts = {name: thing.number for name, thing in call.things.items() if thing.part}
        numbers = {of_parts["params"]} if "params" in of_parts else set(of_parts.values())
        start = _first_after(calls, call, _steps)
        if len(numbers) == 1 and start is not None:
            return Training(Thing(numbers.pop()), call, start)
    return None


def _first_after(calls: Calls, call: Call, test: Test) -> Call | None:
    """The first call after one that does something to what it made."""
    assert call.made is not None  # noqa: S101
    places = calls.places(test, call.made)
    following = bisect_right(places, calls.position(call))
    return calls[places[following]] if following < len(places) else None


def trains(call: Call, trainer: Thing) -> bool:
    """Whether a trainer begins to train."""
    return call.name == ".train" and call.on == trainer


def _steps(call: Call, optimizer: Thing) -> bool:
    return call.name == ".step" and call.on == optimizer


def is_optimizer(call: Call) -> bool:
    """Whether a call makes an optimizer."""
    return (
        call.name.rpartition(".")[2].startswith(OPTIMIZERS)
        and not call.name.startswith((".", "="))
        and bool(call.things)
    )


def has_effect(call: Call, *deeds: str) -> bool:
    """Whether a call does one of these things of ``engine/effects.py`` to some object."""
    effect = effect_of(call.name)
    if effect is None or not any(deed in effect.does for deed in deeds):
        return False
    return not effect.given or argument(call, effect.given, None) is not None


def does(call: Call, thing: Thing, *deeds: str) -> bool:
    """Whether a call does one of these things to an object.

    Either it is a method of the object, or of a part of it, or the object comes out of it, or the
    row says which argument it is done to.
    """
    if not has_effect(call, *deeds):
        return False
    if call.name.startswith("."):
        return of(call, thing)
    effect = effect_of(call.name)
    to = effect.to if effect is not None else ""
    return (call.things.get(to) if to else call.made) == thing


def frees(call: Call, model: Thing) -> bool:
    """Whether a call may let something of a model be trained."""
    if is_unknown(call, model) or does(call, model, FREES):
        return True
    if call.name in (".requires_grad_", "=requires_grad"):
        return of(call, model) and not argument_is(_first_argument(call), False)
    return False


def freezes(call: Call, model: Thing) -> bool:
    """Whether a call freezes all of a model: unconditionally inside its loop, if there is one."""
    return sets_all(call, model, requires_grad=False)


def sets_all(call: Call, model: Thing, *, requires_grad: bool) -> bool:
    """Whether a call sets requires_grad on all of a model, as :func:`freezes` does."""
    if not of(call, model) or not argument_is(_first_argument(call), requires_grad):
        return False
    assert call.on is not None  # noqa: S101
    if call.name == ".requires_grad_" and not call.on.part:
        return True
    in_loop = bool(call.branch) and call.branch[-1] < 0
    return in_loop and call.on.part in _EVERY_PARAMETER


_EVERY_PARAMETER = ("parameters()[]", "named_parameters()[][]")


def _first_argument(call: Call) -> Setting | None:
    for name in ("value", "requires_grad", "0"):
        if name in call.arguments:
            return call.arguments[name]
    return None


def checkpointing(arguments: Call) -> object:
    """Whether training arguments turn gradient checkpointing on, by either of its names."""
    names = ("gradient_checkpointing", "activation_checkpointing")
    given = [argument(arguments, name, False) for name in names]
    return True if True in given else next((each for each in given if each is not False), False)


def checkpointing_kwargs(arguments: Call) -> Setting | None:
    """What training arguments pass to each checkpoint, by either name."""
    names = ("gradient_checkpointing_kwargs", "activation_checkpointing_kwargs")
    return next((arguments.arguments[name] for name in names if name in arguments.arguments), None)


def argument_is(setting: Setting | None, value: object) -> bool:
    """Whether a setting is there and has no other value."""
    return (
        setting is not None
        and bool(setting.candidates)
        and all(type(each) is type(value) and each == value for each in setting.candidates)
    )


def argument(call: Call, name: str, default: object) -> object:
    """A call's argument, its default if it is not given; :data:`UNKNOWN` otherwise."""
    setting = call.arguments.get(name)
    if setting is None:
        return default if call.complete else UNKNOWN
    return setting.value if setting.known else UNKNOWN


def first_argument(call: Call, name: str) -> object:
    """A call's first argument, given by name or by position; :data:`UNKNOWN` otherwise."""
    setting = call.arguments.get(name) or call.arguments.get("0")
    return setting.value if setting is not None and setting.known else UNKNOWN


def same_argument(one: Call, names: tuple[str, ...], other: Call, others: tuple[str, ...]) -> bool:
    """Whether two calls are certainly given the same, each by one of these names or positions."""
    first, second = _thing(one, names), _thing(other, others)
    if first is not None and first == second:
        return True
    settings = _setting(one, names), _setting(other, others)
    if any(each is None or not each.known for each in settings):
        return False
    return len({repr(each.value) for each in settings if each is not None}) == 1


def _thing(call: Call, names: tuple[str, ...]) -> Thing | None:
    return next((call.things[name] for name in names if name in call.things), None)


def _setting(call: Call, names: tuple[str, ...]) -> Setting | None:
    return next((call.arguments[name] for name in names if name in call.arguments), None)


UNKNOWN = object()
"""A value that is not known: equal to nothing else, and neither true nor false."""


def quantized(calls: Calls, load: Call) -> Call | None:
    """The configuration with which a model is certainly loaded in 4 or 8 bits."""
    config = calls.maker(load.things.get("quantization_config"))
    if config is None or config.name != "transformers.BitsAndBytesConfig":
        return None
    if not config.certain_after(load):
        return None
    widths = [config.arguments.get("load_in_4bit"), config.arguments.get("load_in_8bit")]
    return config if any(argument_is(width, True) for width in widths) else None


def adapted(calls: Calls, place: Span) -> Iterator[tuple[Call, Thing]]:
    """Where the adapter's configuration, which stands there, meets a model, and that model."""
    config = calls.configuration(place)
    if config is None or config.made is None:
        return
    if config.name.endswith(".get_peft_model"):
        yield config, config.made
        return
    for call in [*calls.given("peft_config", config.made), *_given_on_some_way(calls, config)]:
        model = call.things.get("model")
        if model is not None and not model.part:
            yield call, model


def _given_on_some_way(calls: Calls, config: Call) -> list[Call]:
    """Calls that are given one of several configurations, made under a test, of which it is one."""
    joined: list[Call] = calls.once("joined configurations", lambda: _of_several(calls))
    return [call for call in joined if config in _configurations(calls, call)]


def _of_several(calls: Calls) -> list[Call]:
    given = (call for call in calls if "peft_config" in call.things)
    return [call for call in given if len(_configurations(calls, call)) > 1]


def _configurations(calls: Calls, call: Call) -> list[Call | None]:
    return calls.last(call.histories.get("peft_config"), _makes)


def _makes(call: Call, thing: Thing) -> bool:
    return call.made == thing


def excludes(call: Call, other: Call) -> bool:
    """Whether two calls stand in the two arms of one test."""
    return any(arm > 0 and arm ^ 1 in other.branch for arm in call.branch)


def comes_before(calls: Calls, *steps: Call) -> bool:
    """Whether calls are made in this order."""
    return all(calls.position(first) <= calls.position(last) for first, last in pairwise(steps))
