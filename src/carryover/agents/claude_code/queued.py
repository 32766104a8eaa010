"""Prompts that wait while the agent works: `queue-operation` records and the attachments that deliver in mid-turn."""

from __future__ import annotations

from carryover.agents.claude_code import wire
from carryover.agents.claude_code.builder import Builder
from carryover.agents.claude_code.context import MAX_QUEUED
from carryover.agents.claude_code.kinds import INJECTED_ORIGINS
from carryover.agents.claude_code.prompts import parse_notifications, parse_prompt, withdraw
from carryover.model import QueuedPrompt
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import inside, text_of


def parse_queue_operation(builder: Builder) -> None:
    """Something entered or left the queue.

    `enqueue` is the only record of a waiting prompt; `dequeue` delivers the oldest as a `user` record, so it
    says nothing new; `popAll` gives each text back to the person (2.1.16). `remove` means taken into the running turn
    (then with a reason from 2.1.246 on, unverified) or taken back. Most entries are reports of background jobs.
    """
    operation = builder.line.operation
    if operation == "dequeue":
        return
    if operation not in ("enqueue", "popAll", "remove"):
        builder.skip("queue-operation", "unknown operation")
        return
    text = (rawjson.text_of(builder.line.content) or "").strip()
    if not text:
        return
    if operation == "enqueue":
        _parse_entered(builder, text)
    elif not text.startswith("<task-notification>"):
        _parse_left(builder, text, absorbed=rawjson.string_of(builder.line.reason) == "absorbed_mid_turn")


def parse_queued_command(builder: Builder, attachment: wire.Attachment) -> None:
    """A queued text that was delivered in mid-turn, beside a tool result (2.1.126: job reports only)."""
    text = (rawjson.text_of(attachment.prompt) or "").strip()
    if not text or parse_notifications(builder, text, "queued"):
        return
    sender = text_of(inside(attachment.origin, "kind")) or None
    if attachment.is_meta or sender in INJECTED_ORIGINS:
        return
    if attachment.command_mode not in (None, "prompt") or sender not in (None, "human"):
        builder.skip("attachment/queued_command", "unknown mode or sender")
        return
    mark = digest(text)
    if mark in builder.context.absorbed:
        builder.change(absorbed=tuple(other for other in builder.context.absorbed if other != mark))
        return
    parse_prompt(builder, text)


def _parse_entered(builder: Builder, text: str) -> None:
    if parse_notifications(builder, text, "queue"):
        return
    builder.change(queued=(*builder.context.queued, digest(text))[-MAX_QUEUED:])
    builder.add(QueuedPrompt(text=text), "queue", digest(text))


def _parse_left(builder: Builder, text: str, *, absorbed: bool) -> None:
    mark = digest(text)
    if mark not in builder.context.queued:
        return  # its delivery was read before
    if absorbed:
        parse_prompt(builder, text)
        builder.change(absorbed=(*builder.context.absorbed, mark)[-MAX_QUEUED:])
        return
    withdraw(builder, text)
