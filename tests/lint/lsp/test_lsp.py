"""The server as an editor meets it: a client of its own process, over standard input and output."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls")

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from lora_lint.lsp.places import Page, units
from lora_lint.lsp.view import NotebookFile, NotebookView, TextView
from lora_rules.recipe import Span

BAD = "from peft import LoraConfig\n\nconfig = LoraConfig(r=8, lora_alpha=0)\n"
GOOD = "from peft import LoraConfig\n\nconfig = LoraConfig(r=8, lora_alpha=16)\n"
YAML = (
    "model_name_or_path: Qwen/Qwen2.5-7B-Instruct\nstage: sft\nfinetuning_type: lora\n"
    "lora_rank: 8\nlora_alpha: 0\nlora_target: all\ndataset: alpaca_en_demo\ntemplate: qwen\n"
    "cutoff_len: 2048\nper_device_train_batch_size: 1\noutput_dir: out\nbf16: true\n"
    "plot_loss: true\n"
)
JSON = json.dumps({"lora": {"r": 8, "lora_alpha": 0, "target_modules": "all-linear"}}, indent=2)


class Editor(LanguageClient):
    """A client that remembers what is underlined."""

    def __init__(self) -> None:
        super().__init__("test", "1")
        self.told: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: list[str] = []

        @self.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _published(params: lsp.PublishDiagnosticsParams) -> None:
            self.told.put_nowait(params)

        @self.feature(lsp.WINDOW_SHOW_MESSAGE)
        def _message(params: lsp.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self.feature(lsp.WINDOW_LOG_MESSAGE)
        def _log(params: lsp.LogMessageParams) -> None:
            self.messages.append(params.message)

    def open(self, path: Path, language: str, text: str) -> str:
        uri = path.as_uri()
        item = lsp.TextDocumentItem(uri, language, 1, text)
        self.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return uri

    def change(self, uri: str, version: int, text: str) -> None:
        document = lsp.VersionedTextDocumentIdentifier(version, uri)
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        self.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [whole]))

    async def codes(self) -> list[str]:
        """The codes that are underlined next."""
        told = await asyncio.wait_for(self.told.get(), 60)
        return [str(each.code) for each in told.diagnostics]


@asynccontextmanager
async def editor(folder: Path, *arguments: str, **options: object) -> AsyncIterator[Editor]:
    client = Editor()
    command = ("-m", "lora_lint", "server", *arguments)
    await client.start_io(sys.executable, *command, cwd=str(folder))
    synchronized = lsp.NotebookDocumentSyncClientCapabilities()
    await client.initialize_async(
        lsp.InitializeParams(
            lsp.ClientCapabilities(
                notebook_document=lsp.NotebookDocumentClientCapabilities(synchronized)
            ),
            root_uri=folder.as_uri(),
            initialization_options=options,
        )
    )
    client.initialized(lsp.InitializedParams())
    try:
        yield client
    finally:
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()


def run(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 120))


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [("a.py", "python", BAD), ("a.yaml", "yaml", YAML), ("run.json", "json", JSON)],
)
def test_opening_a_file_underlines_what_is_wrong(
    tmp_path: Path, name: str, language: str, text: str
) -> None:
    async def scene() -> None:
        async with editor(tmp_path) as client:
            client.open(tmp_path / name, language, text)
            told = await asyncio.wait_for(client.told.get(), 60)
            zero = next(each for each in told.diagnostics if each.code == "LL101")
            line = text.splitlines()[zero.range.start.line]
            assert line[zero.range.start.character : zero.range.end.character] == "0"
            assert zero.severity is lsp.DiagnosticSeverity.Error
            assert zero.source == "lora-lint"

    run(scene)


def test_typing_closing_and_settings_change_what_is_underlined(tmp_path: Path) -> None:
    async def scene() -> None:
        async with editor(tmp_path) as client:
            uri = client.open(tmp_path / "a.py", "python", BAD)
            assert await client.codes() == ["LL101"]
            client.change(uri, 2, "from peft import LoraConfig\nLoraConfig(r=8, lora_alpha=")
            client.change(uri, 3, GOOD)
            assert await client.codes() == []  # the half-written text was never linted
            client.change(uri, 4, BAD)
            assert await client.codes() == ["LL101"]
            (tmp_path / "lora-lint.toml").write_text('ignore = ["LL101"]\n')
            client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([]))
            assert await client.codes() == []
            (tmp_path / "lora-lint.toml").write_text('ignore = "LL101"\n')
            client.text_document_did_save(
                lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(uri))
            )
            (tmp_path / "b.txt").write_text("")
            client.text_document_did_close(
                lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri))
            )
            assert await client.codes() == []
            assert any("ignore must be a list of texts" in text for text in client.messages)

    run(scene)


FAILING = '''
from lora_rules.api import Problem, Severity, Source, rule

HOUSE = Source("house", "F", "Our team, 2026", "https://example.org")


@rule("OUR001", Severity.WARNING, evidence=[HOUSE.says("What we agreed on.")])
def of_the_house(r: int):
    """It fails on some ranks.

    ## Bad
    """
    yield Problem("r", f"{1 / (r - 8)} of the house")
'''


def test_a_rule_that_fails_is_told_and_the_rest_is_underlined(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(FAILING)

    async def scene() -> None:
        async with editor(tmp_path, "--plugin-file", "ours.py") as client:
            uri = client.open(tmp_path / "a.py", "python", BAD)
            assert await client.codes() == ["LL101"]
            client.change(uri, 2, GOOD.replace("r=8", "r=16"))
            assert await client.codes() == ["OUR001"]
            failed = [text for text in client.messages if "rule OUR001 of-the-house failed" in text]
            assert len(failed) == 1
            assert "an error in the plugin" in failed[0]

    run(scene)


def test_a_text_that_declares_another_encoding_has_its_places(tmp_path: Path) -> None:
    text = "# coding: latin-1\n" + BAD.replace("config = ", "é = 'é'; config = ")

    async def scene() -> None:
        async with editor(tmp_path) as client:
            client.open(tmp_path / "a.py", "python", text)
            told = await asyncio.wait_for(client.told.get(), 60)
            zero = next(each for each in told.diagnostics if each.code == "LL101")
            assert text.splitlines()[3][zero.range.start.character :] == "0)"

    run(scene)


def test_a_file_that_breaks_off_is_underlined_up_to_there(tmp_path: Path) -> None:
    async def scene() -> None:
        async with editor(tmp_path) as client:
            client.open(tmp_path / "a.py", "python", BAD + "x = (\n")
            assert await client.codes() == ["LL101"]

    run(scene)


def test_hover_shows_the_page_and_the_setting(tmp_path: Path) -> None:
    async def scene() -> None:
        async with editor(tmp_path) as client:
            uri = client.open(tmp_path / "a.yaml", "yaml", YAML)
            await client.codes()
            document = lsp.TextDocumentIdentifier(uri)
            rank = await client.text_document_hover_async(
                lsp.HoverParams(document, lsp.Position(3, 2))
            )
            assert rank is not None
            assert isinstance(rank.contents, lsp.MarkupContent)
            assert "**`r`**, here `lora_rank`" in rank.contents.value
            assert "In effect: `8` (written here)" in rank.contents.value
            alpha = await client.text_document_hover_async(
                lsp.HoverParams(document, lsp.Position(4, 13))
            )
            assert alpha is not None
            assert isinstance(alpha.contents, lsp.MarkupContent)
            assert "What it checks" in alpha.contents.value
            assert "lora_alpha / r" in alpha.contents.value
            nothing = await client.text_document_hover_async(
                lsp.HoverParams(document, lsp.Position(12, 1))
            )
            assert nothing is None

    run(scene)


def applied(text: str, edits: list[lsp.TextEdit]) -> str:
    lines = text.splitlines(keepends=True)
    for edit in edits:
        start = sum(map(len, lines[: edit.range.start.line])) + edit.range.start.character
        end = sum(map(len, lines[: edit.range.end.line])) + edit.range.end.character
        text = text[:start] + edit.new_text + text[end:]
    return text


def test_actions_mend_and_ignore(tmp_path: Path) -> None:
    async def scene() -> None:
        async with editor(tmp_path) as client:
            text = GOOD.replace("r=8, lora_alpha=16", "r=8, lora_alpha=16, bias='nonee'")
            uri = client.open(tmp_path / "a.py", "python", BAD + text.splitlines()[2] + "\n")
            text = BAD + text.splitlines()[2] + "\n"
            told = await asyncio.wait_for(client.told.get(), 60)
            titles = []
            for each in told.diagnostics:
                found = await client.text_document_code_action_async(
                    lsp.CodeActionParams(
                        lsp.TextDocumentIdentifier(uri),
                        each.range,
                        lsp.CodeActionContext([each]),
                    )
                )
                for action in found or []:
                    assert isinstance(action, lsp.CodeAction)
                    assert action.edit is not None
                    assert action.edit.changes is not None
                    changed = applied(text, list(action.edit.changes[uri]))
                    assert changed != text
                    titles.append(action.title)
                    if action.title.startswith("Ignore"):
                        assert f"# lora-lint: ignore[{each.code}]" in changed
            assert any(title.startswith("Ignore LL101") for title in titles)
            assert "Ignore LL002:peft/invalid-bias invalid-value here" in titles
            assert any(title.startswith("LL") for title in titles)

    run(scene)


def test_a_lens_tells_size_and_memory(tmp_path: Path) -> None:
    async def scene() -> None:
        async with editor(tmp_path, gpu="RTX 4090") as client:
            text = YAML.replace("lora_alpha: 0", "lora_alpha: 16")
            uri = client.open(tmp_path / "a.yaml", "yaml", text)
            await client.codes()
            found = await client.text_document_code_lens_async(
                lsp.CodeLensParams(lsp.TextDocumentIdentifier(uri))
            )
            assert found is not None
            (lens,) = found
            assert lens.command is not None
            # 28 layers of Qwen2.5-7B at r=8: `lora-lint params` counts the same
            assert lens.command.title.startswith("20.2M trainable (0.3 %), peak ")
            assert lens.command.title.endswith(" RTX 4090")
            full = await client.workspace_execute_command_async(
                lsp.ExecuteCommandParams(lens.command.command, lens.command.arguments)
            )
            assert "On GeForce RTX 4090" in str(full)

    run(scene)


def test_the_cells_of_a_notebook_are_read_together(tmp_path: Path) -> None:
    async def scene() -> None:
        async with editor(tmp_path) as client:
            cells = [
                "from peft import LoraConfig\nALPHA = 0",
                "c = LoraConfig(r=8, lora_alpha=ALPHA)",
            ]
            uris = [f"vscode-notebook-cell:/n.ipynb#{number}" for number in range(2)]
            client.notebook_document_did_open(
                lsp.DidOpenNotebookDocumentParams(
                    lsp.NotebookDocument(
                        (tmp_path / "n.ipynb").as_uri(),
                        "jupyter-notebook",
                        1,
                        [lsp.NotebookCell(lsp.NotebookCellKind.Code, uri) for uri in uris],
                    ),
                    [
                        lsp.TextDocumentItem(uri, "python", 1, text)
                        for uri, text in zip(uris, cells, strict=True)
                    ],
                )
            )
            first, second = await client.codes(), await client.codes()
            assert (first, second) == ([], ["LL101"])

    run(scene)


def test_what_is_no_file_of_ours_is_left_alone(tmp_path: Path) -> None:
    async def scene() -> None:
        async with editor(tmp_path) as client:
            client.open(tmp_path / "a.txt", "plaintext", BAD)
            uri = client.open(tmp_path / "b.py", "python", "x = 1\n")
            told = await asyncio.wait_for(client.told.get(), 60)
            assert (told.uri, list(told.diagnostics)) == (uri, [])
            lens = await client.text_document_code_lens_async(
                lsp.CodeLensParams(lsp.TextDocumentIdentifier(uri))
            )
            assert not lens

    run(scene)


def test_places_count_utf16_units() -> None:
    page = Page("u", "a = '🤗🤗'; r = 8\r\nb\rc\n")
    assert page.position(1, 6) == lsp.Position(0, 5)
    assert page.position(1, 8) == lsp.Position(0, 9)
    assert page.position(3, 2) == lsp.Position(2, 1)
    assert page.position(1, 99) == lsp.Position(0, 17)
    assert units("🤗") == 2


@pytest.mark.parametrize("as_list", [True, False])
def test_a_notebook_that_is_open_as_json_has_places_in_it(as_list: bool) -> None:
    lines = ["x = '\"é'\n", "y = LoraConfig(r=8)"]
    cell = {"cell_type": "code", "source": lines if as_list else "".join(lines)}
    text = json.dumps({"cells": [{"cell_type": "markdown", "source": "#"}, cell]}, indent=1)
    view = NotebookFile("u", "n.ipynb", "notebook", text)
    found = view.location(Span(2, 16, 2, 19, 2))
    assert found is not None
    line = text.splitlines()[found.range.start.line]
    assert line[found.range.start.character : found.range.end.character] == "r=8"
    assert view.location(Span(1, 1, 1, 2, 9)) is None


def test_edits_are_the_one_stretch_that_differs() -> None:
    view = TextView("u", "a.py", "python", "r = 8\nalpha = 16\n")
    changed = view.source._replace(data=b"r = 8\nalpha = 32\n")
    (edit,) = view.edits(changed)["u"]
    assert (edit.range.start, edit.range.end, edit.new_text) == (
        lsp.Position(1, 8),
        lsp.Position(1, 10),
        "32",
    )
    notebook = NotebookView("n.ipynb", [("c1", True, "r = 8"), ("c2", True, "a = 1")])
    data = notebook.source.data.replace(b"a = 1", b"a = 2")
    assert list(notebook.edits(notebook.source._replace(data=data))) == ["c2"]


def test_a_finding_of_a_run_is_shown_in_the_open_file(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    config = tmp_path / "config.py"
    config.write_text("# é\nZERO = 0\n")
    text = (
        "from peft import LoraConfig\nfrom config import ZERO\n\nLoraConfig(r=8, lora_alpha=ZERO)\n"
    )

    async def scene() -> None:
        async with editor(tmp_path) as client:
            client.open(tmp_path / "train.py", "python", text)
            told = await asyncio.wait_for(client.told.get(), 60)
            zero = next(each for each in told.diagnostics if each.code == "LL101")
            assert zero.range.start.line == 3
            related = [each.location for each in zero.related_information or ()]
            assert (related[0].uri, related[0].range.start) == (
                config.as_uri(),
                lsp.Position(1, 7),
            )
            config.write_text("ZERO = 16\n")
            uri = client.open(config, "python", "ZERO = 16\n")
            assert await client.codes() == []
            saved = lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(uri))
            client.text_document_did_save(saved)
            assert await client.codes() == []
            told = await asyncio.wait_for(client.told.get(), 60)
            assert told.uri.endswith("train.py")
            assert "LL101" not in [each.code for each in told.diagnostics]

    run(scene)
