from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.actions.context import state_dir
from carryover.cli.show import conversation
from carryover.errors import ExitCode
from carryover.export.session_parts import of_turns
from carryover.ledger.queries import SHORTEST_ID, shortest_unique
from carryover.model import (
    AnyBody,
    AssistantMessage,
    FileEdit,
    Retracted,
    SessionStart,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from carryover.terminal.output import STYLE
from support.recorded_shop import CHECKOUT, DISCOUNT, Run

pytestmark = pytest.mark.usefixtures("utc")


DAY = re.compile(r"\w+, \d\d \w+ \d{4}")


def without_times(text: str) -> list[str]:
    """The lines, without the day and with every clock time as `HH:MM:SS`."""
    lines = text.splitlines()
    return [
        f"HH:MM:SS{line[8:]}" if line[2:3] == line[5:6] == ":" else line for line in lines if not DAY.fullmatch(line)
    ]


def test_a_session_is_shown_as_a_conversation(recorded: Path, run: Run) -> None:
    out = run.out("show", CHECKOUT)

    assert without_times(out) == [
        "Wire discount into checkout",
        f"Session {CHECKOUT}",
        "Claude Code 2.1.328, ~/shop, main",
        "",
        "",
        "HH:MM:SS  You",
        "  Wire discount into checkout",
        "",
        "HH:MM:SS  Claude Code",
        "  First the file.",
        "  · Added checkout.py +5 -0",
        "      +from cart import discount",
        "      +",
        "      +",
        "      +def checkout(items):",
        "      +    pass",
        "  ✗ Stopped by a limit: API Error: Request rejected (429) · This request would exceed your account's rate "
        "limit. Please try again lat…",
    ]


def test_the_last_session_of_the_project_needs_no_id(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.chdir(recorded)
    assert run("show")[1] == run("show", "last")[1] == run("show", CHECKOUT)[1]

    monkeypatch.chdir(home)
    assert f"No session is recorded for {home}." in run.err(ExitCode.NOTHING_FOUND, "show", "last")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("show c0de", ExitCode.USAGE, DISCOUNT),  # and the other session that begins so
        (f"show {CHECKOUT} --turn 2", ExitCode.NOTHING_FOUND, "has 1 turn, so there is no turn 2."),
        (f"show {CHECKOUT} --turn 1-2", ExitCode.NOTHING_FOUND, "has 1 turn, so there is no turn 2."),
        ("forget ffff --yes", ExitCode.NOTHING_FOUND, "No session begins with 'ffff'"),
        ("forget --project nowhere --yes", ExitCode.NOTHING_FOUND, "Nothing that is recorded matches"),
        ("sessions {shop} --agent codex", ExitCode.NOTHING_FOUND, "Without --agent, --since and --branch all are"),
        ("sessions {shop} --branch other", ExitCode.NOTHING_FOUND, "Without --agent, --since and --branch all are"),
        ("sessions {shop} --since now", ExitCode.NOTHING_FOUND, "Without --agent, --since and --branch all are"),
        ("sessions {shop}/..", ExitCode.NOTHING_FOUND, "`carryover status`"),
    ],
)
def test_what_is_not_recorded_is_said(recorded: Path, run: Run, line: str, code: ExitCode, said: str) -> None:
    err = run.err(code, *line.format(shop=recorded).split())

    assert said in err and (said != DISCOUNT or CHECKOUT in err)


def test_as_data_a_turn_has_its_events_only(recorded: Path, run: Run) -> None:
    whole = json.loads(run("show", DISCOUNT, "--json")[1])
    number = sum(event["body"]["kind"] == "user_prompt" for event in whole["events"])
    found = [json.loads(run("show", DISCOUNT, "--json", "--turn", str(n))[1]) for n in range(number + 1)]

    assert all(turn["session"] == whole["session"] for turn in found)
    assert [event for turn in found for event in turn["events"]] == whole["events"]
    assert [turn["events"][0]["body"]["kind"] for turn in found[1:]] == ["user_prompt"] * number


START_MS = 1_795_156_858_000  # 2026-11-20 06:40:58 UTC, a Friday


@dataclass(frozen=True)
class Told:
    body: AnyBody
    at_ms: int = START_MS
    subagent_id: str | None = None
    retracted: bool = False


def test_prompts_of_people_in_the_main_conversation_begin_turns() -> None:
    events = [
        Told(SessionStart(reason="startup")),
        Told(UserPrompt(text="")),
        Told(AssistantMessage(text="one")),
        Told(UserPrompt(text="a reminder", actor="model")),
        Told(UserPrompt(text="look around"), subagent_id="a1"),
        Told(UserPrompt(text="taken back"), retracted=True),
        Told(UserPrompt(text="", command="/compact")),
        Told(UserPrompt(text="go on")),
        Told(AssistantMessage(text="three")),
    ]

    assert list(of_turns(events, range(1))) == events[:1]
    assert list(of_turns(events, range(1, 2))) == events[1:6]
    assert list(of_turns(events, range(2, 4))) == events[6:]


def reported(*bodies: AnyBody, full: bool = False) -> list[str]:
    """The lines of a conversation that begins with a prompt, without the heading of the day and that prompt."""
    events = [Told(UserPrompt(text="go")), *(Told(body) for body in bodies)]
    lines = list(conversation(events, agent="Claude Code", root="/home/dev/shop", full=full))
    assert lines[:5] == ["", "Friday, 20 November 2026", "", "06:40:58  You", "  go"]
    return lines[5:]


def test_an_edit_shows_its_first_lines_and_in_full_all_of_it() -> None:
    diff = (
        "@@ +3 @@\n def total():\n-    return 0\n"
        + "\n".join(f"+    line {n}" for n in range(9))
        + "\n\\ 40 more lines"
    )
    edit = FileEdit(path="/home/dev/shop/cart.py", change="modify", added=49, removed=1, diff=diff)

    assert reported(edit)[2:] == [
        "  · Edited cart.py +49 -1",
        "      -    return 0",
        *(f"      +    line {n}" for n in range(5)),
        "      … 44 more lines: --full",
    ]
    assert reported(edit, full=True)[3:] == [f"      {line}".rstrip() for line in diff.split("\n")]


def test_what_the_user_took_back_is_marked_where_it_was_said() -> None:
    events = [
        Told(UserPrompt(text="go")),
        Told(UserPrompt(text="no, there"), retracted=True),
        Told(ToolCall(call_id="1", name="Bash", op="shell", subject="sleep 100"), retracted=True),
        Told(AssistantMessage(text="Going\n\nthere."), retracted=True),
        Told(TurnEnd(reason="interrupted"), retracted=True),
        Told(Retracted(keys=("k2", "k3"))),
        Told(AssistantMessage(text="Here.")),
    ]

    lines = list(conversation(events, agent="Claude Code", root=None, full=False))

    assert lines[2:] == [
        "",
        "06:40:58  You",
        "  go",
        "",
        "06:40:58  You (undone)",
        "  no, there",
        "",
        "06:40:58  Claude Code (undone)",
        "  Going",
        "",
        "  there.",
        "  ✗ Interrupted  (undone)",
        "",
        "06:40:58  Claude Code",
        "  Here.",
    ]


def test_what_tools_printed_is_shown_in_full_only() -> None:
    """Without escape sequences."""
    output = "1 \x1b[31mpassed\x1b[0m\x07\nok"
    result = ToolResult(call_id="1", name="Bash", op="shell", subject="make test", status="ok", output=output)

    assert reported(result)[2:] == ["  · Bash make test"]
    assert reported(result, full=True)[2:] == ["  · Bash make test", "      1 passed", "      ok"]


def test_each_hit_has_two_lines_and_the_words_are_marked_on_a_terminal_only(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("search", "--project", str(recorded), "checkout")
    found, plain = json.loads(run(*command, "--json")[1]), run(*command)[1]
    assert (len(plain.splitlines()), "\x1b" in plain) == (2 * len(found["hits"]), False)

    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run(*command)[1]
    assert "\x1b[1;33mcheckout\x1b[0m" in coloured
    assert STYLE.sub("", coloured) == plain


def test_where_nothing_has_all_words_some_are_enough_and_an_incomplete_index_says_so(recorded: Path, run: Run) -> None:
    with closing(sqlite3.connect(state_dir().ledger)) as db:
        db.execute("UPDATE search_state SET pending_to = (SELECT max(id) / 2 FROM event)")
        db.commit()

    code, _, err = run("search", "--project", str(recorded), "checkout", "rhinoceros")

    assert (code, "No entry has all of these words" in err) == (ExitCode.OK, True)
    assert "% of what is recorded can be searched yet" in err


def test_the_sessions_of_a_project_are_listed_newest_first(recorded: Path, run: Run) -> None:
    code, out, err = run("sessions", str(recorded))

    assert (code, err) == (ExitCode.OK, "carryoverd is not running: newer sessions may be missing here.\n")
    first, newest, oldest = (re.split(" {2,}", line) for line in out.splitlines())
    assert first == ["SESSION", "AGENT", "LAST", "PROMPTS", "TASK"]
    assert [cell.strip() for cell in newest] == [
        *(CHECKOUT[:-1], "Claude Code", "just now", "1", "Wire discount into checkout"),
    ]
    assert [cell.strip() for cell in oldest[:4]] == [DISCOUNT[:-1], "Claude Code", "just now", "2"]


@pytest.mark.parametrize("options", ["--agent claude", "--branch main --since 1h"])
def test_a_list_can_be_of_one_agent_one_time_or_one_branch(recorded: Path, run: Run, options: str) -> None:
    assert len(run("sessions", str(recorded), *options.split())[1].splitlines()) == 1 + 2


@given(st.lists(st.text("abc", min_size=1, max_size=12), unique=True))
def test_a_short_id_belongs_to_one_session(ids: list[str]) -> None:
    short = shortest_unique(ids)

    for name in ids:
        others = [other for other in ids if other != name and other.startswith(short[name])]
        assert name.startswith(short[name])
        assert others == [] or short[name] == name
        assert len(short[name]) >= min(SHORTEST_ID, len(name))
