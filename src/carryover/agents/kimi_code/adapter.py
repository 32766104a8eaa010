"""Kimi Code: a terminal agent that keeps a log for each agent of a session. FACTS.md has what its records look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Batch, Parsed, Record, Source, ToolOutcome
from carryover.agents.kimi_code.spec import SPEC
from carryover.model import (
    Actor,
    AgentSummary,
    AnyBody,
    AssistantMessage,
    Op,
    PlanUpdate,
    Question,
    Retracted,
    TurnEnd,
    UserPrompt,
)
from carryover.records import rawjson
from carryover.records.asked import asked_in, plan_items
from carryover.records.changes import Change, planned
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, inside, is_true, items_of, number_of, text_of, time_of
from carryover.records.patches import place_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import tagged, without_ansi, without_handoff
from carryover.text.pattern import later
from carryover.transcript.files import read_small
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.layouts import Layout, source_at, sources_below
from carryover.transcript.recorder import OpenCall, Recorder, SessionContext, Tools, usable_folder, usable_name

_AGENT: Final = r"(?:main|(?P<subagent_id>agent-[A-Za-z0-9-]{1,100}))"
_FILE: Final = rf"(?P<group>[^/]+)/(?P<session>session_[A-Za-z0-9-]{{1,100}})/agents/{_AGENT}/wire\.jsonl"
LAYOUTS: Final = (Layout(globs=("*/session_*/agents/*/wire.jsonl",), pattern=_FILE),)
"""The group is made of the start folder's name and a hash."""


def _changes(op: Op, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    path = place_of(text_of(given.get("path")), cwd) if op in ("edit", "write") else None
    return (planned(path, given),) if path is not None else ()


TOOLS: Final = Tools(
    {
        "shell": "Bash",
        "read": "Read",
        "edit": "Edit",
        "write": "Write",
        "search": "Glob Grep",
        "web": "FetchURL",
        "plan": "TodoList",
        "ask": "AskUserQuestion",
        "agent": "Agent AgentSwarm",
    },
    about=("path", "pattern", "url", "description", "prompt", "query", "name"),
    changes=_changes,
)
"""The built-in tools (2.1)."""
_EXITED: Final = later(r"\n?Command failed with exit code: (-?\d{1,9})\.\s*\Z")
_INTERRUPTED: Final = "Interrupted by user"
_NEVER_RAN: Final = later(r'Tool "[^"]*" not found|Invalid args for tool ')

_LIMITS: Final = (402, 429)
_GIT: Final = later(r"\A<git-context>.*?</git-context>\s*", re.DOTALL)
"""What the client puts before a sub-agent's task."""
_QUIET: Final = frozenset(
    "agent compaction config context cron event file_history full_compaction goal hook interaction llm mcp "
    "permission plan plan_mode plugin plugin_command profile prompt runtime session shell skill subagent "
    "swarm_mode task token_counting tools tower tower_mode turn usage".split()
)
"""Kinds of records, the first words of their types, of which what is not handled holds nothing for a handoff."""
_ALONE: Final = ("forked", "metadata")
"""Those whose type is one word."""
_STATE: Final = "$facts"
"""Type of the record that the reader adds: the session's facts, which stand in another file."""
_MAX_STATE_BYTES: Final = 1 << 20
_MOST_TURNS: Final = 50
_SAID: Final = (AssistantMessage, Question, TurnEnd, UserPrompt)
_RECORD: Final = msgspec.json.Decoder(Fields)


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of one agent of a session between two records."""

    forked_ms: int = 0
    """When the session was forked from another: what is older is a copy. 0 if it was not."""
    typed: OpenCall | None = None
    """A command of the user's whose output has not come yet."""
    turns: tuple[tuple[bytes, ...], ...] = ()
    """Keys of each prompt and what was said until the next one, as bytes, since text might be taken for a secret."""


class _Reader(JsonlReader):
    """Reads an agent's lines, after a record with the facts about the session."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """See `JsonlReader.read`."""
        batch = super().read(path, cursor)
        if not batch.records:
            return batch
        try:
            state = fields_of(read_small(path.parent.parent.parent / "state.json", limit=_MAX_STATE_BYTES))
        except OSError:  # it is not there yet, or this is a copy
            state = {}
        first = Record(number=0, data=msgspec.json.encode({"type": _STATE, "facts": state}))
        return msgspec.structs.replace(batch, records=(first, *batch.records))


@dataclass(slots=True, kw_only=True)
class _Recorder(Recorder[Context]):
    """Records one line of an agent's log."""

    source: Source

    @property
    def session(self) -> str:
        """The session's id."""
        return self.source.session or PurePosixPath(self.source.path).stem

    @property
    def origin(self) -> str | None:
        """The session that this one was forked from, if the record was copied from it."""
        return self.context.facts.parent if self.at_ms < self.context.forked_ms else None

    def add(self, body: AnyBody, key: str) -> None:
        """Adds an event. A copy's belongs to the session that it was copied from."""
        if not self.at_ms:
            self.skip("record", "no time")
            return
        subagent_id = self.source.subagent_id
        key = f"{subagent_id}/{key}" if subagent_id else key
        session = self.origin or self.session
        self.append(key, body, session=session, cwd=self.context.cwd, subagent_id=subagent_id)
        if self.origin is not None:
            self.events[-1] = msgspec.structs.replace(self.events[-1], copied=True)
        if isinstance(body, _SAID) and self.context.turns:
            *others, newest = self.context.turns
            self.change(turns=(*others, (*newest, self.last_key)[-_MOST_TURNS:]))

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the record, facts about the session first."""
        if self.events:
            self.change(last_ms=max(self.at_ms, self.context.last_ms))
        is_copy = self.at_ms < self.context.forked_ms
        if self.events and not is_copy and self.source.subagent_id is None:
            self.put_news_first(self.session, self.context.cwd)
        return self.context, self.built()


def parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read(_RECORD, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    recorder = _Recorder(context=context, source=source, at_ms=time_of(line.get("time")) or context.last_ms)
    kind = text_of(line.get("type"))
    handle = _HANDLERS.get(kind)
    if handle is not None:
        handle(recorder, line)
    elif not _is_quiet(kind):
        recorder.skip(kind, "unknown record type")
    return recorder.parsed()


def _is_quiet(kind: str) -> bool:
    first, dot, _ = kind.partition(".")
    return first in _QUIET if dot else kind in _ALONE


def _facts(recorder: _Recorder, line: Fields) -> None:
    facts = fields_of(line.get("facts"))
    recorder.at_ms = recorder.context.last_ms
    recorder.change(cwd=usable_folder(text_of(facts.get("cwd"))) or recorder.context.cwd)
    if parent := usable_name(text_of(facts.get("forkedFrom"))):
        recorder.change(forked_ms=time_of(facts.get("createdAt")))
        recorder.learn(parent=parent)
    recorder.learn(title=bounded(text_of(facts.get("title")), SHORT_CHARS))


def _model(recorder: _Recorder, line: Fields) -> None:
    recorder.learn(model=text_of(line.get("model")))


def _prompt(recorder: _Recorder, line: Fields) -> None:
    """Handles a prompt. One of another origin than the user is a sub-agent's task, or the client's."""
    kind = text_of(inside(line.get("origin", rawjson.ABSENT), "kind"))
    is_main = recorder.source.subagent_id is None
    if kind != "user" and is_main:
        return
    parts = [fields_of(part) for part in items_of(line.get("input"))]
    text = "\n".join(text_of(part.get("text")) for part in parts if "text" in part)
    files = sum("text" not in part for part in parts)
    actor: Actor = "human" if is_main else "model"
    recorder.change(turns=(*recorder.context.turns, ())[-_MOST_TURNS:])
    if text.strip() or files:
        text = text if is_main else _GIT.sub("", text)
        recorder.add(UserPrompt(text=text, actor=actor, attachments=files), f"{text_of(line.get('promptId'))}/prompt")


def _event(recorder: _Recorder, line: Fields) -> None:
    event = fields_of(line.get("event"))
    kind = text_of(event.get("type"))
    if kind in _EVENTS:
        _EVENTS[kind](recorder, event)
    elif kind != "step.begin":
        recorder.skip(f"loop/{kind}" if kind else "loop", "unknown event")


def _tokens(recorder: _Recorder, event: Fields) -> None:
    """Handles the end of a request. `inputOther` is what is neither read from the cache nor written to it."""
    ident = usable_name(text_of(event.get("uuid")))
    usage = fields_of(event.get("usage"))
    if ident is not None:
        recorder.count_tokens(
            ident,
            session=recorder.origin or recorder.session,
            model=recorder.context.facts.model,
            input=number_of(usage.get("inputOther")),
            output=number_of(usage.get("output")),
            cache_read=number_of(usage.get("inputCacheRead")),
            cache_write=number_of(usage.get("inputCacheCreation")),
        )


def _text(recorder: _Recorder, event: Fields) -> None:
    part = fields_of(event.get("part"))
    text = text_of(part.get("text"))
    if text_of(part.get("type")) == "text" and text.strip():
        recorder.add(AssistantMessage(text=text), f"{text_of(event.get('uuid'))}/text")


def _call(recorder: _Recorder, event: Fields) -> None:
    ident, name = text_of(event.get("toolCallId")), text_of(event.get("name"))
    if recorder.identify("loop/tool.call", ident, name):
        given = fields_of(event.get("args"))
        call = TOOLS.call(ident, name, given, recorder.context.cwd)
        asked = asked_in(given.get("questions")) if call.op == "ask" else ()
        recorder.begin_call(call, f"{ident}/call", asked, question=f"{ident}/question")


def _result(recorder: _Recorder, event: Fields) -> None:
    ident = text_of(event.get("toolCallId"))
    if recorder.identify("loop/tool.result", ident):
        call = recorder.take_call(ident)
        outcome = _outcome(call, fields_of(event.get("result")))
        recorder.end_call(call, outcome, result=f"{ident}/result", edit=f"{ident}/edit")


def _outcome(call: OpenCall, result: Fields) -> ToolOutcome:
    """Determines how a call ended. A command's exit code is the end of its output."""
    output = without_ansi(rawjson.text_of(result.get("output", rawjson.ABSENT)) or "")
    if not is_true(result.get("isError")):
        return ToolOutcome("ok", output, exit_code=0 if call.op == "shell" else None)
    if output.strip() == _INTERRUPTED:
        return ToolOutcome("interrupted")
    code = _EXITED.search(output)
    never_ran = _NEVER_RAN.match(output) is not None
    exit_code = int(code[1]) if code is not None else None
    return ToolOutcome("error", _EXITED.sub("", output), exit_code=exit_code, never_ran=never_ran)


def _typed(recorder: _Recorder, line: Fields) -> None:
    """Handles a command that the user typed after `!`; all other messages have records of their own."""
    message = fields_of(line.get("message"))
    origin = fields_of(message.get("origin"))
    if text_of(origin.get("kind")) != "shell_command":
        return
    text = rawjson.text_of(message.get("content", rawjson.ABSENT)) or ""
    # What the command printed may hold the tag too.
    command = tagged(text, "bash-input") if text.startswith("<bash-input>") else None
    call = recorder.context.typed
    if command is not None:
        ident = f"typed/{recorder.at_ms}"
        call = OpenCall.of_command(ident, "Bash", command.strip(), recorder.context.cwd).by_user()
        recorder.change(typed=call)
        recorder.add(call.as_event(), f"{call.id}/call")
    elif call is not None:
        output = (tagged(text, "bash-stdout") or "") + (tagged(text, "bash-stderr") or "")
        status = ToolOutcome("error" if is_true(origin.get("isError")) else "ok", without_ansi(output))
        recorder.change(typed=None)
        recorder.add(call.ended(status), f"{call.id}/result")


def _compaction(recorder: _Recorder, line: Fields) -> None:
    if text := without_handoff(text_of(line.get("summary"))).strip():
        recorder.add(AgentSummary(text=text, source="compaction"), f"compaction/{recorder.at_ms}")


def _undo(recorder: _Recorder, line: Fields) -> None:
    """Handles that the user took back the last turns."""
    count = number_of(line.get("turns")) or 0
    turns = recorder.context.turns
    kept = turns[: max(0, len(turns) - count)] if count > 0 else turns
    keys = tuple(key.decode("utf-8", "replace") for turn in turns[len(kept) :] for key in turn)
    recorder.change(turns=kept)
    if keys:
        recorder.add(Retracted(keys=keys), f"undo/{recorder.at_ms}")


def _todos(recorder: _Recorder, line: Fields) -> None:
    if text_of(line.get("key")) == "todo":
        recorder.add(PlanUpdate(items=plan_items(line.get("value"), "title")), f"todo/{recorder.at_ms}")


def _turn_end(recorder: _Recorder, line: Fields) -> None:
    key = f"end/{recorder.at_ms}"
    error = fields_of(line.get("error"))
    said = text_of(error.get("message"))
    if text_of(line.get("reason")) == "cancelled":
        recorder.add(TurnEnd(reason="interrupted"), key)
    elif text_of(line.get("reason")) == "failed":
        limit = number_of(inside(error.get("details", rawjson.ABSENT), "statusCode")) in _LIMITS or names_limit(said)
        recorder.add(failed_turn(said, recorder.at_ms, limited=limit), key)


_Handler = Callable[[_Recorder, Fields], None]
_EVENTS: Final[dict[str, _Handler]] = {
    "content.part": _text,
    "step.end": _tokens,
    "tool.call": _call,
    "tool.result": _result,
}
_HANDLERS: Final[dict[str, _Handler]] = {
    _STATE: _facts,
    "context.append_loop_event": _event,
    "context.append_message": _typed,
    "context.apply_compaction": _compaction,
    "context.undone": _undo,
    "llm.request": _model,
    "tools.update_store": _todos,
    "turn.ended": _turn_end,
    "turn.prompt": _prompt,
    "turn.steer": _prompt,
}

AGENT: Final = Agent(
    spec=SPEC,
    reader=_Reader(),
    context_type=Context,
    source_of=partial(source_at, SPEC.id, LAYOUTS),
    sources=partial(sources_below, SPEC.id, LAYOUTS),
    parse=parse,
)
