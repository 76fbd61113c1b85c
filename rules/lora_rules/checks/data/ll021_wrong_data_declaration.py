"""Rule LL021, wrong-data-declaration."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import LLAMAFACTORY_DATA
from lora_rules.repository import Repository


@rule(
    "LL021",
    Severity.ERROR,
    evidence=[
        LLAMAFACTORY_DATA.says(
            "Undefined datasets, a ranking that does not go with the stage and files that are not "
            "there raise ValueError; columns and tags replace all defaults."
        ),
    ],
)
def wrong_data_declaration(
    framework: Behaviour,
    repository: Repository,
    dataset_dir: str,
    train_dataset: list[str] | str,
    eval_dataset: list[str] | str | None = None,
    trainer_method: str = "sft",
) -> Iterator[Problem]:
    """A data set is not declared, or so that the framework cannot read it.

    ## What it checks
    The data sets that a LLaMA-Factory file names, against the `dataset_info.json` in its
    `dataset_dir` (`data` unless written), where that file is there.

    - An error: a name that is not in it; `ranking` that does not go with the stage; a ranking
      without `chosen` and `rejected`; `kto` without `kto_tag`; `tags` without the names that it
      replaces; a column that no row of a small local JSON file has; a column other than `text` of
      a `.txt` file, which is loaded as lines of text.
    - A warning: a key that is not read, such as `format` for `formatting`.
    - Not checked: data of the hub, and a file that is not there, unless one with another ending is.

    ## Why it matters
    LLaMA-Factory raises when it loads the data. `columns` and `tags`
    replace all defaults, so what they leave out is nothing at all, and examples without an answer
    are passed over.

    ## Bad
    The tests run this rule on files beside a recipe.

    ## Good
    ```json
    {
      "my_pairs": {
        "file_name": "my_pairs.json",
        "ranking": true,
        "columns": {"prompt": "question", "chosen": "better", "rejected": "worse"}
      }
    }
    ```

    ## When to ignore it
    When the run is started where another `dataset_dir` of that name is.

    ## Options
    None.
    """
    for setting, names in (("train_dataset", train_dataset), ("eval_dataset", eval_dataset)):
        listed = [names] if isinstance(names, str) else names or []
        known = [name for name in listed if isinstance(name, str)]
        for each in framework.data_complaints(known, trainer_method, dataset_dir, repository):
            severity = None if each.fails else Severity.WARNING
            yield Problem(setting, f"{each.says}.", severity=severity, help=each.do)
