"""The changes that `make mutants` makes, and that it tells noticed ones from others."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mutants.__main__ import reported
from mutants.change import changed, mutants_of
from mutants.hollow import hollowed, hollows_of
from mutants.rooms import ROOMS, SOURCE, other_tests
from mutants.trial import NOT_CALLED, Asked

pytestmark = pytest.mark.night

PROGRAM = """
LIMIT: int = 3

class Box:
    size = 1

    def fits(self, things: int = 2) -> bool:
        return things + 1 <= LIMIT and True
"""


def test_each_place_within_a_function_is_changed_once() -> None:
    mutants = list(mutants_of("box.py", PROGRAM))

    assert sorted(each.what for each in mutants) == [
        "1 is 2",
        "Add is Sub",
        "And is Or",
        "LtE is Lt",
        "True is False",
        "it returns None",
    ]
    assert {each.functions for each in mutants} == {("Box", "fits")}
    programs = {ast.unparse(changed(PROGRAM, each)) for each in mutants}
    assert len(programs) == len(mutants)
    assert ast.unparse(ast.parse(PROGRAM)) not in programs


def test_a_change_that_no_test_notices_is_named(tmp_path: Path) -> None:
    room = package(tmp_path)
    (room / "sums.py").write_text("def plus(a, b):\n    return a + b\n\n\ndef unused():\n    return 1\n")
    (tmp_path / "test_sums.py").write_text(
        "from made_up.room.sums import plus\n\ndef test_plus():\n    assert plus(1, 2) == 3\n"
    )
    (tmp_path / "conftest.py").write_text("import gc\n\ndef pytest_collection_finish():\n    gc.freeze()\n")
    assert tried(tmp_path, room.parent, hollow=False) == {
        "room/sums.py:2 in plus: Add is Sub": "test_sums.py::test_plus",
        "room/sums.py:2 in plus: it returns None": "test_sums.py::test_plus",
        "room/sums.py:6 in unused: 1 is 2": "",
        "room/sums.py:6 in unused: it returns None": "",
    }


def test_each_function_is_hollow_with_an_empty_answer_and_one_that_is_not() -> None:
    source = """
def given(text: str, n: int | None) -> str: return text + "."
def number(n: int) -> int: return n * 2
def each(n: int) -> Iterator[int]: yield n
def found() -> list[str]: return ["a"]
def nothing() -> str: return ""
def done(box: Box) -> None: box.close()
def other() -> Box: return Box()
def never() -> str: raise NotImplementedError
"""
    answers: dict[str, list[str]] = {each.functions[-1]: [] for each in hollows_of("box.py", source)}
    for each in hollows_of("box.py", source):
        answers[each.functions[-1]].append(each.returns)

    assert answers == {
        "given": ["''", "'hollow'", "text"],
        "number": ["0", "1", "n"],
        "each": [""],
        "found": ["[]"],
        "nothing": ["'hollow'"],
        "done": ["None"],
        "other": ["None"],
    }


def test_a_hollow_generator_stays_one_and_a_method_keeps_its_variables() -> None:
    source = "def each(n):\n    yield n\n\ndef outer(n):\n    def inner():\n        return n\n    return inner\n"
    found = {each.functions: each for each in hollows_of("box.py", source)}
    names: dict[str, Any] = {}

    exec(compile(hollowed(source, found["each",]), "box.py", "exec"), names)
    assert list(names["each"](1)) == []
    exec(compile(hollowed(source, found["outer", "inner"]), "box.py", "exec"), names)
    assert (names["outer"](1)(), names["outer"](1).__code__.co_freevars) == (None, ("n",))


def test_a_function_that_no_test_would_miss_is_named_and_who_calls_it_is_known(tmp_path: Path) -> None:
    """`told` is called and its answer never looked at; `unused` is not called; the second test shares what one made."""
    room = package(tmp_path)
    (room / "sums.py").write_text(
        "def plus(a, b) -> int:\n    return a + b\n\n\ndef told() -> bool:\n    return not plus(1, 2)\n\n\n"
        "def unused() -> str:\n    return 'a' + 'b'\n"
    )
    (tmp_path / "test_sums.py").write_text(
        "from made_up.room import sums\n\nmade = []\n\n"
        "def test_makes():\n    made.append(sums.plus(1, 2))\n\n"
        "def test_told():\n    sums.told()\n\n"
        "def test_uses():\n    assert made == [3]\n"
    )

    assert tried(tmp_path, room.parent, hollow=True) == {
        "room/sums.py:1 plus: 0": "test_sums.py::test_uses",
        "room/sums.py:1 plus: 1": "test_sums.py::test_uses",
        "room/sums.py:5 told: False": "",
        "room/sums.py:5 told: True": "",
        "room/sums.py:9 unused: ''": NOT_CALLED,
        "room/sums.py:9 unused: 'hollow'": NOT_CALLED,
    }


def test_a_share_below_the_floor_fails_and_what_there_was_no_time_for_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = {"text/a.py:1 kept": {"0": "t", "1": ""}, "text/a.py:2 lost": {"": ""}, "text/a.py:3 late": {"": ""}}

    assert reported("text", own, {"text/a.py:2 lost": {"": ""}}, 1) == (
        "text: 50% of hollow functions were noticed, at least 95% should be"
    )
    assert "not noticed:\n  text/a.py:2 lost\n" in capsys.readouterr().out
    assert reported("text", own, {"text/a.py:2 lost": {"": "another test"}}, 1) == ""
    assert "there was no time:\n  text/a.py:3 late\n" in capsys.readouterr().out
    assert "no function was tried" in reported("text", {}, {}, 1)


def test_every_file_of_a_room_and_of_its_tests_is_there() -> None:
    files = {
        name: [path for path in SOURCE.glob(room.files) if room.holds(f"{path.relative_to(SOURCE)}:1 f")]
        for name, room in ROOMS.items()
    }

    assert [name for name, found in files.items() if not found or not ROOMS[name].own_tests()] == []
    assert set(ROOMS["text"].own_tests()) <= set(other_tests([ROOMS["text"]]))


def package(top: Path) -> Path:
    room = top / "made_up" / "room"
    room.mkdir(parents=True)
    for each in (room.parent, room):
        (each / "__init__.py").touch()
    return room


def tried(top: Path, source: Path, *, hollow: bool) -> dict[str, str]:
    """Returns what noticed each mutant of the room in `source`."""
    outcomes = top / "outcomes"
    asked = Asked(str(source), ("room/*.py",), hollow, 1, 60, str(outcomes))
    path = os.pathsep.join([str(top), str(Path(__file__).parents[1])])
    env = {**os.environ, "MUTANTS": json.dumps(asdict(asked)), "PYTHONPATH": path, "TMPDIR": str(top)}
    command = [sys.executable, "-m", "pytest", "-p", "mutants.trial", "-p", "no:cacheprovider", "--rootdir", "."]
    subprocess.run([*command, "test_sums.py"], cwd=top, env=env, check=True, capture_output=True)
    lines = [json.loads(line) for line in outcomes.read_text().splitlines()]
    return {mutant if isinstance(mutant, str) else ": ".join(mutant): by for mutant, by in lines}
