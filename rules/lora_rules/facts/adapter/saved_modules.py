"""What is trained beside LoRA: whole modules (``modules_to_save``), and rows of the embedding.

Sources: ``_set_trainable``, ``ModulesToSaveWrapper`` and ``set_additional_trainable_modules`` in
``peft/utils/other.py`` of PEFT 0.21.2. ``modules_to_save`` matches by ``endswith``, without a dot
before, so ``head`` names ``lm_head``; what matches nothing is passed over without a word. A copy of
the module is trained, so a tied weight counts in full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from lora_rules.engine.value import Unknown
from lora_rules.facts.adapter.trained_part import Part
from lora_rules.facts.model.modules import Linear, Modules
from lora_rules.facts.model.other_modules import Others, found_paths

OWN = ("default", "base_layer", "lora_A", "lora_B", "lora_dropout", "lora_magnitude_vector")
"""Names of modules that LoRA itself adds."""
SAVED_BY_TASK: Mapping[str, tuple[str, ...]] = {
    "SEQ_CLS": ("classifier", "score"),
    "TOKEN_CLS": ("classifier", "score"),
    "QUESTION_ANS": ("qa_outputs",),
}
"""``modules_to_save`` that a task adds (``peft/peft_model.py``)."""


def saved_parts(
    found: Modules, others: Others, names: Sequence[str], adapted: Collection[str]
) -> Iterator[Part]:
    """The modules that are trained whole.

    Raises:
        Unknown: if PEFT would refuse them, or their size is not known.
    """
    if not names:
        return
    if any(own.endswith(name) for name in names for own in OWN):
        raise Unknown(f"modules_to_save={list(names)!r} also names modules of the adapter")
    ends = tuple(names)
    sizes = _sizes(found)
    odd = [path for path in (*others.held, *others.bare, *adapted) if path.endswith(ends)]
    blocks = {path for path in others.around if path.endswith(ends)}
    blocks = {path for path in blocks if any(one.startswith(f"{path}.") for one in sizes)}
    if odd:
        raise Unknown(f"modules_to_save={list(names)!r} also names {min(odd)}")
    for block in sorted(blocks):
        yield Part(block, _block(block, sizes, others, ends), whole=True)
    for path, size in sizes.items():
        if path.endswith(ends):
            yield Part(path, size, whole=True)


def _sizes(found: Modules) -> dict[str, int]:
    linears = {each.path: _size(each) for each in found.linears}
    return linears | {each.path: each.rows * each.width for each in found.embeddings}


def _size(linear: Linear) -> int:
    return linear.outputs * (linear.inputs + linear.bias)


def _block(path: str, sizes: Mapping[str, int], others: Others, ends: tuple[str, ...]) -> int:
    """All parameters of a head that consists of several layers."""
    inside = {one: size for one, size in sizes.items() if one.startswith(f"{path}.")}
    strange = [one for one in (*others.held, *others.around) if one.startswith(f"{path}.")]
    numbered = [one for one in inside if one[len(path) + 1 :].partition(".")[0].isdigit()]
    if strange or numbered or any(one.endswith(ends) for one in inside):
        raise Unknown(f"the size of {path}, which modules_to_save names, is not known")
    return sum(inside.values())


def saved_tokens(found: Modules, indices: object, trained: Sequence[Part]) -> Iterator[Part]:
    """The rows of the input embedding that ``trainable_token_indices`` sets free.

    Raises:
        Unknown: if they are given for other modules, or PEFT would refuse them.
    """
    if not indices:
        return
    table = found.embedding
    if table is None:
        raise Unknown("the token embedding of the model is not known")
    if isinstance(indices, Mapping):
        name, rows = next(iter(indices.items()))
        if len(indices) > 1 or [one for one in found_paths(found) if one.endswith(str(name))] != [
            table.path
        ]:
            raise Unknown(f"trainable_token_indices={indices!r} is not counted")
        indices = rows
    if not isinstance(indices, list) or not all(type(one) is int for one in indices):
        raise Unknown(f"trainable_token_indices={indices!r} is not a list of tokens")
    if len(set(indices)) < len(indices) or not all(0 <= one < table.rows for one in indices):
        raise Unknown("trainable_token_indices has a token twice or one that there is not")
    if any(part.path == table.path for part in trained):
        raise Unknown("PEFT refuses to train rows of an embedding that is trained already")
    yield Part(f"{table.path} ({len(indices)} rows)", len(indices) * table.width, whole=True)
