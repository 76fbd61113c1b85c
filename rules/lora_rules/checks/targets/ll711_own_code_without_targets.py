"""Rule LL711, own-code-without-targets."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Unknown, Value, certainly
from lora_rules.engine.views import Outline
from lora_rules.evidence import OWN_CODE_ISSUES, PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy

WITH_DEFAULTS = ("btlm", "codegen", "falcon", "glm", "mpt", "phi", "refinedweb", "stablelm")
"""Words of names of models that bring, or brought, code for which PEFT has a default."""


@rule(
    "LL711",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING goes by model_type; ValueError "
            "where the type is not in it, or no module has the names."
        ),
        OWN_CODE_ISSUES.says(
            'Two models with code of their own and no targets: "Please specify target_modules".'
        ),
    ],
)
def own_code_without_targets(
    framework: Behaviour,
    outline: Outline,
    trust_remote_code: bool,
    model_name_or_path: str,
    target_modules: Value,
    target_parameters: Value,
    inventory: Lazy,
) -> Iterator[Problem]:
    """No targets are named for a model with code of its own, whose layers PEFT does not know.

    ## What it checks
    `trust_remote_code=True`, neither `target_modules` nor `target_parameters`, and a model of the
    hub that is in no table of ours.

    - Not checked for ChatGLM, Falcon, MPT, Phi and others for whose code PEFT has a default.

    ## Why it matters
    Without `target_modules` PEFT looks the model's type up in a table of forty types, all but
    a few of transformers itself. Code of its own has a type that is not there, or layers of other
    names under a type that is: PEFT raises ValueError once the model has been loaded.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel

    model = AutoModel.from_pretrained("someone/own-encoder", trust_remote_code=True)
    config = LoraConfig(r=16, lora_alpha=32)  # LL711
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel

    model = AutoModel.from_pretrained("someone/own-encoder", trust_remote_code=True)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When its `model_type` and layers are those of a type that PEFT knows.

    ## Options
    None.
    """
    if not trust_remote_code or not framework.adapter_as_written or outline.result:
        return
    if not certainly(target_modules, None) or not certainly(target_parameters, None):
        return
    owner, slash, name = model_name_or_path.lower().partition("/")
    if not slash or "/" in name or owner.startswith(".") or any(w in name for w in WITH_DEFAULTS):
        return
    if outline.callee != "peft.LoraConfig":
        return
    try:
        inventory()
    except Unknown:
        yield Problem(
            None,
            f"no target_modules, and {model_name_or_path} brings code of its own: PEFT has "
            "defaults by model type, and raises ValueError where none fits.",
            help='Name its linear layers, or write target_modules="all-linear".',
            also=("trust_remote_code",),
        )
