"""The two documents of a ``keys.yaml``, as models: their keys, and what each may be."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    model_validator,
)

from lora_lint.translate.schema.conditions import condition
from lora_lint.translate.schema.names import did_you_mean
from lora_lint.translate.spelling import SPELLINGS
from lora_lint.translate.table import known_key_files
from lora_rules.engine.askable import is_setting, keywords
from lora_rules.libraries import signatures
from lora_rules.settings import SETTINGS


def _one_of(names: frozenset[str], what: str) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"{name} is no {what}{did_you_mean(name, names)}")
        return name

    return AfterValidator(check)


def _setting(name: str) -> str:
    if not is_setting(name):
        meant = did_you_mean(name, keywords() | frozenset(SETTINGS))
        raise ValueError(f"{name} is no setting{meant}")
    return name


def _program(name: str) -> str:
    if not signatures.is_known(name):
        raise ValueError(f"{name} is no program whose options are known")
    return name


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _as_field(value: object) -> object:
    return value if isinstance(value, dict) else {"key": value}


Listed = BeforeValidator(_listed)
Setting = Annotated[str, AfterValidator(_setting)]
Spelling = Annotated[str, _one_of(frozenset(SPELLINGS), "spelling")]
KeyFile = Annotated[str, _one_of(known_key_files(), "file of known_keys")]
Callee = Annotated[str, _one_of(signatures.callees(), "class whose signature is known")]
Program = Annotated[str, AfterValidator(_program)]
Conditions = list[Annotated[str, AfterValidator(condition)]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Clause(_Part):
    """One of the ways in which a file is known."""

    all_of: Conditions = []
    any_of: Conditions = []
    and_any_of: Conditions = []
    none_of: Conditions = []


Signature = Annotated[list[Clause], Listed]


class Times(_Part):
    """A default that is a multiple of another setting."""

    times: int | float
    of: Setting


def _default(value: object) -> object:
    if isinstance(value, dict) and value:
        Times.model_validate(value)
    return value


class FieldSpec(_Part):
    """Where a setting stands, and what the framework does without it."""

    key: Annotated[list[str], Listed] = []
    default: Annotated[Any, AfterValidator(_default)] = None
    default_by: str = ""
    spelling: Spelling | None = Field(default=None, alias="as")
    equals: Any = None
    when: Setting | None = None
    if_null: Literal["kept"] | None = None


class Switch(_Part):
    """What decides whether a file of the framework is a LoRA fine-tune."""

    key: Annotated[list[str], Listed]
    values: list[Any] = []
    pattern: str = ""
    present: bool = False
    full: list[Any] = []
    default: Any = None

    @model_validator(mode="after")
    def _can_be_on(self) -> Switch:
        if not (self.values or self.pattern or self.present):
            raise ValueError("lora needs values (those that mean LoRA), pattern or present")
        return self


class Section(_Part):
    """A section whose keys are the parameters of a class."""

    takes: Callee
    default_by: str
    when: Setting | None = None


class Head(_Part):
    """The first document: how the framework's files are known."""

    framework: str
    order: PositiveInt | None = None
    signature: Signature
    domain: Literal["language", "image"] = "language"
    by_options: bool = False


class Body(_Part):
    """The second document: what they say."""

    lora: Switch | None = None
    fields: dict[Setting, Annotated[FieldSpec, BeforeValidator(_as_field)]] = {}
    runs_when: Signature = []
    each: str = ""
    flat: bool = False
    result: bool = False
    unknown_keys: Literal["refused", "dropped"] = "refused"
    text_as_numbers: Literal["all", "bare", "none"] = "all"
    all_linear: list[str] = []
    placeholder: str = ""
    known_keys: dict[KeyFile, str] = {}
    verbatim: dict[KeyFile, str] = {}
    sections: dict[str, Section] = {}
    programs: list[Program] = []
    component: str = ""


class NotRecipes(_Part):
    """The files that are left alone: each kind with how it is known."""

    kinds: dict[str, Signature]


PARTS: dict[str, tuple[type[_Part], str]] = {
    "fields": (FieldSpec, "a field"),
    "lora": (Switch, "the switch"),
    "signature": (Clause, "a signature"),
    "runs_when": (Clause, "a signature"),
    "kinds": (Clause, "a signature"),
    "sections": (Section, "a section"),
}
"""What stands below a key of a document, and what a message calls it."""
