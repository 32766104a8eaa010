"""Where the editors that run Copilot keep their chats, and which files there hold one.

A session has the same id in each place: FACTS.md, "Chats in VS Code".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Final, Literal

from carryover.adapter.contract import Source
from carryover.agents.copilot.spec import EMPTY, EXTENSION, TRANSFERRED, WINDOWS

ChatKind = Literal["chat", "chat_transcript"]
"""chat: what the editor stores of a chat. chat_transcript: the events that the extension writes beside it."""

CHATS: Final = "chatSessions"

_EXTENSIONS: Final = ("GitHub.copilot-chat", EXTENSION)
_TRANSCRIPTS: Final = "transcripts"
_PATTERNS: Final = (f"*/{CHATS}/*", *(f"*/{name}/{_TRANSCRIPTS}/*.jsonl" for name in _EXTENSIONS))
_NO_WINDOW: Final = "no-workspace"
_LOG: Final = ".jsonl"
_OBJECT: Final = ".json"
_NAME: Final = re.compile(r"([\w-]{1,100})(\.jsonl?)")

# A session in several places counts where most of it is. A chat that moves from an empty window into a folder is
# copied, and the copy continues; the transcript has no errors, no exit codes and does not say what was retracted.
_RANKS: Final = {
    (WINDOWS, _LOG): 7,
    (WINDOWS, _OBJECT): 6,
    (EMPTY, _LOG): 5,
    (EMPTY, _OBJECT): 4,
    (TRANSFERRED, _LOG): 3,
    (TRANSFERRED, _OBJECT): 2,
}
_TOKEN: Final = re.compile(rb'"(?P<text>(?:\\.|[^"\\])*)"(?P<colon>\s*:)?|(?P<bracket>[{}\[\]])', re.DOTALL)
_FIRST_LINE: Final = re.compile(rb'\s*\{\s*"kind"\s*:\s*0\s*,')
_NAMES_OF_PARTIES: Final = frozenset(("responderUsername", "requesterUsername"))
_STATE_KEYS: Final = frozenset(("sessionId", "responderUsername"))
TRANSCRIPT_RANK: Final = 1
_EXPORT_RANK: Final = -1


def kind_of(path: str | PurePath) -> ChatKind | None:
    """What kind of source `path` is, by its last names alone; None where it is none."""
    parts = str(path).split("/")
    if _NAME.fullmatch(parts[-1]) is None:
        return None
    match parts[-5:]:
        case [*_, storage, _, folder, _] if (storage, folder) == (WINDOWS, CHATS):
            return "chat"
        case [storage, _, extension, folder, name] if _is_transcript(storage, extension, folder, name):
            return "chat_transcript"
        case [*_, folder, _] if folder in (EMPTY, TRANSFERRED):
            return "chat"
    return None


def source_of(path: Path, root: Path, agent: str) -> Source | None:
    """The source that `path` below `root` is, by its name alone."""
    found = _NAME.fullmatch(path.name)
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return None
    kind = kind_of(path)
    if found is None or kind is None or root.name not in (WINDOWS, EMPTY, TRANSFERRED):
        return None
    depth = 1 if root.name != WINDOWS else 4 if kind == "chat_transcript" else 3
    if len(parts) != depth:
        return None
    folder = EMPTY if parts[0] == _NO_WINDOW else root.name
    rank = TRANSCRIPT_RANK if kind == "chat_transcript" else _RANKS[folder, found[2]]
    group = parts[0] if depth > 1 else root.name
    return Source(agent=agent, path=str(path), session=found[1], group=group, rank=rank)


def sources(root: Path, agent: str) -> list[Source]:
    """Every source below `root` now."""
    patterns = _PATTERNS if root.name == WINDOWS else ("*",)
    found = [source_of(path, root, agent) for pattern in patterns for path in root.glob(pattern)]
    return [source for source in found if source is not None]


def exported(path: Path, head: bytes, agent: str) -> Source | None:
    """The source that a file anywhere is: an export of a chat, or a chat's own file that was copied."""
    if not is_chat(head):
        return None
    return Source(agent=agent, path=str(path), rank=_EXPORT_RANK)


def is_chat(head: bytes) -> bool:
    """Whether a file begins as a chat: one JSON object, or a log whose first line holds the whole state."""
    if _FIRST_LINE.match(head):
        return set(_keys_in(head, depth=2)) >= _STATE_KEYS
    keys = set(_keys_in(head, depth=1))
    return "requests" in keys and not keys.isdisjoint(_NAMES_OF_PARTIES)


def _is_transcript(storage: str, extension: str, folder: str, name: str) -> bool:
    in_place = (storage, folder) == (WINDOWS, _TRANSCRIPTS) and extension in _EXTENSIONS
    return in_place and name.endswith(_LOG)


def _keys_in(head: bytes, *, depth: int) -> Iterator[str]:
    """The keys of the objects at a depth, as far as the beginning of a JSON text shows them."""
    level = 0
    for token in _TOKEN.finditer(head):
        if (bracket := token["bracket"]) is not None:
            level += 1 if bracket in b"{[" else -1
            if level <= 0:
                return
        elif level == depth and token["colon"] is not None:
            yield token["text"].decode("utf-8", "replace")
