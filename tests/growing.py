"""Files of every kind, of any size: what grows in each is one thing, ``n`` times.

For the test that work grows as the input does, and for ``benchmarks/growth.py``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from types import FrameType

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.sources import source
from lora_lint.sources.source import Source

Maker = Callable[[int], str]

IMPORTS = """\
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers import Trainer, TrainingArguments
from trl import SFTConfig, SFTTrainer
"""
ONE = """\
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
lora = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj"], task_type="CAUSAL_LM")
model = get_peft_model(model, lora)
"""
WHOLE = """\
tok{i} = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B")
bnb{i} = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
base{i} = AutoModelForCausalLM.from_pretrained("m/m-8B", quantization_config=bnb{i})
lora{i} = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
model{i} = get_peft_model(base{i}, lora{i})
args{i} = TrainingArguments("out{i}", learning_rate=2e-4, num_train_epochs=3)
trainer{i} = Trainer(model=model{i}, args=args{i}, train_dataset=data)
trainer{i}.train()
model{i}.save_pretrained("out{i}")
"""
DOCUMENT = (
    "---\nbase_model: m/m-8B\ndatasets: []\nadapter: lora\nlora_r: 8\nlora_alpha: 16\nk: {i}\n"
)
AXOLOTL = "base_model: m/m-8B\ndatasets: [{path: d, type: alpaca}]\nadapter: lora\n"
BLOCK = "lora_r: 8\nlora_alpha: 16\n"


def _script(text: str, before: str = "", after: str = ONE) -> Maker:
    """A line for each number, between the imports and one configured adapter."""
    return lambda n: IMPORTS + before + "".join(text.format(i=i, j=i - 1) for i in range(n)) + after


def _nested(before: str, text: str, after: str, limit: int = 40) -> Maker:
    """As many pieces as asked for, each nested a few levels deep."""
    deep = before * limit + text + after * limit
    return lambda n: IMPORTS + f"x = {deep}\n" * (n // limit + 1) + ONE


def _notebook(*cells: str) -> Maker:
    def make(n: int) -> str:
        sources = [IMPORTS, *(cell.format(i=i) for i in range(n) for cell in cells), ONE]
        return json.dumps({"cells": [{"cell_type": "code", "source": s} for s in sources]})

    return make


def _yaml(text: str, before: str = "", after: str = "") -> Maker:
    return lambda n: before + "".join(text.format(i=i) for i in range(n)) + after


TOML = "\n[lora]\nr = 8\nlora_alpha = 16\n"


def _json(n: int) -> str:
    lora = {"lora_r": 8, "lora_alpha": 16}
    return json.dumps({"runs": [{"name": f"n{i}", "lora": lora} for i in range(n)]}, indent=1)


SHELL = "swift sft --model m/m-8B --lora_rank 8 --lora_alpha 16 --dataset d"

KINDS: Mapping[str, tuple[str, Maker]] = {
    "python: configurations": (
        "x.py",
        _script('c{i} = LoraConfig(r={i}, lora_alpha=16, target_modules=["q_proj"])\n', after=""),
    ),
    "python: whole runs": ("x.py", _script(WHOLE, after="")),
    "python: one name again and again": (
        "x.py",
        _script(ONE.replace("lora =", "lora ="), after=""),
    ),
    "python: calls": ("x.py", _script("print(model, {i})\n")),
    "python: calls of a model": ("x.py", _script("model.step({i})\n", after="", before=ONE)),
    "python: unknown calls": ("x.py", _script("do(model, {i})\n", after="", before=ONE)),
    "python: models": ("x.py", _script('m{i} = AutoModelForCausalLM.from_pretrained("a/b")\n')),
    "python: trainers": (
        "x.py",
        _script("t{i} = Trainer(model=model)\nt{i}.train()\n", before=ONE, after=""),
    ),
    "python: functions": ("x.py", _script("def f{i}(a):\n    return a + {i}\n")),
    "python: functions that are called": (
        "x.py",
        _script("def f{i}(a):\n    return a + {i}\nx{i} = f{i}({i})\n"),
    ),
    "python: functions that nobody calls": (
        "x.py",
        _script("def f{i}(m):\n    m.step({i})\n    return do(m, {i})\n", before=ONE, after=""),
    ),
    "python: functions that are handed over": (
        "x.py",
        _script("def f{i}(row):\n    return {{'x': row['a']}}\nd{i} = model.map(f{i})\n"),
    ),
    "python: methods of what nobody makes": (
        "x.py",
        _script(
            "    def f{i}(self):\n        return self.m.step({i})\n",
            before="class A:\n    def __init__(self, m):\n        self.m = m\n",
        ),
    ),
    "python: functions that make a configuration": (
        "x.py",
        _script("def f{i}(r=8):\n    return LoraConfig(r=r, lora_alpha=16)\n", after=""),
    ),
    "python: one function called": (
        "x.py",
        _script("x{i} = f({i})\n", before="def f(r):\n    return LoraConfig(r=r)\n", after=""),
    ),
    "python: functions that read one name": (
        "x.py",
        _script("r = 8\ndef f{i}():\n    return LoraConfig(r=r, lora_alpha=16)\n", after=""),
    ),
    "python: functions that call the one before": (
        "x.py",
        _script("def f{i}(a):\n    return f{j}(a)\n", before="def f_1(a):\n    return a\n"),
    ),
    "python: methods": (
        "x.py",
        _script("    def f{i}(self):\n        self.a{i} = {i}\n", before="class A:\n"),
    ),
    "python: classes": ("x.py", _script("class A{i}:\n    r = {i}\n")),
    "python: loops": ("x.py", _script("for i in range(3):\n    print(i)\n")),
    "python: tests": ("x.py", _script("if a{i}:\n    x{i} = {i}\nelse:\n    x{i} = 0\n")),
    "python: tests of one name": ("x.py", _script("if a{i}:\n    x = {i}\n")),
    "python: tests that leave": (
        "x.py",
        _script(
            "    if a{i}:\n        return\n",
            before="def f(model):\n",
            after="    LoraConfig(r=8)\n",
        ),
    ),
    "python: handlers": ("x.py", _script("try:\n    x{i} = {i}\nexcept E:\n    x{i} = 0\n")),
    "python: nested calls": ("x.py", _nested("f(", "1", ")")),
    "python: nested lists": ("x.py", _nested("[", "1", "]")),
    "python: imports": ("x.py", _script("import m{i}\nfrom p{i} import n{i}\n")),
    "python: text put together": (
        "x.py",
        _script(
            "s = s + '{i}'\n", before="s = ''\n", after="LoraConfig(r=8, lora_alpha=16, bias=s)\n"
        ),
    ),
    "python: attributes": (
        "x.py",
        _script(
            "lora.r = {i}\n",
            before="lora = LoraConfig(r=8, lora_alpha=16)\n",
            after="model = get_peft_model(model, lora)\n",
        ),
    ),
    "python: items": (
        "x.py",
        _script(
            "c['k{i}'] = {i}\n", before="c = dict(r=8, lora_alpha=16)\n", after="LoraConfig(**c)\n"
        ),
    ),
    "python: appended": (
        "x.py",
        _script(
            "c.append('k{i}')\n", before="c = ['q_proj']\n", after="LoraConfig(target_modules=c)\n"
        ),
    ),
    "python: keywords": (
        "x.py",
        _script("k{i}={i}, ", before="LoraConfig(r=8, lora_alpha=16, ", after=")\n"),
    ),
    "python: flags": (
        "x.py",
        _script(
            "p.add_argument('--f{i}', type=int, default={i})\n",
            before="import argparse\np = argparse.ArgumentParser()\n",
            after="a = p.parse_args()\nLoraConfig(r=a.f0, lora_alpha=a.f1)\n",
        ),
    ),
    "python: names of names": (
        "x.py",
        _script("a{i} = a{j}\n", before="a_1 = 8\n", after="LoraConfig(r=a_1, lora_alpha=16)\n"),
    ),
    "python: comments": ("x.py", _script("# lora-lint: ignore[LL101] a{i}\n")),
    "python: findings with a comment each": (
        "x.py",
        _script("c{i} = LoraConfig(r=8, lora_alpha=0)  # lora-lint: ignore[LL101] a\n", after=""),
    ),
    "python: blank": ("x.py", _script("\n")),
    "notebook: cells": ("x.ipynb", _notebook("x{i} = {i}\nprint(x{i})\n")),
    "notebook: configurations": (
        "x.ipynb",
        _notebook("c{i} = LoraConfig(r={i}, lora_alpha=16, target_modules=['q_proj'])"),
    ),
    "notebook: trainings": ("x.ipynb", _notebook(*WHOLE.splitlines())),
    "notebook: one model again and again": ("x.ipynb", _notebook(*ONE.splitlines())),
    "notebook: installations": ("x.ipynb", _notebook("!pip install peft==0.{i}.0")),
    "notebook: shell": ("x.ipynb", _notebook(f"%%bash\n{SHELL}")),
    "yaml: keys": ("x.yaml", _yaml("k{i}: {i}\n", AXOLOTL + BLOCK)),
    "yaml: keys of somebody's own": ("x.yaml", _yaml("k{i}: {i}\n", BLOCK)),
    "yaml: mappings": ("x.yaml", _yaml("k{i}: {{a: {i}}}\n", AXOLOTL + BLOCK)),
    "yaml: blocks": ("x.yaml", _yaml("k{i}: {{lora_r: 8, lora_alpha: 16}}\n")),
    "yaml: blocks in a list": (
        "x.yaml",
        _yaml("- {{lora_r: 8, lora_alpha: 16, n: {i}}}\n", "runs:\n"),
    ),
    "yaml: documents": ("x.yaml", _yaml(DOCUMENT)),
    "yaml: documents of somebody's own": ("x.yaml", _yaml(f"---\n{BLOCK}k: {{i}}\n")),
    "yaml: anchors": ("x.yaml", _yaml("k{i}: &a{i} {{x: {i}}}\n", AXOLOTL + BLOCK)),
    "yaml: aliases": ("x.yaml", _yaml("k{i}: *a\n", f"a: &a {{x: 1}}\n{AXOLOTL}{BLOCK}")),
    "yaml: aliases of a block": (
        "x.yaml",
        _yaml("k{i}: *a\n", "a: &a {lora_r: 8, lora_alpha: 16}\n"),
    ),
    "yaml: merges": ("x.yaml", _yaml("k{i}: {{<<: *a}}\n", f"a: &a {{x: 1}}\n{AXOLOTL}{BLOCK}")),
    "yaml: merges of a merge": (
        "x.yaml",
        lambda n: (
            AXOLOTL
            + BLOCK
            + "a0: &a0 {x0: 0}\n"
            + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}, x{i}: {i}}}\n" for i in range(1, n))
        ),
    ),
    "yaml: duplicates": ("x.yaml", _yaml("lora_r: {i}\n", AXOLOTL + BLOCK)),
    "yaml: a list": ("x.yaml", _yaml("- {i}\n", AXOLOTL + BLOCK + "lora_target_modules:\n")),
    "yaml: data sets": ("x.yaml", _yaml("- {{path: d{i}}}\n", f"{BLOCK}{AXOLOTL}data:\n")),
    "yaml: a job's processes": (
        "x.yaml",
        _yaml(
            "  - {{type: sd_trainer, network: {{type: lora, linear: 8, linear_alpha: 8}},"
            " train: {{lr: 1e-4}}}}\n",
            "job: extension\nconfig:\n  name: n\n  process:\n",
        ),
    ),
    "yaml: references": ("x.yaml", _yaml("k{i}: ${{lora_r}}\n", AXOLOTL + BLOCK)),
    "yaml: comments": ("x.yaml", _yaml("# lora-lint: ignore[LL101] a{i}\n", AXOLOTL + BLOCK)),
    "yaml: text": (
        "x.yaml",
        _yaml("  word {i}: of a text # that is long\n", AXOLOTL + BLOCK + "t: |\n"),
    ),
    "json: blocks in a list": ("x.json", _json),
    "toml: keys": ("x.toml", lambda n: "\n".join(f"k{i} = [{i}]" for i in range(n)) + TOML),
    "toml: tables": ("x.toml", lambda n: "[[a.b]]\nc.d = 1\n" * n + TOML),
    "toml: an array": ("x.toml", lambda n: "a = [\n" + "'#',\n" * n + "]" + TOML),
    "json: keys": (
        "x.json",
        lambda n: json.dumps(
            {"lora_r": 8, "lora_alpha": 16} | {f"k{i}": {"a": i} for i in range(n)}
        ),
    ),
    "json: an adapter's modules": (
        "adapter_config.json",
        lambda n: json.dumps(
            {"peft_type": "LORA", "r": 8, "target_modules": [f"m{i}" for i in range(n)]}
        ),
    ),
    "shell: commands": ("x.sh", _yaml(f"{SHELL} --seed {{i}}\n")),
    "shell: flags": ("x.sh", _yaml(" --f{i} {i}", SHELL, "\n")),
    "shell: one flag again and again": ("x.sh", _yaml(" --lora_rank {i}", SHELL, "\n")),
    "shell: variables": ("x.sh", _yaml("v{i}={i}\n", "", f"{SHELL} --seed $v0\n")),
    "shell: a variable that grows": ("x.sh", _yaml("v=$v{i}\n", "", f"{SHELL} --seed $v\n")),
    "shell: here-documents": ("x.sh", _yaml("cat <<EOF\n{i}\nEOF\n", "", SHELL + "\n")),
    "shell: quotes": ("x.sh", _yaml("echo 'a {i}' \"$v\" # lora\n", "", SHELL + "\n")),
    "shell: lines that go on": ("x.sh", _yaml(" \\\n --f{i} {i}", SHELL, "\n")),
    "shell: options below the end": ("x.sh", _yaml(f"{SHELL} \\ \n --seed {{i}}\n")),
    "shell: options below one end": ("x.sh", _yaml(" --f{i} {i}\n", SHELL + "\n")),
    "shell: an array that grows": (
        "x.sh",
        _yaml("a+=(--f{i} {i})\n", "a=()\n", f'{SHELL} "${{a[@]}}"\n'),
    ),
    "shell: a variable known in part": ("x.sh", _yaml('v="$v $1 {i}"\n', "", f"{SHELL} $v\n")),
    "shell: commands that are not read": ("x.sh", _yaml("swift export --lora {i}\n")),
    "shell: loops": ("x.sh", _yaml(f"for r in 8 16; do\n{SHELL} --seed $r{{i}}\ndone\n")),
    "shell: comments": ("x.sh", _yaml("# lora-lint: ignore[LL101] a{i}\n", SHELL + "\n")),
}
"""By what grows: the file's name, and its text for a number."""

SMALL = {
    "python: whole runs": 8,
    "python: one name again and again": 8,
    "notebook: trainings": 8,
    "notebook: one model again and again": 8,
    "python: text put together": 100,
}
"""How often the thing stands in the smallest file, where each takes much work."""


def file_of(kind: str, number: int) -> Source:
    """A file in which the thing stands that often."""
    name, make = KINDS[kind]
    return Source(name, source.KINDS["." + name.rpartition(".")[2]], make(number).encode())


def steps(kind: str, number: int) -> int:
    """How many steps it takes to check such a file."""
    return steps_of(file_of(kind, number))


def steps_of(file: Source) -> int:
    """How many functions are called, and generators resumed, while a file is checked."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        check(file, Config(), {})
    finally:
        sys.setprofile(before)
    return count
