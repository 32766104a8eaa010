"""The changes that `make mutants` makes, and that it tells noticed ones from others."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from mutants.change import changed, mutants_of

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
    room = tmp_path / "made_up" / "room"
    room.mkdir(parents=True)
    for package in (room.parent, room):
        (package / "__init__.py").touch()
    (room / "sums.py").write_text("def plus(a, b):\n    return a + b\n\n\ndef unused():\n    return 1\n")
    (tmp_path / "test_sums.py").write_text(
        "from made_up.room.sums import plus\n\ndef test_plus():\n    assert plus(1, 2) == 3\n"
    )
    outcomes = tmp_path / "outcomes"
    asked = {"room": "room", "seed": 1, "seconds": 60, "source": str(room.parent), "outcomes": str(outcomes)}
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    env = {**os.environ, "MUTANTS": json.dumps(asked), "PYTHONPATH": path, "TMPDIR": str(tmp_path)}

    command = [sys.executable, "-m", "pytest", "-p", "mutants.trial", "-p", "no:cacheprovider", "--rootdir", "."]
    subprocess.run([*command, "test_sums.py"], cwd=tmp_path, env=env, check=True, capture_output=True)

    noticed = dict(json.loads(line) for line in outcomes.read_text().splitlines())
    assert noticed == {
        "room/sums.py:2 in plus: Add is Sub": "test_sums.py::test_plus",
        "room/sums.py:2 in plus: it returns None": "test_sums.py::test_plus",
        "room/sums.py:6 in unused: 1 is 2": "",
        "room/sums.py:6 in unused: it returns None": "",
    }
