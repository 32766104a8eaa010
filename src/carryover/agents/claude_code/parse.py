"""Turns transcript records into events, one at a time: the words of a person, of the client or of a job.

The forms are in FACTS.md; tool calls and their results in `tools`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover import model
from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.adapter.event_builder import usable_name
from carryover.agents.claude_code.builder import Block, Builder, Context, Line, Message, OpenCall
from carryover.agents.claude_code.spec import SPEC
from carryover.agents.claude_code.tools import parse_call, parse_result, plain_output, without_reminders
from carryover.families.claude_records import REPORTS
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import fields_of, inside, number_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import tagged, without_handoff

_LINE: Final = msgspec.json.Decoder(Line)
MAX_QUEUED: Final = 50
NO_ANSWER: Final = frozenset(("", "No response requested.", "(no content)"))
"""The text of an answer in which the model said nothing, without surrounding white space."""
_SYNTHETIC: Final = "<synthetic>"
"""Texts that the client writes in place of the model's: errors, limits, "No response requested."."""
_RECAP_HINT: Final = "(disable recaps in /config)"
_FINAL: Final = {"end_turn": True, "stop_sequence": True, "refusal": True, "tool_use": False, "pause_turn": False}

_QUIET_RECORDS: Final = frozenset(
    "agent-name api-request api-request-blob api-request-shape atis-latch cost-state file-history-delta "
    "file-history-snapshot last-prompt mode permission-mode progress summary tools-used "
    "agent-color agent-setting attribution-snapshot bridge-session content-replacement fork-context-ref frame-link "
    "history-suppression pr-link relocated saved_hook_context speculation-accept tag task-summary "
    "worktree-state".split()
)
"""`summary` lines describe other sessions (2.0.65); `api-request-blob` repeats prompts and is the bulk of a file."""

_QUIET_SYSTEM: Final = frozenset(
    "api_error informational local_command stop_hook_summary turn_duration "
    "agents_killed bridge_status memory_saved microcompact_boundary model_consent_fallback model_refusal_fallback "
    "permission_retry scheduled_task_fire".split()
)
"""`api_error` is a retry, not the end of a turn (2.1.15)."""

_IMAGE_BLOCKS: Final = frozenset(("image", "document"))
_QUIET_BLOCKS: Final = _IMAGE_BLOCKS | frozenset(
    "text thinking redacted_thinking fallback server_tool_use tool_reference".split()
)
"""Thinking is not kept."""

_INJECTED_ORIGINS: Final = frozenset(
    "task-notification auto-continuation channel coordinator observer observer-activity peer teammate "
    "unclassified".split()
)
"""Origins of `user` records that are not from the user (2.1.328: task-notification)."""
_OF_SESSIONS: Final = ("<teammate-message", "<cross-session-message")

SUMMARY_KINDS: Final = kinds_of(
    request="primary request and intent",
    errors="errors and fixes",
    pending="pending tasks",
    current="current work",
    next="optional next step|context for continuing work",
    other="key technical concepts|files and code sections|problem solving|all user messages|work completed",
)
"""The sections that a compaction asks for (2.1.126); two of them only if a part is summarised (reported)."""
_GLUED_BEFORE: Final = re.compile(
    r"\s*(?:(?:<(ide_\w+)>.*</\1>|<system-reminder>.*?</system-reminder>)\s*)*", re.DOTALL
)
"""Up to the last closing tag: what is selected in the editor is a file's, and may hold one."""
_GLUED_AFTER: Final = ("<system-reminder>", "</system-reminder>")
_MOST_GLUED: Final = 10
_LOCAL: Final = ("<command-name>", "<local-command-stdout>", "<local-command-stderr>", "<local-command-caveat>")
"""The beginning of a command that the client runs itself, without asking the model, and of its output."""
_CLIENTS_WORDS: Final = re.compile(r"Unknown slash command: \S+|/rate-limit-options|\{\"task_id\":[^\n]*\}")
"""Texts that the client puts among the user's (2.0.76), or into the queue (2.1.49, 2.1.63)."""
_ACCEPTED_PLAN: Final = "Implement the following plan:"
_AFTER_PLAN: Final = "\n\nIf you need specific details from before exiting plan mode "
"""Around a plan that was accepted with a new conversation to carry it out (2.1.42, 2.1.63)."""
_INTERRUPTED: Final = ("[Request interrupted by user]", "[Request interrupted by user for tool use]")

_CLIENTS_START: Final = re.compile(
    r"\A(?:.*?^(?:Summary:|<summary>)[ \t]*$|This session is being continued from a previous conversation[^\n]*\n)",
    re.DOTALL | re.MULTILINE,
)
_CLIENTS_END: Final = re.compile(
    r"^(?:</summary>|If you need specific details from before compaction"
    r"|(?:Please c|C)ontinue (?:with )?the conversation from)",
    re.MULTILINE,
)
"""The client's text around a summary. It explains the summary and asks that session alone to continue without a
question; the model's thoughts about the summary precede it."""
_IMAGES: Final = re.compile(r"(?:\s*\[Image: source: [^\]\n]{1,1000}\])+\s*")
"""Source of a prompt's images: a record that the client writes after the prompt (in exports of 2026)."""


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a Claude Code transcript. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read_line(_LINE, record.data, quiet=_QUIET_RECORDS)
    if isinstance(line, model.Skipped):
        return context, Parsed(skipped=(line,))
    if line is None or _is_quiet(line):
        return context, Parsed()
    return Builder.parse(source, context, line, record, _HANDLERS)


def read_prompt(text: str, after: str) -> tuple[model.AnyBody, ...]:
    """Returns the events in the text of a `user` record; none if the client wrote it.

    `after`: see `QuotedText.prompt`.
    """
    # The client answers a call of Skill with a `user` record that contains the skill's text (2.1.126).
    if after == "Skill" or _IMAGES.fullmatch(text):
        return ()
    line = Line(type="user", uuid="quoted", session_id="quoted", timestamp="2025-01-01T00:00:00Z")
    builder = Builder.begin(Source(agent=SPEC.id, path=""), Context(), line, Record(number=1, data=b""))
    _parse_words(builder, [text.encode("utf-8", "replace").decode()], 0)
    return tuple(event.body for event in builder.events if not isinstance(event.body, model.SessionInfo))


def _is_quiet(line: Line) -> bool:
    """Whether a record is of a kind known to hold nothing for us. Most are, so they are dropped first."""
    if line.type == "attachment":
        # Context for the model, such as what hooks add: our own handoff never becomes an event.
        return line.attachment is not None and line.attachment.type != "queued_command"
    if line.type == "system":
        return line.subtype in _QUIET_SYSTEM
    return line.type in _QUIET_RECORDS or line.type.startswith("artifact-")


def _parse_message(builder: Builder) -> None:
    """Handles a `user` or `assistant` record, whose blocks are prompts or answers, calls and their results."""
    line = builder.line
    message = line.message
    if message is None:
        builder.skip(line.type, "unexpected shape")
        return
    blocks = [Block("text", message.content)] if isinstance(message.content, str) else message.content
    texts = [block.text or "" for block in blocks if block.type == "text"]
    images = sum(block.type in _IMAGE_BLOCKS for block in blocks)
    is_answer = line.type == "assistant"
    if is_answer and (message.model == _SYNTHETIC or line.is_api_error_message):
        _parse_synthetic(builder, "\n".join(filter(None, texts)))
        return
    if is_answer:
        builder.learn_news(model=message.model)
        _count_tokens(builder, message)
    for number, block in enumerate(blocks):
        if block.type == "tool_result":
            parse_result(builder, str(number), block)
        elif block.type == "tool_use":
            parse_call(builder, str(number), block)
        elif block.type == "text" and is_answer:
            _parse_answer(builder, str(number), block.text or "", message.stop_reason)
        elif block.type not in _QUIET_BLOCKS:
            builder.skip(f"{line.type}/{block.type}", "unknown block")
    if not is_answer and (texts or images):
        _parse_words(builder, texts, images)


def _parse_answer(builder: Builder, part: str, text: str, stop_reason: str | None) -> None:
    if text.strip() not in NO_ANSWER:
        # Of one message in several records, 2.1.111 has the reason on each, 2.0.65 on the last only.
        final = _FINAL.get(stop_reason or "")
        aborted = builder.line.is_aborted_mid_stream is True
        builder.add(model.AssistantMessage(text=text, final=final, aborted=aborted), part, digest(text))


def _parse_synthetic(builder: Builder, text: str) -> None:
    """Handles an error in place of an answer. Replayed copies lose their flags (2.0.28), so only the text counts."""
    text = text.strip()
    line = builder.line
    limited = rawjson.string_of(line.error) == "rate_limit" or bytes(line.api_error_status) == b"429"
    limited = limited or names_limit(text)
    if limited or text not in NO_ANSWER:
        builder.add(failed_turn(text, builder.at_ms, limited=limited), "end", digest(text))


def _parse_system(builder: Builder) -> None:
    subtype = builder.line.subtype
    if subtype == "compact_boundary":
        trigger = text_of(inside(builder.line.compact_metadata, "trigger"))
        builder.change(compaction=trigger if trigger in ("manual", "auto") else None)
    elif subtype == "away_summary":
        text = without_handoff(rawjson.text_of(builder.line.content) or "").replace(_RECAP_HINT, "").strip()
        if text:
            builder.add(model.AgentSummary(text=text, source="away"), "summary", digest(text))
    else:
        builder.skip(f"system/{subtype}", "unknown subtype")


def _parse_title(builder: Builder) -> None:
    """Handles a session's title. One from the user is never replaced by one from the model."""
    line = builder.line
    builder.learn_title(line.custom_title or line.ai_title, by_user=line.custom_title is not None)


def _own_words(text: str) -> str:
    """Returns a prompt without the blocks that the client adds at its beginning or end. Blocks in the middle are the
    user's.

    Seen: `<ide_opened_file>` in front (2.1.11), `<system-reminder>` at the end (2.0.65).
    """
    text = _GLUED_BEFORE.sub("", text, count=1).rstrip()
    opening, closing = _GLUED_AFTER
    for _ in range(_MOST_GLUED):
        opened = text.rfind(opening) if text.endswith(closing) else -1
        text = text[:opened].rstrip() if opened >= 0 else text
    return text.rpartition(_AFTER_PLAN)[0].rstrip() if text.startswith(_ACCEPTED_PLAN) and _AFTER_PLAN in text else text


def _parse_words(builder: Builder, texts: list[str], attachments: int) -> None:
    """Handles the texts of a `user` record that are not tool results."""
    line = builder.line
    if line.is_compact_summary:
        _parse_summary(builder, "\n".join(texts))
    elif not (line.is_meta or line.is_visible_in_transcript_only):
        words = "\n".join(kept for part in texts if (kept := _own_words(part)))
        _parse_user_text(builder, words, attachments)


def _parse_prompt(builder: Builder, text: str, attachments: int = 0) -> None:
    builder.add(model.UserPrompt(text=text, actor=builder.actor, attachments=attachments), "prompt", digest(text))
    if builder.actor == "human":
        _leave_queue(builder, text)


def _count_tokens(builder: Builder, message: Message) -> None:
    """Notes what an answer took. Each of its blocks is a record that repeats it, and a fork repeats those."""
    usage = fields_of(message.usage)
    answer = usable_name(message.id)
    if usage and answer is not None:
        builder.count_tokens(
            f"{answer}/{builder.line.request_id or ''}",
            session=builder.session,
            model=message.model,
            input=number_of(usage.get("input_tokens")),
            output=number_of(usage.get("output_tokens")),
            cache_read=number_of(usage.get("cache_read_input_tokens")),
            cache_write=number_of(usage.get("cache_creation_input_tokens")),
        )


def _leave_queue(builder: Builder, text: str, *, withdrawn: bool = False) -> None:
    """Removes a text from the queue if it is there; `withdrawn`: it does not become a prompt of the same words."""
    queued = [*builder.context.queued]
    mark = digest(text.strip())
    if mark in queued:
        queued.remove(mark)
        builder.change(queued=tuple(queued))
        if withdrawn:
            builder.add(model.QueuedPrompt(text=text, change="withdrawn"), "withdrawn", digest(text))


def _parse_notifications(builder: Builder, text: str, part: str) -> bool:
    """Handles reports of background jobs; returns False if `text` is not one."""
    if text.startswith(REPORTS):
        builder.add_jobs(text, part)
        return True
    return False


def _parse_summary(builder: Builder, text: str) -> None:
    summary = without_handoff(without_reminders(text)).strip()
    if summary:
        trigger = builder.context.compaction
        words = _CLIENTS_END.split(_CLIENTS_START.sub("", summary))[0].strip() or summary
        parts = parts_by_heading(words, SUMMARY_KINDS)
        body = model.AgentSummary(text=words, source="compaction", trigger=trigger, parts=parts)
        builder.add(body, "summary", digest(summary))
    builder.change(compaction=None)


def _parse_user_text(builder: Builder, text: str, attachments: int) -> None:
    if text in _INTERRUPTED:
        builder.add(model.TurnEnd(reason="interrupted"), "end", text)
    elif text.startswith("<command-message>"):
        _parse_command(builder, text)
    elif text.startswith(("<bash-input>", "<bash-stdout>", "<bash-stderr>")):
        _parse_shell_mode(builder, text)
    elif _is_clients(text) or _parse_notifications(builder, text, "words"):
        return
    elif (text or attachments) and _is_typed(builder, text):
        _parse_prompt(builder, text, attachments)


def _is_clients(text: str) -> bool:
    return text.startswith(_LOCAL) or _CLIENTS_WORDS.fullmatch(text) is not None


def _is_typed(builder: Builder, text: str) -> bool:
    """Whether a person typed the record's text or, in a sub-agent, a model wrote it as a prompt."""
    if builder.subagent_id is not None:
        return True
    sender = text_of(inside(builder.line.origin, "kind")) or "human"
    if sender == "human" and builder.line.prompt_source != "system" and not text.startswith(_OF_SESSIONS):
        return True
    if sender != "human" and sender not in _INJECTED_ORIGINS:
        builder.skip(f"user/origin/{sender}", "unknown sender")
    _leave_queue(builder, text, withdrawn=True)
    return False


def _parse_command(builder: Builder, text: str) -> None:
    """Handles a slash command that the client expands for the model (2.0.65, 2.1.16, 2.1.126, 2.1.328).

    Of one that it runs itself the record begins with `<command-name>`.
    """
    command = f"/{(tagged(text, 'command-name') or '').strip().removeprefix('/')}"
    if command == "/":
        builder.skip("user/command", "no command name")
        return
    # The arguments are the user's and may contain tags too: up to the last closing one.
    words = text.partition("<command-args>")[2].rpartition("</command-args>")[0].strip()
    typed = f"{command} {words}".strip()
    builder.add(model.UserPrompt(text=words, actor=builder.actor, command=command), "prompt", digest(typed))
    _leave_queue(builder, typed, withdrawn=True)


def _parse_shell_mode(builder: Builder, text: str) -> None:
    """Handles the user's own `!command`. Command and output are two records, without an exit code (2.1.328)."""
    # What the command printed may hold the tag too.
    if command := (tagged(text, "bash-input") or "").strip() if text.startswith("<bash-input>") else "":
        call = OpenCall.of_command(builder.ident, "Bash", command, cwd=None)
        call = msgspec.structs.replace(call, actor="human", changes=())
        builder.add(call.as_event(), "shell", digest(call.subject))
        builder.change(shell=call)
    shell = builder.context.shell
    stdout = tagged(text, "bash-stdout")
    stderr = tagged(text, "bash-stderr")
    if shell is None or (stdout is None and stderr is None):
        return
    output = plain_output("\n".join(part for part in (stdout, stderr) if part))
    builder.add(shell.ended(ToolOutcome("unknown", output)), "output", digest(output))
    builder.change(shell=None)


def _parse_queue_operation(builder: Builder) -> None:
    """Handles a text that enters or leaves the queue.

    `enqueue` is the only record of a waiting prompt. `dequeue` delivers the oldest as a `user` record, so it adds
    nothing. `popAll` gives each text back to the person (2.1.16). `remove` means withdrawn, or taken into the running
    turn, which an attachment delivers. Most entries are reports of background jobs or other sessions' messages.
    """
    operation = builder.line.operation
    text = _own_words(rawjson.text_of(builder.line.content) or "")
    if operation == "enqueue":
        is_others = text.startswith(_OF_SESSIONS) or _is_clients(text)
        if text and not is_others and not _parse_notifications(builder, text, "queue"):
            builder.change(queued=(*builder.context.queued, digest(text))[-MAX_QUEUED:])
            builder.add(model.QueuedPrompt(text=text), "queue", digest(text))
    elif operation in ("popAll", "remove"):
        _leave_queue(builder, text, withdrawn=True)
    elif operation != "dequeue":
        builder.skip("queue-operation", "unknown operation")


def _parse_attachment(builder: Builder) -> None:
    """Handles a queued text delivered mid-turn, beside a tool result (2.1.126: job reports only)."""
    attachment = builder.line.attachment
    if attachment is None:
        builder.skip("attachment", "unexpected shape")
        return
    text = (rawjson.text_of(attachment.prompt) or "").strip()
    if not text or _parse_notifications(builder, text, "queued"):
        return
    sender = text_of(inside(attachment.origin, "kind")) or "human"
    if attachment.is_meta or sender in _INJECTED_ORIGINS:
        return
    if attachment.command_mode in (None, "prompt") and sender == "human":
        _parse_prompt(builder, text)
    else:
        builder.skip("attachment/queued_command", "unknown mode or sender")


_HANDLERS: Final[dict[str, Callable[[Builder], None]]] = {
    "user": _parse_message,
    "assistant": _parse_message,
    "system": _parse_system,
    "attachment": _parse_attachment,
    "queue-operation": _parse_queue_operation,
    "custom-title": _parse_title,
    "ai-title": _parse_title,
}
