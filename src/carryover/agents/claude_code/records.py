"""Lines of JSON as Claude Code writes them: each record has an id, its session, a time, a folder, a version, a branch.

They are in `<root>/<start folder>/.../<session>.jsonl`, sub-agents by name. The name of the start folder is not
reversible, so it groups files and never names a project.

A builder gives its events their keys, and learns the facts about the session from these fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Generic, Self, TypeVar

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.layouts import Layout, source_at
from carryover.model import BackgroundTask, ChangedElsewhere, TurnEnd
from carryover.records.asked import JOB_STATES
from carryover.records.fields import SHORT_CHARS, bounded, digest, utc_ms
from carryover.records.lenient import Fields, fields_of, number_of, text_of
from carryover.records.rawjson import ABSENT, skipped
from carryover.records.resets import names_limit
from carryover.records.text import tagged, without_handoff
from carryover.text.pattern import later
from carryover.transcript import recorder as base
from carryover.transcript.recorder import OneSession, usable_folder, usable_name

GROUP: Final = r"(?P<group>[^/]+)"
SESSION: Final = r"(?P<session>(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))"
SUBAGENT: Final = r"agent-(?P<subagent_id>[\w-]+)\.jsonl"
"""Parts of the patterns of layouts (`adapter.layouts`)."""
MAX_TURNS: Final = "max_turns_reached"


def copied(agent: str, layouts: Sequence[Layout], path: Path, roots: Iterable[Path]) -> Source:
    """Returns the source for a transcript anywhere on disk, which its records have shown to be one.

    Session and sub-agent come from its path if that keeps the layout below one of `roots`, else from the records.
    """
    kept = (source_at(agent, layouts, path, root) for root in roots)
    return next((source for source in kept if source is not None), Source(agent=agent, path=str(path)))


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """The fields that every record may have."""

    type: str
    subtype: str | None = None
    uuid: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    session_id: str | None = None
    version: str | None = None
    git_branch: str | None = None
    is_sidechain: bool | None = None
    agent_id: str | None = None
    forked_from: msgspec.Raw = ABSENT


class Context(base.SessionContext, frozen=True, omit_defaults=True):
    """The state of one transcript file between two records."""

    session: str | None = None
    newest_ms: int = 0
    """Newest time seen. Replayed history is older and says nothing about the session's current state."""
    titled: bool = False
    """Whether the user set the title, so that titles from the model no longer count."""


_L = TypeVar("_L", bound=Line)
_C = TypeVar("_C", bound=Context)


class Builder(OneSession[_C], Generic[_L, _C], kw_only=True):
    """Builds the events of one transcript line."""

    line: _L
    timed: bool
    """Whether the record has a time."""

    @classmethod
    def parse(
        cls, source: Source, context: _C, line: _L, record: Record, handlers: Mapping[str, Callable[[Self], None]]
    ) -> tuple[_C, Parsed]:
        """Returns the next context and what became of one record, by the handler of its type."""
        handle = handlers.get(line.type)
        if handle is None:
            return context, Parsed(skipped=(skipped(line.type, "unknown record type", line.version),))
        builder = cls.begin(source, context, line, record)
        builder.handle(handle)
        return builder.parsed()

    def handle(self, handle: Callable[[Self], None]) -> None:
        """Handles the record."""
        handle(self)

    @classmethod
    def begin(cls, source: Source, context: _C, line: _L, record: Record) -> Self:
        """Returns a builder for one record. A record without a time gets the time of the record before it."""
        own_ms = utc_ms(line.timestamp)
        fork = fields_of(line.forked_from)
        # A fork repeats its parent's records, as a rule under the same uuid; where a record gets another, it says which
        # one it was (`/branch` of Claude Code: reported, not in a recording).
        ident = usable_name(text_of(fork.get("messageUuid"))) or usable_name(line.uuid)
        session = usable_name(line.session_id) or context.session or source.own_session
        inline = (usable_name(line.agent_id) or "inline") if line.is_sidechain else None
        builder = cls(
            line=line,
            version=line.version,
            context=context,
            session=session,
            at_ms=own_ms or context.last_ms,
            timed=own_ms > 0,
            prefix=f"{ident or f'{session}/{digest(record.data)}'}:",
            kind=line.type,
            subagent_id=source.subagent_id or inline,
        )
        builder.learn_news(
            agent_version=line.version, branch=builder.branch_here(), parent=text_of(fork.get("sessionId"))
        )
        newest_ms = max(own_ms, context.newest_ms)
        builder.change(session=session, cwd=builder.place, last_ms=builder.at_ms, newest_ms=newest_ms)
        return builder

    @property
    def cwd(self) -> str | None:
        """The folder the record was written in."""
        return usable_folder(self.line.cwd)

    def branch_here(self) -> str | None:
        """Returns the branch that is checked out there, as far as the record says."""
        # "HEAD" means a detached head and for no repository at all (Claude Code 2.1.328), "" for none (2.1.11).
        return self.line.git_branch if self.line.git_branch != "HEAD" else None

    @property
    def place(self) -> str | None:
        """That folder, or the last known one."""
        return self.cwd or self.context.cwd

    def learn_news(self, **facts: str | None) -> None:
        """Notes facts about the session, unless the record repeats old history."""
        if self.subagent_id is None and self.at_ms >= self.context.newest_ms:
            self.learn(**facts)

    def learn_title(self, title: str | None, *, by_user: bool) -> None:
        """Notes a session's title. One from the user is never replaced by one from the model."""
        if title and (by_user or not self.context.titled):
            facts = msgspec.structs.replace(self.context.facts, title=bounded(title, SHORT_CHARS))
            self.change(facts=facts, titled=by_user)
        if self.context.newest_ms:
            self.emit_session_info()

    def emit_session_info(self) -> None:
        """Emits facts about the session that are new. Emits nothing before the first event with a time."""
        if self.subagent_id is None:
            self.put_news_first(self.session, self.cwd)

    def add_jobs(self, text: str, part: str) -> None:
        """Adds the reports of background jobs in a text."""
        for number, job in enumerate(_jobs_in(text)):
            if isinstance(job, str):
                self.skip("task-notification", job)
            else:
                self.add(job, f"{part}.task{number}", f"{job.task_id}/{job.state}/{digest(job.label)}")

    def parsed(self) -> tuple[_C, Parsed]:
        """Returns the next context and the result of the record, session facts first."""
        if self.events:
            self.emit_session_info()
        return self.context, self.built()


REPORTS: tuple[str, ...] = ("<task-notification>", "<bash-notification>", "<agent-notification>")
"""The beginning of a text that reports background jobs (Claude Code 2.0.76 to 2.1.328, Qwen Code 0.24.4)."""


_REPORT: Final = later("<(?:task|bash|agent)-notification>")
_IDS: Final = ("task-id", "shell-id", "agent-id")
_SAID: Final = later("<(result|event)>")
"""The beginning of what a sub-agent or a monitor said."""
_MONITOR_ENDS: Final = ("<event>[Monitor timed out", "<event>[Monitor expired")
"""The client's event in place of one (the first 2.1.112, public sessions; the second unverified)."""
_LONGEST_REFUSAL: Final = 200
"""Most characters of a report that is only the message of a usage limit; a longer one may speak of limits."""


def _jobs_in(text: str) -> Iterator[BackgroundTask | str]:
    """Yields each report; in place of one that is not understood, the reason."""
    said = _SAID.search(text)
    # That may hold the tags of a report too, so it ends with the last closing one.
    quoted = range(said.start(), text.rfind(f"</{said[1]}>")) if said is not None else ()
    starts = [found.end() for found in _REPORT.finditer(text) if found.start() not in quoted]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        report = text[start:end]
        if report.startswith("\n<fork-source>"):
            continue  # what a background session that `/fork` begins is a copy of (2.1.332): no job
        task_id = next(filter(None, ((tagged(report, tag) or "").strip() for tag in _IDS)), "")
        # A monitor's events have no status: it runs on, unless the client's text says that its time was up.
        state = JOB_STATES.get((tagged(report, "status") or "running").strip())
        if not task_id or state is None:
            yield "unknown status" if task_id else "no task id"
            continue
        if state == "running" and any(end in report for end in _MONITOR_ENDS):
            state = "stopped"
        label = bounded((tagged(report, "summary") or "").strip(), SHORT_CHARS)
        words = report.partition("<result>")[2].rpartition("</result>")[0].strip()
        if state == "done" and is_limit_notice(words):
            state = "failed"  # the client calls it completed (2.1.81)
        yield BackgroundTask(task_id=task_id, state=state, label=label, report=without_handoff(words))


def is_limit_notice(words: str) -> bool:
    """Whether words in the place of a report or a summary only say that a usage limit was reached."""
    return len(words) <= _LONGEST_REFUSAL and names_limit(words)


def note_in(given: Fields) -> tuple[ChangedElsewhere | TurnEnd, tuple[str, ...]] | None:
    """Returns what the client notes in an attachment, and the parts of its key: that a file was changed elsewhere, or
    that a run without a terminal has made as many requests as `--max-turns` allows. None for any other."""
    if path := text_of(given.get("filename")):
        return ChangedElsewhere(path=path), ("changed", digest(path))
    if text_of(given.get("type")) == MAX_TURNS:
        most = number_of(given.get("maxTurns"))
        return TurnEnd(reason="error", message="Reached max turns" + (f" ({most})" if most else "")), ("end",)
    return None
