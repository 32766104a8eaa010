"""Texts that wait until the agent is free, or until the running turn takes them up."""

from __future__ import annotations

import re
from typing import Final

from carryover import model
from carryover.agents.claude_code.lines import ClaudeBuilder, WaitingPrompt
from carryover.agents.claude_code.outcomes import version_numbers
from carryover.agents.claude_code.prompts import OF_SESSIONS, command_in, is_no_prompt, typed_and_attached
from carryover.agents.claude_code.records import REPORTS
from carryover.records import rawjson
from carryover.records.fields import bounded, digest
from carryover.text.pattern import later

_MOST_QUEUED: Final = 50
_LONGEST_QUEUED: Final = 8000
_DELIVERS_RECORDED: Final = (2, 1, 97)
"""The first version that records the text which a turn takes out of the queue. 2.1.96 writes no such attachment."""
_TAGGED: Final = later(r"<(?:bash-input>.*|([a-z][\w-]*)(?:\s[^>]*)?>.*</\1>\s*)", re.DOTALL)
"""The whole of a queued text that the client put between tags: a job's report, another session's message, what an MCP
server sent over a channel, a command that the user ran with "!" (2.1.101). A record of the queue names no sender."""


def leave_queue(builder: ClaudeBuilder, text: str, *, withdrawn: bool = False) -> bool:
    """Removes a text from the queue; returns whether it was there. `withdrawn`: it does not become a prompt that the
    user typed."""
    mark = digest(text.strip())
    waiting = builder.context.waiting
    at = next((at for at, prompt in enumerate(waiting) if prompt.mark == mark), None)
    if at is None:
        return False
    builder.change(waiting=(*waiting[:at], *waiting[at + 1 :]))
    if withdrawn and mark not in builder.context.scheduled:
        builder.add(model.QueuedPrompt(text=text, change="withdrawn"), "withdrawn", digest(text))
    return True


def leave_queue_together(builder: ClaudeBuilder, text: str) -> None:
    """Removes the oldest texts that wait if the prompt is nothing but these, each below the one before: so the desktop
    app delivers all that waits (2.1.165), and `-p` what a program writes to it (2.1.200, 2.1.332)."""
    waiting, rest, count = builder.context.waiting, text, 0
    while count < len(waiting) and f"{rest}\n".startswith(f"{waiting[count].text}\n"):
        rest = rest[len(waiting[count].text) + 1 :]
        count += 1
    if rest:
        return
    builder.change(waiting=waiting[count:])
    for at, prompt in enumerate(waiting[:count]):
        builder.add(model.QueuedPrompt(text=prompt.text, change="withdrawn"), f"withdrawn-{at}", prompt.mark)


def handle_queue(builder: ClaudeBuilder) -> None:
    """Handles a text that enters or leaves the queue.

    `enqueue` is the only record of a waiting prompt. `dequeue` delivers the oldest as a `user` record, so it adds
    nothing. `popAll` gives each text back to the person (2.1.16). `remove` means taken into the running turn, which an
    attachment delivers, in older versions unrecorded. Most entries are reports of jobs or other sessions' messages.
    """
    operation = builder.line.operation
    text, _ = typed_and_attached([rawjson.content_text(builder.line.content) or ""])
    if text.startswith("<command-message>"):  # of a command that was sent again and again (2.1.50)
        text = " ".join(command_in(text)).strip()
    if operation == "enqueue" and text.startswith(REPORTS):
        builder.add_jobs(text, "queue")
    elif operation == "enqueue":
        if text and not _TAGGED.fullmatch(text) and not text.startswith(OF_SESSIONS) and not is_no_prompt(text):
            waiting = WaitingPrompt(mark=digest(text.strip()), text=bounded(text, _LONGEST_QUEUED))
            builder.change(waiting=(*builder.context.waiting, waiting)[-_MOST_QUEUED:])
            if waiting.mark not in builder.context.scheduled:
                builder.add(model.QueuedPrompt(text=text), "queue", digest(text))
    elif operation == "remove" and () < version_numbers(builder.context.emitted.agent_version) < _DELIVERS_RECORDED:
        _take_up(builder)
    elif operation in ("popAll", "remove"):
        leave_queue(builder, text, withdrawn=True)
    elif operation != "dequeue":
        builder.skip("queue-operation", "unknown operation")


def _take_up(builder: ClaudeBuilder) -> None:
    """Handles that the running turn took out of the queue all texts that wait there, but for commands. Each text has a
    record of its own; the first one counts for all, so that nothing is lost if a damaged file lacks the others."""
    waiting = builder.context.waiting
    builder.change(waiting=tuple(prompt for prompt in waiting if prompt.text.startswith("/")))
    for mark, text in {prompt.mark: prompt.text for prompt in waiting if not prompt.text.startswith("/")}.items():
        if text and mark not in builder.context.scheduled:  # `forget` leaves none
            builder.add(model.UserPrompt(text=text, in_turn=True), f"prompt-{mark}", mark)
