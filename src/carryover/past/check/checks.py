"""What the contract demands of every agent. Each check returns its findings, one line each; none if it holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, get_args

import msgspec

from carryover.adapter.contract import Agent, Source
from carryover.adapter.spec import LINUX, MACOS, AgentSpec, places_on
from carryover.decoders import decoder_of
from carryover.model import AnyBody, Event, FileEdit
from carryover.past.check.damage import HOSTILE, KIND_NAMES, damaged
from carryover.past.check.reading import Reading, fold_one, moved, read_on
from carryover.records.fields import is_absolute
from carryover.terminal.output import counted
from carryover.transcript.sources import sources_of

START_OF_2020_MS: Final = 1_577_836_800_000
_UNKNOWN: Final = msgspec.json.encode(dict.fromkeys(KIND_NAMES, "moon landing"))


def of_spec(spec: AgentSpec) -> Iterator[str]:
    """Checks that an agent can be found on each platform, and its hooks be installed."""
    if not spec.binaries:
        yield "SPEC names no program (binaries)"
    if re.compile(spec.version).groups != 1:
        yield "SPEC.version has one group"
    for platform in (LINUX, MACOS):
        if not places_on(spec.folders, platform) or not places_on(spec.transcripts, platform):
            yield f"SPEC names no folders or transcripts for {platform}"
        if spec.hooks.sets and not places_on(spec.hooks.config_files, platform):
            yield f"SPEC.hooks names no settings file for {platform}"
    if not set(spec.hooks.injects_on) <= {event for known in spec.hooks.sets for event in known.events}:
        yield "SPEC.hooks.injects_on names events that no set has"
    if spec.is_spooled and spec.hooks.injects_on:
        yield "SPEC.hooks of an agent whose hook calls are spooled can't inject"


def of_reading(reading: Reading) -> Iterator[str]:
    """Checks that a recording is understood, and that its events say when, where and in which session, and have keys
    of their own."""
    if reading.skipped:
        first, count = reading.skipped[0], counted(len(reading.skipped), "record")
        yield f"{count} not understood, the first: {first.record_type}, {first.reason}"
    if not reading.events:
        yield "no event"
    for event in reading.events:
        body = event.body
        paths = (event.cwd, *((body.path, body.old_path) if isinstance(body, FileEdit) else ()))
        if event.at_ms <= START_OF_2020_MS or not event.session or not isinstance(body, get_args(AnyBody)):
            yield f"the event {event.key} has no time, no session or no known body"
        if not all(path is None or is_absolute(path) for path in paths):
            yield f"the event {event.key} has a relative path"
    for keys in ([event.key for event in reading.events], [event.secondary_key for event in reading.events]):
        yield from (f"{count} events have the key {key}" for key, count in Counter(keys).items() if key and count > 1)


def of_stored(reading: Reading) -> Iterator[str]:
    """Checks that events can be stored and say where they belong, and that each skipped record has a reason."""
    if not all(event.at_ms > 0 and event.session for event in reading.events):
        yield "an event has no time or no session"
    if not _are_storable(reading.events):
        yield "an event can't be stored"
    if not all(skipped.reason for skipped in reading.skipped):
        yield "a record is skipped without a reason"


def _are_storable(events: Sequence[Event]) -> bool:
    try:
        return decoder_of(list[Event]).decode(msgspec.json.encode(events)) == events
    except msgspec.ValidationError:
        return False


def of_hostile(agent: Agent, source: Source) -> Iterator[str]:
    """Checks that what nobody can read, and a record of an unknown kind, is counted and nothing more."""
    for name, data in {**HOSTILE, "an unknown kind": _UNKNOWN}.items():
        reading = fold_one(agent, source, data)
        yield from (f"{name}: {finding}" for finding in of_stored(reading))
        if reading.events or len(reading.skipped) != 1:
            yield f"{name}: gives {len(reading.events)} events and is counted {len(reading.skipped)} times, not once"


def of_copy(agent: Agent, source: Source) -> Iterator[str]:
    """Checks a copy anywhere on disk, whose place names no session: its events can be stored all the same."""
    reading = read_on(agent, msgspec.structs.replace(source, session=None))
    yield from (f"as a copy elsewhere: {finding}" for finding in of_stored(reading))


def of_damage(agent: Agent, source: Source, values: Iterable[object]) -> Iterator[str]:
    """Checks that records with parts that are missing or of another type can be parsed. Raises what `parse` raises."""
    seen: set[str] = set()
    for value in values:
        for data in damaged(value, seen):
            yield from of_stored(fold_one(agent, source, data))


def in_cuts(agent: Agent, source: Source, content: bytes, cuts: Sequence[int]) -> Reading:
    """Reads a file that grows to each of these lengths in turn, and at last to its whole length."""
    path = Path(source.path)
    path.write_bytes(b"")
    reading: Reading | None = None
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        with path.open("ab") as file:
            file.write(content[start:end])
        reading = read_on(agent, source, reading)
    assert reading is not None  # there is always the whole length
    return reading


def of_torn_line(agent: Agent, source: Source, content: bytes) -> Iterator[str]:
    """Checks that half a last line waits until it is whole."""
    path = Path(source.path)
    *complete, last = content.splitlines(keepends=True)
    path.write_bytes(b"".join(complete))
    before = read_on(agent, source).events
    path.write_bytes(b"".join(complete) + last[: len(last) // 2])
    torn = read_on(agent, source)
    if torn.events != before:
        yield "half a last line gives other events than the lines before it"
    path.write_bytes(content)
    if read_on(agent, source, torn).events != read_on(agent, source).events:
        yield "a last line that was half written gives other events once it is whole"


def read_replaced(agent: Agent, source: Source, before: bytes, after: bytes) -> tuple[Reading, Reading]:
    """Reads a file with other content than before: continuing from that, and from its start."""
    path = Path(source.path)
    path.write_bytes(before)
    first = read_on(agent, source)
    path.write_bytes(after)
    return read_on(agent, source, Reading(context=first.context, cursor=first.cursor)), read_on(agent, source)


def of_agent(agent: Agent, home: Path, scratch: Path) -> Iterator[str]:
    """Checks an agent by recordings that lie below `home` as below a home folder. `scratch` is an empty folder."""
    yield from of_spec(agent.spec)
    sources = [source for root in agent.spec.roots(home, {}) for source in sources_of(agent, root)]
    if not sources:
        yield f"no recordings: put some below {home}, where SPEC.transcripts has them below the home folder"
    if len({source.path for source in sources}) != len(sources):
        yield "a recording is found twice"
    for source in sources:
        name = Path(source.path).relative_to(home)
        copy = moved(source, scratch / name)
        Path(copy.path).parent.mkdir(parents=True, exist_ok=True)
        findings = _of_source(agent, source, copy)
        yield from (f"{name}: {finding}" for finding in findings)


def _of_source(agent: Agent, source: Source, copy: Source) -> Iterator[str]:
    whole = read_on(agent, source)
    yield from of_reading(whole)
    yield from of_stored(whole)
    if read_on(agent, source).events != whole.events:
        yield "read a second time it gives other events"
    yield from of_copy(agent, source)
    yield from of_hostile(agent, source)
    records = [record.data for batch in whole.batches for record in batch.records]
    yield from of_damage(agent, source, [value for data in records if isinstance(value := _json(data), dict)])
    content = Path(source.path).read_bytes()
    lines = content.splitlines(keepends=True)
    if len(lines) < 2 or not all(isinstance(_json(line), dict) for line in lines):
        return  # a database, or another document that does not grow by lines
    cuts = sorted({len(content) * number // 12 for number in range(1, 12)})
    if in_cuts(agent, copy, content, cuts).events != whole.events:
        yield f"read in {len(cuts) + 1} parts it gives other events than whole"
    yield from of_torn_line(agent, copy, content)
    again, fresh = read_replaced(agent, copy, content, b"".join(lines[: len(lines) // 2]))
    if again.events != fresh.events:
        yield "a file that was truncated is not read again from its start"


def _json(data: bytes) -> object:
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
