"""What enters and leaves the queue of a session: which of it the user typed, and what becomes of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.claude_code.session import Session
from agents.claude_code.test_messages import LOCAL, MARKED, OPENED, PASTED
from carryover.agents.claude_code.lines import WaitingPrompt
from carryover.agents.claude_code.prompts import CAVEATS
from carryover.model import BackgroundTask, QueuedPrompt
from carryover.model import UserPrompt as Prompt


def test_a_prompt_that_was_taken_back_is_withdrawn() -> None:
    """2.1.16 gives each text back in a record of its own."""
    transcript = Session()
    texts = ("is it still running?", "??")
    for operation in ("enqueue", "popAll"):
        for text in texts:
            transcript.queue(operation, text)

    assert transcript.bodies[2:] == [QueuedPrompt(text=text, change="withdrawn") for text in texts]


def test_what_the_running_turn_took_up_is_a_prompt_though_nothing_else_says_so() -> None:
    """Up to 2.1.96 the delivered text itself is not recorded, only that one left the queue."""
    transcript = Session()
    transcript.user("Add a discount", version="2.1.29")
    texts = ("/model opus", "never amend commits", f"also: {OPENED}\nwrite tests")
    for text in texts:
        transcript.queue("enqueue", text)

    transcript.queue("enqueue", texts[1])  # written twice, as where two writers damaged a file on Windows

    assert transcript.queue("remove") == [Prompt(text=text, in_turn=True) for text in texts[1:]]
    assert transcript.queue("remove") == []
    transcript.queue("enqueue", "and a changelog")
    assert transcript.queue("remove") == [Prompt(text="and a changelog", in_turn=True)]
    assert len({event.key for event in transcript.events}) == len(transcript.events)


def test_texts_that_are_delivered_as_one_prompt_wait_no_longer() -> None:
    """2.1.165, the desktop app."""
    transcript = Session()
    texts = ("Round the cents\nof all prices", "and the tax", "then ship")
    for text in texts:
        transcript.queue("enqueue", text)
    together = "\n".join(texts[:2])

    withdrawn = [QueuedPrompt(text=text, change="withdrawn") for text in texts[:2]]
    assert transcript.user(together) == [Prompt(text=together), *withdrawn]
    for other in ("then ship it", "then ship\nand tag it", "Wait", "“then ship"):
        assert transcript.user(other) == [Prompt(text=other)]
    assert [prompt.text for prompt in transcript.context.waiting] == ["then ship"]
    assert len({event.key for event in transcript.events}) == len(transcript.events)


def test_what_was_forgotten_in_the_queue_is_no_prompt() -> None:
    transcript = Session()
    transcript.user("Add a discount", version="2.1.29")
    transcript.context = replace(transcript.context, waiting=(WaitingPrompt(mark="", text=""),))

    assert transcript.queue("remove") == []


def test_what_an_attachment_delivers_is_a_prompt_once() -> None:
    transcript = Session()
    transcript.user("Add a discount", version="2.1.97")
    transcript.queue("enqueue", "never amend commits")

    assert transcript.queue("remove") == []
    assert transcript.attachment("queued_command", prompt="never amend commits", commandMode="prompt") == [
        Prompt(text="never amend commits", in_turn=True)
    ]


def test_a_queued_prompt_with_a_paste_is_the_one_that_is_delivered() -> None:
    transcript = Session()
    for text, shown in ((PASTED, "Add a discount"), (f"Why?\n\n{PASTED}", f"Why?\n\n{MARKED}")):
        assert transcript.queue("enqueue", text) == [QueuedPrompt(text=shown)]
        transcript.queue("dequeue")
        assert transcript.user(text) == [Prompt(text=shown)]


def test_a_queued_command_is_the_one_that_is_delivered() -> None:
    """The queue holds it as the record will (2.1.50)."""
    record = "<command-message>git:commit</command-message>\n<command-name>/git:commit</command-name>"
    transcript = Session()

    for said in ("", "in two steps"):
        sent = f"{record}\n<command-args>{said}</command-args>" if said else record
        waiting = QueuedPrompt(text=f"/git:commit {said}".strip())
        assert transcript.queue("enqueue", sent) == [waiting]
        prompt = Prompt(text=said, command="/git:commit")
        assert transcript.user(sent) == [prompt, replace(waiting, change="withdrawn")]
    assert transcript.queue("enqueue", record.replace("git:", "")) == []


def test_reports_of_jobs_and_messages_of_other_sessions_are_never_queued_prompts() -> None:
    """But what a report says of the job is known from then on, long before it is delivered."""
    report = "<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n</task-notification>"
    transcript, done = Session(), [BackgroundTask(task_id="b1", state="done")]

    assert transcript.queue("enqueue", report) == done
    assert transcript.queue("remove", report, reason="absorbed_mid_turn") == []
    assert transcript.attachment("queued_command", prompt=report, commandMode="task-notification") == done
    message = '<cross-session-message from="a">Pull.</cross-session-message>'
    assert transcript.queue("enqueue", message) == transcript.queue("remove", message) == []


@pytest.mark.parametrize(
    "message", ['<channel source="chat" chat_id="4">\nDeploy with --force.\n</channel>', "<tick>09:00</tick>"]
)
def test_what_a_channel_of_an_mcp_server_brings_is_no_queued_prompt(message: str) -> None:
    transcript = Session()

    assert transcript.queue("enqueue", message) == []
    assert transcript.user(message, isMeta=True, origin={"kind": "channel"}) == []
    assert transcript.queue("enqueue", "<bash-input>git fetch</bash-input>\n<bash-stdout></bash-stdout>") == []
    assert transcript.queue("enqueue", "Why does <b> not close </i>?") != []


def test_a_scheduled_prompt_begins_a_turn_and_is_not_the_users() -> None:
    """It passes the queue as the user's prompts do (2.1.126, 2.1.138)."""
    transcript = Session()
    transcript.queue("enqueue", "Deploy with --force.")
    transcript.queue("dequeue")

    withdrawn, prompt = transcript.user("Deploy with --force.", isMeta=True)
    assert withdrawn == QueuedPrompt(text="Deploy with --force.", change="withdrawn")
    assert prompt == Prompt(text="Deploy with --force.", actor="model", scheduled=True)
    # What never was in the queue is only context for the model.
    assert transcript.user("Deploy with --force.", isMeta=True) == []


@pytest.mark.parametrize("tool", ["CronCreate", "ScheduleWakeup"])
def test_what_the_model_has_scheduled_is_not_queued_by_the_user(tool: str) -> None:
    """The prompt that enters the queue later is in the call (2.1.112)."""
    transcript = Session()
    transcript.runs(tool, "Scheduled.", prompt="Look at the build.\n")

    assert transcript.queue("enqueue", "Look at the build.") == []
    assert transcript.queue("enqueue", "Stop.") == [QueuedPrompt(text="Stop.")]
    transcript.queue("dequeue")
    assert transcript.user("Look at the build.", isMeta=True) == [
        Prompt(text="Look at the build.", actor="model", scheduled=True)
    ]


@pytest.mark.parametrize("marks", [{}, {"rowSource": "recorded", "wakeupSource": "schedule_wakeup"}])
def test_a_command_that_was_scheduled_is_not_the_users(marks: dict[str, str]) -> None:
    """As `/loop 5m /check now` has it sent: only the record above it is a timer's in 2.1.200, and both in 2.1.332."""
    transcript = Session()
    transcript.user("/loop 5m /check now")
    transcript.runs("CronCreate", "Scheduled.", prompt="/check now")
    command = "<command-message>check</command-message>\n<command-name>/check</command-name>\n"
    said = f"{command}<command-args>now</command-args>"
    assert transcript.queue("enqueue", "/check now") == transcript.queue("dequeue") == []
    transcript.record("system", subtype="scheduled_task_fire", content="Running scheduled task", uuid="fire")

    fired = transcript.user(said, parentUuid="fire", **marks)
    assert fired == [Prompt(text="/check now", actor="model", scheduled=True)]
    assert transcript.user([{"type": "text", "text": "Check it."}], isMeta=True, parentUuid="u7", **marks) == []
    assert transcript.user(said, parentUuid="u8") == [Prompt(text="now", command="/check")]
    # Typed in its place after a rewind, it stands below the same record.
    assert transcript.user("Not now", parentUuid="fire", promptSource="typed")[-1:] == [Prompt(text="Not now")]


def test_what_the_client_puts_into_the_queue_is_no_prompt() -> None:
    transcript = Session()
    caveats = (CAVEATS[1], f"{CAVEATS[1]} DO NOT respond to these.\n{LOCAL}")  # 2.0.76
    for text in ('{"task_id":"b1","task_type":"local_bash"}', "/rate-limit-options", "/compact ", LOCAL, *caveats):
        assert transcript.queue("enqueue", text) == []
    assert transcript.attachment("queued_command", prompt="/compact", commandMode="prompt") == []
    for text in (f"{OPENED}\nAdd a discount", "/btw税はある", "/shop:review"):
        assert transcript.queue("enqueue", text) == [QueuedPrompt(text=text.removeprefix(f"{OPENED}\n"))]


def test_a_queued_command_that_the_client_runs_itself_is_withdrawn() -> None:
    """It leaves the queue without a text; what tells of it is the record of the command (2.1.332)."""
    transcript = Session()
    withdrawn = [QueuedPrompt(text="/brand-new some words", change="withdrawn")]
    for _ in range(2):
        transcript.queue("enqueue", "/brand-new some words")
    transcript.queue("dequeue")

    assert transcript.user(LOCAL) == withdrawn
    assert transcript.record("system", subtype="local_command", content=LOCAL) == withdrawn
    assert transcript.user(LOCAL) == []
