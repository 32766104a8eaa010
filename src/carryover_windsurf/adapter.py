"""Windsurf's agent Cascade, in what it hands to hooks (in `<state>/spool/windsurf`) and in its transcripts.

A transcript says more (what failed, what a command printed) but comes after its turn has ended, and only from some
versions. So a conversation consists of the transcript and of the calls of turns that are not in it. Once a turn is, its
calls no longer count; the ledger replaces them.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from carryover.adapter.contract import Agent, FileStat, HookEvent, HookProtocol, Source, ToolOutcome
from carryover.adapter.layouts import Layout, kind_of
from carryover.model import AssistantMessage, FileEdit, ResultStatus, SessionInfo, UserPrompt
from carryover.records import rawjson, uris
from carryover.records.changes import Replacement, replaced, written
from carryover.records.fields import LATEST_MS, digest, session_of_copy, subject_of
from carryover.records.lenient import Fields, fields_of, first_text, moment_of, number_of, text_of
from carryover.records.patches import patched_path
from carryover.text.pattern import later
from carryover.transcript.bounds import LOOK_BYTES, MOST_LINES
from carryover.transcript.files import read_head
from carryover.transcript.hooks import own_hooks, plain_answer, root_above
from carryover.transcript.recorder import OpenCall, usable_folder
from carryover.transcript.rewritten import Document, SnapshotReader, stored_session
from carryover.transcript.spooled import SpooledCall, copy_beside
from carryover.transcript.stored import EntryRecord, StoredBuilder, StoredContext, StoredFacts, entry_of, parse_stored
from carryover_windsurf import SPEC

MAX_SPOOLED_BYTES: Final = 32 << 20
MAX_TRANSCRIPT_BYTES: Final = LOOK_BYTES - MAX_SPOOLED_BYTES
"""A transcript only grows, so what is read of it never changes; turns after that count by their calls."""
_TRANSCRIPT: Final = "post_cascade_response_with_transcript"
_ID: Final = r"[A-Za-z0-9][\w-]{0,99}"
_FILE: Final = rf"(?P<session>{_ID})\.jsonl"
LAYOUTS: Final = (
    Layout(kind="spool", root=f"spool/{SPEC.id}", rank=1, globs=("*.jsonl",), pattern=_FILE),  # has the transcript too
    Layout(kind="transcript", root=".windsurf/transcripts", globs=("*.jsonl",), pattern=_FILE),
)
_SHOWN: Final = ("", "done", "error")
"""Statuses of a text that was shown, or sent; a call has none."""
_CALL: Final = msgspec.json.Decoder(SpooledCall)
_OBJECT: Final = msgspec.json.Decoder(Fields)


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call, by its event, or a row of the transcript, by `row/` and its type; without an id, one that could not be
    read. `held`: its data, such as a call's `tool_info`."""

    kind: str
    id: str = ""
    held: msgspec.Raw = rawjson.ABSENT
    at_ms: int = 0
    status: str = ""
    model: str = ""


_RECORD: Final = msgspec.json.Decoder(EntryRecord[_Entry])


class _Step(NamedTuple):
    """A hook call or a row of the transcript. `prompt`: what the user typed, if it holds that."""

    entry: _Entry
    prompt: str | None = None
    turn: str = ""
    transcript: str | None = None
    cwd: str | None = None


def _conversation(facts: StoredFacts, entries: Sequence[_Entry], began_ms: int, noted_ms: int = 0) -> Document:
    """`noted_ms`: when the transcript was written, for rows without a time and without a call."""
    return stored_session(
        facts,
        [*map(msgspec.json.encode, entries)],
        lambda number, _: entry_of(facts, entries[number], noted_ms),
        at_ms=min(max(began_ms - 1, 0), LATEST_MS),
        empty=False,
    )


def _take(path: Path, stat: FileStat) -> Document:
    """Reads a conversation. A changed transcript is noticed by the call that names it."""
    facts = StoredFacts(path.stem)
    if (kind := kind_of(LAYOUTS, path)) is None:
        head = read_head(path, 64 << 10)
        kind, facts = _kind_in(head), StoredFacts(path.stem, name=session_of_copy(path.stem, head) or "")
    if kind is None:
        raise OSError("not a source")
    if kind == "transcript":
        noted_ms = stat.mtime_ns // 1_000_000
        rows = _rows_in(read_head(path, MAX_TRANSCRIPT_BYTES))
        return _conversation(facts, [row.entry for row in rows], noted_ms, noted_ms)
    lines = [line for line in read_head(path, MAX_SPOOLED_BYTES).split(b"\n", MOST_LINES)[:-1] if line.strip()]
    read = [call for call in map(_call, lines) if call is not None]
    once = {call.entry.id: call for call in read}  # a hook that is registered twice runs twice
    calls = sorted(once.values(), key=lambda call: call.entry.at_ms)
    unread = [_Entry("call")] * (len(lines) - len(read))
    cwd = next((call.cwd for call in calls if call.cwd is not None), None)
    entries = [*unread, *_merged(calls, _transcript(calls, copy_beside(path)))]
    return _conversation(msgspec.structs.replace(facts, directory=cwd), entries, calls[0].entry.at_ms if calls else 0)


def _call(line: bytes) -> _Step | None:
    kept = rawjson.read(_CALL, line)
    if isinstance(kept, str) or isinstance(given := rawjson.read(_OBJECT, bytes(kept.payload)), str):
        return None
    turn, event = text_of(given.get("execution_id")), kept.event.lower()
    at_ms, info = moment_of(given.get("timestamp")) or kept.at_ms, given.get("tool_info", rawjson.ABSENT)
    ident = digest(f"{len(turn)} {turn}{event} ".encode("utf-8", "replace") + bytes(info)) + f"/{at_ms}"
    entry = _Entry(event, ident, info, at_ms, model=text_of(given.get("model_name")))
    transcript = _transcript_of(given) if event == _TRANSCRIPT else None
    return _Step(entry, _prompt_in(event, info), turn, transcript, kept.cwd)


def _rows_in(data: bytes) -> list[_Step]:
    """Returns the rows of a transcript. The last one may lack its line break; it is left out if it is torn."""
    *lines, last = data.split(b"\n", MOST_LINES)
    rows = []
    for line in (*lines, last if fields_of(last) else b""):
        if isinstance(fields := rawjson.read(_OBJECT, line), str):
            rows += [_Step(_Entry("row"))] if line.strip() else []
            continue
        kind, at_ms = text_of(fields.get("type")), moment_of(fields.get("timestamp"))
        held, status = fields.get(kind, rawjson.ABSENT), text_of(fields.get("status"))
        entry = _Entry(f"row/{kind}", f"row{len(rows) + 1}", held, at_ms, status)
        rows.append(_Step(entry, _prompt_in(kind, held) if status in _SHOWN else None))
    return rows


def _prompt_in(kind: str, held: msgspec.Raw) -> str | None:
    """Returns the prompt in a call of that event, or in a row of that type; None if it holds none."""
    is_prompt = kind in ("pre_user_prompt", "user_input")
    return first_text(fields_of(held), "user_prompt", "user_response").strip() if is_prompt else None


def _transcript(calls: Sequence[_Step], copy: Path) -> list[_Step]:
    """Returns the rows of the transcript named last, or of its copy; none if neither can be read."""
    named = next((call.transcript for call in reversed(calls) if call.transcript is not None), None)
    for path in (Path(named), copy) if named is not None else ():
        with suppress(OSError):
            if not path.is_symlink():
                return _rows_in(read_head(path, MAX_TRANSCRIPT_BYTES))
    return []


def _merged(calls: Sequence[_Step], rows: Sequence[_Step]) -> Iterator[_Entry]:
    """Yields the rows of the transcript, and the calls of turns that are not in it. A turn is known by its prompt; one
    without began before there were hooks. Rows without a time: a prompt gets that of its call, all else that of its
    turn's last call."""
    turns: dict[str, list[_Step]] = {}
    for call in calls:
        turns.setdefault(call.turn, []).append(call)
    known: dict[str | None, deque[str]] = {}
    for name, turn in turns.items():
        prompt = next((call.prompt for call in turn if call.prompt is not None), None)
        known.setdefault(prompt, deque()).append(name)
    if any(row.prompt is not None for row in rows):
        ended_ms = 0
        for row in rows:
            at_ms = ended_ms
            if row.prompt is not None:
                turn = turns.pop(known[row.prompt].popleft()) if known.get(row.prompt) else []
                at_ms, ended_ms = (turn[0].entry.at_ms, turn[-1].entry.at_ms) if turn else (0, 0)
            yield msgspec.structs.replace(row.entry, at_ms=row.entry.at_ms or at_ms)
        for name in known.get(None, ()):
            del turns[name]
    yield from (call.entry for turn in turns.values() for call in turn)


class _Recorder(StoredBuilder, kw_only=True):
    """Records one call or row."""

    @property
    def cwd(self) -> str | None:
        """The conversation's folder: the first that is known."""
        return self.reported.folder

    def learn_folder(self, cwd: str | None) -> None:
        """Takes a folder for the conversation's, unless that is known."""
        if self.reported.folder is None and (folder := usable_folder(cwd)) is not None:
            self.report(folder=folder)

    def ran(self, call: OpenCall, outcome: ToolOutcome | None) -> None:
        """Adds a tool call, how it ended if it has, and its changes if it succeeded."""
        self.add_call(call, "call")
        if outcome is not None:
            self.end_call(call, outcome)


def _piece(recorder: _Recorder, record: EntryRecord[_Entry]) -> None:
    entry = record.entry
    if entry is None:
        return
    if not entry.id:
        recorder.skip(entry.kind, "could not be read")
        return
    recorder.prefix = f"{recorder.session}/{entry.id}:"
    recorder.kind = entry.kind
    recorder.learn_folder(recorder.native.directory)
    # Its own time, or else just after the record before, or when the file was written.
    last_ms = recorder.reported.last_ms
    next_ms = max(last_ms + 1 if last_ms else 0, record.at_ms)
    recorder.at_ms = min(entry.at_ms if entry.at_ms > 0 else next_ms, LATEST_MS)
    recorder.report(last_ms=max(recorder.at_ms, last_ms))
    fields = rawjson.part_of(entry.held, Fields)
    if entry.kind not in _HANDLERS:
        if entry.kind != _TRANSCRIPT:
            recorder.skip(entry.kind, "unknown type")
    elif entry.status not in _ENDS or fields is None:
        recorder.skip(entry.kind, "unknown status" if entry.status not in _ENDS else "unexpected shape")
    else:
        _HANDLERS[entry.kind](recorder, fields, entry.status)
    if recorder.events and (news := recorder.new_facts({"model": entry.model})):
        recorder.add(SessionInfo(**news), "model")


_STATUSES: Final[dict[str, ResultStatus]] = {"done": "ok", "error": "error", "canceled": "interrupted", "": "unknown"}
_ENDS: Final = {"pending": None, **{name: ToolOutcome(status) for name, status in _STATUSES.items()}}
"""Status of a row → how its call ended; None if it has not."""


def _text(recorder: _Recorder, data: Fields, status: str) -> None:
    body: UserPrompt | AssistantMessage = UserPrompt(text=first_text(data, "user_prompt", "user_response"))
    if recorder.kind == "row/planner_response":
        body = AssistantMessage(text=text_of(data.get("response")))
    if body.text.strip() and status in _SHOWN:
        recorder.add(body, "prompt" if isinstance(body, UserPrompt) else "said")


def _write(recorder: _Recorder, data: Fields, status: str) -> None:
    named = uris.path_of(first_text(data, "path", "file_path"))
    if (path := patched_path(named or "", recorder.cwd)) is None:
        recorder.skip(recorder.kind, "no usable path")
        return
    if path.startswith("/"):
        recorder.learn_folder(posixpath.dirname(path))
    name, outcome = "write_code", _ENDS["done"]
    edits = rawjson.part_of(data.get("edits"), list[Replacement]) or []
    change = replaced(path, edits, counted=True)
    if recorder.kind == "row/code_action":
        # Whether the new content is the whole file or a part of it is not known, so nothing is counted.
        name, outcome = "code_action", _ENDS[status]
        change = FileEdit(path=path, change="modify", anchor=written(path, text_of(data.get("new_content"))).anchor)
    elif len(edits) == 1 and not edits[0].old_string:  # it replaces no text, so it made the file
        change = msgspec.structs.replace(written(path, edits[0].new_string), change="add")
    recorder.ran(OpenCall(recorder.ident, name, "edit", subject_of("edit", path), changes=(change,)), outcome)


def _command(recorder: _Recorder, data: Fields, status: str) -> None:
    """Handles a command. A call has neither its output nor its exit code."""
    command = text_of(data.get("command_line")).strip()
    if not command:
        recorder.skip(recorder.kind, "no command")
        return
    folder = usable_folder(uris.path_of(text_of(data.get("cwd"))))
    recorder.learn_folder(folder)
    exit_code, ended = number_of(data.get("exit_code")), _STATUSES.get(status)
    if ended == "ok" and exit_code != 0:
        ended = "unknown" if exit_code is None else "error"
    outcome = None if ended is None else ToolOutcome(ended, text_of(data.get("output")), exit_code)
    recorder.ran(OpenCall.of_command(recorder.ident, "run_command", command, folder or recorder.cwd), outcome)


_HEADING: Final = later(r"^### (Planner Response|User Input)[ \t]*$", re.MULTILINE)
_ACTION: Final = later(
    r"^\*(?:Viewed|Edited|Listed|Created|Deleted|Grep searched|Searched|Read|Ran|Checked|User (?:accepted|rejected))\b"
    r"[^\n]*\*[ \t]*$\n?",
    re.MULTILINE,
)
_CODE_LINK: Final = later(r"\[([^\[\]\n]+)\]\(cci:\d+://(?:(?!\]\(cci:)[^)\n])*\)")
"""A link to a place in the code, which only this editor can follow."""


def _response(recorder: _Recorder, data: Fields, _status: str) -> None:
    """Adds the model's texts in the Markdown of a whole turn; a single one if it has no step headings."""
    first, *rest = _HEADING.split(text_of(data.get("response")))
    parts = [text for heading, text in zip(rest[::2], rest[1::2], strict=True) if heading == "Planner Response"]
    said = (_CODE_LINK.sub(r"\1", _ACTION.sub("", text)).strip() for text in (parts if rest else [first]))
    texts = [text for text in said if text]
    for number, text in enumerate(texts, 1):
        recorder.add(AssistantMessage(text=text, final=number == len(texts)), f"said{number}")


_HANDLERS: Final[dict[str, Callable[[_Recorder, Fields, str], None]]] = {
    "pre_user_prompt": _text,
    "post_write_code": _write,
    "post_run_command": _command,
    "post_cascade_response": _response,
    "post_setup_worktree": lambda recorder, data, _: recorder.learn_folder(
        uris.path_of(text_of(data.get("root_workspace_path")))
    ),
    "row/user_input": _text,
    "row/planner_response": _text,
    "row/code_action": _write,
    "row/run_command": _command,
}


_layout_root: Final = partial(root_above, layouts=LAYOUTS, names=("transcripts", SPEC.id))


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript or the kept hook calls in a file anywhere on disk. The file's name is its session."""
    kind, session = _kind_in(head), session_of_copy(path.name.removesuffix(".jsonl"), head)
    if kind is None or path.suffix != ".jsonl" or session is None:
        return None
    return Source(agent=SPEC.id, path=str(path), session=session, rank=int(kind == "spool"))


def _kind_in(head: bytes) -> str | None:
    """Returns the kind of a copy. A row has its data under the name of its type; a call is as `SpooledCall` has it."""
    first = next(rawjson.objects_in(head, most=1), {})
    row, call = first.get("type"), first.get("payload")
    if isinstance(row, str) and isinstance(first.get("status"), str) and isinstance(first.get(row), dict):
        return "transcript"
    is_call = isinstance(call, dict) and isinstance(call.get("trajectory_id"), str) and "agent_action_name" in call
    return "spool" if is_call else None


def _transcript_of(given: Fields) -> str | None:
    """Returns the transcript that a payload names, if it is in a known folder and belongs to the conversation."""
    path = text_of(fields_of(given.get("tool_info")).get("transcript_path"))
    is_known = path.startswith("/") and Path(path).stem == text_of(given.get("trajectory_id"))
    return path if is_known and _layout_root(Path(path)) is not None else None


def _read(event: str, given: Fields, session: str) -> HookEvent:
    ends = event in ("post_cascade_response", _TRANSCRIPT)
    transcript = _transcript_of(given) if event == _TRANSCRIPT else None
    return HookEvent(action="turn_end" if ends else "hint", session=session, transcript=transcript)


def _own_session(given: Fields, event: str) -> str | None:
    if text_of(given.get("agent_action_name")).lower() != event:
        return None
    session = text_of(given.get("trajectory_id"))
    return session if re.fullmatch(_ID, session) is not None else ""


AGENT: Final = Agent(
    spec=SPEC,
    reader=SnapshotReader(_take),
    context_type=StoredContext,
    layouts=LAYOUTS,
    parse=partial(parse_stored, _RECORD, _Recorder, _piece),
    hooks=HookProtocol(
        read=own_hooks(_own_session, _read),
        answer=plain_answer,  # no version shows it to the model
        layout_root=_layout_root,
    ),
    exported=_exported,
)
