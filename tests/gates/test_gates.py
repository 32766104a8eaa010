"""What `make gates` plants can be planted, each gate of CI and of the nights has a row, a deaf gate is found out."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

import pytest

from gates.__main__ import GATES, report
from gates.plant import Plant, Replacement, Result, tried
from gates.plants import PLANTS
from night.steps import STEPS
from support.clone import CHECKOUT
from support.repository import git, repository

OF_STEPS = {"darwin": "as-darwin", "order": "any-order", "speed": "bench-gate"}
"""Steps of the night whose gate is called as its target."""
WITHOUT_PLANT = {
    "gates": "is this",
    "soak": "takes hours until something has grown: test_soak.py has rows that grow",
}
OF_TEST = {
    "lint": {"lint", "format"},
    "types": {"types"},
    "imports": {"imports"},
    "unit": {"suite"},
    "as-darwin-sample": {"as-darwin"},
}
"""What `make test` makes, and the gates of that."""


def test_what_is_replaced_is_in_each_file_once() -> None:
    assert [change.file for plant in PLANTS for change in plant.changes if change.of(CHECKOUT) == change.old] == []


def test_each_gate_of_the_nights_and_of_ci_has_a_plant() -> None:
    steps = {OF_STEPS.get(step.name, step.name) for step in STEPS} - WITHOUT_PLANT.keys()
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    made = re.search(r"^test: ([a-z -]+)", makefile, re.MULTILINE)
    workflow = (CHECKOUT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    run = set(re.findall(r"- run: make ([a-z-]+)", workflow))

    assert steps - set(GATES) == set()
    assert made is not None and set(made[1].split()) == OF_TEST.keys()
    assert run - {"test"} - set(GATES) == set()
    assert set().union(*OF_TEST.values(), {"subjects", "prose", "audit", "dist"}) - set(GATES) == set()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return repository(tmp_path / "clone", {"a.txt": "good\n"})


def plant(command: str, *, holds_without: bool = True) -> Plant:
    change = (Replacement("a.txt", "good", "bad"), Replacement("new.txt", "", "new"))
    return Plant("words", "a bad word", command, ("say good",), change, holds_without=holds_without)


def test_a_regression_is_planted_found_and_taken_out_again(clone: Path) -> None:
    result = tried(plant("! grep bad a.txt || { echo say good instead; exit 1; }"), clone, count().__next__)

    assert (result.outcome, result.end) == ("found", "bad\nsay good instead")
    assert git(clone, "status", "--porcelain") == ""


@pytest.mark.parametrize("gate", ["true", "! grep -q bad a.txt", "echo say good"])
def test_a_gate_that_passes_or_does_not_say_what_to_do_has_not_found_it(clone: Path, gate: str) -> None:
    assert tried(plant(gate), clone, count().__next__).outcome == "not found"


def test_a_gate_that_does_not_end_has_not_found_it(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gates.plant._LIMIT_S", 0.05)
    result = tried(plant("sleep 600 & wait", holds_without=False), clone, count().__next__)

    assert (result.outcome, result.end) == ("not found", "it did not end within 0.05 s")


def test_a_gate_that_always_fails_proves_nothing(clone: Path) -> None:
    assert tried(plant("echo say good; false"), clone, count().__next__).outcome == "fails without it"


def test_what_is_not_run_is_in_the_report_with_its_reason(clone: Path) -> None:
    missing = Plant("words", "a bad word", "false", (), needs=lambda _: "needs npm")
    result = tried(missing, clone, count().__next__)
    page = report([result, Result(plant("true"), "found", 2.0, "")])

    assert page.startswith("# Gates: 1 of 2 planted regressions were found")
    assert "| words | a bad word | `false` | **not run** | 0 |" in page
    assert "```\nneeds npm\n```" in page


def test_what_is_to_be_replaced_and_is_not_there_is_an_error(clone: Path) -> None:
    with pytest.raises(ValueError, match="0 times"):
        Replacement("a.txt", "gone", "x").of(clone)
    with pytest.raises(ValueError, match="times"):
        Replacement("a.txt", "", "x").of(clone)
