from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from carryover.cli.conversation import conversation
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    FileEdit,
    PlanItem,
    PlanProposal,
    PlanUpdate,
    Question,
    QueuedPrompt,
    ResultStatus,
    Retracted,
    SessionEnd,
    SessionInfo,
    SessionStart,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)

START_MS = 1_795_156_858_000  # 2026-11-20 06:40:58 UTC, a Friday


@dataclass(frozen=True)
class Told:
    body: AnyBody
    at_ms: int = START_MS
    sidechain: str | None = None
    retracted: bool = False


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are shown in local time; here that is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(*bodies: AnyBody, full: bool = False, root: str | None = "/home/dev/shop") -> list[str]:
    """The lines of a conversation that begins with a prompt, without the heading of the day and that prompt."""
    events = [Told(UserPrompt(text="go")), *(Told(body) for body in bodies)]
    lines = list(conversation(events, agent="Claude Code", root=root, full=full))
    assert lines[:3] == ["\nFriday, 20 November 2026", "\n06:40:58  You", "  go"]
    return lines[3:]


def bash(status: ResultStatus = "ok", exit_code: int | None = None, output: str = "") -> ToolResult:
    return ToolResult(
        call_id="1", name="Bash", op="shell", subject="make test", status=status, exit_code=exit_code, output=output
    )


def test_each_speaker_has_a_heading_once_and_words_are_whole() -> None:
    answer = "First line\n\n" + "long " * 100 + "end"

    assert told(AssistantMessage(text=answer), AssistantMessage(text="More.")) == [
        "\n06:40:58  Claude Code",
        "  First line",
        "",
        f"  {'long ' * 100}end",
        "  More.",
    ]


def test_a_slash_command_shows_its_arguments() -> None:
    assert told(UserPrompt(text="version 2", command="/ship")) == ["  /ship version 2"]


def test_an_answer_that_was_cut_off_says_so() -> None:
    assert told(AssistantMessage(text="Half an", aborted=True))[1:] == ["  Half an", "  (cut off here)"]


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (bash(), "  · Bash make test"),
        (bash("error", 2), "  ✗ Bash make test  (exit 2)"),
        (bash("error"), "  ✗ Bash make test  (error)"),
        (bash("denied"), "  ✗ Bash make test  (denied)"),
        (bash("unknown"), "  · Bash make test  (unknown)"),
    ],
)
def test_a_tool_call_is_one_line_with_how_it_ended(result: ToolResult, line: str) -> None:
    call = ToolCall(call_id="1", name="Bash", op="shell", subject="make test")

    assert told(call, result)[1:] == [line]


def test_a_call_without_a_result_is_told_at_the_end() -> None:
    call = ToolCall(call_id="1", name="Bash", op="shell", subject="sleep 100")

    assert told(call, AssistantMessage(text="Waiting."))[1:] == [
        "  Waiting.",
        "  · Bash sleep 100  (no result recorded)",
    ]


def test_an_edit_is_told_once_and_relative_to_the_project() -> None:
    result = ToolResult(call_id="1", name="Edit", op="edit", subject="/home/dev/shop/cart.py", status="ok")
    edit = FileEdit(path="/home/dev/shop/cart.py", change="modify", added=4, removed=0)

    assert told(result, edit)[1:] == ["  · edited cart.py  +4 -0"]


def test_a_command_that_the_user_ran_is_the_users() -> None:
    result = ToolResult(call_id="1", name="Bash", op="shell", subject="ls", status="ok", actor="human")

    assert told(AssistantMessage(text="Done."), result)[2:] == ["\n06:40:58  You", "  · Bash ls"]


def test_a_question_is_not_told_again_as_a_call() -> None:
    result = ToolResult(call_id="1", name="AskUserQuestion", op="ask", subject="Which cap?", status="ok")

    assert told(result) == []


def test_a_failed_edit_is_told_by_its_call() -> None:
    result = ToolResult(call_id="1", name="Edit", op="edit", subject="/home/dev/shop/cart.py", status="error")

    assert told(result)[1:] == ["  ✗ Edit cart.py  (error)"]


def test_a_rename_names_both_files_and_other_folders_stay_absolute() -> None:
    edit = FileEdit(path="/home/dev/shop2/b.py", old_path="/home/dev/shop/a.py", change="rename")

    assert told(edit)[1:] == ["  · renamed a.py to /home/dev/shop2/b.py"]


def test_what_tools_printed_is_shown_in_full_only() -> None:
    result = bash(output="1 passed\nok")

    assert told(result)[1:] == ["  · Bash make test"]
    assert told(result, full=True)[1:] == ["  · Bash make test", "      1 passed", "      ok"]


def test_questions_and_answers() -> None:
    question = Question(call_id="1", text="Which cap?", options=("50 percent", "No cap"))
    answer = Answer(call_id="1", question="Which cap?", text="No cap")

    assert told(question, answer) == [
        "\n06:40:58  Claude Code",
        "  ? Which cap?",
        "    - 50 percent",
        "    - No cap",
        "\n06:40:58  You",
        "  ? Which cap?",
        "  > No cap",
    ]


def test_plans_are_counted_and_listed_in_full() -> None:
    plan = PlanUpdate(items=(PlanItem(text="parse", state="done"), PlanItem(text="print", state="active")))

    assert told(plan)[1:] == ["  · plan: 1 of 2 done"]
    assert told(plan, full=True)[1:] == ["  · plan: 1 of 2 done", "    [x] parse", "    [>] print"]


def test_a_plan_that_waits_for_a_word_is_shown() -> None:
    assert told(PlanProposal(call_id="1", text="1. Add checkout"))[1:] == ["  · plan proposed", "    1. Add checkout"]
    assert told(PlanProposal(call_id="1", text="1. Add checkout", accepted=True))[1:] == ["  · plan accepted"]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (QueuedPrompt(text="and docs"), ["  · prompt queued: and docs"]),
        (QueuedPrompt(text="and docs", change="withdrawn"), ["  · prompt queued and withdrawn: and docs"]),
        (
            BackgroundTask(task_id="b", state="running", label="dev server"),
            ["  · in the background, running: dev server"],
        ),
        (TurnEnd(reason="interrupted"), ["  ✗ interrupted"]),
        (TurnEnd(reason="limit", message="API Error 429"), ["  ✗ stopped by a limit: API Error 429"]),
        (SessionStart(reason="resume"), ["  · session started (resume)"]),
        (SessionEnd(reason="other"), ["  · session ended (other)"]),
        (SessionInfo(title="Discount"), []),
    ],
)
def test_what_nobody_says_is_one_line(body: AnyBody, lines: list[str]) -> None:
    assert told(body) == lines


def test_the_agents_own_summary_is_marked_as_such() -> None:
    summary = AgentSummary(text="We did it.", source="compaction")

    assert told(summary)[1:] == ["  · the agent's own summary (compaction)"]
    assert told(summary, full=True)[1:] == ["  · the agent's own summary (compaction)", "    We did it."]


def test_sub_agents_are_heard_in_full_only() -> None:
    events = [Told(UserPrompt(text="List totals", actor="model"), sidechain="a1"), Told(AssistantMessage(text="Done."))]

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
        "  ✗ interrupted  (undone)",
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
    assert told(AssistantMessage(text="\x1b[31mred\x1b[0m\x07"))[1:] == ["  red"]
