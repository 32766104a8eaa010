"""Splits the lines of a chat history into blocks: headers, prompts, Aider's own messages, answers. Pure.

Prompts begin with `#### `, Aider's own messages with `> `, and both end in two blanks. An answer may imitate all of
that. It ends at a message that only Aider writes after one. A prompt or a header ends it only if something else
confirms that: the answer was interrupted, or the input history has the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["start", "prompt", "messages", "model"]

_HEADER: Final = re.compile(r"# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_PROMPT: Final = "####"
_MESSAGE: Final = "> "
_ENDS: Final = "  "
_AFTER_ANSWER: Final = re.compile(
    r"> (?:Tokens: |litellm\.|\^C|Retrying in |Traceback \(most recent call last\)|Model .* has hit a token limit)"
)
"""Messages that Aider writes only after an answer, complete or cut off."""
_ERROR: Final = re.compile(r"> litellm\.")
_WRITTEN_AT_ONCE: Final = 4_000
"""Characters. A longer block may be read half written."""
_COMMAND: Final = re.compile(r"> .*aider", re.IGNORECASE)
_VERSION: Final = re.compile(r"> Aider v\d")
_VERSION_WITHIN: Final = 12
_REPORT: Final = re.compile(r"> # \d+ SEARCH/REPLACE blocks? failed to match!")
_REPORT_ENDS: Final = ("The SEARCH section must exactly match", "Just reply with fixed versions of the block")


@dataclass(frozen=True, slots=True)
class Piece:
    """One block. `end` is the number of lines up to and including its last one."""

    kind: Kind
    lines: tuple[str, ...]
    end: int


@dataclass(slots=True)
class Splitter:
    """Splits lines that start at a block boundary.

    `last`: the kind of the preceding block. `interrupted`: the user stopped the answer that comes next or came last.
    `typed` reports whether a text is in the input history; None if unknown. `whole`: the file is no longer being
    written, so the last block is complete.
    """

    last: Kind | None
    interrupted: bool
    typed: Callable[[str], bool | None]
    whole: bool
    doubtful: bool = False
    """The session began inside an unfinished answer, so its prompts count only if they were typed."""

    def pieces(self, lines: Sequence[str]) -> Iterator[Piece]:
        """Yields the complete blocks in order. The splitter's state is the one after the last block it yielded."""
        at = 0
        while True:
            first = at
            while at < len(lines) and not lines[at].strip():
                at += 1
            if at == len(lines):
                return
            kind, end = self._next(lines, at, adjacent=at == first and self.last not in (None, "model"))
            if end is None or not self._is_complete(kind, lines, at, end):
                return
            piece = Piece(kind, tuple(lines[at:end]), end)
            self._pass(piece)
            yield piece
            at = end

    def _next(self, lines: Sequence[str], at: int, *, adjacent: bool) -> tuple[Kind, int | None]:
        """Returns the kind of the block that begins here and its end; None if the end isn't written yet."""
        line = lines[at]
        if _HEADER.fullmatch(line) and not adjacent:
            begins = self._is_header(lines, at)
            if begins is None:
                return "start", None
            if begins:
                return "start", at + 1
        if is_prompt(line):
            end = _run(lines, at, is_prompt)
            if not self.doubtful or self.typed(prompt_text(lines[at:end])) is not False:
                return "prompt", end
        elif is_message(line) or (line.startswith(_MESSAGE) and adjacent):
            return "messages", self._messages(lines, at)
        return "model", self._answer(lines, at)

    def _is_complete(self, kind: Kind, lines: Sequence[str], at: int, end: int) -> bool:
        """Whether a block can't grow any more.

        A short one was written at once; after an error, Aider explains it and says whether it retries.
        """
        if end < len(lines) or self.whole:
            return True
        if kind == "messages" and any(_ERROR.match(line) for line in lines[max(at, end - 2) : end]):
            return False
        return sum(map(len, lines[at:end])) < _WRITTEN_AT_ONCE

    def _messages(self, lines: Sequence[str], at: int) -> int:
        while at < len(lines) and lines[at].startswith(_MESSAGE):
            at = _message_end(lines, at)
        return at

    def _answer(self, lines: Sequence[str], at: int) -> int | None:
        for place in range(at + 1, len(lines)):
            if lines[place - 1].strip() or not lines[place].startswith(("#", _MESSAGE)):
                continue
            ends = self._ends_answer(lines, place)
            if ends is None:
                return None
            if ends:
                return place
        return len(lines)

    def _ends_answer(self, lines: Sequence[str], at: int) -> bool | None:
        line = lines[at]
        if line.startswith(_MESSAGE):
            return line.endswith(_ENDS) and _AFTER_ANSWER.match(line) is not None
        if _HEADER.fullmatch(line):
            begins = self._is_header(lines, at)
            if not begins or self.interrupted:
                return begins
            return _is_start_of_aider(lines, at)
        if is_prompt(line):
            end = _run(lines, at, is_prompt)
            if not self._is_complete("prompt", lines, at, end):
                return None
            return self.interrupted or self.typed(prompt_text(lines[at:end])) is True
        return False

    def _is_header(self, lines: Sequence[str], at: int) -> bool | None:
        """Whether a line is a header, which a blank line and a message follow; None if those aren't written yet."""
        after = lines[at + 1 : at + 3]
        if len(after) < 2:
            return True if self.whole else None
        return not after[0].strip() and is_message(after[1])

    def _pass(self, piece: Piece) -> None:
        if piece.kind == "start":
            self.doubtful = self.last == "model" and not self.interrupted
            self.interrupted = False
        elif piece.kind == "prompt":
            self.interrupted = False
        elif piece.kind == "messages":
            for line in piece.lines:
                if line.startswith("> ^C"):
                    self.interrupted = True
                elif line.startswith("> Tokens: "):
                    self.interrupted = False
        self.last = piece.kind


def header_time(line: str) -> str:
    """Returns the local time in a session header."""
    found = _HEADER.fullmatch(line)
    return found[1] if found else ""


def is_prompt(line: str) -> bool:
    """Whether the line has the form of a prompt line. The context may still show that it isn't one."""
    return line.startswith(_PROMPT + " ") and line.endswith(_ENDS)


def is_message(line: str) -> bool:
    """Whether the line has the form of an Aider message. The context may still show that it isn't one."""
    return line.startswith(_MESSAGE) and line.endswith(_ENDS)


def prompt_text(lines: Sequence[str]) -> str:
    """Returns the text the user typed, without the prompt marks."""
    return "\n".join(line[len(_PROMPT) + 1 :].rstrip() for line in lines).strip()


def messages_of(lines: Sequence[str]) -> tuple[str, ...]:
    """Returns Aider's messages one by one, without their marks."""
    found = []
    at = 0
    while at < len(lines):
        end = _message_end(lines, at)
        found.append("\n".join([lines[at].removeprefix(_MESSAGE), *lines[at + 1 : end]]).strip())
        at = end
    return tuple(found)


def _message_end(lines: Sequence[str], at: int) -> int:
    """Returns where a message ends. Its mark is before the first of its lines, and two blanks follow the last."""
    if lines[at].endswith(_ENDS):
        return at + 1
    report = _REPORT.match(lines[at]) is not None
    for place in range(at + 1, len(lines)):
        line = lines[place]
        if is_prompt(line):
            return place
        if line.endswith(_ENDS) and (not report or line.startswith(_REPORT_ENDS)):
            after = lines[place + 1] if place + 1 < len(lines) else ""
            if not after.strip() or after.startswith((_MESSAGE, _PROMPT)):
                return place + 1
    return len(lines)


def _is_start_of_aider(lines: Sequence[str], at: int) -> bool:
    """Whether Aider's startup lines (command line and version) follow a header."""
    after = [line for line in lines[at + 2 : at + 2 + _VERSION_WITHIN] if is_message(line)]
    return any(map(_COMMAND.match, after)) and any(map(_VERSION.match, after))


def _run(lines: Sequence[str], at: int, belongs: Callable[[str], bool]) -> int:
    while at < len(lines) and belongs(lines[at]):
        at += 1
    return at
