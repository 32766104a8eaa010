"""`carryover import` reads a file of a declared source as that, and names what the declaration gets wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from carryover.past.context import state_dir
from support.recorded_shop import Run

RECORDS: list[dict[str, object]] = [
    {"who": "me", "msg": "Add a discount, never below zero", "at": 1_795_366_338},
    {"who": "bot", "msg": "Shall it be rounded down?", "at": 1_795_366_340},
    {"who": "debug", "msg": "noise"},
]


@pytest.fixture
def book(home: Path) -> Path:
    (home / "book" / ".git").mkdir(parents=True)
    return home / "book"


@pytest.fixture
def log(home: Path, book: Path) -> Path:
    path = home / ".my-agent" / "one.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps({**record, "dir": str(book)}) + "\n" for record in RECORDS))
    return path


def declare(**fields: object) -> None:
    rows = {"agent": "my-agent", "files": ["~/.my-agent/*.jsonl"], "role": "who", "user": ["me"], "assistant": ["bot"],
            "text": "msg", "time": "at", "folder": "dir", **fields}  # fmt: skip
    path = state_dir().config
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[[sources]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in rows.items()))


def test_a_declaration_is_tried_then_read_like_any_agent(run: Run, log: Path, book: Path) -> None:
    declare()
    first, *others = run.out("import", "--dry-run", str(log)).splitlines()
    assert first.startswith(f"· {log}: 1 session of my-agent, 1 prompt, ")
    assert others == ["  1 record not understood and skipped; nothing else is affected.", "Nothing was stored."]
    assert not state_dir().ledger.exists()

    handoff = run.out("handoff", str(book))
    assert "Add a discount, never below zero" in handoff
    assert "from my-agent" in handoff


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("folder", "cwd", "No record names its working folder: `folder` is 'cwd'."),
        ("time", "when", "2 of 2 events have no time: `time` is 'when'."),
        ("text", "content", "No record is a prompt: `role` is 'who', `text` is 'content'."),
        ("user", [], "No record is a prompt: `role` is 'who', `text` is 'msg'."),
        ("assistant", [], "No record is an answer: `role` is 'who', `text` is 'msg'."),
        ("asistant", ["bot"], "No key of a source is named asistant (line 10)."),
    ],
)
def test_what_a_declaration_gets_wrong_is_named(run: Run, log: Path, field: str, value: object, problem: str) -> None:
    declare(**{field: value})
    _, out, err = run("import", "--dry-run", str(log))
    assert problem in " ".join((out + err).split())


def test_a_declaration_that_finds_nothing_is_named_in_place_of_the_file(run: Run, log: Path) -> None:
    declare(role="speaker")
    assert "No record is a prompt: `role` is 'speaker', `text` is 'msg'." in run.err(
        ExitCode.REFUSED, "import", str(log)
    )


def test_status_and_config_name_declared_sources(run: Run, log: Path) -> None:
    declare()
    assert "sources.my-agent" in run.out("config")
    assert "my-agent" in run.out("status", "-v").partition("declared in config.toml")[2]


def test_a_declared_agent_can_be_named_where_its_sessions_are_listed(run: Run, log: Path, book: Path) -> None:
    declare()
    assert "Add a discount" in run.out("sessions", "--all", "--agent", "my-agent")
    assert "rounded down" in run.out("handoff", "--transcript", str(log), "--agent", "my-agent")


def test_a_copy_is_imported_by_the_name_of_the_declaration(run: Run, log: Path, tmp_path: Path) -> None:
    declare()
    moved = log.rename(tmp_path / "copy.jsonl")
    assert "1 session of my-agent" in run.out("import", str(moved), "--agent", "my-agent")
