"""Many files: known ones from the cache, the others checked, by several processes when that pays.

First every file is searched for the word "lora", which is quick; what is left is known by then, and
so is whether it is enough to share out. What is told does not depend on how the work was shared:
reports are taken in the order of the files.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence

from lora_lint.engine.run import STDIN, Request, Run, Trouble
from lora_lint.sources.discover import Found
from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lora_lint.engine.finding import FileReport
    from lora_lint.sources.cache import Cache
    from lora_lint.sources.source import Source

PAYS = 4 * 2**20
"""Work from which a second process saves time, by benchmarks/second_process.py: a tenth of it.

Half as much gains nothing, as each process loads the rules for itself; twice as much, a quarter.
"""
_WEIGHT = {"python": 4, "notebook": 1, "yaml": 8, "json": 4, "toml": 4, "shell": 8}
"""Time by kind of file, for each byte, as a multiple of a notebook's."""
_FLOOR = 4096
"""Bytes that a file counts for at least: rules run on small files too."""
_CHUNK = 2**19
"""Work that is handed to a process at once."""
_KEPT = 8 * 2**20
"""Bytes of files to check that are kept from the search; others are read a second time."""
_SWEEP = 2**22
"""Bytes checked between two collections of garbage."""


def look_at(run: Run, files: Sequence[Found], jobs: int | None, cache: bool) -> None:
    """Lint files.

    Args:
        run: takes what they say, in their order.
        files: what to lint.
        jobs: how many processes at most; ``None`` is one a core.
        cache: whether to look up, and keep, what they say.

    Raises:
        ConfigError: if the settings in force for one of them are broken.
    """
    if run.session is not None or len(files) == 1:
        for file in files:
            run.look_at(file)
        return
    job = Job(run, _cache(run.request) if cache else None)
    with Garbage() as garbage:
        todo = [item for item in job.search(files) if item is not None]
        if sum(item.work for item in todo) >= PAYS and _cores(jobs) > 1:
            _share(job, todo, _cores(jobs), cache)
        else:
            for item in todo:
                job.done(item, job.check(item))
                garbage.made(item.size)
    job.tell(files)


def _cores(jobs: int | None) -> int:
    if jobs is not None:
        return jobs
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable is not None else os.cpu_count() or 1


def _cache(request: Request) -> Cache:
    from lora_lint.sources.cache import Cache  # one file is checked without it
    from lora_lint.sources.cache_folder import default_folder

    return Cache(default_folder(), request.declared)


class Item(NamedTuple):
    """A file that has to be checked."""

    number: int
    """Among the files of the run."""
    file: Found
    size: int
    work: int
    key: str
    """Its entry in the cache, if there is one."""
    source: Source | None
    """``None``: not kept, read it again."""


class Job:
    """What is known so far of the files of one run."""

    def __init__(self, run: Run, cache: Cache | None) -> None:
        self.run = run
        self._cache = cache
        self._reports: dict[int, tuple[Found, FileReport]] = {}
        self._kept = 0

    def search(self, files: Sequence[Found]) -> Iterator[Item | None]:
        """What has to be checked."""
        for number, file in enumerate(files):
            self.run.looked_at += 1
            source = self.run.open(file)
            if source is not None:
                yield self._known_or_item(number, file, source)
        if self._cache is not None:
            self._cache.prune()

    def _known_or_item(self, number: int, file: Found, source: Source) -> Item | None:
        key = ""
        if self._cache is not None and file.path != STDIN:
            key = self._cache.key(source, self.run.settings(source.path))
            report = self._cache.get(key, source)
            if report is not None:
                self._reports[number] = (file, report)
                return None
        size = len(source.data)
        self._kept += size
        kept = source if self._kept <= _KEPT or file.path == STDIN else None
        work = _WEIGHT[source.kind] * max(size, _FLOOR)
        return Item(number, file, size, work, key, kept)

    def check(self, item: Item) -> FileReport | None:
        """What a file says; ``None`` if it is not there any more."""
        source = item.source or self.run.open(item.file)
        if source is None:
            return None
        report = self.run.report(source, self.run.settings(source.path))
        if self._cache is not None and item.key and not report.failures:
            self._cache.put(item.key, report)
        return report

    def done(self, item: Item, report: FileReport | None) -> None:
        """Remember what a file says until all are through."""
        if report is not None:
            self._reports[item.number] = (item.file, lean(report, self.run.request))

    def tell(self, files: Sequence[Found]) -> None:
        """Hand everything to the run, in the order of the files."""
        for _number, (file, report) in sorted(self._reports.items(), key=lambda item: item[0]):
            self.run.take(report, self.run.settings(report.path), file)
        places = {file.path: number for number, file in enumerate(files)}
        self.run.troubles.sort(key=lambda trouble: places.get(trouble.path, -1))


def lean(report: FileReport, request: Request) -> FileReport:
    """The report without what nobody will be shown: every file's is kept to the end of the run."""
    if request.form == "text" and not request.verbose:
        from lora_lint.engine.coverage import COMMAND  # where there is a report, it is imported
        from lora_lint.engine.finding import NotChecked

        named = [each for each in report.not_checked if each.kind == COMMAND]
        kinds = {(each.code, each.kind) for each in report.not_checked if each.kind} - {
            (each.code, each.kind) for each in named
        }
        bare = [NotChecked("", code, kind) for code, kind in sorted(kinds)]
        report = report._replace(not_checked=(*bare, *named))
    cells = report.cells if report.findings else ()
    elsewhere = tuple(each._replace(lines=_shown_lines(each)) for each in report.elsewhere)
    return report._replace(lines=_shown_lines(report), cells=cells, elsewhere=elsewhere)


def _shown_lines(report: FileReport) -> tuple[str, ...]:
    """The file's lines that findings point at, in their places, and nothing in between."""
    shown = {
        span.line
        for finding in report.findings
        for span in (finding.span, *(span for span, _ in finding.also))
        if not span.path
    }
    upto = report.lines[: max(shown, default=0)]
    return tuple(line if number in shown else "" for number, line in enumerate(upto, 1))


class Garbage:
    """Collects it by how much was read, not by how many objects there are.

    A syntax tree is some hundred thousand objects at once. Python's own schedule walks over them
    again and again while they are made: two fifths of the time. Readers take apart what they built
    (``Reading.close``), so that little is left to collect: what a file leaves that does not parse.
    """

    def __init__(self) -> None:
        self._read = 0
        self._was_on = False

    def __enter__(self) -> Garbage:
        self._was_on = gc.isenabled()
        gc.disable()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._was_on:
            gc.enable()

    def made(self, size: int) -> None:
        """Count a file that was checked."""
        self._read += size
        if self._read > _SWEEP:
            self._read = 0
            gc.collect()
            gc.freeze()  # what survives is kept to the end: not to be walked over again


def _share(job: Job, todo: list[Item], processes: int, cache: bool) -> None:
    """Check files in other processes; here what was lost with one that was killed."""
    from lora_lint.engine.workers import work

    chunks = list(_chunks([_bare(item) for item in todo]))
    for number, outcomes in work(chunks, processes, _begin, job.run.request, cache):
        if outcomes is None:
            for item in chunks[number]:
                job.done(item, job.check(item))
            continue
        for item, outcome in zip(chunks[number], outcomes, strict=True):
            job.done(item, outcome.report)
            job.run.troubles += outcome.troubles


class Outcome(NamedTuple):
    """What came of a file in another process."""

    report: FileReport | None
    troubles: list[Trouble]


def _bare(item: Item) -> Item:
    """The item without its bytes, which the other process can read itself."""
    return item if item.file.path == STDIN else item._replace(source=None)


def _chunks(items: Sequence[Item]) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    work = 0
    for item in items:
        chunk.append(item)
        work += item.work
        if work >= _CHUNK:
            yield chunk
            chunk, work = [], 0
    if chunk:
        yield chunk


def _begin(request: Request, cache: bool) -> Callable[[list[Item]], list[Outcome]]:
    """Set up another process."""
    gc.disable()
    gc.freeze()
    job = Job(Run(request, warns=False), _cache(request) if cache else None)
    garbage = Garbage()

    def work_on(items: list[Item]) -> list[Outcome]:
        outcomes = []
        for item in items:
            report = job.check(item)
            kept = lean(report, request) if report is not None else None
            outcomes.append(Outcome(kept, job.run.troubles))
            job.run.troubles = []
            garbage.made(item.size)
        return outcomes

    return work_on
