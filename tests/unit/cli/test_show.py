from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from carryover.cli.where import state_dir
from carryover.errors import ExitCode

Run = Callable[..., tuple[int, str, str]]

DISCOUNT = "c0de0000-0000-4000-8000-000000000001"
CHECKOUT = "c0de0000-0000-4000-8000-000000000012"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def without_times(text: str) -> list[str]:
    """The lines, without the day and with every clock time as `HH:MM:SS`."""
    lines = text.splitlines()
    return [f"HH:MM:SS{line[8:]}" if line[2:3] == line[5:6] == ":" else line for line in lines[:3] + lines[4:]]


def test_a_session_is_told_as_a_conversation(recorded: Path, run: Run) -> None:
    code, out, err = run("show", CHECKOUT)

    assert (code, err) == (ExitCode.OK, "")
    assert without_times(out) == [
        f"Session {CHECKOUT}",
        "Claude Code 2.1.328, ~/shop, main",
        "",
        "",
        "HH:MM:SS  You",
        "  Wire discount into checkout",
        "",
        "HH:MM:SS  Claude Code",
        "  First the file.",
        "  · added checkout.py  +5 -0",
        "  ✗ stopped by a limit: API Error: Request rejected (429) · This request would exceed your account's rate "
        "limit. Please try again lat…",
    ]


def test_the_beginning_of_an_id_is_enough_where_it_is_unique(recorded: Path, run: Run) -> None:
    assert run("show", CHECKOUT[:-1] + "2") == run("show", CHECKOUT)
    assert run("show", CHECKOUT[:-1])[0] == ExitCode.OK


def test_an_ambiguous_id_names_the_candidates(recorded: Path, run: Run) -> None:
    code, out, err = run("show", "c0de")

    assert (code, out) == (ExitCode.USAGE, "")
    assert DISCOUNT in err
    assert CHECKOUT in err


@pytest.mark.parametrize("where", ["in the ledger", "on disk"])
def test_an_unknown_id_is_not_found(where: str, run: Run, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("recorded" if where == "in the ledger" else "shop")

    code, out, err = run("show", "ffff")

    assert (code, out) == (ExitCode.NOTHING_FOUND, "")
    assert "`carryover sessions" in err


def test_tool_output_is_shown_in_full_only(recorded: Path, run: Run) -> None:
    assert "AssertionError: 190 != 180" not in run("show", DISCOUNT)[1]
    assert "AssertionError: 190 != 180" in run("show", DISCOUNT, "--full")[1]


def test_as_data_every_event_is_there(recorded: Path, run: Run) -> None:
    code, out, _ = run("show", CHECKOUT, "--json")

    shown = json.loads(out)
    assert code == ExitCode.OK
    assert (shown["session"]["native_id"], shown["session"]["root"]) == (CHECKOUT, str(recorded))
    kinds = [event["body"]["kind"] for event in shown["events"]]
    assert kinds[-1] == "turn_end"
    assert {"user_prompt", "assistant_message", "tool_call", "tool_result", "file_edit"} <= set(kinds)


def test_what_was_taken_back_is_marked(recorded: Path, run: Run) -> None:
    with closing(sqlite3.connect(state_dir().ledger)) as db, db:
        db.execute("UPDATE event SET retracted = 1 WHERE body LIKE '%First the file.%'")

    _, text, _ = run("show", CHECKOUT)
    _, data, _ = run("show", CHECKOUT, "--json")

    lines = without_times(text)
    assert lines[lines.index("  First the file.") - 1] == "HH:MM:SS  Claude Code (undone)"
    undone = [event["body"]["text"] for event in json.loads(data)["events"] if event.get("retracted")]
    assert undone == ["First the file."]


def test_without_a_ledger_the_session_is_read_from_disk_and_nothing_is_stored(shop: Path, home: Path, run: Run) -> None:
    code, out, _ = run("show", CHECKOUT)

    assert code == ExitCode.OK
    assert "Wire discount into checkout" in out
    assert not (home / ".carryover").exists()
