"""Which session and project a record belongs to, whose words it holds, and which of two such records counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from agents.codex.contract_case import THREAD, recording
from agents.codex.rollout import OTHER, SHOP, Rollout, exited
from carryover.adapter.contract import Source
from carryover.agents.codex.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ledger.store import Ledger
from carryover.model import (
    AgentSummary,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    Event,
    FileEdit,
    Retracted,
    SessionInfo,
    ToolResult,
    TurnEnd,
    UserPrompt,
    conversation_of,
)
from contract.case import moved, read_on, source_at
from support.clock import LATER_MS

PARENT = "01a1f792-0000-7000-8000-000000000001"


def events_of(name: str) -> list[Event]:
    return read_on(AGENT, source_at(AGENT, recording(name))).events


def test_a_turn_in_another_folder_is_another_session() -> None:
    """0.169.0: `exec resume <id>` in another folder goes on in the same file."""
    events = events_of("0.169.0/branch-change-then-resume-in-other-folder")
    thread = "01a1f799-145f-7fe2-ac82-a07ab0b92b1a"
    sessions = {(event.session, event.cwd) for event in events}
    (info,) = [e.body for e in events if isinstance(e.body, SessionInfo) and e.session != thread]

    assert sessions == {(thread, SHOP), (f"{thread}@067cc5e4", OTHER)}
    # The branch is known of the first folder only.
    assert info == SessionInfo(agent_version="0.169.0", model="gpt-5.5", parent=thread)


def test_back_in_the_first_folder_it_is_the_first_session_again() -> None:
    rollout = Rollout()
    for turn_id, cwd in (("t1", SHOP), ("t2", OTHER), ("t3", f"{SHOP}/")):
        rollout.turn(turn_id, cwd)
        rollout.asks(f"Fix {turn_id}.")

    first, second, third = [event for event in rollout.events if isinstance(event.body, UserPrompt)]
    assert (first.session, third.session) == (THREAD, THREAD)
    assert second.session.startswith(f"{THREAD}@")


def test_a_command_that_ends_late_counts_where_it_was_started() -> None:
    rollout = Rollout()
    rollout.turn("t1", OTHER)
    call = rollout.calls("exec_command", cmd="make")
    rollout.turn("t2", SHOP)
    rollout.ends(call, "make", 2, turn_id="t1")

    (late,) = [event for event in rollout.events if isinstance(event.body, ToolResult)]
    assert (late.cwd, late.session.partition("@")[0]) == (OTHER, THREAD)
    assert late.session != THREAD


def test_a_client_without_turn_ids_says_where_it_is_before_the_prompt() -> None:
    """0.99.0 writes `turn_context` after the prompt, without an id."""
    rollout = Rollout(family="legacy", version="0.99.0")
    rollout.asks("Fix the test.")
    rollout.record("turn_context", cwd=SHOP, model="gpt-5.2-codex")
    text = f"<environment_context>\n  <cwd>{OTHER}</cwd>\n</environment_context>"
    rollout.response("message", role="user", content=[{"type": "input_text", "text": text}])
    rollout.asks("Now here.")
    rollout.record("turn_context", cwd=OTHER, model="gpt-5.2-codex")
    rollout.says("Done.")

    assert [event.cwd for event in rollout.events if not isinstance(event.body, SessionInfo)] == [SHOP, OTHER, OTHER]


@pytest.mark.parametrize(
    "meta",
    [
        {"thread_source": "subagent", "session_id": PARENT},
        {"thread_source": "subagent", "parent_thread_id": PARENT},
        {"thread_source": "subagent", "session_id": THREAD, "parent_thread_id": PARENT},
        {"source": {"subagent": {"thread_spawn": {"parent_thread_id": PARENT, "depth": 1}}}},
        {"source": {"subagent": "review"}, "session_id": PARENT},
    ],
)
def test_a_sub_agent_is_recognised_by_anything_that_names_its_parent(meta: dict[str, Any]) -> None:
    rollout = Rollout(**meta)
    rollout.turn()
    rollout.asks("Look at pricing.py.")

    (event,) = rollout.events
    assert (conversation_of(event.session), event.subagent_id) == (PARENT, THREAD)


@pytest.mark.parametrize("family", ["legacy", "paginated"])
def test_what_the_user_types_to_a_sub_agent_is_the_users_word(family: Literal["legacy", "paginated"]) -> None:
    """In the sub-agent's view, while it works and afterwards; what its parent sends has no `client_id` (a run of
    0.171)."""
    child = Rollout(family=family, thread_source="subagent", session_id=PARENT)
    child.turn()
    child.asks("Count the files")
    child.asks("Leave the importer alone.", client_id="9a4adf43-cc40")
    child.turn("turn-2")
    child.asks("More of them.")
    child.turn("turn-3")
    child.asks("Only the tests.", client_id="5e23582a-4c16")

    said = [(prompt.text, prompt.actor, prompt.in_turn) for prompt in child.all(UserPrompt)]
    assert said == [
        ("Count the files", "model", False),
        ("Leave the importer alone.", "human", True),
        ("More of them.", "model", False),
        ("Only the tests.", "human", True),
    ]
    main = Rollout(family=family)
    main.turn()
    main.asks("Count the files", client_id="9a4adf43-cc40")
    assert [prompt.in_turn for prompt in main.all(UserPrompt)] == [False]


@pytest.mark.parametrize("family", ["legacy", "paginated"])
def test_what_a_sub_agent_was_given_of_its_parents_history_is_not_its_own(
    family: Literal["legacy", "paginated"],
) -> None:
    """It may begin with a copy of it: the parent's first record, then its turns under their own ids (read about)."""
    start: dict[str, Any] = {"subagent_history_start_ordinal": 6} if family == "paginated" else {}
    child = Rollout(family=family, thread_source="subagent", session_id=PARENT, **start)
    child.record("session_meta", id=PARENT, session_id=PARENT, cwd=OTHER, cli_version="0.169.0")
    child.event("task_started", turn_id="of-parent", started_at=child.seconds - 600)
    child.event("user_message", message="Said to the parent.")
    child.response("function_call", name="exec_command", arguments='{"cmd": "make"}', call_id="c1")
    child.response("function_call_output", call_id="c1", output=exited(0))
    child.turn("own")
    child.asks("Look at pricing.py.")

    assert child.bodies == [UserPrompt(text="Look at pricing.py.", actor="model")]


def test_a_turn_whose_start_no_record_names_began_when_its_id_was_made() -> None:
    """0.114 records no start of a turn, and a sub-agent gets its prompt within a second of the fork."""

    def turn_id(seconds: int) -> str:
        made = f"{seconds * 1000:012x}"
        return f"{made[:8]}-{made[8:]}-7000-8000-000000000001"

    source = {"subagent": {"thread_spawn": {"parent_thread_id": PARENT, "depth": 1}}}
    child = Rollout(family="legacy", version="0.114.0", forked_from_id=PARENT, source=source)
    child.event("task_started", turn_id=turn_id(child.seconds - 60))
    child.asks("Said to the parent.")
    child.event("task_started", turn_id=turn_id(child.seconds))
    child.asks("Look at pricing.py.")

    assert child.bodies == [UserPrompt(text="Look at pricing.py.", actor="model")]


def test_call_ids_need_be_unique_within_their_turn_only() -> None:
    """Some providers count them again in each request."""
    rollout = Rollout()
    for turn_id in ("t1", "t2"):
        rollout.turn(turn_id)
        rollout.output(rollout.calls("exec_command", call_id="call_0", cmd="echo 1 > one.txt"), exited(0))

    keys = [event.key for event in rollout.events]
    assert len(keys) == len(set(keys))
    assert len([body for body in rollout.bodies if isinstance(body, FileEdit)]) == 2


def test_the_context_stays_small_however_much_is_left_open() -> None:
    rollout = Rollout()
    for number in range(400):
        rollout.turn(f"t{number}", f"/home/dev/{number % 50}")
        rollout.asks("x")
        rollout.calls("exec_command", cmd="echo " + "y" * 5000)
        rollout.runs("exec_command", exited(0), cmd="true")

    assert len(msgspec.json.encode(rollout.context)) < 128 << 10


OLD = recording("0.125.0/exec-and-resume")
MIGRATED = recording("0.169.0/old-file-migrated")


async def read(ledger: Ledger, source: Source) -> IngestResult:
    return await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)


async def test_a_migrated_file_adds_nothing(tmp_path: Path) -> None:
    """As recorded: written by 0.125.0, migrated by 0.169.0, under the same name."""
    path = tmp_path / OLD.path.name
    source = moved(source_at(AGENT, OLD), path)
    ledger = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    try:
        path.write_bytes(OLD.path.read_bytes())
        first = await read(ledger, source)
        path.write_bytes(MIGRATED.path.read_bytes())
        second = await read(ledger, source)
    finally:
        await ledger.close()

    assert first.new_events > 20
    assert (second.new_events, second.error) == (0, None)


def test_a_file_of_a_client_without_turn_ids_has_the_same_twins() -> None:
    """Whatever turn ids a migration makes up for it: the times of its records stay."""
    old = Rollout(family="legacy", version="0.99.0")
    new = Rollout(version="0.99.0")
    for rollout in (old, new):
        if rollout is new:
            rollout.turn("made-up")
        else:
            rollout.lines += 2
        rollout.asks("Fix the test.")
        rollout.runs("exec_command", exited(1, "FAILED"), cmd="python3 -m unittest -q")
        rollout.says("Fixed.")

    twins = [event.secondary_key for event in old.events if event.secondary_key and not event.key.startswith("info/")]
    assert len(twins) == 4
    assert [
        event.secondary_key for event in new.events if event.secondary_key and not event.key.startswith("info/")
    ] == twins


@pytest.mark.parametrize("family", ["legacy", "paginated"])
def test_of_the_two_records_of_the_same_words_one_counts(family: Literal["legacy", "paginated"]) -> None:
    rollout = Rollout(family=family)
    rollout.turn()
    rollout.asks("Fix the test.")
    rollout.says("On it.", "commentary")
    if family == "legacy":
        rollout.item("UserMessage", content=[{"type": "text", "text": "Fix the test."}])
        rollout.item("AgentMessage", content=[{"type": "Text", "text": "On it."}])
    else:
        rollout.event("user_message", message="Fix the test.")
        rollout.event("agent_message", message="On it.")

    assert rollout.bodies == [UserPrompt(text="Fix the test."), AssistantMessage(text="On it.", final=False)]


@pytest.mark.parametrize("family", ["legacy", "paginated"])
def test_what_is_typed_while_a_turn_runs_is_part_of_it(family: Literal["legacy", "paginated"]) -> None:
    rollout = Rollout(family=family)
    rollout.turn()
    rollout.asks("Fix the test.")
    rollout.calls("exec_command", cmd="make test")
    assert rollout.asks("In cents.") == [UserPrompt(text="In cents.", in_turn=True)]
    rollout.turn("turn-2")
    assert rollout.asks("Ship it.") == [UserPrompt(text="Ship it.")]
    assert [event.key for event in rollout.events if isinstance(event.body, UserPrompt)] == [
        "turn-1/prompt/0",
        "turn-1/prompt/1",
        "turn-2/prompt/0",
    ]


@pytest.mark.parametrize(
    ("source", "text", "stored"),
    [
        ("cli", "\nFollow the workflow exactly.\n", True),
        ("cli", "Follow the workflow exactly.", False),
        ("exec", "\nFollow the workflow exactly.\n", False),
        ("vscode", "\n# Files mentioned by the user:\n\n## My request for Codex:\nFix it.", False),
    ],
)
def test_a_prompt_that_begins_with_a_blank_line_in_the_terminal_is_a_stored_one(
    source: str, text: str, stored: bool
) -> None:
    rollout = Rollout(family="legacy", version="0.92.0", source=source)
    rollout.turn()
    [prompt] = rollout.asks(text)
    assert isinstance(prompt, UserPrompt)
    assert prompt.stored == stored


def test_the_words_of_a_review_are_the_clients() -> None:
    """0.169.0: the file that asks for the review repeats them, and has the reviewer's verdict as an answer."""
    events = read_on(AGENT, source_at(AGENT, recording("0.169.0/review-parent"))).events

    asked = UserPrompt(text="current changes", command="/review")
    assert [event.body for event in events if isinstance(event.body, UserPrompt)] == [asked]
    assert [event.body.text for event in events if isinstance(event.body, AssistantMessage)] == ["fine"]


@pytest.mark.parametrize("cut", ["turn_aborted", "task_complete", None])
def test_a_review_that_was_cut_off_silences_nobody(cut: str | None) -> None:
    rollout = Rollout()
    rollout.turn()
    rollout.item("EnteredReviewMode")
    if cut is not None:
        rollout.event(cut, turn_id="turn-1", reason="interrupted")
    else:  # it was killed
        rollout.turn("turn-2")

    assert rollout.asks("Never mind.") == [UserPrompt(text="Never mind.")]


def test_the_sections_of_a_summary_are_its_parts() -> None:
    """After the client's preface, of 0.169."""
    preface = "Another language model started to solve this problem. Use it to assist with your own analysis:\n"
    rollout = Rollout()
    [summary] = rollout.record("compacted", message=f"{preface}## Progress\nFixed.\n## Next steps (clear)\nTest.")

    assert isinstance(summary, AgentSummary)
    assert summary.text.startswith("## Progress")
    assert rollout.record("compacted", message="# [CARRYOVER] Last updated 2026-11-20 ...") == []
    assert rollout.record("event_msg", type="agent_message", message="Compact task completed") == []
    assert [(part.kind, part.text) for part in summary.parts] == [("current", "Fixed."), ("next", "Test.")]


def test_records_of_another_shape_are_counted() -> None:
    rollout = Rollout()
    rollout.item("UserMessage", content="words of the user")
    legacy = Rollout(family="legacy")
    legacy.event("user_message", message=["words of the user"])

    assert [s.record_type for s in rollout.skipped] == ["item_completed/UserMessage"]
    assert [(s.record_type, s.version) for s in legacy.skipped] == [("event_msg/user_message", "0.169.0")]


@pytest.mark.parametrize(
    ("status", "state", "report"),
    [
        ({"completed": "It is fixed."}, "done", "It is fixed."),
        ({"errored": "No model."}, "failed", "No model."),
        ("shutdown", "stopped", ""),
        ({"running": None}, None, ""),
        (5, None, ""),
    ],
)
def test_the_report_of_a_sub_agent(status: object, state: str | None, report: str) -> None:
    """The first as in 0.169.0/subagent-parent, the others read about."""
    rollout = Rollout()
    rollout.turn()
    text = f"<subagent_notification>\n{json.dumps({'agent_path': 'a1', 'status': status})}\n</subagent_notification>"
    bodies = rollout.response("message", role="user", content=[{"type": "input_text", "text": text}])

    assert bodies == ([] if state is None else [BackgroundTask(task_id="a1", state=state, report=report)])  # type: ignore[arg-type]


LIMIT = "You’ve hit your usage limit. Upgrade to Pro or try again at 7:42 AM."


def ended(rollout: Rollout, message: str, info: Any) -> list[AnyBody]:
    error = {"message": message, "codex_error_info": info}
    return rollout.event("task_complete", turn_id="turn-1", last_agent_message=None, error=error)


@pytest.fixture
def rollout() -> Rollout:
    rollout = Rollout()
    rollout.turn()
    return rollout


def test_a_usage_limit_ends_the_turn_with_the_clients_words(rollout: Rollout) -> None:
    assert ended(rollout, LIMIT, "usage_limit_exceeded") == [TurnEnd(reason="limit", message=LIMIT, resets="7:42 AM")]


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"response_too_many_failed_attempts": {"http_status_code": 429}}, "limit"),
        ({"response_too_many_failed_attempts": {"http_status_code": 500}}, "error"),
        ("context_window_exceeded", "error"),
        (None, "error"),
    ],
)
def test_other_errors(rollout: Rollout, info: Any, reason: str) -> None:
    (end,) = ended(rollout, "failed", info)

    assert isinstance(end, TurnEnd)
    assert (end.reason, end.message) == (reason, "failed")


def test_an_interrupt_ends_the_turn_it_names_once(rollout: Rollout) -> None:
    rollout.turn("turn-2")

    assert rollout.event("turn_aborted", turn_id="turn-1", reason="interrupted") == [TurnEnd(reason="interrupted")]
    assert rollout.event("turn_aborted", turn_id="turn-1", reason="interrupted") == []
    assert rollout.event("turn_aborted", turn_id="turn-2", reason="review_ended") == []


def test_a_turn_may_begin_and_end_under_the_newer_names(rollout: Rollout) -> None:
    rollout.event("turn_started", turn_id="newer")
    rollout.event("turn_complete", error={"message": "x"})
    assert rollout.events[-1].key == "newer/end/0"


def test_turns_that_were_taken_back_take_what_was_said_in_them_along() -> None:
    """What was done in them stays: the client leaves the files as they are."""
    rollout = Rollout()
    for name in ("turn-1", "turn-2", "turn-3"):
        rollout.turn(name)
        rollout.asks(f"prompt of {name}")
        rollout.output(rollout.patches("*** Delete File: a.py"), "Exit code: 0\nOutput:\n")
        rollout.says(f"answer of {name}")
    reported = rollout.event("thread_rolled_back", num_turns=2)
    again = rollout.event("thread_rolled_back", num_turns=1)

    assert reported == [
        Retracted(keys=("turn-2/prompt/0", "turn-2/said/0")),
        Retracted(keys=("turn-3/prompt/0", "turn-3/said/0")),
    ]
    assert again == [Retracted(keys=("turn-1/prompt/0", "turn-1/said/0"))]
    assert {key for body in (*reported, *again) if isinstance(body, Retracted) for key in body.keys} <= {
        event.key for event in rollout.events
    }
