"""Claude Code: the terminal agent whose form of records and hooks others took over. FACTS.md has what they look like.

Hooks seen in 2.1.328 unless stated otherwise. Other programs run the hooks of `~/.claude/settings.json` too and send
their own payloads: Cursor (`cursor_version`, `conversation_id`, `workspace_roots`), VS Code and Copilot (`sessionId`,
no transcript of this layout), Devin (no `transcript_path` at all). Such a session has its own record elsewhere, so it
is recognised here and not counted twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover import model
from carryover.adapter.contract import Agent, Parsed, QuotedText, Record, Source
from carryover.adapter.layouts import Layout
from carryover.agents.claude_code import SPEC, prompts
from carryover.agents.claude_code.calls import TOOLS, handle_result, handle_shell, handle_tool_use, with_progress
from carryover.agents.claude_code.lines import (
    Block,
    ClaudeBuilder,
    ClaudeContext,
    ClaudeLine,
    Message,
)
from carryover.agents.claude_code.outcomes import read_outcome
from carryover.agents.claude_code.records import (
    GROUP,
    MAX_TURNS,
    REPORTS,
    SESSION,
    SUBAGENT,
    copied,
    is_limit_notice,
    note_in,
)
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import fields_of, inside, is_true, number_of, text_of
from carryover.records.rawjson import objects_in
from carryover.records.resets import failed_turn, names_limit
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import without_handoff, without_reminders
from carryover.text.pattern import later
from carryover.transcript.hooks import common_hooks, plain_answer, root_above
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import usable_name

_LAYOUTS: Final = (
    Layout(globs=("*/*.jsonl",), pattern=rf"{GROUP}/{SESSION}\.jsonl"),
    # A sub-agent whose session only its records name (2.0.65).
    Layout(globs=(), pattern=rf"{GROUP}/{SUBAGENT}"),
    # 2.1.111, 2.1.328
    Layout(globs=("*/*[0-9a-fA-F]/subagents/agent-*.jsonl",), pattern=rf"{GROUP}/{SESSION}/subagents/{SUBAGENT}"),
)
_LAYOUT_ROOT: Final = partial(root_above, layouts=_LAYOUTS, names=("projects",))
_HEAD_RECORDS: Final = 200
_CUT_RECORD: Final = later(
    rb'^\{(?:"parentUuid":(?:null|"[0-9a-f-]{36}"),"(?:isSidechain|logicalParentUuid)":'
    rb'|"type":"queue-operation","operation":"\w{1,20}","timestamp":"[^"]{1,40}","sessionId":")',
    re.MULTILINE,
)
"""The beginning of a message or queued prompt (2.0.28 to 2.1.328) that is too long to be complete in the head of a
file."""

_LINE: Final = msgspec.json.Decoder(ClaudeLine)
_NO_ANSWER: Final = frozenset(("", "No response requested.", "(no content)"))
"""The text of an answer in which the model said nothing, without surrounding white space."""
_SYNTHETIC: Final = "<synthetic>"
"""Texts that the client writes in place of the model's: errors, limits, "No response requested."."""
_RECAP_HINT: Final = "(disable recaps in /config)"
_FINAL: Final = {"end_turn": True, "stop_sequence": True, "refusal": True, "tool_use": False, "pause_turn": False}

_QUIET: Final = frozenset(
    "agent-name api-request api-request-blob api-request-shape atis-latch cost-state file-history-delta "
    "file-history-snapshot last-prompt mode permission-mode progress summary tools-used "
    "agent-color agent-setting attribution-snapshot bridge-session content-replacement fork-context-ref frame-link "
    "api-request-resumed continued-in data-flow-incomplete data-flow-records derived-from dev-mods ended-by-model "
    "hybrid-organization isolation-latch memory-mode observer-ref resume-head-vouch session-owner "
    "history-suppression pr-link relocated saved_hook_context speculation-accept tag task-summary worktree-state "
    "system/api_error system/informational system/stop_hook_summary "
    "system/turn_duration system/agents_killed system/bridge_status system/memory_saved "
    "system/compact_boundary system/microcompact_boundary system/model_consent_fallback system/model_refusal_fallback "
    "system/permission_retry system/cloud_session_status system/file_snapshot system/model_fallback "
    "system/model_refusal_no_fallback system/rewind_stand_in system/voice_call_talk".split()
)
"""`summary` lines describe other sessions (2.0.65); `api-request-blob` repeats prompts and is the bulk of a file;
`api_error` is a retry, not the end of a turn (2.1.15). `api-request-resumed` to `session-owner`, and the last six:
source of 2.1.332."""
_IMAGE_BLOCKS: Final = ("image", "document")
_QUIET_BLOCKS: Final = "image document text thinking redacted_thinking fallback server_tool_use tool_reference".split()
"""Thinking is not kept."""
_ATTACHMENTS: Final = ("queued_command", "edited_text_file", MAX_TURNS)
_INJECTED_ORIGINS: Final = frozenset(
    "task-notification auto-continuation channel coordinator observer observer-activity peer plugin slack-ping "
    "teammate unclassified voice-call".split()
)
"""Origins of `user` records that are not from the user (2.1.328: task-notification; the others: source of 2.1.332)."""
_WRITTEN_BY: Final = ("harness", "hook", "recorded")
"""`rowSource` of a `user` record that the client, a hook, or a timer or an event caused (source of 2.1.332)."""
_OTHERS: Final = ("isMeta", "fromConnector", "fromAnotherSession")

_SUMMARY_KINDS: Final = kinds_of(
    request="primary request and intent",
    errors="errors and fixes",
    pending="pending tasks",
    current="current work",
    next="optional next step|context for continuing work",
    other="key technical concepts|files and code sections|problem solving|all user messages|work completed",
)
"""The sections that a compaction asks for (2.1.126); two of them only if a part is summarised (reported)."""

_CLIENTS_START: Final = later(
    r"\A(?:.*?^(?:Summary:|<summary>)[ \t]*$|This session is being continued from a previous conversation[^\n]*\n)",
    re.DOTALL | re.MULTILINE,
)
_CLIENTS_END: Final = later(
    r"^(?:</summary>|If you need specific details from before compaction"
    r"|(?:Please c|C)ontinue (?:with )?the conversation from)",
    re.MULTILINE,
)
"""The client's text around a summary. It explains the summary and asks that session alone to continue without a
question; the model's thoughts about the summary precede it."""
_IMAGES: Final = later(r"(?:\s*\[Image: source: [^\]\n]{1,1000}\])+\s*")
"""Source of a prompt's images: a record that the client writes after the prompt (in exports of 2026)."""


def _parse(source: Source, context: ClaudeContext, record: Record) -> tuple[ClaudeContext, Parsed]:
    line = rawjson.read_line(_LINE, record.data)
    if isinstance(line, model.Skipped) and line.record_type not in _QUIET:
        return context, Parsed(skipped=(line,))
    if isinstance(line, model.Skipped) or _is_quiet(line):
        return with_progress(context, record.data), Parsed()
    return ClaudeBuilder.parse(source, context, line, record, _HANDLERS)


def _is_quiet(line: ClaudeLine) -> bool:
    """Whether a record is of a kind known to hold nothing for us. Most are, so they are dropped first."""
    if line.type == "attachment":
        # Context for the model, such as what hooks add: our own handoff never becomes an event.
        return line.attachment is not None and text_of(line.attachment.get("type")) not in _ATTACHMENTS
    return line.type in _QUIET or f"{line.type}/{line.subtype}" in _QUIET or line.type.startswith("artifact-")


def _read_prompt(text: str, after: str) -> tuple[model.AnyBody, ...]:
    """Returns the events in the text of a `user` record; none if the client wrote it.

    `after`: see `QuotedText.prompt`.
    """
    # The client answers a call of Skill with a `user` record that contains the skill's text (2.1.126).
    if after == "Skill" or _IMAGES.fullmatch(text):
        return ()
    line = ClaudeLine(
        type="user",
        uuid="quoted",
        session_id="quoted",
        timestamp="2025-01-01T00:00:00Z",
        is_compact_summary=text.startswith(prompts.CONTINUES),
        is_meta=text.startswith(prompts.SENT_AS_USER) or text == prompts.RESUMED,
    )
    builder = ClaudeBuilder.begin(Source(agent=SPEC.id, path=""), ClaudeContext(), line, Record(number=1, data=b""))
    _words(builder, [text.encode("utf-8", "replace").decode()], 0)
    return tuple(event.body for event in builder.events if not isinstance(event.body, model.SessionInfo))


def _message(builder: ClaudeBuilder) -> None:
    """Handles a `user` or `assistant` record, whose blocks are prompts or answers, calls and their results."""
    line, message = builder.line, builder.line.message
    if message is None:
        builder.skip(line.type, "unexpected shape")
        return
    if prompts.is_copy(builder):
        return
    blocks = [Block("text", message.content)] if isinstance(message.content, str) else message.content
    texts = [block.text or "" for block in blocks if block.type == "text"]
    images = sum(block.type in _IMAGE_BLOCKS for block in blocks)
    is_answer = line.type == "assistant"
    if is_answer and (message.model == _SYNTHETIC or line.is_api_error_message):
        _failure(builder, "\n".join(filter(None, texts)).strip())
        return
    if is_answer:
        builder.learn_news(model=message.model)
        _tokens(builder, message)
    for number, block in enumerate(blocks):
        if block.type == "tool_result":
            handle_result(builder, str(number), block)
        elif block.type == "tool_use":
            handle_tool_use(builder, str(number), block)
        elif block.type == "text" and is_answer and (text := block.text or "").strip() not in _NO_ANSWER:
            # Of one message in several records, 2.1.111 has the reason on each, 2.0.65 on the last only: without one,
            # a colon leads to the call that comes next.
            reason = message.stop_reason or ("tool_use" if text.rstrip().endswith((":", "：")) else "")
            aborted = line.is_aborted_mid_stream is True
            said = model.AssistantMessage(text=text, final=_FINAL.get(reason), aborted=aborted)
            builder.add(said, str(number), digest(text))
        elif block.type not in _QUIET_BLOCKS:
            builder.skip(f"{line.type}/{block.type}", "unknown block")
    if not is_answer and (texts or images):
        _words(builder, texts, images)


def _failure(builder: ClaudeBuilder, text: str) -> None:
    """Handles an error in place of an answer. Replayed copies lose their flags (2.0.28), so only the text counts."""
    line = builder.line
    limited = rawjson.string_of(line.error) == "rate_limit" or bytes(line.api_error_status) == b"429"
    limited = limited or names_limit(text)
    if limited or text not in _NO_ANSWER:
        builder.add(failed_turn(text, builder.at_ms, limited=limited), "end", digest(text))


def _tokens(builder: ClaudeBuilder, message: Message) -> None:
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


def _system(builder: ClaudeBuilder) -> None:
    subtype = builder.line.subtype
    if subtype == "away_summary":
        text = without_handoff(rawjson.content_text(builder.line.content) or "").replace(_RECAP_HINT, "").strip()
        if text:
            builder.add(model.AgentSummary(text=text, source="away"), "summary", digest(text))
    elif subtype == "local_command":
        text = rawjson.content_text(builder.line.content) or ""
        prompts.leave_queue(builder, " ".join(prompts.command_in(text)), withdrawn=True)
        prompts.add_skill(builder, text)
        prompts.add_task_of_fork(builder, text)
    elif subtype == "scheduled_task_fire":
        builder.change(fired=builder.line.uuid or "")
    else:
        builder.skip(f"system/{subtype}", "unknown subtype")


def _title(builder: ClaudeBuilder) -> None:
    line = builder.line
    builder.learn_title(line.custom_title or line.ai_title, by_user=line.custom_title is not None)


def _words(builder: ClaudeBuilder, texts: list[str], attachments: int) -> None:
    """Handles the texts of a `user` record that are not tool results."""
    line = builder.line
    if line.is_compact_summary:
        _summary(builder, without_handoff(without_reminders("\n".join(texts))).strip())
        return
    text, files = prompts.typed_and_attached(texts)
    attachments += files
    if prompts.add_message(builder, text, line.origin) or prompts.add_said_to_subagent(builder, text, line.origin):
        return
    prompts.add_skill(builder, text)
    on_plan = next((said for said in map(prompts.said_on_plan, texts) if said is not None), None)
    asks = _asks(builder, text)
    # A timer's prompt enters the queue like the user's, and begins a turn (2.1.126, 2.1.138). A command is no `isMeta`;
    # it stands below the timer's record (2.1.200, 2.1.332), as does what is typed in its place after a rewind.
    fired = builder.is_below(builder.context.fired) and line.prompt_source != "typed"
    if line.is_meta and text.startswith(prompts.CAVEATS):
        fired_by = (line.uuid or "") if fired else builder.context.fired
        builder.change(caveat=line.uuid or "", answered=False, fired=fired_by)
        return
    if fired and text.startswith("/"):
        prompts.note_skill(builder, "")
    if fired or line.is_meta or line.is_visible_in_transcript_only or (prompts.is_clients(text) and not asks):
        sent = " ".join(prompts.command_in(text)).strip() or text
        left = prompts.leave_queue(builder, sent, withdrawn=True)
        if (fired or (left and line.is_meta)) and builder.subagent_id is None:
            builder.add(model.UserPrompt(text=sent, actor="model", scheduled=True), "prompt", digest(sent))
        return
    if text in prompts.INTERRUPTED:
        builder.add(model.TurnEnd(reason="interrupted"), "end", text)
    elif text.startswith(("<bash-input>", "<bash-stdout>", "<bash-stderr>")) and _is_users(line):
        handle_shell(builder, text)
    elif text.startswith(REPORTS):
        builder.add_jobs(text, "words")
    elif not ((text or attachments) and _is_typed(builder, text, accepts_plan=on_plan is not None)):
        return
    elif asks or text.startswith("<command-message>"):
        _command(builder, text)
    else:
        _prompt(builder, text, attachments, accepts_plan=on_plan is not None)
        if on_plan:
            builder.add(model.UserPrompt(text=on_plan, actor=builder.actor), "said", digest(on_plan))


def _summary(builder: ClaudeBuilder, summary: str) -> None:
    words = _CLIENTS_END.split(_CLIENTS_START.sub("", summary))[0].strip() or summary
    if words and not is_limit_notice(words):  # what a compaction at the limit leaves in its place (2.1.71)
        parts = parts_by_heading(words, _SUMMARY_KINDS)
        builder.add(model.AgentSummary(text=words, source="compaction", parts=parts), "summary", digest(summary))


def _sender(line: ClaudeLine) -> str:
    return text_of(inside(line.origin, "kind")) or "human"


def _is_users(line: ClaudeLine) -> bool:
    """Whether the record's marks name the user alone; before 2.1.328 there are none."""
    is_sent = line.from_connector or line.from_another_session  # through a tool of an MCP server (2.1.332)
    is_others = is_sent or line.prompt_source == "system" or line.row_source in _WRITTEN_BY
    return _sender(line) == "human" and not is_others


def _is_typed(builder: ClaudeBuilder, text: str, *, accepts_plan: bool) -> bool:
    """Whether a person typed or accepted the record's text or, in a sub-agent, a model wrote it as a prompt."""
    sender = _sender(builder.line)
    is_accepted = accepts_plan and sender == "auto-continuation"
    is_own = builder.below_caveat  # the client answered it itself, or a sub-agent does (2.1.332)
    if is_own and _is_users(builder.line) and text.startswith("/"):
        prompts.note_skill(builder, text)
    by_user = is_accepted or (_is_users(builder.line) and not is_own and not text.startswith(prompts.OF_SESSIONS))
    if by_user or builder.subagent_id is not None:
        return True
    if sender != "human" and sender not in _INJECTED_ORIGINS:
        builder.skip(f"user/origin/{sender}", "unknown sender")
    prompts.leave_queue(builder, text, withdrawn=True)
    return False


def _prompt(
    builder: ClaudeBuilder, text: str, attachments: int = 0, *, in_turn: bool = False, accepts_plan: bool = False
) -> None:
    words, command = prompts.command_behind(text)
    prompt = model.UserPrompt(
        text=words,
        command=command,
        actor=builder.actor,
        attachments=attachments,
        in_turn=in_turn,
        accepts_plan=accepts_plan,
    )
    builder.add(prompt, "prompt", digest(text))
    if builder.actor == "human" and not prompts.leave_queue(builder, text):
        prompts.leave_queue_together(builder, text)


def _command(builder: ClaudeBuilder, text: str) -> None:
    """Handles a slash command that the client expands for the model (2.0.65, 2.1.16, 2.1.126, 2.1.328)."""
    command, words = prompts.command_in(text)
    if not command:
        builder.skip("user/command", "no command name")
        return
    typed = f"{command} {words}".strip()
    builder.add(model.UserPrompt(text=words, actor=builder.actor, command=command), "prompt", digest(typed))
    prompts.leave_queue(builder, typed, withdrawn=True)


def _asks(builder: ClaudeBuilder, text: str) -> bool:
    """Whether the model is asked what stands behind a command that the client runs itself, as `/goal` and `/plan`: in
    front of any other is the client's caveat (a run of 2.1.332, source of 2.1.111)."""
    is_own = builder.line.parent_uuid is rawjson.ABSENT or builder.below_caveat
    return not is_own and text.startswith("<command-name>") and bool(prompts.command_in(text)[1])


def _attachment(builder: ClaudeBuilder) -> None:
    """Handles a queued text delivered mid-turn, beside a tool result, or a note of the client's."""
    given = builder.line.attachment
    if given is None:
        builder.skip("attachment", "unexpected shape")
        return
    if (noted := note_in(given)) is not None:
        builder.add(noted[0], *noted[1])
        return
    raw = given.get("prompt", rawjson.ABSENT)
    blocks = rawjson.part_of(raw, list[rawjson.TextPart]) or [rawjson.TextPart("text", rawjson.content_text(raw))]
    text, files = prompts.typed_and_attached([block.text or "" for block in blocks])
    origin = given.get("origin", rawjson.ABSENT)
    sender = text_of(inside(origin, "kind")) or "human"
    is_others = text_of(given.get("rowSource")) in _WRITTEN_BY or any(is_true(given.get(mark)) for mark in _OTHERS)
    if text.startswith(REPORTS):
        builder.add_jobs(text, "queued")
    elif prompts.add_message(builder, text, origin) or prompts.add_said_to_subagent(builder, text, origin):
        return
    elif text and not (is_others or sender in _INJECTED_ORIGINS or prompts.is_no_prompt(text)):
        if text_of(given.get("commandMode")) in ("", "prompt") and sender == "human":
            _prompt(builder, text, files, in_turn=True)
        else:
            builder.skip("attachment/queued_command", "unknown mode or sender")


_HANDLERS: Final[dict[str, Callable[[ClaudeBuilder], None]]] = {
    "user": _message,
    "assistant": _message,
    "system": _system,
    "attachment": _attachment,
    "queue-operation": prompts.handle_queue,
    "custom-title": _title,
    "ai-title": _title,
}


def _exported(path: Path, head: bytes) -> Source | None:
    if not (_CUT_RECORD.search(head) or any(_is_own(record) for record in objects_in(head, most=_HEAD_RECORDS))):
        return None
    return copied(SPEC.id, _LAYOUTS, path, reversed(path.parents[1:4:2]))


def _is_own(record: dict[str, Any]) -> bool:
    """Whether a record is a Claude Code message, with session, id and role. Other early lines prove nothing, and
    messages of relatives have no content."""
    message = record.get("message")
    role = message.get("role") if isinstance(message, dict) and "content" in message else None
    named = isinstance(record.get("sessionId"), str) and isinstance(record.get("uuid"), str)
    return named and role in ("user", "assistant") and record.get("type") == role


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=ClaudeContext,
    layouts=_LAYOUTS,
    parse=_parse,
    hooks=common_hooks(
        _LAYOUT_ROOT,
        answer=plain_answer,  # SessionStart accepts plain text in every version that has it (1.0.62 and later)
        cwd_moves=True,  # `cwd` is where the session is now, not where it was started
    ),
    exported=_exported,
    quoted=QuotedText(prompt=_read_prompt, outcome=read_outcome, op=TOOLS.known, about=TOOLS.about),
    typed=prompts.typed_of,
)
