from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carryover.adapter.contract import Agent, FileStat, Reader
from carryover.agents import adapters
from carryover.config import AgentConfig, AgentsConfig, Config
from carryover.ingest.scan import TranscriptRoot, find_sources, recorded_roots, roots_of, roots_to_read
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


def test_a_source_is_checked_for_changes_by_its_reader(
    agents: dict[str, Any], session: ClaudeSession, transcripts: Path
) -> None:
    """What changed in a database may lie in another file beside it."""

    class WithLog:
        def __init__(self, reader: Reader) -> None:
            self.read = reader.read

        def stat(self, path: Path) -> FileStat:
            if path != session.path:
                raise OSError("no source")
            return FileStat(path.stat().st_size + 1_000, 7)

    session.prompt("hello")
    ClaudeSession(transcripts, session.cwd, session="00000000-0000-4000-8000-000000000009").prompt("no source")
    agent = agents["claude-code"]
    agents["claude-code"] = replace(agent, reader=WithLog(agent.reader))

    [found] = find_sources(agents, [TranscriptRoot("claude-code", transcripts)])
    assert (found.source.path, found.size, found.mtime_ns) == (
        str(session.path),
        session.path.stat().st_size + 1_000,
        7,
    )


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
