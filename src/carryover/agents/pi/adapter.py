"""pi: a terminal agent whose sessions are trees of entries. FACTS.md has what they look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final, Self

import msgspec

from carryover.adapter.contract import Agent, HookProtocol, Parsed, Record, Source, ToolOutcome
from carryover.agents.pi.spec import SPEC
from carryover.model import AgentSummary, AnyBody, AssistantMessage, Op, Skipped, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import Change, Replacement, hunks_in, patched, replaced, written
from carryover.records.fields import SHORT_CHARS, bounded, digest, utc_ms
from carryover.records.lenient import Fields, fields_of, is_true, items_of, number_of, read_as, text_of
from carryover.records.patches import place_of
from carryover.records.rawjson import ABSENT, objects_in
from carryover.records.resets import names_limit
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import tagged, without_ansi, without_handoff
from carryover.text.pattern import later
from carryover.transcript.branches import Branches, Failure
from carryover.transcript.hooks import ClaudeLikeHooks, plain_answer
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.layouts import Layout, source_at, sources_below
from carryover.transcript.recorder import (
    OpenCall,
    SessionContext,
    Tools,
    usable_folder,
    usable_name,
)
from carryover.transcript.tree import Tree

_FILE: Final = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z_(?P<session>[A-Za-z0-9][A-Za-z0-9._-]*)\.jsonl"
_LAYOUTS: Final = (
    Layout(globs=("--*--/*.jsonl",), pattern=rf"(?P<group>--[^/]+--)/{_FILE}"),
    Layout(globs=("*.jsonl",), pattern=_FILE),
)
"""The group is the start folder with its separators replaced. Others may have the same, so it never names a project."""


_SOURCE_OF: Final = partial(source_at, SPEC.id, _LAYOUTS)


class _Edit(msgspec.Struct, frozen=True, rename="camel"):
    old_text: str = ""
    new_text: str = ""


SHELL: Final = "bash"


def _changes(op: Op, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    path = place_of(text_of(given.get("path")), cwd)
    if op == "write" and path is not None:
        return (written(path, text_of(given.get("content"))),)
    if op == "edit" and path is not None:
        pairs = [Replacement(edit.old_text, edit.new_text) for edit in read_as(given.get("edits"), list[_Edit]) or ()]
        return (replaced(path, pairs, counted=True),)
    return ()


TOOLS: Final = Tools(
    {"shell": SHELL, "read": "read", "edit": "edit", "write": "write", "search": "grep find ls"},
    about=("path", "pattern", "query", "url", "prompt", "description", "name"),
    changes=_changes,
)
"""The built-in tools (0.73 to 1.5)."""
_EXIT: Final = later(r"\n*Command exited with code (\d{1,9})\s*\Z")
_ABORTED: Final = "Command aborted"
_NONE: Final = "(no output)"
_NEVER_RAN: Final = later(r"Validation failed for tool |Tool \S+ not found")


_QUIET: Final = frozenset("context_edit custom custom_message label thinking_level_change usage".split())
_FILES: Final = later(r'\A<file name="[^"\n]*">\n.*\n</file>\n', re.DOTALL)
"""Up to the last closing tag, since a file may hold one."""
_ATTACHED: Final = later(r'^<file name="[^"\n]*">$', re.MULTILINE)
_SKILL: Final = later(r'\A<skill name="([^"\n]*)" location="[^"\n]*">\n.*\n</skill>\n*', re.DOTALL)
_LISTS: Final = later(r"\n*<(read-files|modified-files)>\n.*?\n</\1>", re.DOTALL)
_BRANCH: Final = later(r"\AThe user explored a different conversation branch.*?Summary of that exploration:\s*", re.S)
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


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """The header of a session, or one of its entries (0.73 to 1.5)."""

    type: str
    id: str | None = None
    parent_id: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    parent_session: str | None = None
    model_id: str | None = None
    name: str | None = None
    summary: str | None = None
    message: msgspec.Raw = ABSENT


_LINE: Final = msgspec.json.Decoder(Line)


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of one session between two entries."""

    session: str | None = None
    forked_ms: int = 0
    """When the session was forked from another: entries from before are copies. 0 if it was not."""
    failed: Failure | None = None
    tree: Tree = ()


@dataclass(slots=True, kw_only=True)
class _Recorder(Branches[Context]):
    """Records one entry."""

    line: Line
    message: Fields
    session: str
    ident: str

    @classmethod
    def at(cls, source: Source, context: Context, line: Line) -> Self:
        """Returns the recorder of one entry.

        A copy keeps time and message, but a file of the first format gets ids when a later client opens it, so events
        are known by time and message.
        """
        session = context.session or source.session or PurePosixPath(source.path).stem
        content = bytes(line.message) if line.message is not ABSENT else (line.summary or line.name or "").encode()
        recorder = cls(
            context=context,
            at_ms=utc_ms(line.timestamp) or context.last_ms,
            line=line,
            message=fields_of(line.message),
            session=session,
            ident=f"{line.timestamp}/{line.type}/{digest(content)}",
        )
        recorder.change(last_ms=recorder.at_ms)
        return recorder

    @property
    def is_copy(self) -> bool:
        """Whether the entry was copied from the session that this one was forked from."""
        return self.at_ms < self.context.forked_ms

    def begin_session(self) -> None:
        """Takes the session's id, folder and parent from its header."""
        line = self.line
        session = usable_name(line.id) or self.session
        parent = PurePosixPath(line.parent_session or "").stem.partition("_")[2]
        self.session = session
        self.change(session=session, cwd=usable_folder(line.cwd))
        if line.parent_session:
            self.change(forked_ms=self.at_ms)
            self.learn(parent=parent)

    def handle(self, handle: Callable[[Self], None]) -> None:
        """Handles the entry in its place. A fork repeats what its parent said, and does not take it back."""
        ident = self.line.id
        if ident is not None:
            self.take_place(ident, self.line.parent_id)
        handle(self)
        if ident is not None and not self.is_copy:
            self.keep_place()

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event. `part` is its place in the entry. A copy's is the parent's, and counts if that is gone."""
        if not self.at_ms:
            self.skip(self.line.type, "no time")
            return
        key = f"{self.ident}:{part}"
        parent = self.context.facts.parent if self.is_copy else None
        if parent is None:
            self.append(key, body, session=self.session, cwd=self.context.cwd)
            return
        self.append(f"copied/{key}", body, session=parent, cwd=self.context.cwd)
        self.events[-1] = msgspec.structs.replace(self.events[-1], copied=True)

    def text(self, name: str) -> str:
        """Returns a text of the message; empty if it has none."""
        return text_of(self.message.get(name))

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the entry, facts about the session first."""
        if self.events and not self.is_copy:
            self.put_news_first(self.session, self.context.cwd)
        return self.context, self.built()


def _call(recorder: _Recorder, key: str, given: Fields) -> None:
    ident, name = text_of(given.get("id")), text_of(given.get("name"))
    if recorder.identify("message/toolCall", ident, name):
        recorder.begin_call(TOOLS.call(ident, name, fields_of(given.get("arguments")), recorder.context.cwd), key)


def _result(recorder: _Recorder) -> None:
    """Handles the result of a call, whose patch (since 0.87) says where it changed its file."""
    ident, name = recorder.text("toolCallId"), recorder.text("toolName")
    if not recorder.identify("message/toolResult", ident):
        return
    call = recorder.take_call(ident, name, TOOLS.op(name))
    output = without_ansi(rawjson.text_of(recorder.message.get("content", rawjson.ABSENT)) or "")
    patch = text_of(fields_of(recorder.message.get("details")).get("patch"))
    outcome = _outcome(call.op, output, failed=is_true(recorder.message.get("isError")))
    recorder.end_call(call, outcome, changes=[_as_patched(change, patch) for change in call.changes])


def _typed(recorder: _Recorder) -> None:
    """Handles the user's own `!command`. One after `!!` is kept from the model, and from us."""
    if is_true(recorder.message.get("excludeFromContext")):
        return
    command, ident = recorder.text("command"), f"{recorder.ident}/typed"
    call = OpenCall.of_command(ident, SHELL, command, recorder.context.cwd).by_user()
    exit_code = number_of(recorder.message.get("exitCode"))
    output = without_ansi(recorder.text("output"))
    recorder.add(call.as_event(), "call")
    if is_true(recorder.message.get("cancelled")):
        recorder.add(call.ended(ToolOutcome("interrupted", output)), "result")
        return
    recorder.add(call.ended(ToolOutcome("error" if exit_code else "ok", output, exit_code=exit_code)), "result")


def _as_patched(change: Change, patch: str) -> Change:
    """Returns a change with its place, from the patch in the result (since 0.87)."""
    hunks = hunks_in(patch)
    return patched(Change(path=change.path, change=change.change), hunks) if hunks else change


def _outcome(op: Op, text: str, *, failed: bool) -> ToolOutcome:
    if not failed:
        output = "" if text.strip() == _NONE else text
        return ToolOutcome("ok", output, exit_code=0 if op == "shell" else None)
    if op != "shell" or _NEVER_RAN.match(text):
        return ToolOutcome("error", text, never_ran=_NEVER_RAN.match(text) is not None)
    if text.rstrip().endswith(_ABORTED):
        return ToolOutcome("interrupted", text.rstrip().removesuffix(_ABORTED).rstrip())
    code = _EXIT.search(text)
    return ToolOutcome("error", _EXIT.sub("", text), exit_code=int(code[1]) if code is not None else None)


def parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one entry of a pi session. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read_line(_LINE, record.data)
    if line is None or isinstance(line, Skipped):
        return context, Parsed(skipped=(line,) if line is not None else ())
    recorder = _Recorder.at(source, context, line)
    handle = _HANDLERS.get(line.type)
    if handle is None and line.type not in _QUIET:
        return context, Parsed(skipped=(rawjson.skipped(line.type, "unknown entry type", None),))
    if handle is _header:
        handle(recorder)
        return recorder.context, Parsed()
    recorder.handle(handle or _quiet)
    return recorder.parsed()


def _header(recorder: _Recorder) -> None:
    recorder.begin_session()


def _quiet(_: _Recorder) -> None:
    """Handles an entry that holds nothing of what was said or done."""


def _message(recorder: _Recorder) -> None:
    role = recorder.text("role")
    handle = _ROLES.get(role)
    if handle is None:
        recorder.skip(f"message/{role}", "unknown role")
        return
    handle(recorder)


def _system(recorder: _Recorder) -> None:
    """Takes from the client's system message the folder that it works in: it may differ from the header's."""
    sections = fields_of(recorder.message.get("sections"))
    folder = usable_folder((tagged(text_of(sections.get("cwd")), "cwd") or "").strip())
    if folder is not None:
        recorder.change(cwd=folder)


def _user(recorder: _Recorder) -> None:
    content = recorder.message.get("content", rawjson.ABSENT)
    text = rawjson.text_of(content)
    if text is None:
        recorder.skip("message/user", "unexpected content")
        return
    recorder.change(failed=None)
    images = sum(text_of(part.get("type")) == "image" for part in _parts(recorder))
    attached = _FILES.match(text)
    files = len(_ATTACHED.findall(attached[0])) if attached is not None else 0
    text = text[attached.end() :] if attached is not None else text
    skill = _SKILL.match(text)
    command = f"/skill:{skill[1]}" if skill is not None else None
    text = _SKILL.sub("", text).strip()
    if text or command or images:
        recorder.add(UserPrompt(text=text, command=command, attachments=images + files), "prompt")


def _assistant(recorder: _Recorder) -> None:
    """Handles an answer to one request: what the model said, its tool calls, or why the request failed."""
    reason = recorder.text("stopReason")
    recorder.learn(model=recorder.text("model"))
    _count_tokens(recorder)
    if reason != "error":
        recorder.recover()
    parts = _parts(recorder)
    calls = [part for part in parts if text_of(part.get("type")) == "toolCall"]
    text = "".join(text_of(part.get("text")) for part in parts if text_of(part.get("type")) == "text")
    if text.strip():
        is_final = reason in ("stop", "length") and not calls
        recorder.add(AssistantMessage(text=text, final=is_final, aborted=reason in ("aborted", "error")), "text")
    for number, call in enumerate(calls):
        _call(recorder, f"call{number}", call)
    if reason == "aborted":
        recorder.add(TurnEnd(reason="interrupted"), "end")
    elif reason == "error":
        said = recorder.text("errorMessage")
        recorder.fail(_REQUEST, said, limited=said.startswith(_LIMITS) or names_limit(said))


def _count_tokens(recorder: _Recorder) -> None:
    """Notes what an answer took. A fork's copy of it has the same time and message."""
    usage = fields_of(recorder.message.get("usage"))
    recorder.count_tokens(
        recorder.ident,
        session=recorder.session,
        model=recorder.text("model"),
        input=number_of(usage.get("input")),
        output=number_of(usage.get("output")),
        cache_read=number_of(usage.get("cacheRead")),
        cache_write=number_of(usage.get("cacheWrite")),
    )


def _parts(recorder: _Recorder) -> list[Fields]:
    return [fields_of(part) for part in items_of(recorder.message.get("content"))]


def _compaction(recorder: _Recorder) -> None:
    _add_summary(recorder, _LISTS.sub("", recorder.line.summary or ""))


def _branch_summary(recorder: _Recorder) -> None:
    _add_summary(recorder, _BRANCH.sub("", recorder.line.summary or ""))


def _add_summary(recorder: _Recorder, text: str) -> None:
    text = without_handoff(text).strip()
    if text:
        parts = parts_by_heading(text, SUMMARY_KINDS)
        recorder.add(AgentSummary(text=text, source="compaction", parts=parts), "summary")


def _name(recorder: _Recorder) -> None:
    recorder.learn(title=bounded(recorder.line.name or "", SHORT_CHARS))
    recorder.put_news_first(recorder.session, recorder.context.cwd)


def _model(recorder: _Recorder) -> None:
    recorder.learn(model=recorder.line.model_id)


_HANDLERS: Final[dict[str, Callable[[_Recorder], None]]] = {
    "session": _header,
    "message": _message,
    "compaction": _compaction,
    "branch_summary": _branch_summary,
    "session_info": _name,
    "model_change": _model,
}
_ROLES: Final[dict[str, Callable[[_Recorder], None]]] = {
    "system": _system,
    "user": _user,
    "assistant": _assistant,
    "toolResult": _result,
    "bashExecution": _typed,
    "custom": _quiet,
    "hookMessage": _quiet,
}


def _layout_root(transcript: Path) -> Path | None:
    """Returns the folder of all sessions: above the one named after the start folder, if there is one."""
    above = (transcript.parent.parent, transcript.parent) if transcript.is_absolute() else ()
    return next((root for root in above if _SOURCE_OF(transcript, root) is not None), None)


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript in a file anywhere on disk, recognised by its first record."""
    if not any(map(_is_header, objects_in(head, most=1))):
        return None
    return source_at(SPEC.id, _LAYOUTS, path, path.parent) or Source(agent=SPEC.id, path=str(path))


def _is_header(record: dict[str, Any]) -> bool:
    named = isinstance(record.get("id"), str) and isinstance(record.get("cwd"), str)
    return record.get("type") == "session" and named and "timestamp" in record


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=_SOURCE_OF,
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=parse,
    exported=_exported,
    hooks=HookProtocol(
        events=("SessionStart", "Stop"),
        read=ClaudeLikeHooks(layout_root=_layout_root).read,
        answer=plain_answer,  # which the extension puts into the system message
        layout_root=_layout_root,
        forgets="exit",  # that is of one process
    ),
)
