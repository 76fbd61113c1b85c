"""The check of a repository that had findings before: baseline, ignores, only what changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from lora_lint.cli.options import Options
from lora_lint.engine.baseline import NAME, Baseline
from lora_lint.engine.config import ConfigError, for_folder
from lora_lint.engine.run import CLEAN, STDIN, TROUBLE, Run
from lora_lint.sources.discover import Found

LookAt = Callable[[Run, list[Found], Options], None]
Tell = Callable[[Run, Options], int]


def check(run: Run, files: list[Found], options: Options, look_at: LookAt, tell: Tell) -> int:
    """Check the files; the answer is the exit code.

    Args:
        run: takes what they say.
        files: what to check.
        options: the command line.
        look_at: checks files into the run.
        tell: tells what the run holds.

    Raises:
        ConfigError: if a baseline or revision cannot be used, or options do not go together.
    """
    _check_options(run, options)
    if options.since:
        files = _sieve_since(run, files, options.since)
    if options.write_baseline:
        look_at(run, files, options)
        return _write_baseline(run, files, options)
    if options.add_ignores:
        look_at(run, files, options)
        return _add_ignores(run, options.reason)
    baseline = _baseline(options)
    if baseline is not None:
        run.sieves.append(baseline.mark)
    look_at(run, files, options)
    code = tell(run, options)
    if baseline is not None and baseline.gone:
        gone = _several(baseline.gone, "finding")
        sys.stderr.write(
            f"lora-lint: {gone} of {baseline.path} not found any more: "
            "--write-baseline takes them out\n"
        )
    return code


def _check_options(run: Run, options: Options) -> None:
    writes = [name for name in ("write_baseline", "add_ignores") if getattr(options, name)]
    if len(writes) == 2 or (writes and (run.session is not None or options.since)):
        raise ConfigError("--write-baseline, --add-ignores, fixes and --since: one at a time")
    if run.session is not None and options.since:
        raise ConfigError("fixes do not go with --since: they mend whole files")


def _sieve_since(run: Run, files: list[Found], revision: str) -> list[Found]:
    from lora_lint.sources.since import Since

    since = Since(revision)
    declared = run.request.declared
    run.sieves.append(lambda report: since.keep(report, run.settings(report.path), declared))
    return [file for file in files if file.path == STDIN or since.touched(file)]


def _baseline_path(options: Options) -> str:
    path: str = options.baseline or for_folder(os.getcwd()).baseline
    return path


def _baseline(options: Options) -> Baseline | None:
    path = _baseline_path(options)
    return Baseline.load(path) if path else None


def _write_baseline(run: Run, files: list[Found], options: Options) -> int:
    path = _baseline_path(options) or NAME
    before = Baseline.load(path) if os.path.exists(path) else Baseline(path, {})
    after = before.with_reports(run.combined(), [file.path for file in files])
    after.write()
    counted = _several(after.total, "finding")
    sys.stdout.write(f"{path}: {counted} in {_several(len(after.counts), 'file')}\n")
    return _troubles(run)


def _add_ignores(run: Run, reason: str) -> int:
    from lora_lint.engine.add_ignores import add_ignores
    from lora_lint.fix.text import NotOffered
    from lora_lint.fix.write import replace

    written = touched = 0
    for report in run.combined():
        source = run.open(Found(report.path, named=True)) if report.findings else None
        if source is None:
            continue
        config = run.settings(report.path)
        done = add_ignores(source, report, config, run.request.declared, reason)
        for finding in done.left:
            sys.stderr.write(
                f"lora-lint: {report.path}:{finding.span.line}: {finding.full_code}: no comment "
                "can be written here; use --write-baseline or per-file-ignores\n"
            )
        if done.source.data != source.data:
            try:
                replace(report.path, source.data, done.source.data)
            except NotOffered as why:
                sys.stderr.write(f"lora-lint: {report.path}: {why}\n")
                continue
            written, touched = written + done.written, touched + 1
    told = _several(written, "finding")
    sys.stdout.write(f"{told} in {_several(touched, 'file')} ignored by comments\n")
    return _troubles(run)


def _troubles(run: Run) -> int:
    for trouble in run.troubles:
        sys.stderr.write(f"lora-lint: {trouble.path}: {trouble.message}\n")
    return TROUBLE if run.exit_code == TROUBLE else CLEAN


def _several(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
