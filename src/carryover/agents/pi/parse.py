"""Turns entries of a session into events, one at a time: prompts, answers, summaries, and what the client notes.

FACTS.md has the shapes; tool calls and their results are in `tools`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import usable_folder
from carryover.agents.pi.builder import Builder, Context, Line
from carryover.agents.pi.tools import parse_call, parse_result, parse_typed_command
from carryover.families.retried import fail, recover
from carryover.model import AgentSummary, AssistantMessage, Skipped, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, items_of, number_of, text_of
from carryover.records.resets import names_limit
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import tagged, without_handoff

_LINE: Final = msgspec.json.Decoder(Line)
_QUIET: Final = frozenset("context_edit custom custom_message label thinking_level_change usage".split())
_FILES: Final = re.compile(r'\A<file name="[^"\n]*">\n.*\n</file>\n', re.DOTALL)
"""Up to the last closing tag, since a file may hold one."""
_FILE: Final = re.compile(r'^<file name="[^"\n]*">$', re.MULTILINE)
_SKILL: Final = re.compile(r'\A<skill name="([^"\n]*)" location="[^"\n]*">\n.*\n</skill>\n*', re.DOTALL)
_LISTS: Final = re.compile(r"\n*<(read-files|modified-files)>\n.*?\n</\1>", re.DOTALL)
_BRANCH: Final = re.compile(
    r"\AThe user explored a different conversation branch.*?Summary of that exploration:\s*", re.S
)
_LIMITS: Final = ("402:", "429:")
_REQUEST: Final = "prompt"
"""The tries of a request have no name of their own: all until an answer or another prompt are of one."""
SUMMARY_KINDS: Final = kinds_of(
    request="goal",
    current="progress|done|in progress",
    next="next steps",
    pending="blocked",
    other="constraints & preferences|key decisions|critical context",
)
"""Headings that a compaction's request asks for (code)."""


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one entry of a pi session. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read_line(_LINE, record.data)
    if line is None or isinstance(line, Skipped):
        return context, Parsed(skipped=(line,) if line is not None else ())
    builder = Builder.begin(source, context, line)
    handle = _HANDLERS.get(line.type)
    if handle is None and line.type not in _QUIET:
        return context, Parsed(skipped=(rawjson.skipped(line.type, "unknown entry type", None),))
    if handle is _parse_header:
        handle(builder)
        return builder.context, Parsed()
    builder.handle(handle or _quiet)
    return builder.parsed()


def _parse_header(builder: Builder) -> None:
    builder.begin_session()


def _quiet(_: Builder) -> None:
    """Handles an entry that holds nothing of what was said or done."""


def _parse_message(builder: Builder) -> None:
    role = builder.text("role")
    handle = _ROLES.get(role)
    if handle is None:
        builder.skip(f"message/{role}", "unknown role")
        return
    handle(builder)


def _parse_system(builder: Builder) -> None:
    """Takes from the client's system message the folder that it works in: it may differ from the header's."""
    sections = fields_of(builder.message.get("sections"))
    folder = usable_folder((tagged(text_of(sections.get("cwd")), "cwd") or "").strip())
    if folder is not None:
        builder.change(cwd=folder)


def _parse_user(builder: Builder) -> None:
    content = builder.message.get("content", rawjson.ABSENT)
    text = rawjson.text_of(content)
    if text is None:
        builder.skip("message/user", "unexpected content")
        return
    builder.change(failed=None)
    images = sum(text_of(part.get("type")) == "image" for part in _parts(builder))
    attached = _FILES.match(text)
    files = len(_FILE.findall(attached[0])) if attached is not None else 0
    text = text[attached.end() :] if attached is not None else text
    skill = _SKILL.match(text)
    command = f"/skill:{skill[1]}" if skill is not None else None
    text = _SKILL.sub("", text).strip()
    if text or command or images:
        builder.add(UserPrompt(text=text, command=command, attachments=images + files), "prompt")


def _parse_assistant(builder: Builder) -> None:
    """Handles an answer to one request: what the model said, its tool calls, or why the request failed."""
    reason = builder.text("stopReason")
    builder.learn(model=builder.text("model"))
    _count_tokens(builder)
    if reason != "error":
        recover(builder)
    parts = _parts(builder)
    calls = [part for part in parts if text_of(part.get("type")) == "toolCall"]
    text = "".join(text_of(part.get("text")) for part in parts if text_of(part.get("type")) == "text")
    if text.strip():
        is_final = reason in ("stop", "length") and not calls
        builder.add(AssistantMessage(text=text, final=is_final, aborted=reason in ("aborted", "error")), "text")
    for number, call in enumerate(calls):
        parse_call(builder, f"call{number}", call)
    if reason == "aborted":
        builder.add(TurnEnd(reason="interrupted"), "end")
    elif reason == "error":
        said = builder.text("errorMessage")
        fail(builder, _REQUEST, said, limited=said.startswith(_LIMITS) or names_limit(said))


def _count_tokens(builder: Builder) -> None:
    """Notes what an answer took. A fork's copy of it has the same time and message."""
    usage = fields_of(builder.message.get("usage"))
    builder.count_tokens(
        builder.ident,
        session=builder.session,
        model=builder.text("model"),
        input=number_of(usage.get("input")),
        output=number_of(usage.get("output")),
        cache_read=number_of(usage.get("cacheRead")),
        cache_write=number_of(usage.get("cacheWrite")),
    )


def _parts(builder: Builder) -> list[Fields]:
    return [fields_of(part) for part in items_of(builder.message.get("content"))]


def _parse_compaction(builder: Builder) -> None:
    _add_summary(builder, _LISTS.sub("", builder.line.summary or ""))


def _parse_branch_summary(builder: Builder) -> None:
    _add_summary(builder, _BRANCH.sub("", builder.line.summary or ""))


def _add_summary(builder: Builder, text: str) -> None:
    text = without_handoff(text).strip()
    if text:
        parts = parts_by_heading(text, SUMMARY_KINDS)
        builder.add(AgentSummary(text=text, source="compaction", parts=parts), "summary")


def _parse_name(builder: Builder) -> None:
    builder.learn(title=bounded(builder.line.name or "", SHORT_CHARS))
    builder.put_news_first(builder.session, builder.context.cwd)


def _parse_model(builder: Builder) -> None:
    builder.learn(model=builder.line.model_id)


_HANDLERS: Final[dict[str, Callable[[Builder], None]]] = {
    "session": _parse_header,
    "message": _parse_message,
    "compaction": _parse_compaction,
    "branch_summary": _parse_branch_summary,
    "session_info": _parse_name,
    "model_change": _parse_model,
}
_ROLES: Final[dict[str, Callable[[Builder], None]]] = {
    "system": _parse_system,
    "user": _parse_user,
    "assistant": _parse_assistant,
    "toolResult": parse_result,
    "bashExecution": parse_typed_command,
    "custom": _quiet,
    "hookMessage": _quiet,
}
