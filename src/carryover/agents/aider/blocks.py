"""Splits the lines of a session into blocks: its header, prompts, Aider's own messages, answers. Pure.

Prompts begin with `#### `, Aider's own messages with `> `, and both end in two blanks. An answer may imitate all of
that. It ends at a message that only Aider writes after one. A prompt or a header ends it only if something else
confirms that: the answer was interrupted, the input history has the prompt, Aider's startup lines follow the header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

Kind = Literal["start", "prompt", "messages", "model"]

_HEADER: Final = re.compile(r"# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_PROMPT: Final = "####"
_MESSAGE: Final = "> "
_ENDS: Final = "  "
_AFTER_ANSWER: Final = re.compile(
    r"> (?:Tokens: |litellm\.|\^C|Retrying in |Traceback \(most recent call last\)|Model .* has hit a token limit)"
)
"""Messages that Aider writes only after an answer, complete or cut off."""
_VERSION: Final = re.compile(r"> Aider v\d")
_ONLY_AIDERS: Final = ("> Aider v", "> Tokens: ", "> Applied edit to ")
_VERSION_WITHIN: Final = 12
_REPORT: Final = re.compile(r"> # \d+ SEARCH/REPLACE blocks? failed to match!")
_REPORT_ENDS: Final = ("The SEARCH section must exactly match", "Just reply with fixed versions of the block")

Typed = Callable[[str], bool | None]
"""Reports whether a text is in the input history; None if there is none."""

_LATEST_MS: Final = 1 << 52


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """One block of a chat history, with what its position in the file adds to its meaning."""

    kind: Literal["begin", "start", "prompt", "model", "message"]
    """`begin`: blocks of a session follow; `start`: the header of a session; `prompt`: the user's lines; `model`: an
    answer; `message`: one of Aider's own."""
    at_ms: Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)] = 0
    """UTC milliseconds of the last input before it, or else of its session's start."""
    seen_ms: Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)] = 0
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


DECODER: Final = msgspec.json.Decoder(Block)


class Session(NamedTuple):
    """The lines of a session, its header first.

    `started`: local time of the header; empty without one. `doubtful`: the session began inside an unfinished answer,
    so its prompts count only if they were typed.
    """

    started: str
    lines: Sequence[str]
    doubtful: bool


def sessions_in(lines: Sequence[str], *, copied: bool = False) -> list[Session]:
    """Returns the sessions of a history, oldest first.

    Text before the first header counts only in a copy, and only if it has a line that nothing but Aider writes.
    """
    begins: list[tuple[int, bool]] = []
    before = ""
    for at, line in enumerate(lines):
        if line.startswith("# ") and (at == 0 or not lines[at - 1].strip()) and _is_header(lines, at):
            in_answer = bool(before) and not before.startswith((_MESSAGE, _PROMPT))
            if not in_answer or _is_start_of_aider(lines, at):
                begins.append((at, in_answer))
        before = line if line.strip() else before
    first = begins[0][0] if begins else len(lines)
    is_cut = copied and any(line.startswith(_ONLY_AIDERS) for line in lines[:first])
    found = [Session("", ["", *lines[:first]], False)] if is_cut else []
    ends = [at for at, _ in begins[1:]] + [len(lines)]
    for (at, doubtful), end in zip(begins, ends, strict=False):
        started = lines[at].removeprefix("# aider chat started at ")
        found.append(Session(started, lines[at:end], doubtful))
    return found


def blocks_in(session: Session, typed: Typed) -> Iterator[tuple[Kind, Sequence[str]]]:
    """Yields the blocks of a session in order: their kinds and lines."""
    lines = session.lines
    yield "start", lines[:1]
    kind: Kind = "start"
    end = 1
    interrupted = False
    while (at := _next_with_text(lines, end)) is not None:
        # Without a blank line between them, a line after one of Aider's own or a prompt is Aider's, not an answer's.
        follows_aider = at == end and kind != "model"
        kind, end = _next(session, at, typed, interrupted=interrupted, follows_aider=follows_aider)
        interrupted = _is_interrupted(kind, lines[at:end], interrupted)
        yield kind, lines[at:end]


def _next_with_text(lines: Sequence[str], start: int) -> int | None:
    return next((at for at in range(start, len(lines)) if lines[at].strip()), None)


def _is_interrupted(kind: Kind, block: Sequence[str], before: bool) -> bool:
    """Whether an answer is interrupted after this block: by the last of Aider's messages in it that says how one ended,
    or else as `before`. A prompt begins a new one."""
    if kind == "prompt":
        return False
    if kind != "messages":
        return before
    ends = [line for line in block if line.startswith(("> ^C", "> Tokens: "))]
    return ends[-1].startswith("> ^C") if ends else before


def _next(session: Session, at: int, typed: Typed, *, interrupted: bool, follows_aider: bool) -> tuple[Kind, int]:
    """Returns the kind of the block that begins here and its end."""
    lines = session.lines
    line = lines[at]
    if _is_prompt(line):
        end = _prompt_end(lines, at)
        if not session.doubtful or typed(prompt_text(lines[at:end])) is not False:
            return "prompt", end
    elif _is_message(line) or (line.startswith(_MESSAGE) and follows_aider):
        while at < len(lines) and lines[at].startswith(_MESSAGE):
            at = _message_end(lines, at)
        return "messages", at
    for place in range(at + 1, len(lines)):
        if not lines[place - 1].strip() and _ends_answer(lines, place, typed, interrupted=interrupted):
            return "model", place
    return "model", len(lines)


def _ends_answer(lines: Sequence[str], at: int, typed: Typed, *, interrupted: bool) -> bool:
    line = lines[at]
    if _is_prompt(line):
        return interrupted or typed(prompt_text(lines[at : _prompt_end(lines, at)])) is True
    return _is_message(line) and _AFTER_ANSWER.match(line) is not None


def _is_header(lines: Sequence[str], at: int) -> bool:
    """Whether a line is a header, which a blank line and a message follow."""
    after = lines[at + 1 : at + 3]
    followed = len(after) < 2 or (not after[0].strip() and _is_message(after[1]))
    return followed and _HEADER.fullmatch(lines[at]) is not None


def _is_prompt(line: str) -> bool:
    return line.startswith(_PROMPT + " ") and line.endswith(_ENDS)


def _is_message(line: str) -> bool:
    return line.startswith(_MESSAGE) and line.endswith(_ENDS)


def plain(text: str) -> str:
    """Returns a text for comparison, without trailing blanks. Aider splits a prompt at any line break and adds two."""
    return "\n".join(map(str.rstrip, text.splitlines())).strip()


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
        if _is_prompt(line):
            return place
        if line.endswith(_ENDS) and (not report or line.startswith(_REPORT_ENDS)):
            after = lines[place + 1] if place + 1 < len(lines) else ""
            if not after.strip() or after.startswith((_MESSAGE, _PROMPT)):
                return place + 1
    return len(lines)


def _is_start_of_aider(lines: Sequence[str], at: int) -> bool:
    """Whether the version that Aider prints when it starts follows a header."""
    return any(_is_message(line) and _VERSION.match(line) for line in lines[at + 2 : at + 2 + _VERSION_WITHIN])


def _prompt_end(lines: Sequence[str], at: int) -> int:
    return next((end for end in range(at, len(lines)) if not _is_prompt(lines[end])), len(lines))
