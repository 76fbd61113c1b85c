"""The server: what the editor tells and asks, and who answers."""

from __future__ import annotations

import asyncio
import os

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from lora_lint import __version__
from lora_lint.engine.config import ConfigError
from lora_lint.engine.run import Request
from lora_lint.lsp.actions import actions
from lora_lint.lsp.analysis import Analysis, request_of
from lora_lint.lsp.diagnostics import diagnostics
from lora_lint.lsp.hover import hover
from lora_lint.lsp.lens import SHOW_MEMORY, forecast, lenses
from lora_lint.lsp.view import NotebookFile, NotebookView, TextView, View, kind_of

PAUSE = 0.2
"""Seconds without typing after which a text is linted."""
_NOTEBOOKS = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithNotebook(
            notebook="jupyter-notebook",
            cells=[types.NotebookCellLanguage(language="python")],
        )
    ]
)


class Server(LanguageServer):
    """Texts that are open, each linted once for every state that it has been in."""

    def __init__(self) -> None:
        super().__init__("lora-lint", __version__, notebook_document_sync=_NOTEBOOKS)
        self.request = Request()
        self._known: dict[str, tuple[object, Analysis]] = {}
        self._complaint = ""

    def analysis(self, uri: str, *, fresh: bool = False) -> Analysis | None:
        """An open text, linted; ``None`` if it is nothing that we read.

        Args:
            uri: of the text, or of a notebook's cell.
            fresh: lint it again, because something beside it may have changed.
        """
        notebook = self.workspace.get_notebook_document(notebook_uri=uri)
        notebook = notebook or self.workspace.get_notebook_document(cell_uri=uri)
        key = notebook.uri if notebook is not None else uri
        state = self._state(notebook, uri)
        known = self._known.get(key)
        if known is not None and known[0] == state and not fresh:
            return known[1]
        view = self._notebook(notebook) if notebook is not None else self._text(uri)
        if view is None:
            return None
        try:
            analysis = Analysis(view, self.request)
        except ConfigError as error:
            self._complain(str(error))
            return None
        self._complain(analysis.failure)
        self._known[key] = (state, analysis)
        return analysis

    def _state(self, notebook: types.NotebookDocument | None, uri: str) -> object:
        texts = self.workspace.text_documents
        if notebook is None:
            return texts[uri].version if uri in texts else None
        return [
            (cell.document, texts[cell.document].version if cell.document in texts else None)
            for cell in notebook.cells
        ]

    def _text(self, uri: str) -> View | None:
        document = self.workspace.text_documents.get(uri)
        if document is None:
            return None
        path = _path(uri)
        kind = kind_of(path, document.language_id)
        if kind is None:
            return None
        if kind == "notebook":
            return NotebookFile(uri, path, kind, document.source)
        return TextView(uri, path, kind, document.source)

    def _notebook(self, notebook: types.NotebookDocument) -> View:
        cells = []
        for cell in notebook.cells:
            document = self.workspace.text_documents.get(cell.document)
            text = document.source if document is not None else ""
            code = cell.kind is types.NotebookCellKind.Code and document is not None
            cells.append((cell.document, code, text))
        return NotebookView(_path(notebook.uri), cells)

    def _complain(self, message: str) -> None:
        """Say once what is wrong with the settings, or with us."""
        if message != self._complaint:
            self._complaint = message
            if not message:
                return
            shown = types.ShowMessageParams(types.MessageType.Error, f"lora-lint: {message}")
            self.window_show_message(shown)

    def publish(self, uri: str, *, fresh: bool = False) -> None:
        """Lint an open text and underline what is found."""
        analysis = self.analysis(uri, fresh=fresh)
        if analysis is None:
            return
        for each, found in diagnostics(analysis).items():
            document = self.workspace.text_documents.get(each)
            version = document.version if document is not None else None
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(each, found, version)
            )

    def publish_all(self) -> None:
        """Lint everything that is open again."""
        for uri in list(self.workspace.text_documents):
            if self.workspace.get_notebook_document(cell_uri=uri) is None:
                self.publish(uri, fresh=True)
        for uri in list(self.workspace.notebook_documents):
            self.publish(uri, fresh=True)

    def publish_dependents(self, saved: str) -> None:
        """Lint what is open again where it is read together with a file that was saved."""
        path = to_fs_path(saved)
        for uri, (_state, analysis) in list(self._known.items()) if path is not None else ():
            if uri != saved and path is not None and analysis.depends_on(path):
                self.publish(uri, fresh=True)

    async def publish_later(self, uri: str) -> None:
        """The same, once nothing was typed for a moment."""
        notebook = self.workspace.get_notebook_document(notebook_uri=uri)
        before = self._state(notebook, uri)
        await asyncio.sleep(PAUSE)
        notebook = self.workspace.get_notebook_document(notebook_uri=uri)
        if self._state(notebook, uri) == before:
            self.publish(uri)

    def forget(self, uri: str, texts: list[str]) -> None:
        """Take back what was underlined in something that is closed now."""
        self._known.pop(uri, None)
        for each in texts:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(each, []))


def _path(uri: str) -> str:
    """The file of a URI, relative to where we run if it is below; else the last word of it."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    if path is None:
        return uri.rpartition("/")[2].rpartition(":")[2]
    below = os.path.relpath(path)
    return path if below.startswith("..") else below


server = Server()


@server.feature(types.INITIALIZE)
def _initialize(ls: Server, params: types.InitializeParams) -> None:
    ls.request = request_of(params.initialization_options)


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def _opened(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    ls.publish(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
async def _changed(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    await ls.publish_later(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
def _saved(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
    ls.publish(params.text_document.uri, fresh=True)
    ls.publish_dependents(params.text_document.uri)


@server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
def _changed_beside(ls: Server, _params: types.DidChangeWatchedFilesParams) -> None:
    """Settings, pins or data may have changed: everything open is linted again."""
    ls.publish_all()


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
def _closed(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    ls.forget(params.text_document.uri, [params.text_document.uri])


@server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
def _opened_notebook(ls: Server, params: types.DidOpenNotebookDocumentParams) -> None:
    ls.publish(params.notebook_document.uri)


@server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
async def _changed_notebook(ls: Server, params: types.DidChangeNotebookDocumentParams) -> None:
    await ls.publish_later(params.notebook_document.uri)


@server.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)
def _saved_notebook(ls: Server, params: types.DidSaveNotebookDocumentParams) -> None:
    ls.publish(params.notebook_document.uri, fresh=True)


@server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
def _closed_notebook(ls: Server, params: types.DidCloseNotebookDocumentParams) -> None:
    cells = [cell.uri for cell in params.cell_text_documents]
    ls.forget(params.notebook_document.uri, cells)


@server.feature(types.TEXT_DOCUMENT_HOVER)
def _hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    analysis = ls.analysis(params.text_document.uri)
    return hover(analysis, params.text_document.uri, params.position) if analysis else None


@server.feature(
    types.TEXT_DOCUMENT_CODE_ACTION,
    types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
)
def _actions(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    analysis = ls.analysis(params.text_document.uri)
    return actions(analysis, params.text_document.uri, params.range) if analysis else []


@server.feature(types.TEXT_DOCUMENT_CODE_LENS)
def _lenses(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens]:
    analysis = ls.analysis(params.text_document.uri)
    return lenses(analysis, params.text_document.uri) if analysis else []


@server.command(SHOW_MEMORY)
def _memory(ls: Server, uri: str, number: int) -> str:
    """The forecast of a recipe in full; it also goes to the editor's log."""
    analysis = ls.analysis(uri)
    if analysis is None or not 0 <= number < len(analysis.recipes):
        return ""
    text = forecast(analysis.recipes[number])
    ls.window_log_message(types.LogMessageParams(types.MessageType.Info, text))
    return text
