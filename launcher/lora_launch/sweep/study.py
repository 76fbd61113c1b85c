"""The books of a sweep: an optuna study in a journal file, so that a stopped sweep goes on.

Every trial of the study is a candidate that was started. Its parameters are optuna's own, for its
dashboard and plots; what came of it is kept beside them as user attributes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lora_launch.errors import REFUSED, LaunchError
from lora_launch.opaque import Opaque
from lora_launch.sweep.axes import Axis, Choice
from lora_launch.sweep.candidates import AS_WRITTEN
from lora_launch.sweep.judge import Judged
from lora_launch.sweep.result import DIVERGED, DONE, FAILED, Result


def require() -> None:
    """See that optuna is installed.

    Raises:
        LaunchError: if it is not.
    """
    try:
        import optuna
    except ModuleNotFoundError:
        raise LaunchError(
            "A sweep needs optuna: `pip install 'lora-lint[launch]'` brings it. --dry-run works"
            " without."
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)


class Store:
    """A study on disk."""

    def __init__(
        self,
        path: str,
        name: str,
        axes: Sequence[Axis],
        told: Mapping[str, Any],
        more: Mapping[str, Choice] | None = None,
    ) -> None:
        """Open it, or make it.

        Args:
            path: the journal file.
            name: the study's name; a file may hold several studies.
            axes: what is swept.
            told: what the sweep is of; one that goes on must be of the same.
            more: choices beside the axes' own, which a sequential sweep begins with.

        Raises:
            LaunchError: if the file cannot be used, or holds another sweep of this name.
        """
        self.path = path
        self.axes = axes
        self.more = more
        self._open: dict[int, Opaque] = {}
        self.study = _study(path, name)
        before = self.study.user_attrs.get("sweep")
        if before is None:
            self.study.set_user_attr("sweep", dict(told))
        elif before != _plain(told):
            self._refuse(before, _plain(told))
        self._close_what_was_left()

    def _refuse(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        changed = sorted(
            key for key in before.keys() | now.keys() if before.get(key) != now.get(key)
        )
        raise LaunchError(
            f"{self.path} holds a sweep with another {' and '.join(changed)}. Give this one another"
            " --output (and --storage), or start over with --restart.",
            REFUSED,
        )

    def _close_what_was_left(self) -> None:
        """Trials of a sweep that was killed: their runs go on in new ones."""
        from optuna.trial import TrialState

        while self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self.study.tell(self.study.ask(), state=TrialState.FAIL)
        for left in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.study.tell(left.number, state=TrialState.FAIL)

    def results(self, *, again: bool = False) -> dict[str, Result]:
        """What is known, by the candidates' identities.

        Args:
            again: without the failed ones, so that they are tried once more.
        """
        found = {}
        for trial in self.study.get_trials(deepcopy=False):
            record = trial.user_attrs.get("result")
            if record is not None and not (again and record["status"] == FAILED):
                found[trial.user_attrs["identity"]] = Result(**record)
        return found

    def unread(self) -> set[str]:
        """The identities of candidates that were started last without an end that is known."""
        found: dict[str, bool] = {}
        for trial in self.study.get_trials(deepcopy=False):
            if "identity" in trial.user_attrs:
                found[trial.user_attrs["identity"]] = "result" not in trial.user_attrs
        return {identity for identity, is_unread in found.items() if is_unread}

    def begin(self, judged: Judged, folder: str) -> int:
        """Note that a candidate is started; the answer is its number among the trials."""
        candidate = judged.candidate
        self.study.enqueue_trial(
            {axis.key: value(candidate.picks.get(axis.key)) for axis in self.axes},
            user_attrs={
                "identity": judged.identity,
                "number": candidate.number,
                "settings": dict(candidate.settings),
                "folder": folder,
            },
        )
        trial = self.study.ask(self._distributions)
        self._open[trial.number] = trial
        number: int = trial.number
        return number

    def end(self, number: int, found: Result) -> None:
        """Note what came of a trial."""
        from optuna.trial import TrialState

        trial = self._open.pop(number)
        trial.set_user_attr("result", found.record)
        if found.status == DONE:
            self.study.tell(trial, found.loss)
        else:
            state = TrialState.PRUNED if found.status == DIVERGED else TrialState.FAIL
            self.study.tell(trial, state=state)

    @property
    def _distributions(self) -> dict[str, Opaque]:
        """The axes as optuna knows them."""
        from optuna.distributions import CategoricalDistribution

        found = {axis.key: [value(each) for each in axis.choices] for axis in self.axes}
        if self.more is not None:
            for key, values in found.items():
                first = value(self.more.get(key))
                values += [first] if first not in values else []
        return {key: CategoricalDistribution(values) for key, values in found.items()}

    def guesses(self, seed: int, most: int) -> Iterator[dict[str, object]]:
        """Choices by axis that optuna's TPE proposes from what is known.

        The asking is done in a copy in memory, so that the file holds only what was run.
        """
        import optuna

        known = [trial for trial in self.study.get_trials() if "result" in trial.user_attrs]
        copy = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed + len(known)))
        copy.add_trials(known)
        for _ in range(most):
            yield dict(copy.ask(self._distributions).params)


def value(pick: Choice | None) -> object:
    """A choice as optuna keeps it: numbers as numbers, all else by its label."""
    if pick is None:
        return AS_WRITTEN
    is_plain = isinstance(pick.value, bool | int | float | None) and not pick.per_rank
    return pick.value if is_plain else pick.label


def forget(path: str, name: str) -> None:
    """Remove a study from a file; others in it stay."""
    import optuna

    if os.path.exists(path):
        study = _study(path, name)
        optuna.delete_study(study_name=name, storage=study._storage)


def _study(path: str, name: str) -> Opaque:
    """Open the study of a file.

    Raises:
        LaunchError: if it is no journal, or cannot be written.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        storage = JournalStorage(JournalFileBackend(path))
        return optuna.create_study(
            study_name=name, storage=storage, direction="minimize", load_if_exists=True
        )
    except OSError as error:
        raise LaunchError(f"--storage {path} cannot be used: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise LaunchError(
            f"--storage {path} is no journal of optuna ({type(error).__name__}); name another file."
        ) from None


def _plain(value: Mapping[str, Any]) -> Any:  # noqa: ANN401 (JSON)
    """As it comes back from the file."""
    return json.loads(json.dumps(value))
