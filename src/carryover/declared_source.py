"""A source that the user declares in the settings: the message log of an agent for which Carryover has no adapter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal

import msgspec

from carryover.text.pattern import later

Speaker = Literal["user", "agent", "tool", "ignored"]
SPEAKERS: Final[Mapping[str, Speaker]] = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "agent", "ai", "model", "gpt", "planner"), "agent"),
    **dict.fromkeys(("tool", "function"), "tool"),
    **dict.fromkeys(("system", "developer"), "ignored"),
}
"""Who speaks in a record or message, by its role."""

_Field = str
"""Path of names to a field, separated by dots: `message.text`. Empty: there is no such field."""
_NAME: Final = later(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME_CHARS: Final = 40
_NOT_WILD: Final = later(r"\*\*|[?\[\]]")


class DeclaredSource(msgspec.Struct, frozen=True, kw_only=True):
    """`[[sources]]`: where an agent's files are, and which field of a record is what."""

    agent: str
    """The name of the agent in handoffs and lists."""
    files: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """Patterns of paths that begin with `/` or `~/`. A `*` stays within one folder's or file's name."""
    format: Literal["jsonl", "json"] = "jsonl"
    """jsonl: a record in each line. json: one document, rewritten with each message."""
    messages: _Field = "messages"
    """In a document: the list of records. A document that is a list is that list itself."""
    session: _Field = ""
    """The session's id. Without one, the name in the place of the last `*` in `files` identifies it."""
    folder: _Field = "cwd"
    """The working folder, which says what project the session belongs to."""
    project: str | None = None
    """The folder of all sessions, if the files do not name one."""
    time: _Field = "timestamp"
    """When the record was written: an ISO text, or seconds or milliseconds since 1970."""
    model: _Field = "model"
    role: _Field = "role"
    user: tuple[str, ...] = ()
    """Further words by which `role` names the user."""
    assistant: tuple[str, ...] = ()
    """Further words by which `role` names the agent."""
    tool: tuple[str, ...] = ()
    """Further words by which `role` names a tool."""
    text: _Field = "content"
    """What was said: a text, or a list of parts with `text`. Parts whose `type` is not text are left out."""
    call: _Field = "tool_calls"
    """A list of tool calls or one of them; or the name of the tool that the record itself calls."""
    name: _Field = "function.name"
    """In a call: the tool's name."""
    input: _Field = "function.arguments"
    """In a call: its arguments, or the text of a command."""
    id: _Field = "id"
    """In a call: its id."""
    result: _Field = ""
    """What a tool printed; any record with it is a result. Empty: `text` in the records of a tool."""
    result_id: _Field = "tool_call_id"
    """In a result: the id of its call."""
    exit_code: _Field = ""
    """In a result: the exit code of a command."""
    failed: _Field = "is_error"
    """In a result: whether the call failed."""

    def __post_init__(self) -> None:
        if len(self.agent) > _NAME_CHARS or not _NAME.fullmatch(self.agent):
            raise ValueError(f"`agent` must be at most {_NAME_CHARS} small letters, digits and single hyphens")
        for pattern in self.files:
            _check(pattern)
        if self.project is not None and not self.project.startswith(("/", "~/")):
            raise ValueError("`project` must begin with / or ~/")

    @property
    def speakers(self) -> Mapping[str, Speaker]:
        """Who speaks, by role in lower case."""
        own: dict[str, Speaker] = {
            **dict.fromkeys(self.user, "user"),
            **dict.fromkeys(self.assistant, "agent"),
            **dict.fromkeys(self.tool, "tool"),
        }
        return {**SPEAKERS, **{role.lower(): speaker for role, speaker in own.items()}}


def _check(pattern: str) -> None:
    """Raises ValueError for a pattern that is not absolute, or would have a large part of the disk watched."""
    if not pattern.startswith(("/", "~/")):
        raise ValueError("each of `files` must begin with / or ~/")
    if _NOT_WILD.search(pattern):
        raise ValueError("`files` knows no other wildcard than `*`, which stands for a name or a part of it")
    if len(PurePosixPath(folder_of(pattern)).parts) < 2:
        raise ValueError("each of `files` must name a folder before its first `*`, such as ~/.my-agent/*.jsonl")


def folder_of(pattern: str) -> str:
    """Returns the folder below which a pattern's files are: the path before its first wildcard."""
    parts = PurePosixPath(pattern).parts
    wild = next((at for at, part in enumerate(parts) if "*" in part), len(parts))
    return str(PurePosixPath(*parts[: min(wild, len(parts) - 1)]))


def tables_in(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the tables `[[sources]]` of a settings file."""
    tables = data.get("sources")
    return [table for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []


def names_taken(sources: Iterable[DeclaredSource], known: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yields the places of sources with a name that is `known` or that a source before them has."""
    taken = {*known}
    for place, source in enumerate(sources):
        if source.agent in taken:
            yield place, source.agent
        taken.add(source.agent)
