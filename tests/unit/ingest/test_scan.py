from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.config import AgentConfig, AgentsConfig, Config
from carryover.ingest.scan import (
    MS_PER_DAY,
    RACY_MS,
    FoundSource,
    TranscriptRoot,
    changed,
    find_sources,
    key_of,
    reading_order,
    recorded_roots,
    roots_of,
    roots_to_read,
    vanished,
)
from carryover.ledger.batch import READ_IN_PART, LastRead
from support.claude_session import ClaudeSession


@pytest.fixture
def agents() -> dict[str, Agent]:
    return {"claude-code": adapters()["claude-code"]}


@pytest.fixture
def transcripts(home: Path) -> Path:
    """Claude Code's folder of transcripts; it does not exist yet."""
    return home / ".claude" / "projects"


@pytest.fixture
def session(transcripts: Path, home: Path) -> ClaudeSession:
    """A session that has written nothing yet."""
    return ClaudeSession(transcripts, home / "shop")


def make_a_link_to_nowhere(path: Path) -> None:
    path.symlink_to("/nowhere")


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, make_a_link_to_nowhere])
def test_what_is_not_a_file_is_not_seen(
    agents: dict[str, Agent], session: ClaudeSession, home: Path, make: Callable[[Path], None]
) -> None:
    session.path.parent.mkdir(parents=True)
    make(session.path)

    assert find_sources(agents, roots_of(agents.values(), home, {})) == []


def test_folders_that_install_recorded_are_looked_at_too(agents: dict[str, Agent], home: Path) -> None:
    """A service has none of the variables that the shell had in which install was called."""
    known = AgentConfig(roots=("/data/more",), env={"CLAUDE_CONFIG_DIR": "/data/claude"})
    tools = AgentsConfig(each={"claude-code": known})

    assert recorded_roots(agents.values(), tools, home, {}) == (
        TranscriptRoot("claude-code", Path("/data/claude/projects")),
        TranscriptRoot("claude-code", Path("/data/more")),
    )
    assert recorded_roots(agents.values(), tools, home, {"CLAUDE_CONFIG_DIR": "/now"})[0].path == Path("/now/projects")
    assert recorded_roots(agents.values(), AgentsConfig(), home, {}) == roots_of(agents.values(), home, {})


@pytest.mark.parametrize(
    ("config", "read"),
    [
        (Config(), set(adapters())),
        (Config(agents=AgentsConfig(selected=("codex",))), {"codex"}),
        (Config(agents=AgentsConfig(selected=())), set()),
        (Config(paused=True), set()),
    ],
    ids=["nothing selected yet", "one selected", "none selected", "paused"],
)
def test_only_selected_agents_are_read_and_none_while_paused(config: Config, read: set[str], home: Path) -> None:
    roots = roots_to_read(adapters().values(), config, home, {})

    assert {root.agent_id for root in roots} == read


NOW_MS = 1_795_155_000_000
OLD_NS = (NOW_MS - 3_600_000) * 1_000_000


def seen(path: str, *, group: str = "", age_ms: int = 3_600_000, size: int = 100) -> FoundSource:
    return FoundSource(Source(agent="a", path=path, group=group), size, (NOW_MS - age_ms) * 1_000_000)


KNOWN = LastRead(size=100, mtime_ns=OLD_NS, state="active")


@pytest.mark.parametrize(
    "known",
    [
        None,
        msgspec.structs.replace(KNOWN, size=99),
        msgspec.structs.replace(KNOWN, size=READ_IN_PART),
        msgspec.structs.replace(KNOWN, mtime_ns=OLD_NS - 1),
        msgspec.structs.replace(KNOWN, state="gone"),
    ],
    ids=["unknown", "grown", "read in part", "touched", "back again"],
)
def test_any_other_has(known: LastRead | None) -> None:
    states = {} if known is None else {("a", "x"): known}
    assert changed([seen("x")], states, now_ms=NOW_MS) == [seen("x")]


def test_a_source_touched_just_now_may_have_changed_again_unseen() -> None:
    recent = seen("x", age_ms=RACY_MS)
    states = {("a", "x"): msgspec.structs.replace(KNOWN, mtime_ns=recent.mtime_ns)}

    assert changed([recent], states, now_ms=NOW_MS) == [recent]
    assert changed([recent], states, now_ms=NOW_MS + 1) == []


def test_a_broken_source_is_left_alone_until_its_time_unless_asked_for() -> None:
    states = {("a", "x"): msgspec.structs.replace(KNOWN, state="broken", retry_ms=NOW_MS + 1)}

    assert changed([seen("x")], states, now_ms=NOW_MS) == []
    assert changed([seen("x")], states, now_ms=NOW_MS + 1) == [seen("x")]
    assert changed([seen("x")], states, now_ms=NOW_MS, also_broken=True) == [seen("x")]


def test_no_projects_handoff_waits_for_anothers_old_history() -> None:
    files = [
        seen("shop/old", group="shop", age_ms=8 * MS_PER_DAY),
        seen("shop/new", group="shop", age_ms=1_000),
        seen("blog/new", group="blog", age_ms=6 * MS_PER_DAY),
        seen("attic/old", group="attic", age_ms=100 * MS_PER_DAY),
    ]

    order = reading_order(files, now_ms=NOW_MS, active_days=7)
    assert [source.path for source in order] == ["shop/new", "blog/new", "shop/old", "attic/old"]


@given(st.permutations([seen(f"{group}/{n}", group=group, age_ms=n % 3) for group in "ab" for n in range(4)]))
def test_the_order_does_not_depend_on_the_order_of_the_folder(files: list[FoundSource]) -> None:
    in_order = reading_order(sorted(files, key=lambda item: item.source.path), now_ms=NOW_MS, active_days=7)

    assert reading_order(files, now_ms=NOW_MS, active_days=7) == in_order
    assert {key_of(source) for source in in_order} == {key_of(item.source) for item in files}


def test_a_source_that_is_neither_seen_nor_there_has_vanished(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.touch()
    states = {
        ("a", "seen"): KNOWN,
        ("a", str(hidden)): KNOWN,
        ("a", str(tmp_path / "gone")): KNOWN,
        ("a", str(tmp_path / "gone before")): msgspec.structs.replace(KNOWN, state="gone"),
    }

    assert vanished(states, [seen("seen")]) == [Source(agent="a", path=str(tmp_path / "gone"))]
