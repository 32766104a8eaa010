"""Aider's history, `.aider.chat.history.md`: a Markdown file that grows by blocks and holds all sessions of a project.

It is at the top of the project, or wherever the setting `chat-history-file` puts it (0.86.2). A relative name is
resolved against the folder that Aider is started in, which is taken to be the top of the project. Only files in the
project count: a history elsewhere doesn't name its project, and several projects may share it.

A session's blocks are its header, prompts, Aider's own messages and answers. Prompts begin with `#### `, Aider's
messages with `> `, and both end in two blanks. An answer may imitate all of that. It ends at a message that only Aider
writes after one; old versions wrote none. A prompt or a header ends it only if something else confirms that: the answer
was interrupted, the input history has the prompt, Aider's startup lines follow the header.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import count, takewhile
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import FileStat, Source
from carryover.agents.aider import SPEC
from carryover.agents.aider.inputs import Inputs, inputs_of, last_input
from carryover.clock import utc_now_ms
from carryover.fsio import stat_regular
from carryover.records.fields import digest, local_ms
from carryover.text.pattern import later
from carryover.transcript.bounds import TooLarge
from carryover.transcript.files import read_head, read_tail
from carryover.transcript.jsonl import MAX_LINE_BYTES
from carryover.transcript.rewritten import Document, NotYet, Snapshot, SnapshotReader

_NAME: Final = ".aider.chat.history.md"
FILE: Final = ".aider.conf.yml"
VARIABLE: Final = "AIDER_CHAT_HISTORY_FILE"
_SETTINGS_BYTES: Final = 256 << 10
_VALUE: Final = r"""[ \t]*(?P<value>"[^"\r\n]*"|'[^'\r\n]*'|[^\s#"'][^\r\n#]*+)[ \t]*(?:#[^\r\n]*)?\r?$"""
_SETTINGS: Final = (
    (".env", later(rf"^(?:export[ \t]+)?{VARIABLE}[ \t]*={_VALUE}", re.MULTILINE)),
    (FILE, later(rf"^chat-history-file[ \t]*:[ \t]{_VALUE}", re.MULTILINE)),
)
"""The files that may name the history, and how they do."""
_MAX_BYTES: Final = 32 << 20
_MOST_LINES: Final = 500_000
"""How much of the end of a history is read."""
HOLD_MS: Final = 300
"""How long after a write the last block may still grow: a long one may be written in several pieces, and after an error
Aider adds what it does next."""
_WRITTEN_AT_ONCE: Final = 4_000
"""Characters. A longer block may be read half written."""
_BEFORE_MS: Final = 60_000
"""How long before the first header what comes before it is assumed to be."""

_STARTED: Final = "# aider chat started at "
_HEADER: Final = later(rf"{_STARTED}\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d")
_PROMPT: Final = "####"
_MESSAGE: Final = "> "
_EMPTY: Final = ">"
_ENDS: Final = "  "
_AFTER_ANSWER: Final = later(
    r"> (?:Tokens: |litellm\.|\^C|Retrying in |Traceback \(most recent call last\)|Model .* has hit a token limit)"
)
"""Messages that Aider writes only after an answer, complete or cut off."""
_TOKENS: Final = "> Tokens: "
_COST: Final = later(r"Cost: \$.* session\..*  ")
"""A second line of the message with the tokens, where a prompt was cached in part."""
_VERSION: Final = later(r"> Aider v\d.*  ")
_UNTOLD: Final = later(r"> Aider v0\.(?:[0-4]?\d|5[01])\.")
"""A version that may not have told the tokens of an answer (0.37.0; 0.52.1 does)."""
_ONLY_AIDERS: Final = ("> Aider v", _TOKENS, "> Applied edit to ")
_VERSION_WITHIN: Final = 12
_COMMAND_WITHIN: Final = 300
"""Lines after a header in which its first message, the command line with a `--message` in it, and the version are."""
_REPORT: Final = later(r"> # \d+ SEARCH/REPLACE blocks? failed to match!")
_REPORT_ENDS: Final = ("The SEARCH section must exactly match", "Just reply with fixed versions of the block")

Ms = Annotated[int, msgspec.Meta(ge=0, le=1 << 52)]
_Kind = Literal["start", "prompt", "messages", "model"]
Typed = Callable[[str], bool | None]
"""Reports whether a text is in the input history; None if there is none."""


class _Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """One block of a chat history, with what its position in the file adds to its meaning."""

    kind: Literal["begin", "start", "prompt", "model", "message"]
    """`begin`: blocks of a session follow; `start`: the header of a session; `prompt`: the user's lines; `model`: an
    answer; `message`: one of Aider's own."""
    at_ms: Ms = 0
    """UTC milliseconds of the last input before it, or else of its session's start."""
    seen_ms: Ms = 0
    """UTC milliseconds of the file's last write, if the block belonged to the last turn when it was read; 0 for other
    blocks, which were written long before."""
    session: str = ""
    text: str = ""
    typed: bool = True
    """False if there is an input history without this prompt."""
    retried: bool = False
    """Whether Aider tries again after this error."""
    on: bool = False
    """Whether the blocks follow those read before."""
    more: bool = False


DECODER: Final = msgspec.json.Decoder(_Block)


class _Session(msgspec.Struct, frozen=True):
    """The lines of a session, its header first, or an empty line in its place.

    `doubtful`: it began inside an unfinished answer, so its prompts count only if they were typed.
    """

    lines: Sequence[str]
    doubtful: bool

    @property
    def started(self) -> str:
        """The local time of the header; empty without one."""
        return self.lines[0].removeprefix(_STARTED)


def exported_history(path: Path, head: bytes) -> Source | None:
    """Returns the source for a history anywhere on disk, recognised by the header of its first session."""
    return Source(agent=SPEC.id, path=str(path)) if head.lstrip().startswith(_STARTED.encode()) else None


def moved_histories(root: Path) -> list[Path]:
    """Returns the histories below `root` that settings name.

    Settings are read from the project and from the folders above it, which usually include the home folder.
    """
    names = []
    for folder in map(str, (root, *root.parents)):  # strings, since more Path objects would take ten times as long
        for name, pattern in _SETTINGS:
            with suppress(OSError):
                path = f"{folder}/{name}"
                status = os.stat(path)  # noqa: PTH116
                names.append(_value_in(path, pattern, (status.st_mtime_ns, status.st_size, status.st_ino)))
    return [found for name in names if name and (found := _below(root, name)) is not None]


@lru_cache(maxsize=2_000)
def _value_in(path: str, pattern: re.Pattern[str], _stat: tuple[int, int, int]) -> str | None:
    """Returns the file that settings name. Cached by stat, since the settings are asked for every second."""
    text = read_head(Path(path), _SETTINGS_BYTES).decode("utf-8", "replace").replace("\0", "")
    found = list(pattern.finditer(text))
    return found[-1]["value"].rstrip().strip("\"'") if found else None


def _below(root: Path, name: str) -> Path | None:
    """Returns the file of that name; None if a link or `..` leads out of the project."""
    path = Path(os.path.normpath(root / name))
    with suppress(OSError, RuntimeError):
        if path.is_relative_to(root) and path != root and path.parent.resolve().is_relative_to(root.resolve()):
            return path
    return None


def sessions_in(lines: Sequence[str], *, copied: bool = False) -> list[_Session]:
    """Returns the sessions of a history, oldest first.

    Text before the first header counts only in a copy, and only if it has a line that nothing but Aider writes.
    """
    begins: list[tuple[int, bool]] = []
    before = ""
    for at, line in enumerate(lines):
        if line.startswith(_STARTED) and _HEADER.fullmatch(line):
            in_answer = bool(before) and not before.startswith((_MESSAGE, _PROMPT))
            if _is_header(lines, at, in_answer=in_answer):
                begins.append((at, in_answer))
        before = line if line.strip() else before
    ends = [*(at for at, _ in begins), len(lines)]
    is_cut = copied and any(line.startswith(_ONLY_AIDERS) for line in lines[: ends[0]])
    parts = [(lines[at:end], doubtful) for (at, doubtful), end in zip(begins, ends[1:], strict=True)]
    found = [_Session(_as_written(part), doubtful) for part, doubtful in parts]
    return [_Session(["", *lines[: ends[0]]], False), *found] if is_cut else found


def _as_written(lines: Sequence[str]) -> Sequence[str]:
    """Returns the lines of a session with the blanks at their ends that a formatter of Markdown took away. It did if
    Aider's startup lines end without."""
    startup = list(takewhile(str.strip, lines[2:]))
    if not startup or not startup[-1].startswith(_MESSAGE) or startup[-1].endswith(_ENDS):
        return lines
    return [f"{line.rstrip()}{_ENDS}" if line.startswith((_MESSAGE, f"{_PROMPT} ")) else line for line in lines]


def _is_header(lines: Sequence[str], at: int, *, in_answer: bool) -> bool:
    """Whether a header has a blank line before it, and one and then Aider's messages after it.

    One that may be in an answer, or whose first message has several lines, needs the version among those that follow,
    if the latter are written yet.
    """
    after = lines[at + 1 : at + _COMMAND_WITHIN]
    if at and lines[at - 1].strip():
        return False
    if len(after) < 2:
        return not in_answer
    if after[0].strip() or not after[1].startswith(_MESSAGE):
        return False
    end = _message_end(after, 1)
    startup = after[end : end + _VERSION_WITHIN]
    is_sure = not in_answer and (_is_message(after[1]) or len(startup) < _VERSION_WITHIN)
    return is_sure or any(map(_VERSION.fullmatch, startup))


def blocks_in(session: _Session, typed: Typed) -> Iterator[tuple[_Kind, Sequence[str]]]:
    """Yields the blocks of a session in order: their kinds and lines."""
    lines = session.lines
    yield "start", lines[:1]
    untold = any(map(_UNTOLD.match, lines[:_COMMAND_WITHIN])) and not any(line.startswith(_TOKENS) for line in lines)
    kind: _Kind = "start"
    end = 1
    interrupted = False
    while (at := next((at for at in range(end, len(lines)) if lines[at].strip()), None)) is not None:
        # Without a blank line between them, a line after one of Aider's own or a prompt is Aider's, not an answer's.
        # So is the first after a header.
        follows_aider = kind != "model" if at == end else kind == "start" and bool(session.started)
        kind, end = _next(session, at, typed, untold=untold, interrupted=interrupted, follows_aider=follows_aider)
        # The last of Aider's messages that says how an answer ended counts. A prompt begins a new one.
        told = lines[at:end] if kind == "messages" else ()
        endings = [line for line in told if line.startswith(("> ^C", _TOKENS))]
        interrupted = endings[-1].startswith("> ^C") if endings else interrupted and kind != "prompt"
        yield kind, lines[at:end]


def _next(
    session: _Session, at: int, typed: Typed, *, untold: bool, interrupted: bool, follows_aider: bool
) -> tuple[_Kind, int]:
    """Returns the kind of the block that begins here and its end. `untold`: Aider's next line of any kind ends an
    answer, since no tokens are told after it."""
    lines = session.lines
    if _is_prompt(lines[at]):
        end = _prompt_end(lines, at)
        if not session.doubtful or typed(_prompt_text(lines[at:end])) is not False:
            return "prompt", end
    elif _begins_message(lines, at) or (lines[at].startswith(_MESSAGE) and follows_aider):
        while at < len(lines) and lines[at].startswith(_MESSAGE):
            at = _message_end(lines, at)
        return "messages", at
    for place in range(at + 1, len(lines)):
        if lines[place - 1].strip():
            continue
        if untold and (_is_prompt(lines[place]) or _begins_message(lines, place)):
            return "model", place
        if _ends_answer(lines, place, typed, interrupted=interrupted):
            return "model", place
    return "model", len(lines)


def _ends_answer(lines: Sequence[str], at: int, typed: Typed, *, interrupted: bool) -> bool:
    if _is_prompt(lines[at]):
        return interrupted or typed(_prompt_text(lines[at : _prompt_end(lines, at)])) is True
    at = next((place for place in range(at, len(lines)) if lines[place].strip() != _EMPTY), at)
    return _begins_message(lines, at) and _AFTER_ANSWER.match(lines[at]) is not None


def _is_prompt(line: str) -> bool:
    return line.startswith(_PROMPT + " ") and line.endswith(_ENDS)


def _is_message(line: str) -> bool:
    return line.startswith(_MESSAGE) and line.endswith(_ENDS)


def _begins_message(lines: Sequence[str], at: int) -> bool:
    """Whether a message begins here, of one line or, where it tells tokens, of two."""
    has_cost = lines[at].startswith(_TOKENS) and any(map(_COST.fullmatch, lines[at + 1 : at + 2]))
    return has_cost or _is_message(lines[at])


def _prompt_text(lines: Sequence[str]) -> str:
    """Returns the text the user typed, without the prompt marks."""
    return "\n".join(line[len(_PROMPT) + 1 :].rstrip() for line in lines).strip()


def _messages_in(lines: Sequence[str]) -> Iterator[str]:
    """Yields Aider's messages one by one, without their marks."""
    at = 0
    while at < len(lines):
        end = _message_end(lines, at)
        yield "\n".join(lines[at:end]).removeprefix(_MESSAGE).strip()
        at = end


def _message_end(lines: Sequence[str], at: int) -> int:
    """Returns where a message ends. Its mark is before the first of its lines, and two blanks follow the last. Other
    lines may end in blanks of their own, or be of blanks alone; an answer has an empty line above it (0.57, 0.86.2)."""
    following = lines[at + 1] if at + 1 < len(lines) else ""
    goes_on = following.strip() and not following.startswith((_MESSAGE, _PROMPT))
    if lines[at].endswith(_ENDS) and not goes_on:
        return at + 1
    report = _REPORT.match(lines[at]) is not None
    for place in range(at + 1, len(lines)):
        line = lines[place]
        if _is_prompt(line):
            return place
        if line.endswith(_ENDS) and (not report or line.startswith(_REPORT_ENDS)):
            after = lines[place + 1] if place + 1 < len(lines) else ""
            if not after or after.startswith((_MESSAGE, _PROMPT)):
                return place + 1
    return len(lines)


def _prompt_end(lines: Sequence[str], at: int) -> int:
    return next((end for end in range(at, len(lines)) if not _is_prompt(lines[end])), len(lines))


class HistoryReader(SnapshotReader):
    """Reads a history as a whole whenever it has changed; see `carryover.adapter.contract.Reader`."""

    def __init__(self, now_ms: Callable[[], int] = utc_now_ms) -> None:
        super().__init__(lambda path, stat: _taken(path, stat, now_ms()), now_ms=now_ms, oldest_first=True)

    def source_of(self, path: Path, root: Path) -> Source | None:
        """Returns the source for `path` if its name is that of a history and it is directly in `root`."""
        fits = path.parent == root and path.name == _NAME
        return Source(agent=SPEC.id, path=str(path), group=str(root)) if fits else None

    def sources(self, root: Path) -> list[Source]:
        """Returns the histories of a project: the one at its top, and those that settings put elsewhere in it."""
        paths = map(str, dict.fromkeys((root / _NAME, *moved_histories(root))))
        # No symlinks, since they may lead anywhere. These two answer without raising, whatever is wrong with a path.
        found = [path for path in paths if os.path.isfile(path) and not os.path.islink(path)]  # noqa: PTH113, PTH114
        return [Source(agent=SPEC.id, path=path, group=str(root)) for path in found]

    def last_input(self, path: Path) -> tuple[Path, tuple[int, ...]]:
        """Returns the newest input beside a history. Its time is local to this machine or a container (mostly UTC)."""
        return last_input(inputs_of(path))


def _taken(path: Path, stat: FileStat, now_ms: int) -> Snapshot:
    """Returns a history, whose conversations are its sessions, newest first, each with its text as its mark."""
    inode = f"{stat_regular(path).st_ino:x}"
    inputs = Inputs(inputs_of(path))
    sessions = _sessions(path)
    ends_ms = stat.mtime_ns // 1_000_000

    def conversation(ident: str, notes: dict[str, str]) -> Document:
        """Returns a session. If another one was read since, it is emitted from its start: the context holds one.

        The file's inode when it was first read tells its sessions apart from those of other projects that began in the
        same second. They keep their ids if the project is moved or the file replaced.
        """
        if notes.get("last") != ident:
            notes.update(last=ident, reading=str(int(notes.get("reading", "0")) + 1))
        written_ms = min(ends_ms, now_ms) if ident == next(reversed(sessions)) else 0
        begun = (at_ms for session in sessions.values() if (at_ms := local_ms(session.started)))
        at_ms = local_ms(sessions[ident].started) or next(begun, ends_ms) - _BEFORE_MS
        name = ident.replace("{}", notes.setdefault("inode", inode))
        found = _blocks(name, sessions[ident], inputs, at_ms, written_ms)
        return _talk(name, found, f"reading {notes['reading']}", written_ms + HOLD_MS, now_ms)

    marks = [(ident, "\n".join(session.lines).rstrip()) for ident, session in reversed(sessions.items())]
    return Snapshot(marks, conversation)


def _sessions(path: Path) -> dict[str, _Session]:
    # On Windows, a line break within a message is written as two returns and a newline.
    data = read_tail(path, _MAX_BYTES).replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").rpartition(b"\n")[0]
    before = data.rsplit(b"\n", _MOST_LINES)[0] if data.count(b"\n") >= _MOST_LINES else b""
    text = data[len(before) :].decode("utf-8", "replace")
    found: dict[str, _Session] = {}
    for session in sessions_in(text.split("\n"), copied=path.name != _NAME):
        digits = "".join(filter(str.isdigit, session.started))
        ident = f"{digits[:8]}-{digits[8:]}-{{}}" if digits else path.stem
        names = (f"{ident}-{number}" if number > 1 else ident for number in count(1))
        found[next(name for name in names if name not in found)] = session
    return found


def _blocks(ident: str, session: _Session, inputs: Inputs, at_ms: int, written_ms: int) -> list[_Block]:
    """Returns the blocks of a session.

    `at_ms`: when it started. `written_ms`: when it was last written to, 0 for long ago.
    """
    inputs.begin(at_ms)
    found: list[_Block] = []
    fresh = 1
    for kind, lines in blocks_in(session, inputs.confirm):
        if kind == "prompt":
            text = _prompt_text(lines)
            typed_ms = inputs.take(text)
            at_ms = max(at_ms, typed_ms or 0)
            is_dated = typed_ms is not None
            fresh = len(found) + is_dated
            found.append(_Block(kind, at_ms, session=ident, text=text, typed=is_dated or not inputs.kept))
        elif kind == "messages":
            for number, text in enumerate(said := [*_messages_in(lines)], 1):
                # The text of an error is followed by what it means in plain words.
                retried = any(other.startswith("Retrying in ") for other in said[number : number + 2])
                found.append(_Block("message", at_ms, session=ident, text=text, retried=retried))
        else:
            text = "\n".join(lines).strip() if kind == "model" else ""
            found.append(_Block(kind, at_ms, session=ident, text=text))
    return [*found[:fresh], *(replace(block, seen_ms=written_ms) for block in found[fresh:])]


def _talk(ident: str, found: list[_Block], reading: str, rests_ms: int, now_ms: int) -> Document:
    """Returns a session, whose pieces are its blocks. The last one is not emitted while it may grow."""
    marks = [digest(f"{block.kind} {block.retried} {block.text}") for block in found]

    def record(number: int, block: _Block) -> bytes:
        if len(block.text) > MAX_LINE_BYTES:
            raise TooLarge
        may_grow = len(block.text) >= _WRITTEN_AT_ONCE or block.text.startswith("litellm.")
        if may_grow and number == len(found) - 1 and now_ms < rests_ms:
            raise NotYet(rests_ms)
        return msgspec.json.encode(block)

    return Document(
        ident,
        found,
        lambda on, more: msgspec.json.encode(_Block("begin", session=ident, on=on, more=more)),
        record=record,
        pieces=list(zip([reading, *map(str, range(1, len(found)))], marks, strict=True)),
    )
