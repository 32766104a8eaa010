"""By which channel each agent's next session would get a project's handoff, from what is really there."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.config import Pointers, ProjectSettings
from carryover.install.agent_report import EntryReport, HooksReport
from carryover.past.findings.channels import project_channels
from carryover.past.findings.facts import AgentFacts, Channels
from carryover.redact import CleanText
from support.publishing import publish
from support.reports import changed
from support.repository import repository

CLAUDE = AgentFacts(
    id="claude-code", name="Claude Code", selected=True, state="ok", hooks=HooksReport(present=("SessionStart", "Stop"))
)
CODEX = AgentFacts(
    id="codex", name="Codex CLI", selected=True, state="ok", hooks=HooksReport(present=("SessionStart",))
)
WINDSURF = AgentFacts(id="windsurf", name="Windsurf", selected=True, state="ok")
OPENCODE = AgentFacts(
    id="opencode",
    name="opencode",
    selected=True,
    state="ok",
    entry=EntryReport(entry=".carryover/handoff-opencode.md", key="instructions", present=True),
)


def channels(root: Path, agent: AgentFacts, settings: ProjectSettings | None = None) -> Channels:
    [found] = project_channels(root, settings or ProjectSettings(), (agent,))
    return found


def published(root: Path, pointers: Pointers | None) -> Path:
    """Publishes in the project; None for `pointers` if nobody decided on them."""
    settings = ProjectSettings(pointers=pointers or "local", decided=pointers is not None)
    publish(root, CleanText("# [CARRYOVER] \n"), settings)
    return root


def test_a_hook_comes_before_the_pointer_in_the_file_that_the_agent_reads(home: Path) -> None:
    root = published(repository(home / "app", {"CLAUDE.md": "Be Claude.\n"}), "shared")

    assert channels(root, CLAUDE).ways == ("the hook SessionStart", "the pointer in CLAUDE.md")
    assert channels(root, CODEX).ways == ("the hook SessionStart", "the pointer in AGENTS.md")
    assert channels(root, WINDSURF) == Channels("Windsurf", ("the pointer in AGENTS.md",))


def test_in_a_project_without_pointers_only_hooks_bring_it(home: Path) -> None:
    root = published(repository(home / "app", {"a.py": "1\n"}), None)

    assert channels(root, CLAUDE).ways == ("the hook SessionStart",)
    assert channels(root, WINDSURF).ways == ()


def test_an_agent_without_a_channel_is_named_with_what_brings_it_the_handoff(home: Path) -> None:
    root = published(repository(home / "app", {"a.py": "1\n"}), None)
    aider = AgentFacts(id="aider", name="Aider", selected=True, state="ok", binary="/usr/bin/aider")
    cursor = AgentFacts(id="cursor", name="Cursor", selected=True, state="unreadable")

    assert channels(root, aider) == Channels("Aider", (), "`carryover to aider` starts it with the handoff")
    (root / ".aider.conf.yml").write_text(f'read: ["{root}/.carryover/handoff.md"]\n')
    assert channels(root, aider) == Channels("Aider", ("the list `read` in .aider.conf.yml",), "")
    for agent in (WINDSURF, cursor):  # no command starts it with a prompt; it may still be open in an editor
        assert channels(root, agent) == Channels(agent.name, (), 'say "read .carryover/handoff.md" in it')


def test_an_agents_own_file_that_git_does_not_show_is_a_channel(home: Path) -> None:
    root = published(repository(home / "app", {"AGENTS.md": "Be brief.\n"}), "local")

    assert channels(root, WINDSURF).ways == ("the pointer in .windsurf/rules/carryover.md",)


def test_a_list_counts_once_the_file_that_it_names_is_there(home: Path) -> None:
    root = published(repository(home / "app", {"a.py": "1\n"}), None)
    before = channels(root, OPENCODE).ways
    (root / ".carryover" / "handoff-opencode.md").write_text("# [CARRYOVER] \n")

    assert (before, channels(root, OPENCODE).ways) == ((), ("the list `instructions` in its settings",))


def test_a_pointer_that_its_agent_does_not_get_to_read_is_no_channel(home: Path) -> None:
    root = published(repository(home / "app", {"a.py": "1\n"}), "shared")

    (root / "AGENTS.override.md").write_text("Mine.\n")
    (root / "CLAUDE.md").write_text("Mine.\n")

    assert channels(root, CODEX).ways == ("the hook SessionStart",)
    assert channels(root, CLAUDE).ways == ("the hook SessionStart",)
    assert channels(root, WINDSURF).ways == ("the pointer in AGENTS.md",)


@pytest.mark.parametrize(
    ("hooks", "missing"),
    [
        ({"to_review": ("SessionStart",)}, "its hooks wait for your review"),
        (
            {"switched_off": True, "switched_off_by": "features.hooks = false"},
            "its hooks are switched off (`features.hooks = false`)",
        ),
        ({"dropped": "its root has another key"}, "its hooks do not run"),
    ],
)
def test_a_hook_that_does_not_run_is_no_channel_and_that_is_said(
    home: Path, hooks: dict[str, object], missing: str
) -> None:
    root = published(repository(home / "app", {"a.py": "1\n"}), None)

    assert channels(root, changed(CODEX, **hooks)) == Channels("Codex CLI", (), missing)


def test_where_there_is_no_handoff_or_the_project_is_left_out_that_is_said(home: Path) -> None:
    root = repository(home / "app", {"AGENTS.md": "Be brief.\n"})

    assert channels(root, WINDSURF) == Channels("Windsurf", (), "no handoff is in the project")
    left_out = ProjectSettings(excluded="`carryover pause`")
    assert channels(root, CLAUDE, left_out) == Channels(
        "Claude Code", (), "the project is left out by `carryover pause`"
    )
