from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.config import AgentConfig, AgentsConfig, Config
from carryover.facts import DAY_MS, ProjectRoot
from carryover.ingest.roots import TranscriptRoot, recorded_roots
from carryover.ingest.scan import (
    LAST_RETRY_MS,
    RACY_MS,
    FoundSource,
    changed,
    key_of,
    newest_thread,
    place_of,
    projects_of_places,
    reading_order,
    roots_to_read,
    vanished,
)
from carryover.ledger.batch import READ_IN_PART, LastRead
from support.claude_session import ClaudeSession


@pytest.fixture
def agents() -> dict[str, Agent]:
    return {"claude-code": adapters()["claude-code"]}


def test_folders_that_install_recorded_are_looked_at_too(agents: dict[str, Agent], home: Path) -> None:
    """A service has none of the variables that the shell had in which install was called."""
    known = AgentConfig(roots=("/data/more",), env={"CLAUDE_CONFIG_DIR": "/data/claude"})
    specs = [agent.spec for agent in agents.values()]
    tools = AgentsConfig(each={"claude-code": known})

    assert recorded_roots(specs, tools, home, {}) == (
        TranscriptRoot("claude-code", Path("/data/claude/projects")),
        TranscriptRoot("claude-code", Path("/data/more")),
    )
    assert recorded_roots(specs, tools, home, {"CLAUDE_CONFIG_DIR": "/now"})[0].path == Path("/now/projects")
    usual = TranscriptRoot("claude-code", home / ".claude" / "projects")
    assert recorded_roots(specs, AgentsConfig(), home, {}) == (usual,)


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


def seen(path: str, *, age_ms: int = 3_600_000, size: int = 100, **named: Any) -> FoundSource:
    return FoundSource(Source(agent="a", path=path, **named), size, (NOW_MS - age_ms) * 1_000_000)


KNOWN = LastRead(size=100, mtime_ns=OLD_NS, state="active")


BROKEN: dict[str, Any] = {"state": "broken", "retry_ms": NOW_MS + 1}
RECENT = {"mtime_ns": seen("x", age_ms=RACY_MS).mtime_ns}


@pytest.mark.parametrize(
    ("known", "more", "has_changed"),
    [
        ({}, {}, False),
        (None, {}, True),
        ({"size": 99}, {}, True),
        ({"size": READ_IN_PART}, {}, True),
        ({"mtime_ns": OLD_NS - 1}, {}, True),
        ({"state": "gone"}, {}, True),
        (BROKEN, {}, False),
        (BROKEN, {"now_ms": NOW_MS + 1}, True),
        (BROKEN, {"now_ms": NOW_MS - LAST_RETRY_MS}, True),  # the clock went back
        (BROKEN | {"size": READ_IN_PART}, {"also_broken": True}, True),
        (BROKEN, {"also_broken": True}, False),  # it was too large, and is as it was
        (BROKEN, {"also_broken": True, "size": 101}, True),
        (RECENT, {"age_ms": RACY_MS}, True),  # it may have changed again unseen
        (RECENT, {"age_ms": RACY_MS, "now_ms": NOW_MS + 1}, False),
    ],
)
def test_a_source_has_changed_if_its_stat_or_its_state_says_so(
    known: dict[str, Any] | None, more: dict[str, Any], has_changed: bool
) -> None:
    """A broken one is left alone until its time, unless it is asked for."""
    states = {} if known is None else {("a", "x"): msgspec.structs.replace(KNOWN, **known)}
    more = {"now_ms": NOW_MS} | more
    source = seen("x", age_ms=more.pop("age_ms", 3_600_000), size=more.pop("size", 100))

    assert changed([source], states, **more) == ([source] if has_changed else [])


def test_no_projects_handoff_waits_for_anothers_old_history() -> None:
    files = [
        seen("shop/old", group="shop", age_ms=8 * DAY_MS),
        seen("shop/new", group="shop", age_ms=1_000),
        seen("blog/new", group="blog", age_ms=6 * DAY_MS),
        seen("attic/old", group="attic", age_ms=100 * DAY_MS),
    ]

    order = reading_order(files, {}, since_ms=NOW_MS - 7 * DAY_MS)
    assert [source.path for source in order] == ["shop/new", "blog/new", "shop/old", "attic/old"]


def test_several_sources_of_one_thread_are_read_oldest_first_where_the_newest_would_be() -> None:
    """Each continues the one before: Codex goes on in a further file after a rewind (0.171)."""
    parts = [("thread/3", 1_000), ("thread/1", 9 * DAY_MS), ("thread/2", 2_000)]
    thread = [seen(path, session="s1", age_ms=age_ms) for path, age_ms in parts]
    side = seen("side", session="s1", subagent_id="a1", age_ms=1_500)
    others = [seen("other/old", age_ms=8 * DAY_MS), seen("other/new", age_ms=500), side]

    order = reading_order([*thread, *others], {}, since_ms=NOW_MS - 7 * DAY_MS)

    in_order = ["thread/1", "thread/2", "thread/3"]
    assert [source.path for source in order] == ["other/new", *in_order, "side", "other/old"]
    assert [source.path for source in newest_thread([*thread, side])] == in_order
    assert [source.path for source in newest_thread([*thread, *others])] == ["other/new"]
    namesake = seen("thread/4", session="s1", age_ms=500)
    namesake = msgspec.structs.replace(namesake, source=msgspec.structs.replace(namesake.source, agent="b"))
    assert newest_thread([*thread, namesake]) == [namesake.source], "another agent's session of that id"


def test_what_other_agents_did_in_a_project_is_read_with_it_and_before_older_projects() -> None:
    files = [
        seen("shop/1", group="shop", age_ms=1_000),
        seen("shop/2", group="shop", age_ms=9_000),
        seen("blog/1", group="blog", age_ms=4_000),
        seen("by-date/blog", age_ms=3_000),
        seen("by-date/shop", age_ms=8_000),
        seen("by-date/unknown", age_ms=5_000),
    ]
    folders = {("a", "shop"): "/shop", ("a", "by-date/shop"): "/shop", ("a", "blog"): "/b", ("a", "by-date/blog"): "/b"}

    order = reading_order(files, folders, since_ms=NOW_MS - 7 * DAY_MS)

    assert [source.path for source in order] == [
        *("shop/1", "by-date/shop", "shop/2"),
        *("by-date/blog", "blog/1"),
        "by-date/unknown",
    ]


def test_whose_sources_are_is_looked_up_in_the_newest_of_each_place_that_is_recent(
    tmp_path: Path, agents: dict[str, Agent]
) -> None:
    session = ClaudeSession(tmp_path, tmp_path / "shop")
    session.prompt("Add a discount")
    now_ns = time.time_ns()
    found = FoundSource(session.source, 1, now_ns)
    of_many = FoundSource(Source(agent="claude-code", path=str(session.path)), 1, now_ns)
    inside = FoundSource(Source(agent="claude-code", path="/blog/chat.md", session="2"), 1, now_ns, Path("/blog"))
    torn = ClaudeSession(tmp_path, tmp_path / "torn")
    torn.prompt("Round the prices")
    unfit = FoundSource(torn.source, 1, now_ns)
    gone = FoundSource(Source(agent="claude-code", path="/nowhere/1.jsonl", session="1"), 1, now_ns)
    older = msgspec.structs.replace(gone, source=Source(agent="claude-code", path="/x", group=session.source.group))
    older = msgspec.structs.replace(older, mtime_ns=now_ns - 1)
    everything = [older, found, of_many, inside, unfit, gone]

    def root_of(folder: str) -> ProjectRoot:
        if folder == str(torn.cwd):
            raise RuntimeError
        return ProjectRoot(f"root of {folder}")

    def looked_up(since_ns: int) -> dict[tuple[str, str], str]:
        return projects_of_places(agents, everything, root_of, since_ms=since_ns // 1_000_000)

    assert looked_up(now_ns) == {
        place_of(found): f"root of {session.cwd}",
        place_of(inside): "/blog",
        **{place_of(each): "" for each in (of_many, unfit, gone)},
    }
    assert looked_up(now_ns + 1_000_000_000) == {}


@given(st.permutations([seen(f"{group}/{n}", group=group, age_ms=n % 3) for group in "ab" for n in range(4)]))
def test_the_order_does_not_depend_on_the_order_of_the_folder(files: list[FoundSource]) -> None:
    in_order = reading_order(sorted(files, key=lambda item: item.source.path), {}, since_ms=NOW_MS - 7 * DAY_MS)

    assert reading_order(files, {}, since_ms=NOW_MS - 7 * DAY_MS) == in_order
    assert {key_of(source) for source in in_order} == {key_of(item.source) for item in files}


def test_a_source_that_is_neither_seen_nor_there_has_vanished(tmp_path: Path) -> None:
    (tmp_path / "hidden").touch()
    states = {("a", "seen"): KNOWN} | {("a", str(tmp_path / name)): KNOWN for name in ("hidden", "gone")}
    states["a", str(tmp_path / "gone before")] = msgspec.structs.replace(KNOWN, state="gone")

    assert vanished(states, [seen("seen")], {"a"}) == [Source(agent="a", path=str(tmp_path / "gone"))]
    assert vanished(states, [seen("seen")], {"b"}) == []  # whose folders were not looked at
