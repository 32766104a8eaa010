"""Mistral Vibe: a terminal agent that keeps each session as its newest state. FACTS.md has what it looks like.

`store` reads a session whole and emits what is new: a record for each piece (a message, a call, a result), which says
by its key what the piece is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source, ToolOutcome
from carryover.agents.mistral_vibe.spec import SPEC
from carryover.agents.mistral_vibe.store import BEGIN, FACTS, Begin, SessionReader
from carryover.model import Actor, AgentSummary, Answer, AnyBody, AssistantMessage, PlanUpdate, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import asked_in, plan_items
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import (
    Fields,
    fields_of,
    first_text,
    inside,
    items_of,
    number_of,
    read_as,
    text_of,
    time_of,
)
from carryover.records.patches import added, place_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import without_ansi, without_handoff
from carryover.text.pattern import later
from carryover.transcript.layouts import Layout, source_at, sources_below
from carryover.transcript.recorder import (
    OpenCall,
    Recorder,
    SessionContext,
    Tools,
    reemitted_after,
    usable_folder,
    usable_name,
)

_POINTER: Final = "CURRENT"
_PATTERN: Final = rf"unified/(?P<session>[A-Za-z0-9][A-Za-z0-9._-]*)/{_POINTER}"
_LAYOUTS: Final = (Layout(globs=(f"unified/*/{_POINTER}",), pattern=_PATTERN),)


_TYPED: Final = "shell"
"""The name of a command that the user typed after `!`."""
TOOLS: Final = Tools(
    {
        "shell": f"{_TYPED} file_system.bash process.start",
        "edit": "file_system.edit file_system.search_replace",
        "read": "file_system.read_file",
        "write": "file_system.write_file",
        "plan": "vibe.todo",
        "ask": "ui.ask_user_question",
        "agent": "agents.spawn",
    },
    about=("path", "file_path", "task", "query", "url", "name", "message"),
)
"""The built-in tools (2.26 and 3.0)."""
_EXITED: Final = later(r"Command exited with status (-?\d{1,9})")
_RECOVERED: Final = "effect_recovery_failed"
"""What is said at the next start of a call that was killed with the client."""
_EDITED: Final = "mistralai.vibe.sdk.search_replace"
_RECORD: Final = msgspec.json.Decoder(Fields)


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of one session between two records."""

    session: str | None = None
    subagent_id: str | None = None
    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""


@dataclass(slots=True, kw_only=True)
class _Recorder(Recorder[Context]):
    """Records one piece. `ident` is the id in what is below its key."""

    session: str
    ident: str = ""

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event, unless no time is known. `part` is its place in what has the id."""
        if not self.at_ms:
            self.skip("piece", "no time")
            return
        key = f"{self.session}/{self.ident}:{part}"
        self.append(key, body, session=self.session, cwd=self.context.cwd, subagent_id=self.context.subagent_id)


def parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of the reader. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read(_RECORD, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    if (begin := rawjson.part_of(line.get(BEGIN, rawjson.ABSENT), Begin)) is not None:
        return _begun(context, begin)
    session = context.session or source.session or source.path
    recorder = _Recorder(context=context, session=session, at_ms=context.last_ms)
    kind = next((name for name in _PIECES if name in line), None)
    if kind is None:
        recorder.skip("record", "unknown record")
    else:
        piece = fields_of(line[kind])
        recorder.ident = text_of(piece.get("id"))
        _PIECES[kind](recorder, piece)
    if recorder.events:
        recorder.change(last=recorder.last_key, last_ms=recorder.at_ms)
    return recorder.context, recorder.built()


def _begun(context: Context, begin: Begin) -> tuple[Context, Parsed]:
    """Marks what is emitted again: the events after the last one, or all of them if anything before it changed."""
    session = begin.root or begin.id
    subagent_id = begin.id if begin.root is not None else None
    if not begin.on:
        context = Context(session=session, subagent_id=subagent_id)
    context = msgspec.structs.replace(context, cwd=usable_folder(begin.cwd))
    if begin.on and context.last is None:
        return context, Parsed()
    again = reemitted_after(context.last, session=session, subagent_id=subagent_id, more=begin.more)
    return context, Parsed(reemitted=again)


def _learn(recorder: _Recorder, facts: Fields) -> None:
    """Handles the facts about the session. A sub-agent has none of its own."""
    if recorder.context.subagent_id is None:
        names = ("title", "agent_version", "model", "parent")
        recorder.learn(**{name: bounded(text_of(facts.get(name)), SHORT_CHARS) for name in names})
        recorder.put_news_first(recorder.session, recorder.context.cwd)


class _Block(msgspec.Struct, frozen=True):
    new_start_line: int | None = None
    old_lines: list[str] = []
    new_lines: list[str] = []


@dataclass(frozen=True, slots=True)
class _Called:
    """A call as its entry describes it, ended or not. `result`: in the tool's own fields."""

    call: OpenCall
    given: Fields
    state: Fields
    result: Fields


def _called(ident: str, entry: Fields, cwd: str | None) -> _Called | None:
    """Returns the call of an entry; None if it has no usable id or name."""
    detail, state = fields_of(entry.get("detail")), fields_of(entry.get("state"))
    name = usable_name(text_of(detail.get("toolName")))
    if name is None or usable_name(ident) is None:
        return None
    given = fields_of(detail.get("input"))
    call = TOOLS.call(ident, name, given, cwd)
    result = fields_of(inside(state.get("output", rawjson.ABSENT), "structured_content"))
    if call.op in ("edit", "write") and (path := place_of(first_text(given, "path", "file_path"), cwd)) is not None:
        change = _edited(path, state) if call.op == "edit" else _written(path, given, result)
        call = msgspec.structs.replace(call, changes=(change,))
    if name == _TYPED:
        call = call.by_user()
    return _Called(call, given, state, result)


def _outcome(found: _Called) -> ToolOutcome:
    """Determines how a call that is no longer running ended."""
    status, error = text_of(found.state.get("status")), fields_of(found.state.get("error"))
    said, code = text_of(error.get("message")), text_of(error.get("code"))
    output = without_ansi(text_of(found.state.get("outputText")))
    exited = _EXITED.fullmatch(said)
    exit_code = int(exited[1]) if exited is not None else number_of(found.result.get("returncode"))
    if status == "cancelled" or code == _RECOVERED:
        return ToolOutcome("interrupted", output)
    if status == "skipped" or code == "tool_denied":
        return ToolOutcome("denied", said)
    if exit_code is not None:
        printed = "".join(text_of(found.result.get(name)) for name in ("stdout", "stderr"))
        return ToolOutcome("error" if exit_code else "ok", output or without_ansi(printed), exit_code=exit_code)
    if status != "completed":
        return ToolOutcome("error", said or output)
    return ToolOutcome("ok", output or text_of(found.result.get("content")))


def _effects(found: _Called) -> Iterator[tuple[str, AnyBody]]:
    """Yields what a call that succeeded did beside its edits, each with the end of its event's key."""
    if found.call.op == "plan" and "todos" in found.result:
        yield "todos", PlanUpdate(items=plan_items(found.result["todos"], "content"))
    for number, answer in enumerate(map(fields_of, items_of(found.result.get("answers")))):
        if text := text_of(answer.get("answer")):
            yield f"answer{number}", Answer(call_id=found.call.id, question=text_of(answer.get("question")), text=text)


def _written(path: str, given: Fields, result: Fields) -> Change:
    is_new = bytes(result.get("file_existed", rawjson.ABSENT)) == b"false"
    return (added if is_new else written)(path, text_of(given.get("content")))


def _edited(path: str, state: Fields) -> Change:
    """Returns an edit with what it replaced, as its result says: not always whole lines."""
    noted = inside(state.get("output", rawjson.ABSENT), "_meta", _EDITED, "blocks")
    blocks = read_as(noted, list[_Block]) or []
    pairs = [Replacement("\n".join(block.old_lines), "\n".join(block.new_lines)) for block in blocks]
    line = blocks[0].new_start_line if blocks else None
    return msgspec.structs.replace(replaced(path, pairs, counted=bool(blocks)), line=line)


def _entry(recorder: _Recorder, entry: Fields) -> None:
    recorder.at_ms = time_of(entry.get("createdAt"))
    match text_of(entry.get("type")), text_of(entry.get("role")) or text_of(entry.get("kind")):
        case "message", "user":
            _prompt(recorder, entry)
        case "message", "assistant":
            aborted = text_of(inside(entry.get("outcome", rawjson.ABSENT), "type")) == "discarded"
            if (text := rawjson.text_of(entry.get("content", rawjson.ABSENT)) or "").strip():
                recorder.add(AssistantMessage(text=text, aborted=aborted), "text")
        case "checkpoint", "compaction":
            if text := without_handoff(text_of(entry.get("summary"))).strip():
                recorder.add(AgentSummary(text=text, source="compaction"), "summary")
        case "checkpoint", "agent_change" | "model_change" | "rewind":
            pass
        case kind, _:
            recorder.skip(kind, "unknown entry")


def _prompt(recorder: _Recorder, entry: Fields) -> None:
    """Handles a prompt. What the client says to the model in the user's role has another source."""
    if text_of(entry.get("source")) not in ("turn_start", "turn_steer"):
        return
    parts = [fields_of(part) for part in items_of(entry.get("content"))]
    text = "\n".join(text_of(part.get("text")) for part in parts if "text" in part)
    files = sum("text" not in part for part in parts)
    if text.strip() or files:
        actor: Actor = "human" if recorder.context.subagent_id is None else "model"
        recorder.add(UserPrompt(text=text, actor=actor, attachments=files), "prompt")


def _effect(recorder: _Recorder, entry: Fields) -> None:
    """Handles a call or, with the state that it ended in, its result."""
    found = _called(recorder.ident, entry, recorder.context.cwd)
    if found is None:
        recorder.skip("effect", "no usable id or name")
        return
    if "state" not in entry:
        recorder.at_ms = time_of(entry.get("createdAt"))
        recorder.add(found.call.as_event(), "call")
        for number, asked in enumerate(asked_in(found.given.get("questions"))):
            recorder.add(asked.as_event(found.call.id), f"question{number}")
        return
    recorder.at_ms = time_of(entry.get("updatedAt"))
    outcome = _outcome(found)
    recorder.end_call(found.call, outcome)
    for part, body in _effects(found) if outcome.status == "ok" else ():
        recorder.add(body, part)


def _turn(recorder: _Recorder, turn: Fields) -> None:
    """Handles the end of the newest turn, if it had no answer."""
    recorder.at_ms = time_of(turn.get("completedAt"))
    if text_of(turn.get("status")) == "interrupted":
        recorder.add(TurnEnd(reason="interrupted"), "end")
        return
    error = fields_of(turn.get("error"))
    said = text_of(error.get("message"))
    is_limit = number_of(inside(error.get("details", rawjson.ABSENT), "httpStatus")) in (402, 429) or names_limit(said)
    recorder.add(failed_turn(said, recorder.at_ms, limited=is_limit), "end")


_PIECES: Final[dict[str, Callable[[_Recorder, Fields], None]]] = {
    "entry": _entry,
    "effect": _effect,
    "turn": _turn,
    FACTS: _learn,
}
"""How each kind of piece is handled, by its key."""


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path`, by name alone. A change of a session's journal counts as a change of it."""
    is_journal = path.parent.name == "journal" and path.suffix == ".jsonl"
    return source_at(SPEC.id, _LAYOUTS, path.parent.parent / _POINTER if is_journal else path, root)


AGENT: Final = Agent(
    spec=SPEC,
    reader=SessionReader(),
    context_type=Context,
    source_of=source_of,
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=parse,
)
