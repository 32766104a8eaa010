"""A damaged entry of the ledger costs a command that entry, and `doctor --fix` brings it back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from support.recorded_shop import DISCOUNT, Run

COMMANDS: Final = (
    ("show", DISCOUNT),
    ("search", "discount"),
    ("log",),
    ("why", "cart.py"),
    ("export",),
    ("export", "--session", DISCOUNT),
    ("handoff",),
)
SAID: Final = "damaged entr"


def damage(column: str, where: str) -> int:
    """Changes what matching events hold, as a disk would; returns how many there were."""
    with closing(sqlite3.connect(state_dir().ledger, isolation_level=None)) as db:
        return db.execute(f"UPDATE event SET body = {column} WHERE {where}").rowcount


@pytest.fixture(params=["x'8000ff'", "zeroblob(40)", "cast(x'7bfffe' AS TEXT)", '\'{"kind":"nothing"}\'', "''"])
def damaged(recorded: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop, of whose events every third is damaged."""
    assert damage(request.param, "id % 3 = 0") > 2
    monkeypatch.chdir(recorded)
    return recorded


def test_it_is_left_out_and_that_is_said(damaged: Path, run: Run) -> None:
    for command in COMMANDS:
        code, out, err = run(*command)

        assert "Traceback" not in err, command
        assert code in (ExitCode.OK, ExitCode.NOTHING_FOUND), command
        if command[0] == "show":
            assert f"Session {DISCOUNT}" in out
            assert f"{SAID}ies of the ledger" in err
            assert "doctor --fix" in err


def test_doctor_finds_it_and_reads_it_again(
    installed: Path, recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded)
    whole = run("show", DISCOUNT)
    number = damage("x'8000ff'", "id % 3 = 0")

    _, out, _ = run("doctor")
    assert f"{number} entries cannot be read" in out
    run("doctor", "--fix")

    assert run("show", DISCOUNT) == whole
    assert "cannot be read" not in run("doctor")[1]
