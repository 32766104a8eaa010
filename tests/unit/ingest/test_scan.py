from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent
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
