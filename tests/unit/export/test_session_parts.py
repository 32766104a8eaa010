from __future__ import annotations

import pytest

from carryover.export.session_parts import Part, cleaned, session_parts
from carryover.ledger.rows import StoredEvent
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
    SessionEnd,
    SessionStart,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from carryover.redact import CleanText
from support.session_events import stored

KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"


def parts(*events: StoredEvent, subagents: bool = False) -> list[Part[CleanText]]:
    return list(cleaned(session_parts(events, agent="Codex", root="/home/dev/shop", subagents=subagents)))


def call(call_id: str = "c1", subject: str = "pytest -q") -> ToolCall:
    return ToolCall(call_id=call_id, name="Bash", op="shell", subject=subject)


def result(
    call_id: str = "c1", output: str = "", exit_code: int | None = None, subject: str = "pytest -q"
) -> ToolResult:
    status: ResultStatus = "error" if exit_code else "ok"
    return ToolResult(
        call_id=call_id, name="Bash", op="shell", status=status, subject=subject, output=output, exit_code=exit_code
    )


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (UserPrompt(text="bake"), ("user", "You", "bake", False)),
        (UserPrompt(text="now", command="/bake"), ("user", "You", "/bake now", False)),
        (UserPrompt(text="bake", actor="model"), ("agent", "Prompt of the agent", "bake", False)),
        (AssistantMessage(text="Done.", aborted=True), ("agent", "Codex (cut off)", "Done.", False)),
        (
            Question(call_id="q", text="Rye?", options=("yes", "no")),
            ("agent", "Codex asks", "Rye?\n- yes\n- no", False),
        ),
        (Answer(call_id="q", question="Rye?", text="yes"), ("user", "You", "Rye?\n\nyes", False)),
        (result(output="ok\n"), ("tool", "Bash pytest -q", "ok", False)),
        (result(exit_code=2), ("tool", "Bash pytest -q (exit 2)", "", True)),
        (
            FileEdit(path="/home/dev/shop/a.py", change="modify", added=1, removed=2),
            ("tool", "Edited a.py +1 -2", "", False),
        ),
        (
            FileEdit(path="/etc/b", change="rename", old_path="/home/dev/shop/a"),
            ("tool", "Renamed a to /etc/b", "", False),
        ),
        (
            PlanUpdate(items=(PlanItem(text="knead", state="done"),)),
            ("tool", "Plan: 1 of 1 done", "- [x] knead", False),
        ),
        (PlanProposal(call_id="p", text="1. knead"), ("agent", "Plan proposed", "1. knead", False)),
        (
            AgentSummary(text="so far", source="compaction"),
            ("tool", "The agent's own summary (compaction)", "so far", False),
        ),
        (QueuedPrompt(text="then rye"), ("happening", "Prompt queued", "then rye", False)),
        (
            BackgroundTask(task_id="t", state="failed", label="oven"),
            ("happening", "In the background, failed: oven", "", True),
        ),
        (TurnEnd(reason="limit", message="5 h"), ("happening", "Stopped by a limit", "5 h", True)),
        (SessionStart(reason="startup"), ("happening", "Session started (startup)", "", False)),
        (SessionEnd(reason="exit"), ("happening", "Session ended (exit)", "", False)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, AnyBody) else "",
)
def test_each_kind_of_event_is_a_part(body: AnyBody, shown: tuple[str, str, str, bool]) -> None:
    [part] = parts(*stored(body))

    assert (part.kind, part.heading, part.text, part.failed) == shown


def test_a_call_comes_with_its_result_and_one_without_comes_last() -> None:
    found = parts(*stored(call("c1"), call("c2", "sleep 9"), result("c1"), AssistantMessage(text="Waiting.")))

    assert [part.heading for part in found] == ["Bash pytest -q", "Codex", "Bash sleep 9 (no result recorded)"]


def test_a_long_command_is_whole_in_the_text() -> None:
    [part] = parts(*stored(result(subject=f"echo {'x' * 300}\nls", output="x")))

    assert len(part.heading) <= 160
    assert part.text == f"$ echo {'x' * 300}\nls\nx"


def test_sub_agents_are_left_out_unless_asked_for_and_what_was_taken_back_is_marked() -> None:
    events = [
        *stored(AssistantMessage(text="Below."), subagent_id="a1"),
        *stored(UserPrompt(text="bake"), retracted=True),
    ]

    assert [(part.heading, part.undone) for part in parts(*events)] == [("You", True)]
    assert [part.heading for part in parts(*events, subagents=True)] == ["Codex (sub-agent a1)", "You"]


def test_secrets_and_hidden_characters_are_taken_out_of_text_and_heading() -> None:
    [part] = parts(*stored(result(subject=f"export K={KEY}\x1b[2J", output=f"\u202e{KEY}\x07")))

    assert KEY not in part.heading + part.text
    assert part.text == "[redacted:anthropic]"
    assert part.heading.isprintable()
