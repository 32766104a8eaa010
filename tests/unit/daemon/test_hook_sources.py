from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.daemon.hook_paths import Transcript
from carryover.daemon.hook_sources import MOST, RECENT_MS, changed_of_late, is_told_elsewhere

NOW_MS: Final = 1_795_155_000_000
CHAT: Final = "7c1f2a90-1111-4222-8333-9d2c0000%04d"


@pytest.fixture
def agent() -> Agent:
    return adapters()["cursor"]


@pytest.fixture
def roots(agent: Agent, home: Path) -> tuple[Path, ...]:
    return agent.roots(home, {})


def written(path: Path, at_ms: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, ns=(at_ms * 1_000_000,) * 2)
    return path


def transcript(home: Path, number: int = 1) -> Path:
    return home / ".cursor/projects/home-dev-shop/agent-transcripts" / (CHAT % number) / f"{CHAT % number}.jsonl"


def database(home: Path) -> Path:
    return home / ".config/Cursor/User/globalStorage/state.vscdb"


def named(agent: Agent, path: Path, root: Path) -> Transcript:
    source = agent.source_of(path, root)
    assert source is not None
    return Transcript(source, root)


def paths(sources: list[Source]) -> list[Path]:
    return [Path(source.path) for source in sources]


def test_what_changed_of_late_is_found_newest_first_wherever_it_lies(
    agent: Agent, roots: tuple[Path, ...], home: Path
) -> None:
    written(transcript(home, 1), NOW_MS - RECENT_MS - 1)
    lines = written(transcript(home, 2), NOW_MS - RECENT_MS)
    tables = written(database(home), NOW_MS - 10)
    chat = written(home / ".cursor/chats/9e107d9d" / (CHAT % 3) / "store.db", NOW_MS)

    assert paths(changed_of_late(agent, None, roots, now_ms=NOW_MS)) == [chat, tables, lines]


def test_a_database_changes_with_what_lies_beside_it(agent: Agent, roots: tuple[Path, ...], home: Path) -> None:
    """What is written goes there first, and may stay there for minutes."""
    tables = written(database(home), NOW_MS - 10 * RECENT_MS)
    beside = written(tables.with_name("state.vscdb-wal"), NOW_MS)
    beside.write_bytes(b"x")
    os.utime(beside, ns=(NOW_MS * 1_000_000,) * 2)

    assert paths(changed_of_late(agent, None, roots, now_ms=NOW_MS)) == [tables]


def test_the_named_one_comes_first_and_once(agent: Agent, roots: tuple[Path, ...], home: Path) -> None:
    root = home / ".cursor/projects"
    old = written(transcript(home, 1), NOW_MS - 10 * RECENT_MS)
    tables, new = written(database(home), NOW_MS), written(transcript(home, 2), NOW_MS - 1)

    asked = [named(agent, path, root) for path in (old, new, transcript(home, 3))]
    found = [paths(changed_of_late(agent, one, roots, now_ms=NOW_MS)) for one in asked]

    assert found == [[old, tables, new], [tables, new], [transcript(home, 3), tables, new]]


def test_of_very_many_the_newest_are_taken(agent: Agent, roots: tuple[Path, ...], home: Path) -> None:
    made = [written(transcript(home, n), NOW_MS - n) for n in range(1, MOST + 4)]

    assert paths(changed_of_late(agent, None, roots, now_ms=NOW_MS)) == made[:MOST]


def test_folders_that_do_not_exist_hold_nothing(agent: Agent, roots: tuple[Path, ...]) -> None:
    assert changed_of_late(agent, None, roots, now_ms=NOW_MS) == []


def test_only_an_agent_with_several_kinds_of_sources_tells_a_session_elsewhere(agent: Agent, home: Path) -> None:
    claude = home / ".claude/projects"
    own = named(adapters()["claude-code"], claude / "-home-dev-shop" / f"{CHAT % 1}.jsonl", claude)

    assert not is_told_elsewhere(own)
    assert is_told_elsewhere(named(agent, transcript(home), home / ".cursor/projects"))
    assert is_told_elsewhere(None)
