"""What the report says of each agent, and what is looked at for that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.past.findings.checks import findings
from carryover.past.findings.facts import AgentFacts
from carryover.past.findings.gather import gather
from carryover.paths import StateDir
from support.tools import program


@pytest.fixture
def state(home: Path, monkeypatch: pytest.MonkeyPatch) -> StateDir:
    """The state of a machine with Claude Code, which is selected, and Codex, which is not; both note their starts."""
    folder = home / "programs"
    program(folder / "claude", f"echo started >> {home}/claude.starts; echo '2.1.328 (Claude Code)'")
    program(folder / "codex", f"echo started >> {home}/codex.starts; echo 'codex-cli 0.150.0'")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    found = StateDir(home / ".carryover")
    found.root.mkdir(mode=0o700)
    found.config.write_text('[agents]\nselected = ["claude-code"]\nknown = ["claude-code"]\n')
    return found


def reports(state: StateDir, home: Path, *, in_short: bool) -> dict[str, AgentFacts]:
    return {agent.id: agent for agent in gather("short" if in_short else "whole").agents}


def test_in_short_only_selected_agents_are_started(state: StateDir, home: Path) -> None:
    found = reports(state, home, in_short=True)

    assert (home / "claude.starts").exists()
    assert not (home / "codex.starts").exists()
    assert found["codex"].newly_covered


def test_in_short_nothing_waits_for_an_agent_that_starts_slowly(state: StateDir, home: Path) -> None:
    """Where the version itself is shown, its own time is waited for."""
    os.mkfifo(home / "never")
    program(home / "programs" / "claude", f"timeout 1 cat {home}/never; echo '2.1.330 (Claude Code)'")
    state.config.write_text(state.config.read_text() + '[agents.claude-code]\nversions = ["2.1.328"]\n')

    assert reports(state, home, in_short=True)["claude-code"].version == "2.1.328"
    assert reports(state, home, in_short=False)["claude-code"].version == "2.1.330"


def test_in_short_the_same_agents_are_here_and_a_selected_one_is_reported_in_full(state: StateDir, home: Path) -> None:
    short = reports(state, home, in_short=True)
    full = reports(state, home, in_short=False)

    assert [(one.id, one.state == "missing") for one in short.values()] == [
        (one.id, one.state == "missing") for one in full.values()
    ]
    assert short["claude-code"] == full["claude-code"]
    assert (full["codex"].version, short["codex"].version) == ("0.150.0", None)


def test_an_agent_that_answers_with_an_error_is_reported_with_it(state: StateDir, home: Path) -> None:
    program(home / "programs" / "claude", "exit 3")

    assert reports(state, home, in_short=False)["claude-code"].unread == "it ended with code 3"


def test_a_folder_of_settings_that_lets_nobody_in_is_reported(state: StateDir, home: Path) -> None:
    """As `sudo` leaves it behind; a file in its place answers root in the same way."""
    (home / ".claude").touch()

    found = reports(state, home, in_short=False)["claude-code"]

    assert found.hooks is not None
    assert found.hooks.problem == f"{home}/.claude/settings.json can't be read (Not a directory)."
    assert found.locked == f"its folder {home}/.claude can't be written"


def test_a_folder_of_transcripts_that_may_not_be_read_is_reported(
    state: StateDir, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects = home / ".claude" / "projects"
    closed = [projects / f"-work-{at}" for at in range(9)]
    for folder in closed:
        folder.mkdir(parents=True)
    assert reports(state, home, in_short=True)["claude-code"].closed == ()
    for folder in closed:
        folder.chmod(0)
    # Root may read everything.
    monkeypatch.setattr(os, "access", lambda path, mode, able=os.access: path not in closed and able(path, mode))

    facts = gather("short")

    assert [agent.closed for agent in facts.agents if agent.closed] == [tuple(map(str, closed))]
    [found] = [finding.what for finding in findings(facts) if "may not read" in finding.what]
    assert found.startswith("Claude Code: you may not read ~/.claude/projects/-work-0, ~/.claude/projects/-work-1, ")


@pytest.mark.parametrize("name", ["projects", "projects/-work-shop"])
@pytest.mark.parametrize("right", [os.R_OK, os.X_OK])
def test_a_folder_of_transcripts_is_to_be_read_and_entered_from_the_top(
    name: str, right: int, state: StateDir, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".claude").mkdir()
    assert reports(state, home, in_short=True)["claude-code"].closed == ()
    (home / ".claude" / "projects" / "-work-shop").mkdir(parents=True)
    assert reports(state, home, in_short=True)["claude-code"].closed == ()
    closed = home / ".claude" / name
    # Root may read everything.
    able = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == closed and mode & right) and able(path, mode))

    facts = gather("short")

    assert [agent.closed for agent in facts.agents if agent.closed] == [(str(closed),)]
    assert f"Claude Code: you may not read ~/.claude/{name}." in [finding.what for finding in findings(facts)]
