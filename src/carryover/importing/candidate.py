"""A file that may be a document, and a document: a file with an agent that has no installation, but a reader, a
context and a parser like any other."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, Batch, Parsed, Record, Source
from carryover.adapter.spec import AgentSpec
from carryover.agents import specs
from carryover.declared_source import DeclaredSource
from carryover.errors import ExitCode, UserError
from carryover.fsio import open_regular
from carryover.model import Event
from carryover.records.lenient import fields_of, items_of, text_of
from carryover.transcript.bounds import read_bounded

_HEAD_BYTES: Final = 64 << 10
RANK: Final = -1
"""Below all of the agents' own transcripts: an export adds nothing to one, and one that is read later replaces it."""
NOTHING: Final = "Nothing was imported from it."
_WORDS: Final = ("text", "input_text", "output_text", "")
"""The types of a message's parts that are the speaker's text, which may have none."""


@dataclass(frozen=True)
class Candidate:
    """A file that may be a document, with what the caller knows about it.

    A format is one function that recognises its documents: `Callable[[Candidate], OpenedDocument | None]`.
    """

    path: Path
    _: KW_ONLY
    project: str | None = None
    """The folder that all its sessions belong to, whatever the document says."""
    agent_id: str | None = None
    """The agent, if the document does not name it."""
    in_folder: bool = False
    """Whether the user named only its folder, which may hold anything. A chat known only by its roles is then skipped.
    """
    own_folder: Path | None = None
    """Carryover's own folder. Of the files in it, only notes are accepted."""
    declared: tuple[DeclaredSource, ...] = ()
    """Declared sources. A file of one of them, by its path or by `agent_id`, is read as that source."""

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB. Raises UserError if it is no file, or can't be read."""
        try:
            if stat.S_ISDIR(self.path.stat().st_mode):
                raise UserError(f"{self.path} is a folder, and no transcript. {NOTHING}", ExitCode.NOTHING_FOUND)
            with os.fdopen(open_regular(self.path), "rb") as file:
                return file.read(_HEAD_BYTES)
        except FileNotFoundError as error:
            raise UserError(f"There is no file {self.path}. Nothing was imported.", ExitCode.NOTHING_FOUND) from error
        except OSError as error:
            raise UserError(f"{self.path} can't be read: {error.strerror}. {NOTHING}") from error

    @cached_property
    def text(self) -> str:
        """The head as text."""
        return plain_text(self.head)

    @property
    def named(self) -> AgentSpec | None:
        """The agent that the user names, if Carryover knows it."""
        return next((spec for spec in specs() if spec.id == self.agent_id), None)


@dataclass(frozen=True, slots=True)
class OpenedDocument:
    """A file, with the agent that reads this format. `form`: the program that wrote it, for people."""

    agent: Agent
    source: Source
    form: str


def read_whole(document: OpenedDocument) -> Iterator[tuple[Batch, list[Parsed]]]:
    """Yields what a document holds, batch by batch. Blocking. Raises OSError or ValueError if it can't be read."""
    agent, source = document.agent, document.source
    context, cursor, more = agent.context_type(), None, True
    while more:
        batch = read_bounded(agent.reader, Path(source.path), cursor)
        found = []
        for record in batch.records:
            context, parsed = agent.parse(source, context, record)
            found.append(parsed)
        yield batch, found
        more = batch.more and batch.cursor != cursor
        cursor = batch.cursor


def with_events(agent: Agent, changed: Callable[[Event], Event | None]) -> Agent:
    """Returns the agent with each event that it reads changed, or left out (None)."""

    def parse(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
        context, parsed = agent.parse(source, context, record)
        return context, msgspec.structs.replace(parsed, events=tuple(filter(None, map(changed, parsed.events))))

    return replace(agent, parse=parse)


def plain_text(data: bytes) -> str:
    """Returns a document as text, with the line breaks of Unix."""
    return data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")


def texts_in(content: msgspec.Raw, *, words: bool = True) -> list[str]:
    """Returns the texts of a message: the whole one, or its parts. `words`: without parts that are not the speaker's
    text, such as a result, a file or a thought."""
    whole = text_of(content)
    parts = ((text_of(part), fields_of(part)) for part in items_of(content))
    said = (text or text_of(of.get("text")) for text, of in parts if not words or text_of(of.get("type")) in _WORDS)
    return [whole] if whole else list(said)
