"""Turns blocks of the chat history into events, one block at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import reemitted_after, usable_name
from carryover.agents.aider import wire
from carryover.agents.aider.builder import Builder, mark_of
from carryover.agents.aider.messages import drop_edits, own_message, user_input
from carryover.agents.aider.wire import MAX_EDITS, Context
from carryover.model import AssistantMessage, SessionStart
from carryover.records import rawjson
from carryover.records.changes import Change, Replacement, replaced, written

_SEARCH: Final = re.compile(r"<{5,9} SEARCH>?\s*")
_DIVIDER: Final = re.compile(r"={5,9}\s*")
_REPLACE: Final = re.compile(r">{5,9} REPLACE\s*")
_FENCES: Final = ("```", "````", "<source>", "<code>", "<pre>", "<codeblock>", "<sourcecode>")
_NAME_ABOVE: Final = 3
_MAX_NAME: Final = 250
Place = Callable[[str], str | None]
"""Returns the absolute path of a file that the model names."""


class Answer(msgspec.Struct, frozen=True):
    """An answer and the changes that it asks for."""

    prose: str
    """The text without the changes."""
    changes: tuple[Change, ...]


def read_answer(text: str, place: Place, *, whole_files: bool) -> Answer:
    """Splits an answer into prose and changes.

    `whole_files`: a file name above a fence means that the file gets the fenced text.
    """
    lines = text.split("\n")
    found = _Found(lines, place)
    at = 0
    while at < len(lines):
        at = found.take(at, whole_files=whole_files)
    return Answer(found.prose(), found.changes())


class _Found:
    """The edits found so far, by path. A file may have several blocks."""

    def __init__(self, lines: Sequence[str], place: Place) -> None:
        self._lines = lines
        self._place = place
        self._gone: set[int] = set()
        self._replacements: dict[str, list[Replacement]] = {}
        self._whole_files: dict[str, Change] = {}
        self._last = ""

    def take(self, at: int, *, whole_files: bool) -> int:
        """Reads the edit that begins at a line, if there is one, and returns the line to continue at."""
        line = self._lines[at]
        if _SEARCH.fullmatch(line.strip()):
            return self._search(at)
        return self._whole(at) if whole_files and _fence_of(line) is not None else at + 1

    def prose(self) -> str:
        """Returns the text without the edits, with at most one blank line in place of each."""
        kept = "\n".join(line for number, line in enumerate(self._lines) if number not in self._gone)
        return re.sub(r"\n{3,}", "\n\n", kept).strip() if self._gone else kept.strip()

    def changes(self) -> tuple[Change, ...]:
        """Returns one change per file."""
        replacements = {path: replaced(path, pairs, counted=True) for path, pairs in self._replacements.items()}
        return tuple((self._whole_files | replacements).values())

    def _search(self, at: int) -> int:
        divider = _find(self._lines, at + 1, _DIVIDER)
        end = _find(self._lines, divider + 1, _REPLACE)
        if end >= len(self._lines):
            return at + 1
        fence, name_at, name = self._name_above(at)
        name = name or self._last
        path = self._place(name) if name else None
        if path is not None:
            self._last = name
            pair = Replacement(_text(self._lines[at + 1 : divider]), _text(self._lines[divider + 1 : end]))
            self._replacements.setdefault(path, []).append(pair)
        last = end + 1 if fence is not None and _is_fence(self._lines, end + 1) else end
        self._gone.update(range(at if fence is None else fence, last + 1))
        if name_at is not None:
            self._gone.add(name_at)
        return last + 1

    def _name_above(self, at: int) -> tuple[int | None, int | None, str]:
        """Returns the line of the fence above a block, the line of the file name, and the name."""
        fence = None
        for place in range(at - 1, max(at - 1 - _NAME_ABOVE, -1), -1):
            line = self._lines[place].strip()
            if place in self._gone:
                break
            if _fence_of(line) is not None and fence is None:
                fence = place
                named = line[len("```") :] if line.startswith("```") else ""
                if "." in named or "/" in named:
                    return fence, None, named
            elif line and line not in ("...", "```"):
                name = _file_name(line)
                return (fence, place, name) if name else (fence, None, "")
        return fence, None, ""

    def _line_like(self, text: str, start: int) -> int | None:
        return next((n for n in range(start, len(self._lines)) if self._lines[n].rstrip() == text), None)

    def _whole(self, at: int) -> int:
        fence = _fence_of(self._lines[at]) or ""
        closing = fence if fence.startswith("`") else f"</{fence[1:]}"
        end = self._line_like(closing, at + 1)
        name = _file_name(self._lines[at - 1]) if at else ""
        path = self._place(name) if name else None
        if end is None or path is None:
            return at + 1 if end is None else end + 1
        self._whole_files[path] = written(path, _text(self._lines[at + 1 : end]))
        self._gone.update(range(at - 1, end + 1))
        return end + 1


def _fence_of(line: str) -> str | None:
    """Returns the fence that a line begins with; None if there is none."""
    line = line.strip()
    if line.startswith("```"):
        return "````" if line.startswith("````") else "```"
    return line if line in _OPENING else None


def _is_fence(lines: Sequence[str], at: int) -> bool:
    return at < len(lines) and (lines[at].startswith("```") or lines[at].strip() in _CLOSING)


_OPENING: Final = frozenset(fence for fence in _FENCES if fence.startswith("<"))
_CLOSING: Final = frozenset(f"</{fence[1:]}" for fence in _OPENING)


def _file_name(line: str) -> str:
    """Returns the file that the line above a block names, or ''. Models put the name in marks of all kinds."""
    name = line.strip().rstrip(":").lstrip("#").strip().strip("`").strip("*").strip()
    looks = ("." in name or "/" in name or "\\" in name or name[:1].isupper()) and " " not in name
    return name if looks and len(name) <= _MAX_NAME else ""


def _find(lines: Sequence[str], start: int, pattern: re.Pattern[str]) -> int:
    return next((n for n in range(start, len(lines)) if pattern.fullmatch(lines[n].strip())), len(lines))


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one block. Never raises: what is not understood is counted."""
    block = rawjson.read(wire.DECODER, record.data)
    if isinstance(block, str):
        return context, Parsed(skipped=(rawjson.skipped(None, block, None),))
    session = usable_name(block.session)
    if session is None or not (block.at_ms or block.kind == wire.BEGIN):
        return context, Parsed(skipped=(rawjson.skipped(block.kind, "no session or time", None),))
    if context.session != session or (block.kind == wire.BEGIN and not block.on):
        context = Context(session=session)
    if block.kind == wire.BEGIN:
        return context, Parsed(reemitted=reemitted_after(context.last, session=session, more=block.more))
    add = Builder.begin(source, context, block)
    match block.kind:
        case wire.START:
            add.next_item()
            add.add(SessionStart(reason="startup"), "start")
        case wire.PROMPT:
            add.next_input(block.text)
            user_input(add, block.text)
        case wire.MODEL:
            add.next_item(block.text)
            _answer(add, block.text)
        case wire.MESSAGE:
            add.next_item(block.text)
            own_message(add, block.text, last=not block.retried)
        case _:
            add.count_skipped(block.kind, "unknown kind of block")
    return add.parsed()


def _answer(add: Builder, text: str) -> None:
    """Adds the model's words. Its edits wait until Aider reports that it applied them."""
    answer = read_answer(text, add.path, whole_files=add.context.whole_files)
    drop_edits(add)
    edits = []
    for number, change in enumerate(answer.changes[:MAX_EDITS], 1):
        call = add.call("edit", "edit", change.path, number=number)
        edits.append(msgspec.structs.replace(call, changes=(change,)))
        add.begin_call(call)
    if answer.prose:
        add.add(AssistantMessage(text=answer.prose, aborted=add.context.interrupted), "answer")
    add.change(edits=tuple(edits), silent=not answer.prose, answer=mark_of(text), repeated=0, new_path=(), lint=None)
