"""Models beyond the table: the hub's cache on disk, and the hub itself only when asked for."""

from __future__ import annotations

import builtins
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lora_lint.cli.main import main
from lora_lint.sources import hub
from lora_lint.sources.files import Files
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.architecture import architecture
from repositories import beside

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TINY = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
}
NAMES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    hub._download.cache_clear()


def fill(root: Path, model: str = "me/mine", commit: str = COMMIT) -> None:
    folder = root / f"models--{model.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit)
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    (folder / "snapshots" / COMMIT / "config.json").write_text(json.dumps(TINY))


@pytest.mark.parametrize(
    ("variable", "value", "root"),
    [
        ("HF_HUB_CACHE", "hub", "hub"),
        ("HF_HOME", "hf", "hf/hub"),
        ("XDG_CACHE_HOME", "xdg", "xdg/huggingface/hub"),
        ("HOME", "home", "home/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_huggingface_hub_keeps_it(
    variable: str, value: str, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / value))
    fill(tmp_path / root)
    known = architecture("me/mine", beside())
    assert known.model_type == "llama"
    assert "snapshots" in known.source


def test_the_folder_is_the_librarys_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own function finds the same file."""
    from huggingface_hub import try_to_load_from_cache

    fill(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    found = try_to_load_from_cache("me/mine", "config.json", cache_dir=tmp_path)
    folder = hub.cached_folder("me/mine", Files())
    assert folder is not None
    assert found == str(Path(folder) / "config.json")


def test_the_table_wins_over_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    fill(tmp_path, "mistralai/Mistral-7B-v0.1")
    assert architecture("mistralai/Mistral-7B-v0.1", beside()).parameters == 7_241_732_096


@pytest.mark.parametrize("commit", ["", "../../..", "main", "0" * 39])
def test_a_broken_reference_is_no_model(
    commit: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    fill(tmp_path, commit=commit)
    with pytest.raises(Unknown, match="--online"):
        architecture("me/mine", beside())


@pytest.mark.parametrize("model", ["../mine", "/etc", "a/b/c", "", "me/../mine", "me--mine"])
def test_what_is_no_id_of_the_hub_is_not_looked_for(model: str) -> None:
    assert hub.cached_folder(model, Files()) is None
    with pytest.raises(Unknown):
        hub.downloaded_folder(model)


def fake_hub(monkeypatch: pytest.MonkeyPatch, answer: object) -> list[tuple[str, str]]:
    """A huggingface_hub whose download gives, or raises, ``answer``; what it was asked."""
    import huggingface_hub

    asked: list[tuple[str, str]] = []

    def download(model: str, file: str) -> str:
        asked.append((model, file))
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return asked


def test_the_hub_is_asked_once_and_only_with_the_flag(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    asked = fake_hub(monkeypatch, tmp_path / "config.json")
    with pytest.raises(Unknown, match="--online asks the hub"):
        architecture("me/mine", beside())
    assert asked == []
    assert (
        architecture("me/mine", beside(online=True)).parameters
        == architecture(str(tmp_path), beside()).parameters
    )
    assert architecture("me/mine", beside(online=True)).model_type == "llama"
    assert asked == [("me/mine", "config.json")]


def errors() -> list[tuple[Exception, str]]:
    from huggingface_hub import errors

    made = []
    for name, said in (
        ("GatedRepoError", "gated"),
        ("RepositoryNotFoundError", "has no model"),
        ("LocalEntryNotFoundError", "cannot be reached"),
        ("OfflineModeIsEnabled", "cannot be reached"),
        ("EntryNotFoundError", "has no config.json"),
        ("HFValidationError", "did not give"),
    ):
        kind = getattr(errors, name)
        made.append((kind.__new__(kind), said))
    return [*made, (ConnectionError("the line is cut"), "the line is cut")]


@pytest.mark.parametrize(
    ("problem", "said"), errors(), ids=[type(each).__name__ for each, _ in errors()]
)
def test_what_the_hub_refuses_is_a_sentence(
    problem: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_hub(monkeypatch, problem)
    with pytest.raises(Unknown, match=said):
        architecture("me/mine", beside(online=True))


def test_a_missing_library_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> ModuleType:
        if name == "huggingface_hub":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Unknown, match="pip install huggingface_hub"):
        hub.downloaded_folder("me/mine")


RECIPE = """\
base_model: me/mine
adapter: lora
lora_r: 8
lora_alpha: 16
lora_target_modules: [q_proj, v_proj]
datasets: [{path: data.jsonl, type: alpaca}]
sequence_len: 512
micro_batch_size: 1
"""


def test_the_command_line_passes_the_flag_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    recipe = tmp_path / "run.yaml"
    recipe.write_text(RECIPE)
    asked = fake_hub(monkeypatch, tmp_path / "config.json")
    assert main(["params", str(recipe)]) == 0
    assert "--online asks the hub" in capsys.readouterr().out.replace("\n", " ")
    assert asked == []
    assert main(["params", str(recipe), "--online"]) == 0
    assert asked == [("me/mine", "config.json")]
    assert "not in the table" not in capsys.readouterr().out.replace("\n", " ")


def test_the_linter_does_not_import_the_library_unasked() -> None:
    """In a process of its own: this one has imported it."""
    import subprocess

    code = (
        "import sys\n"
        "from lora_rules.facts.model.architecture import architecture\n"
        "from lora_rules.engine.value import Unknown\n"
        "try:\n    architecture('me/mine')\n"
        "except Unknown:\n    print('huggingface_hub' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
