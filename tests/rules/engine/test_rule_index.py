"""The index of the rules says what the rules themselves say, and spares their import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent.parent.parent / "tools"))

from build_rule_index import INDEX, index
from lora_rules.engine.registry import all_rules, imported_rules, rule


def test_the_index_is_up_to_date() -> None:
    assert INDEX.read_text() == index(), "run: make generate"


def test_no_two_rules_have_one_name() -> None:
    names = [each.name for each in all_rules().values()]
    assert len(set(names)) == len(names)


def test_an_indexed_rule_is_the_rule_itself() -> None:
    for code, imported in imported_rules().items():
        indexed = all_rules()[code]
        assert indexed.function is imported.check
        assert (indexed.code, indexed.name, indexed.severity) == imported[:3]
        assert indexed.evidence
        assert indexed.page


def test_the_code_and_the_name_of_a_rule_that_is_not_imported_are_taken() -> None:
    def scale_out_of_range() -> list[object]:
        """A page."""
        return []

    scale_out_of_range.__name__ = all_rules()["LL102"].name.replace("-", "_")
    register = rule("OUR001", all_rules()["LL102"].severity, evidence=all_rules()["LL102"].evidence)
    with pytest.raises(ValueError, match="is taken"):
        register(scale_out_of_range)  # type: ignore[arg-type]


def test_all_rules_are_known_without_being_imported() -> None:
    code = (
        "import sys; from lora_rules.engine.registry import all_rules\n"
        "assert len(all_rules()) > 100; "
        "print(sum(name.startswith('lora_rules.checks.') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


@pytest.mark.parametrize("merges", [True, False])
def test_a_rule_about_certain_calls_is_imported_only_where_they_are_made(
    tmp_path: Path, *, merges: bool
) -> None:
    script = tmp_path / "train.py"
    end = "model.merge_and_unload()" if merges else "model.eval()"
    script.write_text(
        "from peft import LoraConfig, get_peft_model\n"
        f"model = get_peft_model(load(), LoraConfig(r=8))\n{end}\n"
    )
    code = (
        "import sys; from lora_lint.cli.main import main\n"
        f"main(['check', '--no-cache', {str(script)!r}])\n"
        "print(any('llb30_' in name for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(merges)
