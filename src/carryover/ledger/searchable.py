"""Extracts the searchable text of an event and the tokens under which it is indexed. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal, get_args

import msgspec

from carryover.model import (
    Answer,
    AnyBody,
    AssistantMessage,
    FileEdit,
    PlanProposal,
    Question,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
    is_own_tool,
)

INDEX_VERSION: Final = 1
"""Increased when the same event gets other tokens; an index of another version is rebuilt."""

Kind = Literal["prompt", "answer", "command", "path", "error"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""In the order of their numbers in the ledger. Append new ones."""

MOST_CHARS: Final = 50_000
"""Characters of a text that are indexed: a log pasted into a prompt should not fill the index."""

_LONGEST_TOKEN: Final = 64
_ERROR_HEAD_CHARS: Final = 300
_ERROR_TAIL_CHARS: Final = 700

_WORD: Final = re.compile(r"[^\W_]+")
_HUMP: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^A-Za-z]+")
# Thai, Lao, Burmese, Khmer, kana, Han: scripts without spaces between words.
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class Searchable(msgspec.Struct, frozen=True):
    """The searchable text of an event, and its kind."""

    kind: Kind
    text: str


def searchable(body: AnyBody) -> Searchable | None:
    """Returns the searchable text of an event; None if it has none, such as the output of a tool that succeeded."""
    match body:
        case UserPrompt(actor=actor) as prompt:
            found = Searchable("prompt" if actor == "human" else "answer", prompt.typed)
        case Answer(text=text):
            found = Searchable("prompt", text)
        case AssistantMessage(text=text) | Question(text=text) | PlanProposal(text=text):
            found = Searchable("answer", text)
        case ToolCall(op="edit" | "write"):
            return None  # the edit itself says which file it was, where it was made
        case (ToolCall() | ToolResult()) as own if is_own_tool(own):
            return None  # the search for it would be found by the same search
        case ToolCall(subject=subject, op=op):
            found = Searchable("path" if op == "read" else "command", subject)
        case FileEdit(path=path, old_path=old_path):
            found = Searchable("path", f"{path} {old_path}" if old_path else path)
        case ToolResult(status="error", output=output):
            found = Searchable("error", _ends_of(output))
        case TurnEnd(reason="error" | "limit", message=message):
            found = Searchable("error", message)
        case _:
            return None
    return found if found.text.strip() else None


class IndexEntry(msgspec.Struct, frozen=True):
    """The index entry of one event."""

    kind: Kind
    tokens: str


def index_entry(body: AnyBody) -> IndexEntry | None:
    """Returns the index entry for an event; None if it is not searched. The same body always gives the same tokens."""
    found = searchable(body)
    tokens = index_text(found.text) if found is not None else ""
    return IndexEntry(found.kind, tokens) if found is not None and tokens else None


def index_text(text: str) -> str:
    """Returns the tokens of `text`, separated by spaces: its words, then the parts of those in camel case.

    Parts of paths and of names in snake case are words. In scripts without spaces each character is one.
    """
    found = words(text[:MOST_CHARS])
    if text.islower() and text.isascii():
        return " ".join(found)
    # The parts of a word as one string, so that they stay side by side; an index has them once per text.
    parts = dict.fromkeys([" ".join(split) for word in dict.fromkeys(found) if (split := humps(word))])
    return " ".join([*found, *parts])


def words(text: str) -> list[str]:
    """Returns the words of `text` in order, each cut to 64 characters."""
    if not text.isascii():
        text = _UNSPACED.sub(r" \g<0> ", unicodedata.normalize("NFC", text))
    return [word[:_LONGEST_TOKEN] for word in _WORD.findall(text)]


def humps(word: str) -> list[str]:
    """Returns the parts of a name in camel case; none for other words."""
    if word.islower() or word.isdigit() or word[1:].islower() or word.isupper():
        return []
    parts = _HUMP.findall(word)
    return parts if len(parts) > 1 else []


def _ends_of(output: str) -> str:
    """Returns the beginning and the end of a failed tool's output, where programs explain what went wrong."""
    if len(output) <= _ERROR_HEAD_CHARS + _ERROR_TAIL_CHARS:
        return output
    return f"{output[:_ERROR_HEAD_CHARS]}\n{output[-_ERROR_TAIL_CHARS:]}"
