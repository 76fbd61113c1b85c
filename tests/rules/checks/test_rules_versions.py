"""What rules say under a range of versions: errors only where no allowed version takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import Finding
from lora_lint.sources.pins import search
from lora_lint.sources.source import Source

ARGUMENTS = """\
from peft import LoraConfig
from transformers import TrainingArguments
args = TrainingArguments("out", {})
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
"""
LORA = """\
from peft import LoraConfig
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", {})
"""
SFT = """\
from peft import LoraConfig
from trl import SFTConfig
args = SFTConfig("out", {})
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
"""
TWICE = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from trl import SFTTrainer
base = AutoModelForCausalLM.from_pretrained("a/b")
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
model = get_peft_model(base, lora)
SFTTrainer(model, peft_config=lora).train()
"""
IN_8_BIT = """\
from peft import LoraConfig
from transformers import AutoModelForCausalLM
base = AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
"""


def findings(folder: Path, code: str, text: str, **files: str) -> list[Finding]:
    """What one rule says of a program beside some files."""
    (folder / ".git").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    search.forget()
    source = Source(str(folder / "train.py"), "python", text.encode())
    return [each for each in check(source, Config(), {}).findings if each.code == code]


def words(found: list[Finding]) -> list[str]:
    return [f.severity.word if f.certain else f"possible {f.severity.word}" for f in found]


EVALUATION = ARGUMENTS.format('evaluation_strategy="steps"')  # until 4.50
WARMUP = ARGUMENTS.format("warmup_ratio=0.1")  # until 5.14
DORA = LORA.format("use_dora=True")  # since 0.9
NONSENSE = LORA.format("no_such_thing=True")


@pytest.mark.parametrize(
    ("program", "pin", "word"),
    [
        (EVALUATION, "transformers==4.40.0", ""),
        (EVALUATION, "transformers<4.50", ""),
        (EVALUATION, "transformers>=4.30,<4.40", ""),
        (EVALUATION, "transformers==4.4*.*", "warning"),  # no specifier: nothing is pinned
        (EVALUATION, "transformers==4.40.*", ""),
        (EVALUATION, "transformers~=4.40.0", ""),
        (EVALUATION, "transformers<=4.46.3,!=4.46.0", ""),
        (EVALUATION, "transformers", "warning"),
        (EVALUATION, "transformers>=4.30", "warning"),
        (EVALUATION, "transformers<5", "warning"),  # 4.57 refuses it already
        (EVALUATION, "transformers<4.58,!=4.50", "warning"),
        (EVALUATION, "transformers>=4.52", "error"),
        (EVALUATION, "transformers>=4.52,<5", "error"),
        (EVALUATION, "transformers>=5.1.0", "error"),
        (EVALUATION, "transformers==5.*", "error"),
        (EVALUATION, "transformers==4.57.1", "error"),
        (EVALUATION, "transformers==99.0", "error"),
        (EVALUATION, "transformers @ git+https://x.org/transformers@0dcb46e", ""),
        (EVALUATION, "transformers @ git+https://x.org/transformers@v4.40.0", ""),
        (EVALUATION, "transformers @ git+https://x.org/transformers@v5.1.0", "error"),
        (WARMUP, "transformers<5", ""),
        (WARMUP, "transformers<=4.57.6", ""),
        (WARMUP, "transformers", "warning"),
        (WARMUP, "transformers>=5.1.0", "warning"),
        (WARMUP, "transformers>=5.15", "error"),
        (DORA, "peft>=0.9", ""),
        (DORA, "peft>=0.5", ""),
        (DORA, "peft<0.20", ""),
        (DORA, "peft<=0.9", ""),
        (DORA, "peft<0.9", "error"),
        (DORA, "peft==0.8.*", "error"),
        (DORA, "peft>=0.4,<0.7", "error"),
        (NONSENSE, "peft", "error"),
        (NONSENSE, "peft<0.20", "error"),
        (NONSENSE, "peft==0.15.2", "error"),
        (NONSENSE, "peft>=0.10", "error"),
        (NONSENSE, "peft==99.0", "info"),
        (NONSENSE, "peft>=99", "info"),
        (SFT.format("max_seq_length=512"), "trl<0.20", ""),
        (SFT.format("max_seq_length=512"), "trl==0.12.0", ""),
        (SFT.format("max_seq_length=512"), "trl<0.30", "warning"),
        (SFT.format("max_seq_length=512"), "trl>=0.20,<0.30", "error"),
        (SFT.format('evaluation_strategy="no"'), "transformers<4.50", ""),
        (SFT.format('evaluation_strategy="no"'), "transformers>=5.1", "error"),
        (SFT.format('evaluation_strategy="no"'), "trl<0.30", ""),
        (SFT.format("no_such_thing=1"), "trl==99.0", "info"),
        (SFT.format("no_such_thing=1"), "transformers==99.0", "info"),
    ],
)
def test_an_unknown_key(tmp_path: Path, program: str, pin: str, word: str) -> None:
    found = findings(tmp_path, "LL001", program, requirements__txt=pin + "\n")
    assert words(found) == ([word] if word else [])


def test_a_message_names_the_range_and_its_place(tmp_path: Path) -> None:
    pin = "torch\ntransformers>=5.1.0\n"
    (found,) = findings(tmp_path, "LL001", EVALUATION, requirements__txt=pin)
    assert found.message.startswith(
        "TrainingArguments has no parameter evaluation_strategy in transformers>=5.1.0 "
        "(requirements.txt:2): it was removed by transformers 4.51.0."
    )
    assert found.help == "Write eval_strategy."


def test_a_key_that_no_version_read_knows_says_up_to_which(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, "LL001", NONSENSE, requirements__txt="peft==99.0\n")
    assert "peft 99.0 is newer than 0.21.2, the last that we have read" in found.message


def test_files_that_disagree_give_what_is_only_possible(tmp_path: Path) -> None:
    old, new = "transformers==4.40.0\n", "transformers==5.1.0\n"
    found = findings(
        tmp_path, "LL001", EVALUATION, requirements_a__txt=old, requirements_b__txt=new
    )
    assert words(found) == ["possible error"]


@pytest.mark.parametrize(
    ("pin", "word"),
    [
        ("trl<0.27", ""),
        ("trl<=0.26.2", ""),
        ("trl==0.2*", "warning"),
        ("trl>=0.9,<0.20", ""),
        ("trl==0.27rc1", ""),
        ("trl==0.28rc1", "error"),
        ("trl>=0.28rc1", "error"),
        ("trl<0.40", "warning"),
        ("trl>=0.20", "warning"),
        ("trl>=0.27,<2", "error"),
        ("trl @ git+https://x.org/trl@0dcb46e", ""),
    ],
)
def test_a_second_adapter(tmp_path: Path, pin: str, word: str) -> None:
    found = findings(tmp_path, "LLB04", TWICE, requirements__txt=pin + "\n")
    assert words(found) == ([word] if word else [])


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("requirements__txt", "transformers<5\n", ""),
        ("setup__py", "setup(install_requires=['transformers>=4.40,<5'])\n", ""),
        ("environment__yml", "dependencies:\n- transformers=4.46.3\n", ""),
        ("uv__lock", '[[package]]\nname = "transformers"\nversion = "4.46.3"\n', ""),
        ("uv__lock", '[[package]]\nname = "transformers"\nversion = "5.1.0"\n', "error"),
        ("Dockerfile", "RUN pip install 'transformers<5'\nCOPY . .\n", ""),
        ("Dockerfile", "RUN pip install 'transformers<5'\nCOPY serve.py .\n", "warning"),
        ("requirements__txt", "transformers==4.46.3; python_version < '3.9'\n", "possible warning"),
    ],
)
def test_a_keyword_that_5_refuses(tmp_path: Path, name: str, text: str, word: str) -> None:
    found = findings(tmp_path, "LLB07", IN_8_BIT, **{name: text})
    assert words(found) == ([word] if word else [])
