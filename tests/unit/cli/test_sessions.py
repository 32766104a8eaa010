from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.errors import ExitCode
from carryover.ledger.queries import SHORTEST_ID, shortest_unique
from support.recorded_shop import CHECKOUT, DISCOUNT, Run

NOT_RUNNING = "carryoverd is not running: newer sessions may be missing here.\n"


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_the_sessions_of_a_project_are_listed_newest_first(recorded: Path, run: Run) -> None:
    code, out, err = run("sessions", str(recorded))

    assert (code, err) == (ExitCode.OK, NOT_RUNNING)
    head, newest, oldest = (cells(line) for line in out.splitlines())
    assert head == ["SESSION", "AGENT", "LAST", "PROMPTS", "TASK"]
    assert newest == [CHECKOUT[:-1], "Claude Code", "just now", "1", "Wire discount into checkout"]
    assert oldest[:4] == [DISCOUNT[:-1], "Claude Code", "just now", "2"]


@pytest.mark.parametrize(
    ("arguments", "listed"),
    [
        (("--agent", "claude"), 2),
        (("--branch", "main", "--since", "1h"), 2),
        (("--agent", "codex"), 0),
        (("--branch", "other"), 0),
        (("--since", "now"), 0),
    ],
)
def test_a_list_can_be_of_one_agent_one_time_or_one_branch(
    recorded: Path, run: Run, arguments: tuple[str, ...], listed: int
) -> None:
    code, out, err = run("sessions", str(recorded), *arguments)

    if listed:
        assert (code, len(out.splitlines())) == (ExitCode.OK, 1 + listed)
    else:
        assert (code, out) == (ExitCode.NOTHING_FOUND, "")
        assert "Without --agent, --since and --branch all are listed." in err


@pytest.mark.parametrize("arguments", [["--all"], ["."]])
def test_where_nothing_was_recorded_it_says_where_to_look(
    arguments: list[str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("sessions", *arguments)

    assert (code, out) == (ExitCode.NOTHING_FOUND, "")
    assert "`carryover status`" in err


@given(st.lists(st.text("abc", min_size=1, max_size=12), unique=True))
def test_a_short_id_belongs_to_one_session(ids: list[str]) -> None:
    short = shortest_unique(ids)

    for name in ids:
        others = [other for other in ids if other != name and other.startswith(short[name])]
        assert name.startswith(short[name])
        assert others == [] or short[name] == name
        assert len(short[name]) >= min(SHORTEST_ID, len(name))
