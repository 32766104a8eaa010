"""What one record becomes: events with their identity, counts of what was not understood, and the next context."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

import msgspec

from carryover.adapter.contract import Folded, Record, Source
from carryover.agents.claude_code import wire
from carryover.agents.claude_code.context import Context, Facts
from carryover.model import AnyBody, Event, SessionInfo, Skipped
from carryover.records import rawjson
from carryover.records.bounds import MAX_NAME_CHARS, MAX_PATH_CHARS, SHORT_CHARS, bounded
from carryover.records.identity import digest, utc_ms
from carryover.records.paths import is_absolute

INLINE_SIDECHAIN: Final = "inline"
"""Sub-agent records that stand in the main file without an agent id."""


@dataclass(slots=True)
class Draft:
    """One record while it is folded. `context` is replaced as the fold learns; nothing outlives the record but it."""

    line: wire.Line
    context: Context
    session: str
    at_ms: int
    timed: bool
    """The record has a time of its own."""
    ident: str
    cwd: str | None
    sidechain: str | None
    events: list[Event] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @classmethod
    def begin(cls, source: Source, context: Context, line: wire.Line, record: Record) -> Draft:
        own_ms = utc_ms(line.timestamp)
        at_ms = own_ms or context.last_ms
        fork = rawjson.part_of(line.forked_from, wire.ForkedFrom) or wire.ForkedFrom()
        # A fork repeats its parent's records, as a rule under the same uuid; where it gets another, the record says
        # which one it was.
        ident = _named(fork.message_uuid) or _named(line.uuid)
        session = _named(line.session_id) or context.session or source.session or PurePosixPath(source.path).stem
        draft = cls(
            line=line,
            context=context,
            session=session,
            at_ms=at_ms,
            timed=own_ms > 0,
            ident=ident or f"{session}/{digest(record.data)}",
            cwd=line.cwd if line.cwd and is_absolute(line.cwd) and len(line.cwd) <= MAX_PATH_CHARS else None,
            sidechain=source.sidechain or ((_named(line.agent_id) or INLINE_SIDECHAIN) if line.is_sidechain else None),
        )
        draft._learn(own_ms, _named(fork.session_id))
        return draft

    @property
    def place(self) -> str | None:
        """The folder the record was written in, or else the last one known."""
        return self.cwd or self.context.cwd

    def change(self, **changes: object) -> None:
        """Replace fields of the context."""
        self.context = msgspec.structs.replace(self.context, **changes)

    def add(self, body: AnyBody, part: str, mark: str) -> None:
        """Add an event. `part` is its place in the record, `mark` what tells it from others of the same moment.

        Claude Code 2.0.28 and 2.1.11 append old turns again after a resume, with the same time and content under new
        uuids, so time, place and mark make a second identity.
        """
        if not self.at_ms:
            self.skip(self.line.type, "no time")
            return
        twin = f"{self.at_ms}/{self.line.type}/{self.sidechain or ''}/{part}/{mark}" if self.timed else None
        self.events.append(
            Event(
                key=f"{self.ident}:{part}",
                session=self.session,
                at_ms=self.at_ms,
                body=body,
                twin=twin,
                cwd=self.cwd,
                sidechain=self.sidechain,
            )
        )

    def skip(self, record_type: str, reason: str) -> None:
        """Count something that was not understood. `reason` never quotes the record."""
        self.skipped.append(rawjson.skipped(record_type, reason, self.line.version))

    def learn_model(self, model: str | None) -> None:
        """Note which model answers, unless the record is old history written again."""
        if _named(model) and self._is_news():
            self.change(facts=msgspec.structs.replace(self.context.facts, model=model))

    def learn_title(self, title: str | None, *, by_user: bool) -> None:
        """Note the name of the session. One that the user gave is not replaced by one that the model made up."""
        if title and (by_user or not self.context.titled):
            facts = msgspec.structs.replace(self.context.facts, title=bounded(title, SHORT_CHARS))
            self.change(facts=facts, titled=by_user)

    def tell_facts(self) -> None:
        """Send what is known of the session and was not sent before. Nothing before its first event with a time."""
        facts, told = self.context.facts, self.context.told
        if facts == told or self.sidechain is not None or not self.at_ms:
            return
        new = {
            name: value for name in Facts.__struct_fields__ if (value := getattr(facts, name)) != getattr(told, name)
        }
        info = Event(
            # The session belongs to it: a fork has the records of its parent, but facts of its own.
            key=f"info/{self.session}/{self.at_ms}/{digest(msgspec.json.encode(new))}",
            session=self.session,
            at_ms=self.at_ms,
            body=SessionInfo(**new),
            cwd=self.cwd,
        )
        self.events.insert(0, info)
        self.change(told=facts)

    def folded(self) -> tuple[Context, Folded]:
        """The next context and what the record became, facts about the session first."""
        if self.events:
            self.tell_facts()
        return self.context, Folded(events=tuple(self.events), skipped=tuple(self.skipped))

    def _is_news(self) -> bool:
        return self.sidechain is None and self.at_ms >= self.context.newest_ms

    def _learn(self, own_ms: int, parent: str | None) -> None:
        line, context = self.line, self.context
        facts = context.facts
        if self._is_news():
            # "HEAD" stands for a detached head and for no repository at all (2.1.328), "" for none (2.1.11).
            branch = _named(line.git_branch) if line.git_branch != "HEAD" else None
            news = (_named(line.version) or facts.agent_version, branch or facts.branch, parent or facts.parent)
            if news != (facts.agent_version, facts.branch, facts.parent):
                facts = msgspec.structs.replace(facts, agent_version=news[0], branch=news[1], parent=news[2])
        self.context = msgspec.structs.replace(
            context,
            session=self.session,
            cwd=self.cwd or context.cwd,
            last_ms=self.at_ms,
            newest_ms=max(own_ms, context.newest_ms),
            facts=facts,
        )


def _named(name: str | None) -> str | None:
    """An id or name fit to be kept; absent, empty and absurdly long ones are none."""
    return name if name and len(name) <= MAX_NAME_CHARS else None
