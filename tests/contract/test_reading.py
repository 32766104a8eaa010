"""Every agent: what its recordings become; transcripts that grow by lines, however they were cut or replaced."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from functools import partial
from math import ceil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Agent
from carryover.ingest.sanitize import clean_entry
from carryover.ledger.batch import ReadyEvent
from carryover.model import Event, PlanUpdate, Retracted, SessionInfo, ToolResult, UserPrompt, conversation_of
from carryover.past.check import checks
from carryover.transcript.sources import sources_of
from contract.case import Case, Reading, Recording, Stages, fold_into, fold_one, moved, naming, read_on, source_at

LIKE_A_KEY = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d"
"""In the form of a token of GitHub; no one's."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A place for copies of transcripts, one after the other."""
    return tmp_path / "transcript"


@given(data=st.data())
def test_any_cut_of_the_file_into_reads_gives_the_events_of_one_read(
    agent: Agent, grown: Sequence[Recording], path: Path, data: st.DataObject
) -> None:
    """The context is stored and read back at each cut, as between two runs of the daemon."""
    recording = data.draw(st.sampled_from(grown))
    content = recording.path.read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), min_size=1, max_size=25)))
    source = moved(source_at(agent, recording), path)
    path.write_bytes(content)
    at_once = read_on(agent, source)

    reading = checks.in_cuts(agent, source, content, cuts)

    assert (reading.events, reading.skipped, reading.restarts) == (at_once.events, at_once.skipped, 0)
    assert reading.context == at_once.context


def test_a_project_whose_folder_looks_like_a_key_stays_the_sessions_at_each_cut(
    agent: Agent, grown: Sequence[Recording], path: Path
) -> None:
    """Secrets are taken out of what is stored between two reads; paths and ids are none."""
    for recording in grown:
        source = moved(source_at(agent, recording), path)
        folders = {event.cwd for event in read_on(agent, source_at(agent, recording)).events if event.cwd is not None}
        content = recording.path.read_bytes()
        for folder in sorted(folders, key=len)[:1]:
            content = content.replace(folder.encode(), f"{Path(folder).parent}/{LIKE_A_KEY}".encode())
        path.write_bytes(content)
        records = agent.reader.read(path, None).records

        at_once = fold_into(agent, source, Reading(context=agent.context_type()), records)
        one_by_one = Reading(context=agent.context_type())
        for record in records:
            fold_into(agent, source, one_by_one, [record])

        assert as_stored(agent, one_by_one) == as_stored(agent, at_once), recording


def as_stored(agent: Agent, reading: Reading) -> list[ReadyEvent]:
    """Without the count of secrets: those of the context were counted with the event that they came with."""
    return [msgspec.structs.replace(clean_entry(agent.id, event), redacted={}) for event in reading.events]


def test_a_torn_last_line_waits(agent: Agent, grown: Sequence[Recording], path: Path) -> None:
    for recording in grown:
        source = moved(source_at(agent, recording), path)
        with naming(recording):
            assert [*checks.of_torn_line(agent, source, recording.path.read_bytes())] == []


def test_a_truncated_or_replaced_file_is_read_again(agent: Agent, grown: Sequence[Recording], path: Path) -> None:
    """Events of the same records have the same keys."""
    for recording in grown:
        content = recording.path.read_bytes()
        lines = content.splitlines(keepends=True)
        source = moved(source_at(agent, recording), path)
        for other in (b"".join(lines[: len(lines) // 2]), b"\n" + content):
            again, fresh = checks.read_replaced(agent, source, content, other)

            assert again.restarts == 1, recording
            assert again.events == fresh.events, recording
        path.write_bytes(content)
        assert keys(again) == keys(read_on(agent, source)), recording


def keys(reading: Reading) -> list[str]:
    return [event.key for event in reading.events]


def standing(events: Iterable[Event]) -> list[bytes]:
    """What counts in the end, in whatever order it came: keys aside, and with the last of what replaces itself."""
    known = {event.key: event for event in reversed(list(events))}
    undone = {key for event in known.values() if isinstance(event.body, Retracted) for key in event.body.keys}
    left = [event for key, event in known.items() if key not in undone and not isinstance(event.body, Retracted)]
    lasting = [event for event in left if not isinstance(event.body, SessionInfo | PlanUpdate)]
    plans = {event.session: event for event in reversed(left) if isinstance(event.body, PlanUpdate)}
    stripped = [msgspec.structs.replace(event, key="") for event in lasting]
    return sorted(map(msgspec.json.encode, [*stripped, *(event.body for event in plans.values())]))


def facts(events: Iterable[Event]) -> dict[tuple[str, str], str]:
    """Returns the last value of each fact about a session."""
    infos = [(event.session, event.body) for event in events if isinstance(event.body, SessionInfo)]
    named = ((session, *fact) for session, info in infos for fact in msgspec.structs.asdict(info).items())
    return {(session, name): str(fact) for session, name, fact in named if fact}


def read_at(agent: Agent, stages: Stages, chosen: Iterable[bool], place: Path) -> Reading:
    """Read the chosen states, one reader going on from the other, and always the last."""
    reading: Reading | None = None
    wanted = iter(chosen)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        for recording in stages(Path(folder)):
            if next(wanted, False):
                reading = read_on(agent, source_at(agent, recording), reading)
        return read_on(agent, source_at(agent, recording), reading)


@pytest.mark.hypothesis
def test_the_states_in_which_a_source_was_read_make_no_difference(agent: Agent, stages: Stages, tmp_path: Path) -> None:
    at_once = read_at(agent, stages, [], tmp_path)
    assert at_once.events

    @settings(max_examples=ceil(settings().max_examples / 3))
    @given(chosen=st.lists(st.booleans(), max_size=20))
    def in_any_states(chosen: list[bool]) -> None:
        reading = read_at(agent, stages, chosen, tmp_path)
        assert standing(reading.events) == standing(at_once.events)
        assert facts(reading.events) == facts(at_once.events)
        assert (reading.skipped, reading.restarts) == (at_once.skipped, 0)

    in_any_states()


def test_a_source_that_did_not_change_gives_nothing_new(agent: Agent, stages: Stages, tmp_path: Path) -> None:
    for recording in stages(tmp_path):
        reading = read_on(agent, source_at(agent, recording))
        before = len(reading.events)
        again = read_on(agent, source_at(agent, recording), reading)
        assert len(again.events) == before
        assert not again.skipped


def test_each_recording_is_found_once_and_known_by_its_name(agent: Agent, case: Case) -> None:
    for root in {recording.root for recording in case.recordings}:
        sources = sources_of(agent, root)
        paths = [source.path for source in sources]
        assert len(paths) == len(set(paths))
        for recording in (each for each in case.recordings if each.root == root):
            source = source_at(agent, recording)
            assert source in sources
            assert (source.agent, source.path) == (agent.id, str(recording.path))


def test_other_files_and_paths_elsewhere_are_no_source(agent: Agent, case: Case, tmp_path: Path) -> None:
    for name in case.strangers:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        assert agent.source_of(path, tmp_path) is None, name

    assert sources_of(agent, tmp_path) == []
    assert agent.source_of(case.recordings[0].path, tmp_path) is None


MAX_CONTEXT_BYTES = 64 << 10


def typed(events: list[Event]) -> list[UserPrompt]:
    return [event.body for event in events if isinstance(event.body, UserPrompt) and event.body.actor == "human"]


def test_a_recording_is_understood_whole(agent: Agent, case: Case) -> None:
    """What a client of a known version wrote leaves nothing to count, and each event says when, where and in which
    session. Keys tell events apart; so does the second identity, which must not swallow what happened twice. Results
    belong to calls of the same source, the context stays small, and nobody typed what a sub-agent is told. What a fork
    copies of its parent gives way to the parent's own record: it is often read first, as the newer transcript."""
    copied, own = set(), set()
    for recording in case.recordings:
        with naming(recording):
            reading = read_on(agent, source_at(agent, recording))
            assert [*checks.of_reading(reading)] == []
            assert all(event.body.name for event in reading.events if isinstance(event.body, ToolResult))
            assert len(msgspec.json.encode(reading.context)) < MAX_CONTEXT_BYTES
            assert typed([event for event in reading.events if event.subagent_id is not None]) == []
            copied |= {event.key for event in reading.events if event.copied}
            own |= {event.key for event in reading.events if not event.copied}

    assert copied.isdisjoint(own)


def test_what_is_no_prompt_is_counted_only_where_nobody_knows_it(agent: Agent, case: Case) -> None:
    """What the client injects is not typed by the user. Unknown kinds of records are counted; kinds that are known to
    hold nothing for us are not."""
    source = source_at(agent, case.recordings[0])
    for data in case.not_typed:
        assert typed(fold_one(agent, source, data).events) == [], data
    for data in case.unknown:
        reading = fold_one(agent, source, data)
        assert (reading.events, len(reading.skipped)) == ([], 1), data
    for data in case.quiet:
        reading = fold_one(agent, source, data)
        assert (reading.events, reading.skipped) == ([], []), data


def test_a_sub_agent_works_for_a_conversation_and_reports_nothing_about_it(agent: Agent, case: Case) -> None:
    """A source of a sub-agent alone holds nothing else."""
    read = [(source, read_on(agent, source).events) for source in map(partial(source_at, agent), case.recordings)]
    events = [event for _, found in read for event in found]
    facts = [event for event in events if isinstance(event.body, SessionInfo)]
    helpers = [event for event in events if event.subagent_id is not None]
    said = [event for event in events if event.subagent_id is None and not isinstance(event.body, SessionInfo)]

    for source, found in read:
        assert source.subagent_id is None or {event.subagent_id for event in found} == {source.subagent_id}
    assert {conversation_of(event.session) for event in helpers} <= {conversation_of(event.session) for event in said}
    assert {event.session for event in facts} <= {event.session for event in said}
    assert {event.subagent_id for event in facts} <= {None}
    assert {event.body.actor for event in helpers if isinstance(event.body, UserPrompt)} <= {"model"}


def test_a_fork_names_its_parent_and_has_only_what_was_said_in_it(agent: Agent, case: Case) -> None:
    """Where it repeats its parent's prompts as its own, keys show that (`Case.fork`)."""
    events = [event for recording in case.recordings for event in read_on(agent, source_at(agent, recording)).events]
    parents = {e.session: e.body.parent for e in events if isinstance(e.body, SessionInfo) and e.body.parent}
    said: dict[str, set[str]] = {}
    for event in events:
        if isinstance(event.body, UserPrompt) and event.subagent_id is None and not event.copied:
            said.setdefault(event.session, set()).add(event.body.text)

    assert {event.session for event in events if event.copied} <= set(parents.values())
    for fork, parent in parents.items():
        assert said[fork]
        assert said[fork].isdisjoint(said[parent]) or case.fork is not None, fork


def test_a_fork_shares_the_keys_of_the_history_it_repeats(agent: Agent, case: Case) -> None:
    if case.fork is None:
        pytest.skip(f"{agent.id} has no recording of a fork")
    parent, fork = (read_on(agent, source_at(agent, recording)).events for recording in case.fork)
    repeated = {event.key: event.body for event in parent} & {event.key: event.body for event in fork}.keys()

    assert {e.session for e in parent}.isdisjoint(e.session for e in fork)
    history = [e for e in parent if not isinstance(e.body, SessionInfo) and e.key in repeated]
    assert {event.key: event.body for event in history} == {e.key: e.body for e in fork if e.key in repeated}
    assert len(history) > len(fork) / 2
