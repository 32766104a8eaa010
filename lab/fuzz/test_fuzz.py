"""`make fuzz`: a round finds what the fixed examples of the suite do not, and its seed finds it again."""

import ast
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from fuzz.__main__ import CHECKOUT, MARKER, command, fuzzed_files, how_to_repeat, run_round

WRONG = """
import pytest
from hypothesis import Phase, given, settings, strategies as st

@settings(phases=[Phase.generate])
@given(number=st.integers(1 << 20, 1 << 60))
def test_wrong(number):
    assert number == 1 << 20, f"found {number}"

def test_without_examples():
    raise AssertionError("not selected")
"""


def test_the_suite_has_the_same_examples_in_every_run() -> None:
    fixed = settings.get_profile("fixed")

    assert (fixed.derandomize, fixed.database, fixed.deadline) == (True, None, None)
    assert not settings.get_profile("random").derandomize


@pytest.mark.night
def test_a_seed_repeats_what_its_round_found(tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "conftest.py", tmp_path)  # it has the profiles
    (tmp_path / "test_wrong.py").write_text(WRONG)
    # Its folder is here: in the usual one it would remove what whole runs of the suite left there, for minutes.
    round_of_five = [*command([str(tmp_path)], 5, "0", ""), f"--basetemp={tmp_path / 'runs'}"]
    runs = [run_round(round_of_five) for _ in range(2)]
    found = [re.findall(r"^E +AssertionError: (found \d+)", ran.stdout, re.MULTILINE) for ran in runs]

    assert [(ran.returncode, len(numbers)) for ran, numbers in zip(runs, found, strict=True)] == [(1, 1)] * 2
    assert found[0] == found[1]
    assert "::test_wrong'" in how_to_repeat(runs[0].stdout, 5)


def test_every_test_with_generated_examples_is_chosen() -> None:
    """Those that define the property inside of a function have to carry the mark themselves."""
    files = fuzzed_files(CHECKOUT / "tests")
    unmarked = [found for file in files for found in _unmarked(CHECKOUT / file)]

    assert len(files) > 40
    assert unmarked == []


def _unmarked(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    outer = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return [
        f"{path.name}: {function.name}"
        for function in outer
        if any(_has(inner, "given") for inner in ast.walk(function) if inner is not function)
        and not _has(function, MARKER)
    ]


def _has(node: ast.AST, name: str) -> bool:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(name in ast.unparse(decorator) for decorator in decorators)


@pytest.mark.parametrize("output", ["", "FAILED tests/a.py::test_b[x y] - assert 0\nERROR tests/a.py::test_c\n"])
def test_the_failures_of_a_round_are_named(output: str) -> None:
    shown = how_to_repeat(output, 7)

    assert "make fuzz SEED=7 " in shown
    assert shown.count("--hypothesis-seed=7") == output.count("::")
    assert ("'tests/a.py::test_b[x y]'" in shown) == bool(output)
