"""Prompts that wait while the agent works."""

from __future__ import annotations

from agents.claude_code.session import Session
from carryover.model import BackgroundTask, QueuedPrompt, UserPrompt

REPORT = "<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n</task-notification>"
PROMPT = {"commandMode": "prompt", "origin": {"kind": "human"}}


def test_a_prompt_that_was_taken_back_is_withdrawn() -> None:
    """2.1.16 gives each text back in a record of its own."""
    transcript = Session()
    transcript.queue("enqueue", "is it still running?")
    transcript.queue("enqueue", "??")
    transcript.queue("popAll", "is it still running?")
    transcript.queue("popAll", "??")

    assert transcript.bodies[2:] == [
        QueuedPrompt(text="is it still running?", change="withdrawn"),
        QueuedPrompt(text="??", change="withdrawn"),
    ]


def test_reports_of_jobs_are_never_queued_prompts() -> None:
    """But what they say of the job is known from then on, long before they are delivered."""
    transcript = Session()

    assert transcript.queue("enqueue", REPORT) == [BackgroundTask(task_id="b1", state="done")]
    assert transcript.queue("remove", REPORT, reason="absorbed_mid_turn") == []
    assert transcript.attachment("queued_command", prompt=REPORT, commandMode="task-notification") == [
        BackgroundTask(task_id="b1", state="done")
    ]


def test_a_prompt_delivered_in_mid_turn_is_an_attachment_and_one_prompt() -> None:
    transcript = Session()
    transcript.queue("enqueue", "also update the README")
    delivered = transcript.attachment("queued_command", prompt="also update the README", **PROMPT)
    removed = transcript.queue("remove", "also update the README", reason="absorbed_mid_turn")

    assert (delivered, removed) == ([UserPrompt(text="also update the README")], [])


def test_what_others_put_into_the_turn_is_no_prompt() -> None:
    transcript = Session()
    transcript.attachment("queued_command", prompt="hello", commandMode="prompt", origin={"kind": "peer"})
    transcript.attachment("queued_command", prompt="go on", commandMode="prompt", isMeta=True)

    assert (transcript.events, transcript.skipped) == ([], [])
