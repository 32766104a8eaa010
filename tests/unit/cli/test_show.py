from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.cli.show import conversation
from carryover.errors import ExitCode
from carryover.export.session_parts import of_turns
from carryover.ledger.codec import decode_body
from carryover.model import (
    AnyBody,
    AssistantMessage,
    FileEdit,
    Op,
    ResultStatus,
    Retracted,
    SessionStart,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
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
    code, out, err = run("show", CHECKOUT)

    assert (code, err) == (ExitCode.OK, "")
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


def test_sessions_of_two_agents_with_one_id_are_named_with_their_agent(recorded: Path, run: Run) -> None:
    with closing(sqlite3.connect(state_dir().ledger)) as db, db:
        db.execute(
            "INSERT INTO session (agent, native_id, project_id) SELECT 'codex', native_id, project_id FROM session"
        )

    code, _, err = run("show", CHECKOUT)
    assert (code, f"claude-code:{CHECKOUT}, codex:{CHECKOUT}" in err) == (ExitCode.USAGE, True)

    assert "Wire discount" in run("show", f"claude-code:{CHECKOUT}")[1]
    code, out, _ = run("show", f"codex:{CHECKOUT}")
    assert (code, "Codex" in out, "Wire discount" in out) == (ExitCode.OK, True, False)


def test_the_last_session_of_the_project_needs_no_id(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.chdir(recorded)
    assert run("show")[1] == run("show", "last")[1] == run("show", CHECKOUT)[1]

    monkeypatch.chdir(home)
    code, out, err = run("show", "last")
    assert (code, out) == (ExitCode.NOTHING_FOUND, "")
    assert f"No session is recorded for {home}." in err


@pytest.mark.parametrize("where", ["in the ledger", "on disk"])
def test_an_id_is_found_in_upper_case_and_an_empty_one_is_none(
    where: str, run: Run, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("recorded" if where == "in the ledger" else "shop")

    assert run("show", CHECKOUT.upper())[:2] == run("show", CHECKOUT)[:2]
    assert run("show", "") == (
        ExitCode.USAGE,
        "",
        "carryover: The session id is empty. `carryover sessions` lists the ids.\n",
    )


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
        db.create_function("body_text", 1, lambda body: str(decode_body(body)))
        db.execute("UPDATE event SET retracted = 1 WHERE body_text(body) LIKE '%First the file.%'")

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


def test_as_data_a_turn_has_its_events_only(recorded: Path, run: Run) -> None:
    whole = json.loads(run("show", DISCOUNT, "--json")[1])
    number = sum(event["body"]["kind"] == "user_prompt" for event in whole["events"])
    found = [json.loads(run("show", DISCOUNT, "--json", "--turn", str(n))[1]) for n in range(number + 1)]

    assert all(turn["session"] == whole["session"] for turn in found)
    assert [event for turn in found for event in turn["events"]] == whole["events"]
    assert [turn["events"][0]["body"]["kind"] for turn in found[1:]] == ["user_prompt"] * number


@pytest.mark.parametrize("turn", ["2", "1-2"])
def test_a_turn_that_there_is_not_is_refused_with_how_many_there_are(turn: str, recorded: Path, run: Run) -> None:
    assert run("show", CHECKOUT, "--turn", turn) == (
        ExitCode.NOTHING_FOUND,
        "",
        f"carryover: Session {CHECKOUT} has 1 turn, so there is no turn 2.\n",
    )


@pytest.mark.parametrize("turn", ["", "-1", "first", "3-", "5-3", "1-2-3"])
def test_what_names_no_turn_is_a_usage_error(turn: str, recorded: Path, run: Run) -> None:
    code, out, err = run("show", CHECKOUT, f"--turn={turn}")

    assert (code, out) == (ExitCode.USAGE, "")
    assert "names no turn; write 3, or 3-5" in err


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
    assert lines[:3] == ["\nFriday, 20 November 2026", "\n06:40:58  You", "  go"]
    return lines[3:]


def result(op: Op = "shell", status: ResultStatus = "ok") -> ToolResult:
    return ToolResult(call_id="1", name="Bash", op=op, subject="make test", status=status, output="1 passed\nok")


def test_each_speaker_has_a_heading_once_and_words_are_whole() -> None:
    answer = "First line\n\n" + "long " * 100 + "end"

    assert reported(AssistantMessage(text=answer), result(), AssistantMessage(text="More.")) == [
        "\n06:40:58  Claude Code",
        "  First line",
        "",
        f"  {'long ' * 100}end",
        "  · Bash make test",
        "  More.",
    ]


def test_what_tools_printed_is_shown_in_full_only() -> None:
    assert reported(result())[1:] == ["  · Bash make test"]
    assert reported(result(), full=True)[1:] == ["  · Bash make test", "      1 passed", "      ok"]


def test_an_edit_is_reported_once_and_a_question_is_not_reported_as_a_call() -> None:
    edit = FileEdit(path="/home/dev/shop/cart.py", change="modify", added=4, removed=0)

    assert reported(result("edit"), edit, result("ask"))[1:] == ["  · Edited cart.py +4 -0"]
    assert reported(result("edit", "error"))[1:] == ["  ✗ Bash make test (error)"]


def test_an_edit_shows_its_first_lines_and_in_full_all_of_it() -> None:
    diff = (
        "@@ +3 @@\n def total():\n-    return 0\n"
        + "\n".join(f"+    line {n}" for n in range(9))
        + "\n\\ 40 more lines"
    )
    edit = FileEdit(path="/home/dev/shop/cart.py", change="modify", added=49, removed=1, diff=diff)

    assert reported(edit)[1:] == [
        "  · Edited cart.py +49 -1",
        "      -    return 0",
        *(f"      +    line {n}" for n in range(5)),
        "      … 44 more lines: --full",
    ]
    assert reported(edit, full=True)[2:] == [f"      {line}".rstrip() for line in diff.split("\n")]


def test_a_line_of_an_edit_that_looks_like_a_count_is_none() -> None:
    edit = FileEdit(path="/a", change="modify", diff="+a\n\\ No newline at end of file")

    assert reported(edit)[2:] == ["      +a"]


def test_what_nobody_says_is_one_line_without_a_speaker() -> None:
    assert reported(TurnEnd(reason="limit", message="API Error\n429")) == ["  ✗ Stopped by a limit: API Error 429"]
    assert reported(SessionStart(reason="resume")) == ["  · Session started (resume)"]


def test_sub_agents_are_heard_in_full_only() -> None:
    events = [
        Told(UserPrompt(text="List totals", actor="model"), subagent_id="a1"),
        Told(AssistantMessage(text="Done.")),
    ]

    brief = list(conversation(events, agent="Claude Code", root=None, full=False))
    full = list(conversation(events, agent="Claude Code", root=None, full=True))

    assert brief[1:] == ["\n06:40:58  Claude Code", "  Done."]
    assert full[1:] == [
        "\n06:40:58  Prompt of the agent (sub-agent a1)",
        "  List totals",
        "\n06:40:58  Claude Code",
        "  Done.",
    ]


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

    assert lines[1:] == [
        "\n06:40:58  You",
        "  go",
        "\n06:40:58  You (undone)",
        "  no, there",
        "\n06:40:58  Claude Code (undone)",
        "  Going",
        "",
        "  there.",
        "  ✗ Interrupted  (undone)",
        "\n06:40:58  Claude Code",
        "  Here.",
    ]


def test_a_new_day_gets_a_heading() -> None:
    events = [Told(UserPrompt(text="go")), Told(UserPrompt(text="on"), at_ms=START_MS + 86_400_000)]

    lines = list(conversation(events, agent="Claude Code", root=None, full=False))

    assert lines == [
        "\nFriday, 20 November 2026",
        "\n06:40:58  You",
        "  go",
        "\nSaturday, 21 November 2026",
        "  on",
    ]


def test_escape_sequences_of_a_transcript_do_not_reach_the_terminal() -> None:
    assert reported(AssistantMessage(text="\x1b[31mred\x1b[0m\x07"))[1:] == ["  red"]
