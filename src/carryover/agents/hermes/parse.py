"""Turns the reader's records into events, one record at a time. Pure; never raises."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import OpenCall, closed, opened, usable_name
from carryover.agents.hermes import tools, wire
from carryover.families.stored import Context, StoredBuilder, is_usable_id
from carryover.model import AgentSummary, AssistantMessage, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS
from carryover.records.lenient import fields_of, first_text, items_of, number_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import without_handoff

INTERRUPTED: Final = "Operation interrupted"
"""The beginning of the client's own text in place of an answer."""
GOES_ON: Final = ("verification_required", "verify_hook_continue")
"""Why an answer did not end its turn, though nothing was called: the client asked for more."""
LIMIT_STATUSES: Final = (402, 429)
SUMMARY_KINDS: Final = kinds_of(
    request="historical task snapshot|active task|goal",
    current="completed actions|active state|historical in-progress state|in progress",
    pending="blocked|historical pending user asks|pending user asks",
    next="historical remaining work|remaining work",
    other="constraints & preferences|key decisions|resolved questions|relevant files|last dropped turns"
    "|critical context",
)
"""The sections that a compaction asks for (code)."""

_JSON: Final = "\0json:"
_SUMMARY: Final = re.compile(
    r"^(?:\[CONTEXT COMPACTION.*?avoid repeating it:|\[CONTEXT COMPACTION[^\n]*\n|\[CONTEXT SUMMARY\]:)", re.S | re.M
)
_SUMMARY_END: Final = re.compile(r"\n*--- END OF CONTEXT SUMMARY.*\Z", re.S)
_BY_CLIENT: Final = re.compile(r"\[(?:System(?: note)?:|SYSTEM:|IMPORTANT: |ASYNC DELEGATION|Your active task list )")
_SKILL: Final = re.compile(r'\[IMPORTANT: The user has invoked the "([^"\n]{1,100})" ')
_SKILL_WORDS: Final = re.compile(r"The user has provided the following instruction[^\n]{0,100}?: (.*)\Z", re.S)
_ATTACHED: Final = re.compile(r"^--- (?:Attached Context|Context Warnings) ---\n.*\Z", re.S | re.M)


def parse_record(_source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(wire.RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    native, entry = read.session, read.entry
    if not is_usable_id(native.id) or not is_usable_id(native.root or native.id):
        return context, Parsed(skipped=(rawjson.skipped("session", "no usable id", None),))
    builder = StoredBuilder(context=context, native=native)
    if read.kind == "begin":
        return builder.begin(read)
    builder.at_ms = builder.reported.last_ms
    if entry is not None:
        builder.at_ms = max(0, entry.at_us // 1000) or builder.at_ms
        builder.report(last_ms=max(builder.reported.last_ms, builder.at_ms))
    builder.add_facts({"title": native.title, "model": native.model, "parent": native.forked_from})
    if entry is not None and builder.at_ms:
        _parse_entry(builder, entry)
    elif entry is not None:
        builder.skip("message", "no time")
    return builder.finished()


def _parse_entry(builder: StoredBuilder, entry: wire.Entry) -> None:
    match entry.role:
        case "user" | "assistant" if _SUMMARY.search(_ATTACHED.sub("", entry.content)):
            _parse_summary(builder, entry)
        case "user":
            _parse_prompt(builder, entry)
        case "assistant":
            _parse_answer(builder, entry)
        case "tool":
            _parse_result(builder, entry)
        case "error":
            _parse_error(builder, entry)
        case "system" | "session_meta":
            pass
        case _:
            builder.skip(f"message/{entry.role}", "unknown role")


def _parse_summary(builder: StoredBuilder, entry: wire.Entry) -> None:
    _, *after = _SUMMARY.split(entry.content, maxsplit=1)
    text = without_handoff(_SUMMARY_END.sub("", "".join(after))).strip()
    if text:
        parts = parts_by_heading(text, SUMMARY_KINDS)
        builder.add(AgentSummary(text=text, source="compaction", parts=parts), f"{_key(builder, entry)}:summary")


def _parse_prompt(builder: StoredBuilder, entry: wire.Entry) -> None:
    """Adds what a person typed, without what the client put after it or in its place."""
    text, images = _text_of(entry)
    skill = _SKILL.match(text)
    if skill is not None:
        # The client names the skill's folder after the skill, which may hold the same line.
        words = _SKILL_WORDS.search(text.rpartition("\n[Skill directory: ")[2])
        text = words[1] if words is not None else ""
    elif _BY_CLIENT.match(text):
        return
    typed = _ATTACHED.sub("", without_handoff(text)).strip()
    command = f"/{skill[1]}" if skill is not None else None
    if typed or command or images:
        prompt = UserPrompt(text=typed, actor=builder.actor, command=command, attachments=images)
        builder.add(prompt, f"{_key(builder, entry)}:prompt")


def _parse_answer(builder: StoredBuilder, entry: wire.Entry) -> None:
    text, _ = _text_of(entry)
    calls = [fields_of(call) for call in items_of(entry.calls)]
    broke_off = not calls and not entry.finish
    if broke_off and text.startswith(INTERRUPTED):
        builder.add(TurnEnd(reason="interrupted"), f"{_key(builder, entry)}:end")
        return
    if text.strip():
        is_final = not calls and not broke_off and entry.finish not in GOES_ON
        answer = AssistantMessage(text=text, final=is_final, aborted=broke_off)
        builder.add(answer, f"{_key(builder, entry)}:text")
    for number, given in enumerate(calls):
        call = tools.called(given, builder.cwd)
        if call is None:
            builder.skip("message/tool_call", "no usable id or name")
            continue
        builder.add(call.as_event(), f"{_key(builder, entry)}:call{number}")
        if call.op == "ask":
            builder.add(tools.asked(given, call), f"{_key(builder, entry)}:question{number}")
        builder.report(calls=opened(builder.reported.calls, call))


def _parse_result(builder: StoredBuilder, entry: wire.Entry) -> None:
    call_id = usable_name(entry.call_id)
    if call_id is None:
        builder.skip("message/tool", "no usable id")
        return
    unknown = OpenCall(id=call_id, name=entry.tool[:SHORT_CHARS], op=tools.OPS.get(entry.tool, "other"))
    call = next((call for call in builder.reported.calls if call.id == call_id), unknown)
    builder.report(calls=closed(builder.reported.calls, call_id))
    output, _ = _text_of(entry)
    outcome = tools.outcome_of(call, output)
    builder.add(call.ended(outcome), f"{_key(builder, entry)}:result")
    for part, body in tools.effects_of(call, output) if outcome.status == "ok" else ():
        builder.add(body, f"{_key(builder, entry)}:{part}")


def _parse_error(builder: StoredBuilder, entry: wire.Entry) -> None:
    """Adds what the provider said when a request failed for good."""
    error = fields_of(entry.content.encode())
    said = first_text(fields_of(error.get("body")), "message") or text_of(error.get("message"))
    is_limit = number_of(error.get("status_code")) in LIMIT_STATUSES or names_limit(said)
    if said:
        builder.add(failed_turn(said, builder.at_ms, limited=is_limit), f"{_key(builder, entry)}:end")


def _text_of(entry: wire.Entry) -> tuple[str, int]:
    """Returns a message's text, and how many images it has."""
    if not entry.content.startswith(_JSON):
        return entry.content, 0
    content = msgspec.Raw(entry.content.removeprefix(_JSON).encode())
    kinds = [text_of(fields_of(part).get("type")) for part in items_of(content)]
    return rawjson.text_of(content) or "", sum("image" in kind for kind in kinds)


def _key(builder: StoredBuilder, entry: wire.Entry) -> str:
    return f"{builder.native.id}/{entry.at_us}"
