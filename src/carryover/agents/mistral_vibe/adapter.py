"""Mistral Vibe: a terminal agent that keeps each session as its newest state. FACTS.md has what its files look like.

A session is read whole: the newest state of what its user sees, and the journal of what has changed since. Entries
change in place: a call while it runs, and all that follow the one to which the user goes back. What is new is emitted
as a record for each piece (a message, a call, a result), which says by its key what the piece is.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, FileStat, ToolOutcome
from carryover.adapter.layouts import Layout
from carryover.agents.mistral_vibe import SPEC
from carryover.model import Answer, FileEdit, Op, PlanUpdate, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import asked_in, plan_items
from carryover.records.changes import Replacement, replaced
from carryover.records.fields import digest
from carryover.records.lenient import (
    Fields,
    fields_of,
    first_text,
    inside,
    items_of,
    number_of,
    text_of,
    time_of,
)
from carryover.records.patches import by_arguments
from carryover.records.text import without_ansi
from carryover.text.pattern import later
from carryover.transcript.bounds import lines_in
from carryover.transcript.files import entries_of, read_document, read_referenced
from carryover.transcript.recorder import Tools
from carryover.transcript.rewritten import Document, SnapshotReader, stored_session
from carryover.transcript.stored import (
    StoredBuilder,
    StoredContext,
    StoredFacts,
    StoredRecord,
    parse_stored,
)
from carryover.transcript.turns import add_answer, add_failure, add_prompt, add_summary, dispatch

_LAYOUTS: Final = (
    Layout(
        globs=("unified/*/CURRENT",),
        pattern=r"unified/(?P<session>[A-Za-z0-9][A-Za-z0-9._-]*)/CURRENT",
        beside=r"(unified/[^/]+)/journal/[^/]+\.jsonl",
        stands_for=r"\1/CURRENT",
    ),
)
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
    changes=by_arguments,
)
"""The built-in tools (2.26 and 3.0)."""
_EXITED: Final = later(r"Command exited with status (-?\d{1,10})")
_RECOVERED: Final = "effect_recovery_failed"
"""What is said at the next start of a call that was killed with the client."""
_EDITED: Final = "mistralai.vibe.sdk.search_replace"
_EDITED_LINES: Final = ("old_lines", "new_lines")


_CHANGE: Final = b'"type":"projection_delta"}'
"""The end of each line of the journal that changes what the user sees."""
_SEGMENT: Final = later(r"journal/\d{1,20}\.jsonl")
_NAME: Final = later(r"[0-9a-f-]{1,64}")
_IMPORTED: Final = "imported-"
"""Beginning of the ids of entries that were copied from another session."""
_SUBAGENT: Final = "child-"
"""Beginning of the ids of sub-agents' sessions, which have no meta.json."""
_BEGUN: Final = ("id", "createdAt", "detail")
"""What of a call does not change when it ends."""
_ENDED: Final = ("completed", "failed", "cancelled", "skipped")
_SUMMARY: Final = ("<compaction_summary>", "</compaction_summary>")

_Piece = tuple[tuple[int, int], str, dict[str, Fields]]
"""When it was written and, at the same time, after how many other entries; its id, its record."""


class _Record(StoredRecord, frozen=True, omit_defaults=True):
    """A record with one piece: an entry, a call with or without its final state, or the newest turn."""

    entry: Fields = msgspec.field(default_factory=dict)
    effect: Fields = msgspec.field(default_factory=dict)
    turn: Fields = msgspec.field(default_factory=dict)


_RECORD: Final = msgspec.json.Decoder(_Record)


def _session_at(path: Path, _stat: FileStat) -> Document:
    folder = path.parent
    generation = folder / "generations" / _named(fields_of(read_document(path)).get("generation"))
    manifest = fields_of(read_referenced(generation / "manifest.json"))
    state = fields_of(read_referenced(generation / "projection-state.json")).get("snapshot", rawjson.ABSENT)
    listed = [*items_of(inside(state, "history", "entries")), *_chunks(folder, manifest, "projection_state")]
    segment = text_of(inside(manifest.get("recovery_journal_segment"), "path"))
    entries = {text_of(entry.get("id")): entry for entry in map(fields_of, listed)}
    if _SEGMENT.fullmatch(segment):
        state = _continued(entries, state, read_referenced(folder / segment))
    if compactions := [ident for ident, entry in entries.items() if text_of(entry.get("kind")) == "compaction"]:
        summary = msgspec.json.encode(_summary(folder, manifest))
        entries[compactions[-1]] = {**entries[compactions[-1]], "summary": msgspec.Raw(summary)}
    pieces = sorted(_pieces(entries, fields_of(inside(state, "latestTurn"))))
    session = _described(folder, fields_of(inside(state, "session")))
    marks = [(ident, digest(msgspec.json.encode(piece))) for _, ident, piece in pieces]

    def record(_: int, piece: dict[str, Fields]) -> bytes:
        return msgspec.json.encode({"kind": "message", "session": session, **piece})

    return stored_session(session, [piece for _, _, piece in pieces], record, marks, empty=False)


def _newest_journal(pointer: Path) -> list[Path]:
    """Returns the journal that is written to now. Nothing else changes without it and the pointer."""
    folder = pointer.with_name("journal")
    return [folder / max(entry.name for entry in found)] if (found := entries_of(folder)) else []


def _continued(entries: dict[str, Fields], state: msgspec.Raw, journal: bytes) -> msgspec.Raw:
    """Applies the journal to the entries, and returns the state around them."""
    lines = (msgspec.Raw(line) for line in lines_in(journal) if line.endswith(_CHANGE))
    for change in (fields_of(raw) for line in lines for raw in items_of(inside(line, "payload", "delta"))):
        match text_of(change.get("op")):
            case "append_entry" | "replace_entry":
                entry = fields_of(change.get("entry"))
                entries[text_of(entry.get("id"))] = entry
            case "remove_entry":
                entries.pop(text_of(change.get("id")), None)
            case "set_envelope":
                state = change.get("state", state)
    return state


def _pieces(entries: dict[str, Fields], turn: Fields) -> Iterator[_Piece]:
    """Yields the piece of each entry, of which a call and its result are two, and how the newest turn failed."""
    if text_of(turn.get("status")) in ("failed", "interrupted"):
        yield (time_of(turn.get("completedAt")), len(entries)), "turn", {"turn": turn}
    for number, (ident, entry) in enumerate(entries.items()):
        kind = text_of(entry.get("type"))
        created = (time_of(entry.get("createdAt")), number)
        if ident.startswith(_IMPORTED) or kind in ("notice", "reasoning"):
            continue
        if kind != "effect":
            yield created, ident, {"entry": entry}
            continue
        yield created, f"{ident}/call", {"effect": {name: entry[name] for name in _BEGUN if name in entry}}
        if text_of(inside(entry.get("state"), "status")) in _ENDED:
            yield (time_of(entry.get("updatedAt")), number), ident, {"effect": entry}


def _described(folder: Path, about: Fields) -> StoredFacts:
    """Returns the facts about the session."""
    root = _named(about.get("rootSessionId")) if folder.name.startswith(_SUBAGENT) else ""
    meta = fields_of(read_referenced(folder.with_name(root or folder.name) / "meta.json"))
    return StoredFacts(
        id=folder.name,
        root=root or None,
        forked_from=text_of(about.get("parentSessionId")),
        directory=text_of(inside(meta.get("environment"), "working_directory")),
        title=text_of(about.get("title")),
        model=first_text(fields_of(meta.get("config")), "model_name", "active_model"),
    )


def _summary(folder: Path, manifest: Fields) -> str:
    """Returns the summary of the newest compaction, from what the model is sent; empty if it is not there yet."""
    sent = (inside(raw, "message", "content") for raw in _chunks(folder, manifest, "checkpoint"))
    texts = (text_of(fields_of(part).get("text")) for content in sent for part in items_of(content))
    within = (text.partition(_SUMMARY[0])[2].rpartition(_SUMMARY[1])[0] for text in texts)
    return next(filter(None, (text.strip() for text in within)), "")


def _chunks(folder: Path, manifest: Fields, name: str) -> Iterator[msgspec.Raw]:
    """Yields the entries of a list that was cut out of a file of the generation."""
    for chunk in items_of(inside(manifest.get(name), "chunks")):
        yield from items_of(msgspec.Raw(read_referenced(folder / "chunks" / f"{_named(chunk)}.json")))


def _named(raw: msgspec.Raw | None) -> str:
    """Returns the name of a file or folder. Raises OSError if it is something else."""
    name = text_of(raw)
    if _NAME.fullmatch(name) is None:
        raise OSError(errno.EINVAL, "not a session")
    return name


def _piece(recorder: StoredBuilder, record: _Record) -> None:
    recorder.kind = "piece"
    recorder.at_ms = recorder.reported.last_ms
    if record.kind == "session":
        _learn(recorder)
    else:
        kind = next((name for name in _PIECES if getattr(record, name)), "record")
        piece = getattr(record, kind, {})
        recorder.prefix = f"{recorder.session}/{text_of(piece.get('id'))}:"
        dispatch(recorder, _PIECES, kind, piece, what="record")
    if recorder.events:
        recorder.report(last_ms=recorder.at_ms)


def _learn(recorder: StoredBuilder) -> None:
    native = recorder.native
    if news := recorder.new_facts({"title": native.title, "model": native.model, "parent": native.forked_from}):
        recorder.put_info_first(recorder.session, recorder.cwd, news)


def _outcome(state: Fields, result: Fields) -> ToolOutcome:
    """Determines how a call that is no longer running ended. `result`: in the tool's own fields."""
    status, error = text_of(state.get("status")), fields_of(state.get("error"))
    said, code = text_of(error.get("message")), text_of(error.get("code"))
    output = without_ansi(text_of(state.get("outputText")))
    exited = _EXITED.fullmatch(said)
    exit_code = int(exited[1]) if exited is not None else number_of(result.get("returncode"))
    if status == "cancelled" or code == _RECOVERED:
        return ToolOutcome("interrupted", output)
    if status == "skipped" or code == "tool_denied":
        return ToolOutcome("denied", said)
    if exit_code is not None:
        printed = "".join(text_of(result.get(name)) for name in ("stdout", "stderr"))
        return ToolOutcome("error" if exit_code else "ok", output or without_ansi(printed), exit_code=exit_code)
    if status != "completed":
        return ToolOutcome("error", said or output)
    return ToolOutcome("ok", output or text_of(result.get("content")))


def _edited(path: str, state: Fields) -> FileEdit:
    """Returns an edit with what it replaced, as its result says: not always whole lines."""
    blocks = [fields_of(raw) for raw in items_of(inside(state.get("output"), "_meta", _EDITED, "blocks"))]
    texts = [["\n".join(map(text_of, items_of(block.get(name)))) for name in _EDITED_LINES] for block in blocks]
    pairs = [Replacement(old, new) for old, new in texts]
    line = number_of(blocks[0].get("new_start_line")) if blocks else None
    return msgspec.structs.replace(replaced(path, pairs, counted=bool(blocks)), line=line)


def _made(change: FileEdit, op: Op, state: Fields, result: Fields) -> FileEdit:
    """Returns a change with what the result says of it."""
    if op == "edit":
        return _edited(change.path, state)
    is_new = op == "write" and bytes(result.get("file_existed", rawjson.ABSENT)) == b"false"
    return msgspec.structs.replace(change, change="add") if is_new else change


_ADDED: Final = ('<skill_content name="', "<loop_instructions>")
"""The beginnings of the parts that the client adds after what was typed: a skill that the prompt names, or the
instructions for `/loop`."""
_LOOP: Final = "vibe.scheduled_loop"
"""The kind of a block in `userDisplayContent` of a prompt that a loop sends (code of 3.0.3)."""


def _entry(recorder: StoredBuilder, entry: Fields) -> None:
    recorder.at_ms = time_of(entry.get("createdAt"))
    match text_of(entry.get("type")), text_of(entry.get("role")) or text_of(entry.get("kind")):
        case "message", "user":
            _prompt(recorder, entry)
        case "message", "assistant":
            aborted = text_of(inside(entry.get("outcome"), "type")) == "discarded"
            text = rawjson.content_text(entry.get("content")) or ""
            add_answer(recorder, "text", text, aborted=aborted)
        case "checkpoint", "compaction":
            add_summary(recorder, "summary", text_of(entry.get("summary")))
        case "checkpoint", "agent_change" | "model_change" | "rewind":
            pass
        case kind, _:
            recorder.skip(kind, "unknown entry")


def _prompt(recorder: StoredBuilder, entry: Fields) -> None:
    """Handles a prompt. What the client says to the model in the user's role has another source, except for the parts
    that it adds to a prompt."""
    if text_of(entry.get("source")) not in ("turn_start", "turn_steer"):
        return
    parts = [fields_of(part) for part in items_of(entry.get("content"))]
    texts = [text_of(part.get("text")) for part in parts if "text" in part]
    text = "\n".join(text for at, text in enumerate(texts) if not (at and text.startswith(_ADDED)))
    shown = items_of(inside(entry.get("userDisplayContent"), "content"))
    if any(text_of(inside(block, "type")) == _LOOP for block in shown):
        recorder.add(UserPrompt(text=text, actor="model", scheduled=True), "prompt")
    else:
        add_prompt(recorder, "prompt", text, actor=recorder.actor, attachments=len(parts) - len(texts))


def _effect(recorder: StoredBuilder, entry: Fields) -> None:
    """Handles a call or, with the state that it ended in, its result and what it did."""
    ident, detail, state = text_of(entry.get("id")), fields_of(entry.get("detail")), fields_of(entry.get("state"))
    name, given = text_of(detail.get("toolName")), fields_of(detail.get("input"))
    if not recorder.identify("effect", ident, name):
        return
    call = TOOLS.call(ident, name, given, recorder.cwd)
    call = call.by_user() if name == _TYPED else call
    if "state" not in entry:
        recorder.at_ms = time_of(entry.get("createdAt"))
        recorder.add_call(call, "call", asked_in(given.get("questions")))
        return
    recorder.at_ms = time_of(entry.get("updatedAt"))
    result = fields_of(inside(state.get("output"), "structured_content"))
    outcome = _outcome(state, result)
    recorder.end_call(call, outcome, changes=[_made(change, call.op, state, result) for change in call.changes])
    if outcome.status != "ok":
        return
    if call.op == "plan" and "todos" in result:
        recorder.add(PlanUpdate(items=plan_items(result["todos"], "content")), "todos")
    # Of an MCP server's tool, the result is the server's.
    answers = items_of(result.get("answers")) if call.op == "ask" else []
    for number, answer in enumerate(map(fields_of, answers)):
        if text := text_of(answer.get("answer")):
            found = Answer(call_id=ident, question=text_of(answer.get("question")), text=text)
            recorder.add(found, f"answer{number}")


def _turn(recorder: StoredBuilder, turn: Fields) -> None:
    """Handles the end of the newest turn, if it had no answer."""
    recorder.at_ms = time_of(turn.get("completedAt"))
    if text_of(turn.get("status")) == "interrupted":
        recorder.add(TurnEnd(reason="interrupted"), "end")
        return
    error = fields_of(turn.get("error"))
    status = number_of(fields_of(error.get("details")).get("httpStatus"))
    add_failure(recorder, "end", text_of(error.get("message")), status=status)


_PIECES: Final[dict[str, Callable[[StoredBuilder, Fields], None]]] = {
    "entry": _entry,
    "effect": _effect,
    "turn": _turn,
}
"""How each kind of piece is handled, by its key."""


AGENT: Final = Agent(
    spec=SPEC,
    reader=SnapshotReader(_session_at, beside=_newest_journal),
    context_type=StoredContext,
    layouts=_LAYOUTS,
    parse=partial(parse_stored, _RECORD, StoredBuilder, _piece),
)
