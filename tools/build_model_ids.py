"""Writes ``rules/lora_rules/facts/model/model_ids.json``: the types of models, without their sizes.

    PYTHONPATH=rules python tools/build_model_ids.py [--wheels FOLDER]

Five sections, an entry a line, as ``lora_rules.engine.packaged`` reads them:

* ``sources``: what the short names of sources stand for;
* ``ids``: ids of the hub and of ModelScope, with their type. They are those of ms-swift's register
  of models, read from its wheel, where it names one class of the table of architectures (or one of
  ``REMOTE``) for a group of ids; and those of ``model_types.txt``;
* ``owners``: for an owner (``owners qwen``), how ids begin whose type is certain
  (``model_types.txt``, the ids that end in ``*``); Unsloth uploads models of
  others under their own names, so it gets all beginnings;
* ``dtypes``: for an owner, how ids begin (``…$``: the whole of it) whose checkpoint is stored in
  that dtype (``model_dtypes.txt``);
* ``classes``: the classes of the table of architectures, in small letters. Models for tests are
  called after them (``trl-internal-testing/tiny-Qwen3MoeForCausalLM``).

Ids in ``models.txt`` are left out: their sizes are known.
"""

from __future__ import annotations

import argparse
import ast
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from build_models import TARGET as MODELS
from lora_rules.facts.model.model_table import load, model_types
from wheel_source import download

LIST = Path(__file__).parent / "model_types.txt"
DTYPES = Path(__file__).parent / "model_dtypes.txt"
TARGET = MODELS.parent / "model_ids.json"
SWIFT = "4.6.0"
REMOTE = {
    "QWenLMHeadModel": "qwen",
    "ChatGLMModel": "chatglm",
    "InternLMForCausalLM": "internlm",
    "InternLM2ForCausalLM": "internlm2",
    "BaichuanForCausalLM": "baichuan",
    "MiniCPMForCausalLM": "minicpm",
    "DeepseekForCausalLM": "deepseek",
}
"""Classes that a checkpoint brings along, and the type that its configuration names."""
OTHER_CLASS = {"qwen_audio", "qwen_vl", "chatglm4v", "glm_edge_v", "minicpm_moe", "qwen2_gte"}
"""Groups of ms-swift whose class has the name of another model's."""
OPEN = {
    "qwen2_audio": "qwen2",
    "ovis_ocr2": "qwen3_5_text",
}
"""Groups of ms-swift whose type takes several language models, and the one inside."""
MIRRORS = ("unsloth",)
NOT_MIRRORED = ("microsoft",)
"""Owners whose models Unsloth changes: it splits the fused layers of Phi."""
TESTS = (
    "trl-internal-testing",
    "peft-internal-testing",
    "hf-internal-testing",
    "optimum-internal-testing",
)

Entry = dict[str, str]


def main() -> None:
    """Build and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="keep the wheels in this folder")
    folder = parser.parse_args().wheels or Path(tempfile.mkdtemp())
    classes = _classes()
    sources = {"swift": f"ms-swift {SWIFT}, swift/model/models", "class": "the class in its name"}
    ids: dict[str, Entry] = dict(_swift(folder, classes))
    owners: dict[str, dict[str, Entry]] = {}
    for kind, source, names in _rows(LIST, sources):
        model_type, _, text = kind.partition("+")
        entry = _entry(model_type, text, source)
        if entry is None:
            raise SystemExit(f"{model_type} takes several language models: name one for {names}")
        _add(entry, names, ids, owners)
    dtypes: dict[str, dict[str, Entry]] = {}
    for dtype, source, names in _rows(DTYPES, sources):
        whole: dict[str, Entry] = {}
        _add({"dtype": dtype, "from": source}, names, whole, dtypes)
        for name, stored in whole.items():
            owner, _, rest = name.partition("/")
            dtypes.setdefault(owner, {})[f"{rest}$"] = stored
    for mirror in MIRRORS:
        every = {
            start: one
            for owner, own in owners.items()
            if owner not in NOT_MIRRORED
            for start, one in own.items()
        }
        owners[mirror] = every | owners.get(mirror, {})
    for owner in TESTS:
        owners.setdefault(owner, {})["by class"] = {}
    known = json.loads(MODELS.read_text(encoding="utf-8"))["ids"]
    left = {name: entry for name, entry in sorted(ids.items()) if name not in known}
    named = {
        name.lower(): {"type": model_type, "from": "class"}
        for name, model_type in sorted(classes.items())
    }
    parts = [
        f'"sources":{json.dumps(sources, separators=(",", ":"))}',
        *(
            f'"{section}":{{\n{_lines(entries)}\n}}'
            for section, entries in (
                ("dtypes", {f"dtypes {name}": own for name, own in sorted(dtypes.items())}),
                ("owners", {f"owners {name}": own for name, own in sorted(owners.items())}),
                ("ids", left),
                ("classes", named),
            )
        ),
    ]
    TARGET.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(f"{len(left)} ids, {sum(map(len, owners.values()))} beginnings, {len(named)} classes")


def _classes() -> dict[str, str]:
    """The type of every class of the table of architectures; of several, the one of its name."""
    found: dict[str, set[str]] = {}
    for model_type in model_types():
        for task in load(model_type).tasks.values():
            found.setdefault(task.class_name, set()).add(model_type)
    own = {name: [one for one in types if _is_of(name, one)] for name, types in found.items()}
    return {
        name: (own[name] or [*types])[0]
        for name, types in found.items()
        if len(types) == 1 or len(own[name]) == 1
    }


def _is_of(class_name: str, model_type: str) -> bool:
    """Whether a class is called after a type: ``LlamaForCausalLM``, ``llama``."""
    plain = model_type.replace("_", "").replace("-", "")
    return class_name.replace("_", "").lower().partition("for")[0] == plain


def _swift(folder: Path, classes: dict[str, str]) -> Iterator[tuple[str, Entry]]:
    """The ids in ms-swift's register, where it names one known class for them."""
    with zipfile.ZipFile(download("ms-swift", SWIFT, folder)) as wheel:
        texts = [
            wheel.read(name).decode()
            for name in wheel.namelist()
            if name.startswith("swift/model/models/") and name.endswith(".py")
        ]
    calls = [call for text in texts for call in _calls(ast.parse(text), "ModelMeta")]
    for call in calls:
        group = ast.unparse(call.args[0]).rpartition(".")[2]
        names = next((one.value for one in call.keywords if one.arg == "architectures"), None)
        listed = ast.literal_eval(names) if isinstance(names, ast.List) else []
        types = {classes.get(name) or REMOTE.get(name) for name in listed} - {None}
        if len(types) != 1 or group in OTHER_CLASS:
            continue
        entry = _entry(str(types.pop()), OPEN.get(group, ""), "swift")
        if entry is None:
            continue
        arguments = (each for model in _calls(call, "Model") for each in model.args)
        for each in arguments:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value.lower(), entry


def _entry(model_type: str, text: str, source: str) -> Entry | None:
    """An entry, unless the type takes several language models and none is named."""
    takes = model_type in model_types() and any(
        name == "text_config" and inner.is_open for name, inner in load(model_type).inner.items()
    )
    if takes and not text:
        return None
    return {"type": model_type, **({"text": text} if takes else {}), "from": source}


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """Every call of a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _rows(path: Path, sources: dict[str, str]) -> Iterator[tuple[str, str, list[str]]]:
    """The lines of a list: what is said, by which source, and of which ids."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            name, _, text = line[2:].partition(": ")
            sources[name] = text
        elif line and not line.startswith("#"):
            said, source, names = line.split("; ")
            if source not in sources:
                raise SystemExit(f"no such source: {source!r}")
            yield said, source, names.lower().split()


def _add(
    entry: Entry, names: list[str], ids: dict[str, Entry], owners: dict[str, dict[str, Entry]]
) -> None:
    """Says the same of ids and of beginnings of ids."""
    for name in names:
        if not name.endswith("*"):
            ids[name] = entry
            continue
        owner, _, start = name[:-1].partition("/")
        owners.setdefault(owner, {})[start] = entry


def _lines(entries: dict[str, object] | dict[str, Entry] | dict[str, dict[str, Entry]]) -> str:
    rows = (f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in entries.items())
    return ",\n".join(rows)


if __name__ == "__main__":
    main()
