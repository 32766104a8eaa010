"""Turns the reader's records into events, one record at a time. Pure; never raises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import (
    EventBuilder,
    Facts,
    OpenCall,
    closed,
    differing,
    opened,
    reemitted_after,
    usable_folder,
    usable_name,
)
from carryover.agents.hermes import tools, wire
from carryover.model import Actor, AgentSummary, AnyBody, AssistantMessage, SessionInfo, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import fields_of, first_text, items_of, number_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import without_handoff

MAX_SESSIONS: Final = 60
"""Sessions whose facts are remembered."""
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
    r"(?:\[CONTEXT COMPACTION.*?avoid repeating it:|\[CONTEXT COMPACTION[^\n]*\n|\[CONTEXT SUMMARY\]:)", re.S
)
_SUMMARY_END: Final = re.compile(r"\n*--- END OF CONTEXT SUMMARY.*\Z", re.S)
_BY_CLIENT: Final = re.compile(r"\[(?:System(?: note)?:|SYSTEM:|IMPORTANT: |ASYNC DELEGATION|Your active task list )")
_SKILL: Final = re.compile(r'\[IMPORTANT: The user has invoked the "([^"\n]{1,100})" ')
_SKILL_WORDS: Final = re.compile(r"The user has provided the following instruction[^\n]*?: (.*)\Z", re.S)
_ATTACHED: Final = re.compile(r"\n*--- (?:Attached Context|Context Warnings) ---\n.*\Z", re.S)


@dataclass(slots=True, kw_only=True)
class _Builder(EventBuilder[wire.Context]):
    """Builds the events of one record. A sub-agent has its own session in the store; here it belongs to the user's."""

    native: wire.Session

    @property
    def actor(self) -> Actor:
        """Who speaks in the user role: in a sub-agent, a model."""
        return "human" if self.native.root is None else "model"

    @property
    def told(self) -> wire.Told:
        return self.context.sessions.get(self.native.id, wire.Told())

    @property
    def cwd(self) -> str | None:
        return usable_folder(self.native.cwd)

    def tell(self, **changes: object) -> None:
        known = {ident: each for ident, each in self.context.sessions.items() if ident != self.native.id}
        known[self.native.id] = msgspec.structs.replace(self.told, **changes)
        self.change(sessions=dict(list(known.items())[-MAX_SESSIONS:]))

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event, unless no time is known."""
        if not self.at_ms:
            self.skip("message", "no time")
            return
        session = self.native.root or self.native.id
        subagent = self.native.id if self.native.root is not None else None
        self.append(f"{self.native.id}/{part}", body, session=session, cwd=self.cwd, subagent_id=subagent)

    def add_info(self) -> None:
        """Adds the facts about the session that are new."""
        native = self.native
        title = bounded(native.title or "", SHORT_CHARS) or None
        facts = Facts(title=title, model=native.model, branch=native.branch, parent=native.parent)
        if native.root is None and facts != self.told.facts and self.at_ms:
            news = differing(facts, self.told.facts)
            self.tell(facts=facts)
            self.add(SessionInfo(**news), f"info/{self.at_ms}/{digest(msgspec.json.encode(news))}")


def parse_record(_source: Source, context: wire.Context, record: Record) -> tuple[wire.Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(wire.RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    native = read.session
    if not (usable_name(native.id) and usable_name(native.root or native.id)):
        return context, Parsed(skipped=(rawjson.skipped("session", "no usable id", None),))
    builder = _Builder(context=context, native=native)
    if read.kind == "begin":
        return _begin(builder, read)
    builder.at_ms = builder.told.last_ms
    if read.entry is not None:
        builder.at_ms = max(0, read.entry.at_us // 1000) or builder.at_ms
        builder.tell(last_ms=max(builder.told.last_ms, builder.at_ms))
    builder.add_info()
    if read.entry is not None:
        _parse_entry(builder, read.entry)
    if builder.events:
        builder.tell(last=builder.last_key)
    return builder.context, builder.built()


def _begin(builder: _Builder, record: wire.SessionRecord) -> tuple[wire.Context, Parsed]:
    """Marks what is emitted again: the events after the last one, or all of them if anything before it changed."""
    native = builder.native
    if not record.on:
        builder.tell(**msgspec.structs.asdict(wire.Told()))
    elif native.id not in builder.context.sessions:
        return builder.context, Parsed()
    subagent = native.id if native.root is not None else None
    again = reemitted_after(
        builder.told.last, session=native.root or native.id, subagent_id=subagent, more=record.more
    )
    return builder.context, Parsed(reemitted=again)


def _parse_entry(builder: _Builder, entry: wire.Entry) -> None:
    match entry.role:
        case "user" | "assistant" if any(text in entry.content for text in wire.SUMMARIES):
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


def _parse_summary(builder: _Builder, entry: wire.Entry) -> None:
    _, *after = _SUMMARY.split(entry.content, maxsplit=1)
    text = without_handoff(_SUMMARY_END.sub("", "".join(after))).strip()
    if text:
        parts = parts_by_heading(text, SUMMARY_KINDS)
        builder.add(AgentSummary(text=text, source="compaction", parts=parts), f"{entry.at_us}:summary")


def _parse_prompt(builder: _Builder, entry: wire.Entry) -> None:
    """Adds what a person typed, without what the client put after it or in its place."""
    text, images = _text_of(entry)
    skill = _SKILL.match(text)
    if skill is not None:
        words = _SKILL_WORDS.search(text)
        text = words[1] if words is not None else ""
    elif _BY_CLIENT.match(text):
        return
    typed = _ATTACHED.sub("", without_handoff(text)).strip()
    command = f"/{skill[1]}" if skill is not None else None
    if typed or command or images:
        prompt = UserPrompt(text=typed, actor=builder.actor, command=command, attachments=images)
        builder.add(prompt, f"{entry.at_us}:prompt")


def _parse_answer(builder: _Builder, entry: wire.Entry) -> None:
    text, _ = _text_of(entry)
    calls = [fields_of(call) for call in items_of(entry.calls)]
    if text.startswith(INTERRUPTED) and not calls and not entry.finish:
        builder.add(TurnEnd(reason="interrupted"), f"{entry.at_us}:end")
        return
    if text.strip():
        is_final = not calls and entry.finish not in GOES_ON
        builder.add(AssistantMessage(text=text, final=is_final), f"{entry.at_us}:text")
    for number, given in enumerate(calls):
        call = tools.called(given, builder.cwd)
        if call is None:
            builder.skip("message/tool_call", "no usable id or name")
            continue
        builder.add(call.as_event(), f"{entry.at_us}:call{number}")
        if call.op == "ask":
            builder.add(tools.asked(given, call), f"{entry.at_us}:question{number}")
        builder.tell(calls=opened(builder.told.calls, call))


def _parse_result(builder: _Builder, entry: wire.Entry) -> None:
    call_id = usable_name(entry.call_id)
    if call_id is None:
        builder.skip("message/tool", "no usable id")
        return
    unknown = OpenCall(id=call_id, name=entry.tool[:SHORT_CHARS], op=tools.OPS.get(entry.tool, "other"))
    call = next((call for call in builder.told.calls if call.id == call_id), unknown)
    builder.tell(calls=closed(builder.told.calls, call_id))
    output, _ = _text_of(entry)
    outcome = tools.outcome_of(call, output)
    builder.add(call.ended(outcome), f"{entry.at_us}:result")
    for part, body in tools.effects_of(call, output) if outcome.status == "ok" else ():
        builder.add(body, f"{entry.at_us}:{part}")


def _parse_error(builder: _Builder, entry: wire.Entry) -> None:
    """Adds what the provider said when a request failed for good."""
    error = fields_of(entry.content.encode())
    said = first_text(fields_of(error.get("body")), "message") or text_of(error.get("message"))
    is_limit = number_of(error.get("status_code")) in LIMIT_STATUSES or names_limit(said)
    if said:
        builder.add(failed_turn(said, builder.at_ms, limited=is_limit), f"{entry.at_us}:end")


def _text_of(entry: wire.Entry) -> tuple[str, int]:
    """Returns a message's text, and how many images it has."""
    if not entry.content.startswith(_JSON):
        return entry.content, 0
    content = msgspec.Raw(entry.content.removeprefix(_JSON).encode())
    kinds = [text_of(fields_of(part).get("type")) for part in items_of(content)]
    return rawjson.text_of(content) or "", sum("image" in kind for kind in kinds)
