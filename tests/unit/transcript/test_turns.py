"""What every agent's recorder does alike: prompts, answers, failures, and how a call ended by what its client wrote."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from carryover.adapter.contract import Source, ToolOutcome
from carryover.model import AgentSummary, AssistantMessage, FileEdit, TurnEnd, UserPrompt
from carryover.transcript.recorder import OneSession, OpenCall, SessionContext
from carryover.transcript.refusals import Endings
from carryover.transcript.turns import add_answer, add_failure, add_prompt, add_summary, dispatch

ENDINGS = Endings(
    exited=re.compile(r"\s*exit(?: code (\d+))?\Z"),
    interrupted=re.compile(r"\s*stopped\Z"),
    never_ran=re.compile(r"no such tool"),
)


def recorder() -> OneSession[SessionContext]:
    return OneSession.of(Source(agent="scribe", path="/home/ada/t1.talk"), SessionContext(), 1_795_600_000_000)


@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ("2 failed\nexit code 3", ToolOutcome("error", "2 failed", exit_code=3)),
        ("2 failed\nexit", ToolOutcome("error", "2 failed")),
        ("1 passed\nstopped", ToolOutcome("interrupted", "1 passed")),
        ("no such tool: rn", ToolOutcome("error", "no such tool: rn", never_ran=True)),
        ("not found", ToolOutcome("error", "not found")),
    ],
)
def test_a_failed_calls_output_says_how_it_ended(output: str, outcome: ToolOutcome) -> None:
    assert ENDINGS.outcome("shell", output, failed=True) == outcome


def test_an_edit_of_the_handoff_is_no_work() -> None:
    own, other = (FileEdit(path=f"/home/ada/{name}", change="modify") for name in (".carryover/handoff.md", "cart.py"))
    made = recorder()
    made.add_edits(OpenCall("7", "patch", "edit", changes=(own, other)))

    assert [(event.key, event.body) for event in made.events] == [("t1/edit0", replace(other, call_id="7"))]


def test_what_a_tool_itself_may_have_printed_says_nothing_of_its_end() -> None:
    for output in ("exit code 3", "stopped"):
        assert ENDINGS.outcome("other", output, failed=True, by_client=False) == ToolOutcome("error", output)


def test_only_a_command_that_succeeded_has_an_exit_code() -> None:
    assert ENDINGS.outcome("shell", "exit code 3", failed=False) == ToolOutcome("ok", "exit code 3", exit_code=0)
    assert ENDINGS.outcome("edit", "done", failed=False) == ToolOutcome("ok", "done")


def test_empty_messages_add_nothing() -> None:
    empty = recorder()
    add_prompt(empty, "p", " \n")
    add_answer(empty, "a", "\n")
    add_summary(empty, "s", "# [CARRYOVER] Last updated: now")

    assert empty.events == []


def test_a_prompt_may_be_a_command_or_a_file_alone() -> None:
    found = recorder()
    add_prompt(found, "1", "", command="/review")
    add_prompt(found, "2", "", attachments=1, actor="model")
    add_answer(found, "3", "Done.", final=True)
    add_summary(found, "4", "## Goal\nAdd a parser.\n", {"goal": "request"})

    *bodies, summary = [event.body for event in found.events]
    assert bodies == [
        UserPrompt(text="", command="/review"),
        UserPrompt(text="", attachments=1, actor="model"),
        AssistantMessage(text="Done.", final=True),
    ]
    assert isinstance(summary, AgentSummary)
    assert [(part.kind, part.text) for part in summary.parts] == [("request", "Add a parser.")]


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [("no credits", 402, "limit"), ("rate limit reached", None, "limit"), ("bad gateway", 502, "error")],
)
def test_a_limit_is_known_by_the_status_or_the_words(said: str, status: int | None, reason: str) -> None:
    failed = recorder()
    add_failure(failed, "end", said, status=status)

    [end] = [event.body for event in failed.events]
    assert isinstance(end, TurnEnd)
    assert (end.reason, end.message) == (reason, said)


def test_kinds_that_say_nothing_are_no_gap_and_unknown_ones_are_counted() -> None:
    found = recorder()
    handlers = {"prompt": lambda recorder, text: add_prompt(recorder, "p", text), "noise": None}
    for kind in ("prompt", "noise", "dance"):
        dispatch(found, handlers, kind, "hello", what="record", within="line/")

    assert len(found.events) == 1
    assert [(skipped.record_type, skipped.reason) for skipped in found.skipped] == [("line/dance", "unknown record")]
