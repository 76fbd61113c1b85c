"""One fine-tune as somebody wrote it: settings, each with its value, place, and how it is known.

Names are the field's own. PEFT's for the adapter (``r``, ``lora_alpha``, ``target_modules``),
bitsandbytes' for quantization (``load_in_4bit``, ``bnb_4bit_quant_type``), transformers' and TRL's
for training (``learning_rate``, ``per_device_train_batch_size``, ``max_length``). A reader
translates what a framework calls them; a rule never sees a dialect's spelling except in ``key``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.version_range import VersionRange
from lora_rules.repository import NO_FILES, Repository


class Origin(Enum):
    """How a setting is known."""

    WRITTEN = "written"
    """It stands in the file, at this place."""
    DEFAULT = "default"
    """The file says nothing; a framework fills it in (``Setting.source`` says which)."""
    DERIVED = "derived"
    """It was worked out from something else (``Setting.source`` says what)."""


class Span(NamedTuple):
    """A stretch of text. Lines and columns count characters from 1; the end column is exclusive.

    In a notebook, ``cell`` counts all cells from 1 and the lines are the cell's own.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    cell: int | None = None
    path: str = ""
    """The file, where it is another one than that of whoever has the span."""


class Choice(NamedTuple):
    """One of several ways on: an arm of a branch, a pass of a loop, a caller, an item of a sweep.

    Two values belong to the same run unless their choices contradict each other: the same point
    with another arm.
    """

    point: str
    """Where it is chosen, as ``line:column`` or ``cell:line:column``."""
    arm: int
    """Which one, from 0 in the order of the file."""


Choices = tuple[Choice, ...]
"""Everything that is chosen for one candidate, in the order of the points."""


class Given(NamedTuple):
    """How one candidate of a setting is known; the members are those of :class:`Setting`."""

    origin: Origin
    source: str
    declared: Span | None
    overridable: bool


class NoList(list[object]):
    """A tuple or a set, as a list: for most settings they mean the same."""


class Setting(NamedTuple):
    """One setting of a recipe.

    ``candidates`` holds every value it may have: none when it is unknown, one when it is known,
    several for a sweep, a loop or the branches of a conditional.
    """

    name: str
    """The field's term, for example ``r``."""
    candidates: tuple[object, ...]
    origin: Origin
    key: str
    """What the file's own framework calls it, for example ``lora_rank`` or ``peft.dim``."""
    span: Span | None = None
    """The value, where the recipe uses it (``None`` for a default)."""
    key_span: Span | None = None
    """The key or keyword that introduces it."""
    source: str = ""
    """Who sets a default, or what a value was derived from, as a reader would say it."""
    declared: Span | None = None
    """Where the value itself stands, when it came through a name."""
    overridable: bool = False
    """The value is the default of a command-line flag, parameter or environment variable."""
    reason: str = ""
    """Why it is unknown, when it is; of a partial value, why the rest of it is."""
    choices: tuple[Choices, ...] = ()
    """What is chosen for each candidate, in their order. Empty: each is a choice of this setting
    alone. A value may be listed several times, with different choices. A setting none of whose
    candidates fits a world is absent there."""
    elements: tuple[object, ...] = ()
    """Of an unknown list or mapping: the elements (keys) that it has in any case."""
    each: tuple[Given, ...] = ()
    """How each candidate is known, in their order, where they differ in that."""

    @property
    def known(self) -> bool:
        """Whether there is exactly one candidate."""
        return len(self.candidates) == 1

    @property
    def value(self) -> object:
        """The one value.

        Raises:
            ValueError: if there are none or several.
        """
        if len(self.candidates) != 1:
            raise ValueError(f"{self.name} has {len(self.candidates)} candidates")
        return self.candidates[0]

    @property
    def written(self) -> bool:
        """Whether somebody wrote it, as opposed to a framework's silent default."""
        return self.origin is not Origin.DEFAULT


class Key(NamedTuple):
    """A key of a mapping or a keyword of a call, exactly as written."""

    name: str
    """Dotted from the root of the block, for example ``adapter.r``."""
    span: Span
    candidates: tuple[object, ...] = ()
    """What it was given, as far as known."""
    value_span: Span | None = None
    choices: tuple[Choices, ...] = ()
    """As :attr:`Setting.choices`."""
    overridable: bool = False
    """As :attr:`Setting.overridable`."""
    text_to_pyyaml: bool = False
    """A number that YAML 1.1 takes for a text, such as ``2e-5``."""


class Block(NamedTuple):
    """A call, or a file's mapping: the keys written in one place, for whoever receives them."""

    receiver: str
    """The qualified callee (``peft.LoraConfig``) or the dialect's name (``axolotl``)."""
    span: Span
    keys: tuple[Key, ...] = ()
    complete: bool = True
    """False when more keys may arrive unseen (``**kwargs`` of unknown content, a template)."""
    duplicates: tuple[tuple[Key, Key], ...] = ()
    """Keys written twice in one mapping: the earlier, which is lost, and the one that counts."""
    known_keys: frozenset[str] = frozenset()
    """Every key that the receiver reads, when a dialect's table lists them all; else empty."""
    strict: bool = True
    """Whether the receiver refuses an unknown key (True) or drops it silently (False)."""
    programs: tuple[str, ...] = ()
    """The programs of which the keys are options (``swift.sft``), as the libraries' signatures
    name them: a command starts one, and a file may be for each of several."""


Blocks = tuple[Block, ...]
"""Everything that was written, in the order of the file; the adapter's own block first."""


class IgnoredKey(NamedTuple):
    """A key that the framework knows, and ignores beside the others of the file."""

    key: str
    key_span: Span
    reason: str
    """When the framework reads it, as the second half of a sentence."""
    instead: str
    """What to write: a sentence."""
    quantizes: bool = False
    """It is about quantizing the base model, which one that is stored quantized has no need of."""
    of_stored: bool = False
    """It is ignored only of a base model that is stored quantized, other than by bitsandbytes."""


IgnoredKeys = tuple[IgnoredKey, ...]
"""In the order in which the framework's behaviour names them."""


class Thing(NamedTuple):
    """An object that a script makes or is given, or a part of one.

    A wrapped, moved or merged model is still the same object, and equal to what it was before.
    """

    number: int
    part: str = ""
    """How it is reached from the object: ``eos_token``, ``parameters()``; empty for the whole."""
    wrapped: bool = False
    """It is reached through the PeftModel around it."""
    optional: bool = False
    """There may be a constant instead: ``None`` in another branch."""

    def inside(self, key: str = "") -> Thing:
        """A member, of which the key is known or not."""
        return Thing(self.number, f"{self.part}[{key}]")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing) and self[:2] == other[:2]

    def __ne__(self, other: object) -> bool:  # a tuple brings one of its own
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:2])


class Signature(NamedTuple):
    """What a function of a file takes and gives that a library calls."""

    name: str
    span: Span
    """Its name, where it is defined."""
    parameters: tuple[str, ...]
    """Their names; without ``self``."""
    is_open: bool = False
    """It takes whatever else is given (``**kwargs``)."""
    gives: str = ""
    """``one`` (a list of one element), ``list``, ``text`` or ``number``, if every ``return`` says
    so."""
    returns: tuple[Span, ...] = ()
    """Its return statements."""


class Call(NamedTuple):
    """A call that a script makes, or an attribute that it sets."""

    name: str
    """The qualified callee (``peft.get_peft_model``), a method of an object (``.half``, or the
    reading of ``.eos_token``), an attribute that is set (``=pad_token``), a part of an object that
    is added to something or divided (``=+``, ``=/``), or empty when it cannot be told."""
    span: Span
    on: Thing | None = None
    """The object whose method is called or whose attribute is set."""
    arguments: Mapping[str, Setting] = {}
    """What is given by keyword, or by a position whose name we know."""
    things: Mapping[str, Thing] = {}
    """The arguments that are objects; by position (``0``) where the name is not known."""
    made: Thing | None = None
    """The object that comes out."""
    branch: tuple[int, ...] = ()
    """The arms of tests (positive) and the loops (negative) around it, outermost first."""
    complete: bool = True
    """False when it may be given more than is seen here."""
    histories: Mapping[str, History] = {}
    """What happened before to the objects that it is given, by argument; to ``on`` by ``""``."""
    used: bool = True
    """False where nobody has what comes out: a statement, or a name that is never read."""
    returned: Mapping[str, Mapping[str, Thing]] = {}
    """What functions of the file give that it is handed, by argument (``0`` in ``data.map(f)``):
    the whole under ``""``, and what stands under constant keys of it."""
    functions: Mapping[str, str] = {}
    """Functions of libraries that a trainer or a dataset is handed, by argument."""
    signatures: tuple[Signature, ...] = ()
    """Of ``=reward_funcs``, which a trainer is handed, and ``=compute_loss``, which its class puts
    in place of the library's: the functions of the file that it will call."""

    def certain_after(self, later: Call) -> bool:
        """Whether this call has been made, if a later one is."""
        return later.branch[: len(self.branch)] == self.branch


class Import(NamedTuple):
    """A name that a script certainly imports from a library: under no test, and in no ``try``."""

    name: str
    """Qualified as it is written: ``trl.trainer.utils.ConstantLengthDataset``."""
    span: Span


Imports = tuple[Import, ...]
"""In the order of the file."""


class History:
    """The last call that touched an object, and what happened before; or ways that join."""

    __slots__ = ("before", "call", "thing")

    def __init__(
        self, call: Call | None, before: tuple[History | None, ...], thing: Thing | None = None
    ) -> None:
        """With a call one history before it, none if the call made the object; else several.

        ``None`` stands for an object that comes from elsewhere and was not touched yet.

        Args:
            call: the last that touched the object; ``None`` where ways join.
            before: what happened before it, or on each way.
            thing: the object: on another way it may be another one.
        """
        self.call = call
        self.before = before
        self.thing = thing


class Recipe(NamedTuple):
    """One fine-tune, as written."""

    path: str
    kind: str
    """``python``, ``notebook``, ``yaml``, ``json`` or ``shell``."""
    dialect: str
    """``axolotl``, ``llamafactory``, …; ``peft`` or ``unsloth`` for calls."""
    span: Span
    """The call or block that makes it a LoRA fine-tune."""
    settings: Mapping[str, Setting] = {}
    blocks: Blocks = ()
    callee: str | None = None
    """The qualified name of the call that makes it, when it is one."""
    domain: str = "language"
    """``language`` or ``image``: image adapters follow other conventions for alpha."""
    result: bool = False
    """A trained adapter's record (``adapter_config.json``), or a program that only answers with a
    trained adapter: not a run to come."""
    framework: str = ""
    """What a message calls the tool that reads this recipe, for example ``LLaMA-Factory``."""
    calls: tuple[Call, ...] = ()
    """Of a script: what it does, in the order in which it runs."""
    pins: Mapping[str, VersionRange] = {}
    """Versions that the file itself installs (``!pip install peft==0.15.2``), by library."""
    repository: Repository = NO_FILES
    """The files around it."""
    imports: Imports = ()
    """Of a script: what it takes from the libraries."""
    is_configuration: bool = False
    """A Python file that names what is to be called, and leaves the calls to a program."""
    ignored_keys: IgnoredKeys = ()
    """What stands in the file of a framework that ignores it there."""
    started: Span | None = None
    """Of a script: the command that starts this run of it, where one is known."""

    def known(self, name: str) -> object:
        """The value of a setting that has exactly one, else ``None``."""
        setting = self.settings.get(name)
        return setting.value if setting is not None and setting.known else None

    def may_be(self, name: str) -> bool:
        """Whether a setting is there and is, or for all we know may be, something but ``None``."""
        setting = self.settings.get(name)
        if setting is None:
            return False
        return not setting.candidates or any(value is not None for value in setting.candidates)

    @property
    def trains(self) -> bool:
        """Whether a training run certainly uses it: a script may only load or convert adapters."""
        if self.result:
            return False
        if self.kind not in ("python", "notebook") or self.is_configuration:
            return True
        return any(block.receiver.endswith("Trainer") for block in self.blocks)

    def writes(self, name: str) -> bool:
        """Whether the adapter's own call or file has a key of that name, whatever its value."""
        keys = (key.name for block in self.blocks[:1] for key in block.keys)
        return any(key == name or key.endswith(f".{name}") for key in keys)
