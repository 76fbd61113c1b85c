"""Calls by which a service trains an adapter: Tinker's, Together's and Fireworks'.

They are methods of a client, of which a file may not show what it is: that the file imports the
service's package, and the end of the call, say it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lora_lint.read.python.calls import Known
from lora_lint.read.python.imports import imported
from lora_lint.read.python.index import Index
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Site
from lora_rules.engine._startup.typed import NamedTuple


class Service(NamedTuple):
    """A call of one."""

    package: str
    method: str
    behind: str
    """The attribute before the method; empty where the method says enough."""
    known: Known


_TINKER = Known(
    "tinker.ServiceClient.create_lora_training_client",
    "adapter",
    {"base_model": "model_name_or_path", "rank": "r"},
    frozenset({"base_model", "rank", "seed"}),
    source="Tinker",
)
_TOGETHER = Known(
    "together.FineTuningResource.create",
    "adapter",
    {
        "model": "model_name_or_path",
        "lora_r": "r",
        "lora_trainable_modules": "target_modules",
        "n_epochs": "num_train_epochs",
        "max_seq_length": "max_length",
        "training_method": "trainer_method",
    },
    frozenset(
        {
            *("model", "lora_r", "lora_alpha", "lora_dropout", "lora_trainable_modules"),
            *("n_epochs", "max_seq_length", "training_method", "learning_rate", "packing"),
            *("lr_scheduler_type", "warmup_ratio", "weight_decay", "gradient_accumulation_steps"),
        }
    ),
    source="Together",
)
_FIREWORKS = Known(
    "fireworks.SupervisedFineTuningJobsResource.create",
    "adapter",
    {
        "base_model": "model_name_or_path",
        "lora_rank": "r",
        "epochs": "num_train_epochs",
        "max_context_length": "max_length",
    },
    frozenset(
        {
            *("base_model", "lora_rank", "epochs", "max_context_length", "learning_rate"),
            "gradient_accumulation_steps",
        }
    ),
    source="Fireworks",
    fixed={"trainer_method": "sft"},
)
SERVICES = (
    Service("tinker", "create_lora_training_client", "", _TINKER),
    Service("tinker", "create_lora_training_client_async", "", _TINKER),
    Service("together", "create", "fine_tuning", _TOGETHER),
    Service("fireworks", "create", "supervised_fine_tuning_jobs", _FIREWORKS),
)


def service_calls(resolver: Resolver) -> Iterator[tuple[Known, ast.Call, Site]]:
    """Every call of a file that has a service train an adapter."""
    packages = _packages(resolver.index)
    for service in SERVICES:
        if service.package not in packages:
            continue
        for call, site in resolver.index.calls.get(service.method, ()):
            if _is_of(call, service) and not _is_full(call):
                yield service.known, call, site


def _packages(index: Index) -> set[str]:
    """What the file imports anything of."""
    return {
        imported(binding).partition(".")[0]
        for scope in (index.module, *index.scopes.values())
        for bindings in scope.bindings.values()
        for binding in bindings
        if binding.kind == "import"
    }


def _is_of(call: ast.Call, service: Service) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    return not service.behind or (isinstance(owner, ast.Attribute) and owner.attr == service.behind)


def _is_full(call: ast.Call) -> bool:
    """``lora=False``: every weight is trained."""
    return any(
        keyword.arg == "lora"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is False
        for keyword in call.keywords
    )
