"""Which attention somebody asks for, of the model or of the trainer that loads it."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.value import Known, Unknown, Value, is_given


def asked_attention(attn_implementation: Value, model_init_kwargs: Value) -> str | None:
    """The implementation that is asked for, as it is written, if any is.

    Raises:
        Unknown: if one is, and it is not known, or nobody knows whether one is.
    """
    if isinstance(attn_implementation, Known) and attn_implementation.value is not None:
        return str(attn_implementation.value)
    if is_given(attn_implementation):
        raise Unknown("attn_implementation is unknown")
    inside = init_kwargs(model_init_kwargs).get("attn_implementation")
    return None if inside is None else str(inside)


def init_kwargs(model_init_kwargs: Value) -> Mapping[str, object]:
    """``model_init_kwargs``, if there are any: TRL hands them to ``from_pretrained``.

    Raises:
        Unknown: if there may be, and nobody knows what is in them.
    """
    if not is_given(model_init_kwargs):
        return {}
    if not isinstance(model_init_kwargs, Known) or not isinstance(model_init_kwargs.value, Mapping):
        raise Unknown("model_init_kwargs is unknown")
    return model_init_kwargs.value
