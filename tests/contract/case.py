"""What an agent brings to the contract suite, and how the suite finds and reads it.

A new agent adds `tests/agents/<agent>/contract_case.py` with a `CASE`, and `FURTHER_CASES` by name where it has other
kinds of sources; nothing here changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args

from carryover.adapter.contract import Agent, HookEvent, Record, Source
from carryover.importing.candidate import Candidate
from carryover.model import (
    AgentSummary,
    AnyBody,
    AssistantMessage,
    Event,
    FileEdit,
    PlanProposal,
    PlanUpdate,
    Question,
    Retracted,
    SessionInfo,
    Skipped,
    TokensUsed,
    ToolResult,
    TurnEnd,
    UserPrompt,
    WindowUsed,
)
from carryover.past.check.reading import Reading as Reading
from carryover.past.check.reading import fold_into as fold_into
from carryover.past.check.reading import fold_one as fold_one
from carryover.past.check.reading import moved as moved
from carryover.past.check.reading import read_on as read_on
from carryover.testruns.reading import test_run_in

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Recording:
    """A transcript as the real client wrote it, somewhere below a folder of transcripts."""

    path: Path
    root: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(self.root.parent.parent))


@dataclass(frozen=True, slots=True)
class Payload:
    """What a program hands to the hook that is set for `event`."""

    event: str
    data: bytes


LEFT_OUT: Final = object()


def payload_of(event: str, common: Mapping[str, object], fields: Mapping[str, object]) -> Payload:
    """A synthetic payload: `common` with other `fields`; `LEFT_OUT` leaves a field out."""
    given = {name: value for name, value in {**common, **fields}.items() if value is not LEFT_OUT}
    return Payload(event, json.dumps(given).encode())


def recorded_payloads(file: Path) -> tuple[Payload, ...]:
    """The payloads of a recording, in the order they came."""
    return tuple(Payload(json.loads(line)["hook_event_name"], line) for line in file.read_bytes().splitlines())


Stages = Callable[[Path], Iterator[Recording]]
"""Writes a source below an empty folder, one state after the other, and gives it each time: for sources that are not
appended but rewritten. The client wrote nothing between two states that a reader could meet."""


@dataclass(frozen=True, slots=True)
class Case:
    """One agent's material."""

    recordings: tuple[Recording, ...]
    unknown: tuple[bytes, ...]
    """Well-formed records of kinds that no version writes: each must be counted."""
    quiet: tuple[bytes, ...]
    """Records of known kinds that hold nothing for a handoff: no event, no count."""
    not_typed: tuple[bytes, ...]
    """Records that look like a prompt and that no person typed."""
    strangers: tuple[str, ...]
    """Names below a folder of transcripts that are no transcript."""
    payloads: tuple[Payload, ...] = ()
    """What the real client handed to hooks; for an agent with hooks, at least one for each event that is asked for."""
    foreign: tuple[Payload, ...] = ()
    """What another program that runs this agent's hooks hands to them."""
    fork: tuple[Recording, Recording] | None = None
    """A session, and one that was forked from it and repeats it as its own; None if what it repeats is its parent's
    (`Event.copied`), which a test of the agent shows."""
    grows_by_lines: bool = True
    """The transcript is a file of JSON lines that are appended."""
    in_place_only: tuple[str, ...] = ()
    """Patterns of the names of sources that hold a conversation only together with the files around them: a copy of one
    alone can't be imported, or says more than it did beside them."""
    forms: tuple[str, ...] = ()
    """Texts of the client that say that the user, the client or the model spoke, for those that no recording shows: a
    refusal with words, an answer, a dismissed form, an interruption, a reminder, a summary, a limit, a report of a job.
    Wherever a tool prints one, in any agent, it must be the tool's."""
    places: int = 8
    """How many kinds of results the recordings show at least; where that is fewer than usual, with the reason."""
    stages: dict[str, Stages] = field(default_factory=dict)
    """By name: how sources that are rewritten come to be what they are."""

    @property
    def in_place(self) -> tuple[Recording, ...]:
        return tuple(each for each in self.recordings if any(map(each.path.match, self.in_place_only)))

    @property
    def grown(self) -> tuple[Recording, ...]:
        """The recordings that are files of appended lines, whole without the files around them."""
        in_place = self.in_place
        return tuple(each for each in self.recordings if each not in in_place) if self.grows_by_lines else ()


@contextmanager
def naming(what: object) -> Iterator[None]:
    """Makes what fails inside say with which of the test's material: one test goes through all of it."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"with {what}")
        raise


def source_at(agent: Agent, recording: Recording) -> Source:
    source = agent.source_of(recording.path, recording.root)
    assert source is not None, f"{recording} is a transcript"
    return source


def read_export(agent: Agent, path: Path) -> Reading:
    """What a copy holds that the user imports: its beginning alone says whose it is."""
    source = agent.exported and agent.exported(path, Candidate(path).head)
    assert source is not None, f"{path} is a copy of {agent.id}'s"
    return read_on(agent, source)


def read_all(agent: Agent, recording: Recording, reading: Reading | None = None) -> Reading:
    """Everything that is new in a source since `reading`; nothing of it may be skipped."""
    found = read_on(agent, source_at(agent, recording), reading)
    assert found.skipped == []
    return found


def of(events: Iterable[Event], kind: type[B]) -> list[B]:
    """The bodies of one kind, in their order."""
    return [event.body for event in events if isinstance(event.body, kind)]


def standing(reading: Reading, kind: type[B]) -> list[B]:
    """What of one kind happened and was not retracted."""
    gone = {key for event in reading.events if isinstance(event.body, Retracted) for key in event.body.keys}
    return [event.body for event in reading.events if isinstance(event.body, kind) and event.key not in gone]


def prompts(reading: Reading) -> list[str]:
    return [prompt.text for prompt in standing(reading, UserPrompt)]


def answers(reading: Reading) -> list[str]:
    return [answer.text for answer in standing(reading, AssistantMessage)]


def results(reading: Reading) -> list[tuple[str, str, int | None]]:
    """How the calls ended."""
    return [(result.name, result.status, result.exit_code) for result in standing(reading, ToolResult)]


def edits(reading: Reading) -> list[tuple[str, str, int | None]]:
    """What was done to which files, and from which line on."""
    return [(edit.path, edit.change, edit.line) for edit in standing(reading, FileEdit)]


class Transcript:
    """A transcript made up record by record, for what the recordings do not show."""

    def __init__(self, agent: Agent, source: Source) -> None:
        self.agent = agent
        self.source = source
        self.context: Any = agent.context_type()
        self.events: list[Event] = []
        self.skipped: list[Skipped] = []
        self.tokens: list[TokensUsed] = []
        self.windows: list[WindowUsed] = []
        self.number = 0

    def fold(self, data: bytes) -> list[AnyBody]:
        """Fold a record; gives what it became, facts about the session aside."""
        self.number += 1
        self.context, folded = self.agent.parse(self.source, self.context, Record(number=self.number, data=data))
        keys = [event.key for event in folded.events]
        assert len({*keys}) == len(keys), "of events with one key, only one is stored"
        self.events += folded.events
        self.skipped += folded.skipped
        self.tokens += folded.tokens
        self.windows += folded.windows
        return [event.body for event in folded.events if not isinstance(event.body, SessionInfo)]

    @property
    def bodies(self) -> list[AnyBody]:
        """What the records became, facts about the session aside."""
        return [event.body for event in self.events if not isinstance(event.body, SessionInfo)]

    def all(self, kind: type[B]) -> list[B]:
        return of(self.events, kind)


Capability = Literal[
    "limit", "compaction", "plan", "todo list", "sub-agents", "title", "tests", "who asks", "resume", "fork"
]
EVERY: Final[tuple[Capability, ...]] = get_args(Capability)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One agent's claims. The contract suite compares `shows` with the fixtures: no more, no less."""

    reads: str
    """What is read, as people know it: "transcripts", "the editor's database"."""
    shows: frozenset[Capability]
    arrives: str = ""
    """How the next session gets the handoff; empty where SPEC says it: by a hook, or by a file that the agent reads."""
    synthetic: str = ""
    """Why no real client was recorded or run; empty: fixtures and rows are the real client's."""


HOW_SHOWN: Final[dict[Capability, str]] = {
    "limit": "a recording yields TurnEnd(reason='limit')",
    "compaction": "a recording yields AgentSummary(source='compaction')",
    "plan": "a recording yields PlanProposal",
    "todo list": "a recording yields PlanUpdate",
    "sub-agents": "a recording yields events with a subagent_id",
    "title": "a recording yields SessionInfo(title=...)",
    "tests": "a recording yields a ToolResult with a test run and how that ended",
    "who asks": "a recording or a hook payload yields Question",
    "resume": "a hook payload is read as a session start with reason 'resume'",
    "fork": "the case has a `fork`, or a recording yields SessionInfo(parent=...)",
}


def shown(agent: Agent, cases: Collection[Case]) -> frozenset[Capability]:
    """Returns what the recordings and hook payloads of an agent show."""
    recordings = [each for case in cases for each in case.recordings]
    events = [event for each in recordings for event in read_on(agent, source_at(agent, each)).events]
    found = {name for event in events for name in _kinds(event)}
    tests: dict[Capability, bool] = {
        "sub-agents": any(event.subagent_id is not None for event in events),
        "resume": any(_resumes(agent, case) for case in cases),
        "fork": any(case.fork is not None for case in cases),
    }
    return frozenset(name for name in EVERY if name in found or tests.get(name))


def _kinds(event: Event) -> Iterator[Capability]:
    """What a single event shows by its body."""
    match event.body:
        case TurnEnd(reason="limit"):
            yield "limit"
        case AgentSummary(source="compaction"):
            yield "compaction"
        case PlanUpdate():
            yield "todo list"
        case PlanProposal():
            yield "plan"
        case Question():
            yield "who asks"
        case ToolResult() as result:
            run = test_run_in(result)
            if run is not None and run.status in ("pass", "fail"):
                yield "tests"
        case SessionInfo() as info:
            if info.title:
                yield "title"
            if info.parent:
                yield "fork"


def _resumes(agent: Agent, case: Case) -> bool:
    if agent.hooks is None:
        return False
    read = (agent.hooks.read(payload.event, payload.data) for payload in case.payloads)
    return any(isinstance(event, HookEvent) and event.reason == "resume" for event in read)
