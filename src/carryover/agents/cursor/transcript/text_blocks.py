"""The blocks of a legacy `.txt` transcript as messages, of the form that `store.db` has them in. Pure.

A block begins after a line `user:` or `assistant:`; in an assistant's, `[Thinking]`, `[Tool call] Name` with indented
`key=value` lines, and `[Tool result]` begin its parts (see FACTS.md). A user who types such a line is misread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Any, Final

import msgspec

MAX_MESSAGES: Final = 20_000

_ROLE: Final = re.compile(r"^(user|assistant):[ \t]*\r?$\n?", re.MULTILINE)
_THINKING, _CALL, _RESULT, _SAID = "Thinking", "Tool call", "Tool result", "Said"
_PART: Final = re.compile(r"^\[(Thinking|Tool call|Tool result)\](.*)$\n?", re.MULTILINE)
_ARGUMENT: Final = re.compile(r"[ \t]+([A-Za-z_]\w*)=(.*)")
_WORDS: Final = {"true": True, "false": False, "null": None}

Part = tuple[str, str, str]
"""Kind, tool and text."""


class TextMessage(msgspec.Struct, frozen=True):
    """A part of a block, or a call and its result. `text` is what it is known by: one that grew is another one."""

    text: str
    content: dict[str, Any]
    blocks: int = 1


def messages_in(document: str) -> list[TextMessage]:
    """The parts of a transcript's blocks, in order, each a message. What stands before the first block is none."""
    return list(islice(_messages(document), MAX_MESSAGES))


def _messages(document: str) -> Iterator[TextMessage]:
    calls = count()
    for head, body in _under(list(_ROLE.finditer(document)), document):
        if head[1] == "user":
            if text := body.strip():
                yield TextMessage(f"user:{text}", {"role": "user", "content": text})
            continue
        for parts in _with_results(_parts(body)):
            # A result belongs to the call before it; neither has an id.
            call_id = f"call-{next(calls)}"
            content = [_content(*part, call_id) for part in parts]
            known_by = "\n".join(":".join(part) for part in parts)
            yield TextMessage(known_by, {"role": "assistant", "content": content}, len(content))


def _with_results(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Each part, a call together with the result behind it."""
    open_call: list[Part] = []
    for part in parts:
        if open_call and part[0] == _RESULT:
            yield [*open_call, part]
            open_call = []
            continue
        if open_call:
            yield open_call
        open_call = [part] if part[0] == _CALL else []
        if not open_call:
            yield [part]
    if open_call:
        yield open_call


def _under(heads: list[re.Match[str]], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each head with the text up to the next one."""
    for number, head in enumerate(heads):
        yield head, text[head.end() : heads[number + 1].start() if number + 1 < len(heads) else None]


def _parts(body: str) -> Iterator[Part]:
    """The parts of an assistant's block that hold something for us."""
    heads = list(_PART.finditer(body))
    if said := body[: heads[0].start() if heads else None].strip():
        yield _SAID, "", said
    for head, text in _under(heads, body):
        if head[1] != _THINKING:
            inside, behind = _indented(text)
            yield head[1], head[2].strip(), inside
            if behind:
                yield _SAID, "", behind


def _content(kind: str, name: str, text: str, call_id: str) -> dict[str, Any]:
    if kind == _CALL:
        return {"type": "tool-call", "toolCallId": call_id, "toolName": name, "args": _arguments(text)}
    if kind == _RESULT:
        output = "\n".join(line.removeprefix("  ") for line in text.split("\n"))
        return {"type": "tool-result", "toolCallId": call_id, "toolName": name, "result": output}
    return {"type": "text", "text": text}


def _arguments(text: str) -> dict[str, Any]:
    given: dict[str, str] = {}
    name = ""
    for line in text.split("\n"):
        if found := _ARGUMENT.match(line):
            name = found[1]
            given[name] = found[2].rstrip("\r")
        elif name and line.strip():
            given[name] += "\n" + line
    return {key: _value(value) for key, value in given.items()}


def _indented(body: str) -> tuple[str, str]:
    """The lines that are indented or empty, and the text behind them. Where the first is not, all are taken."""
    lines = body.split("\n")
    if lines[0].strip() and not lines[0][:1].isspace():
        return body.strip(), ""
    end = next((at for at, line in enumerate(lines) if line.strip() and not line[:1].isspace()), len(lines))
    return "\n".join(lines[:end]).strip("\n"), "\n".join(lines[end:]).strip()


def _value(text: str) -> Any:
    if text[:1] in "'\"" and text[:1] == text[-1:] and len(text) > 1:
        return text[1:-1]
    if text[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            return text
    return _WORDS.get(text, text)
