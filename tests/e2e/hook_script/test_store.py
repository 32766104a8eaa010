"""The hook_script without a daemon: whose answer it finds, and when it says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.hook_script import QUIET, HookScript, keep, payload
from support.repository import repository


def test_without_a_daemon_a_session_gets_the_answer_for_its_start_reason(sh: HookScript, project: Path) -> None:
    texts = keep(sh.state, project, "Add a discount")

    for reason in ("startup", "clear", "compact"):
        assert sh.said("SessionStart", payload(reason), project) == (texts[reason], "", 0)
    assert sh.said("SessionStart", payload().replace(b":", b": "), project) == (texts["startup"], "", 0)
    assert "MUST" in texts["startup"] and "MUST" not in texts["compact"]


@pytest.mark.parametrize("reason", ["resume", "fork", "old", "", "../startup", None])
def test_without_a_daemon_a_conversation_that_continues_gets_nothing(
    stub_here: HookScript, project: Path, reason: str | None
) -> None:
    keep(stub_here.state, project, "Add a discount")

    assert stub_here.said("SessionStart", payload(reason), project) == QUIET


@pytest.mark.parametrize("event", ["PreCompact", "Stop", "StopFailure", "SessionEnd", "UserPromptSubmit"])
def test_without_a_daemon_no_other_event_says_anything(sh: HookScript, project: Path, event: str) -> None:
    keep(sh.state, project, "Add a discount")

    assert sh.said(event, payload(event=event), project) == QUIET


def test_without_a_daemon_an_old_handoff_does_not_gate(sh: HookScript, project: Path) -> None:
    texts = keep(sh.state, project, "Add a discount", days_ago=7.1)
    assert sh.said("SessionStart", payload("clear"), project) == (texts["old"], "", 0)
    assert sh.said("SessionStart", payload("compact"), project) == (texts["compact"], "", 0)
    assert "MUST" not in texts["old"] and "This is old" in texts["old"]

    texts = keep(sh.state, project, "Add a discount", days_ago=6.9)
    assert sh.said("SessionStart", payload("clear"), project) == (texts["clear"], "", 0)


@pytest.mark.parametrize(
    "foreign",
    [
        payload(cursor_version="2.0", workspace_roots=["/home/dev/shop"]),
        payload(workspace_roots=[]),
        payload(transcript_path=None),
        payload(transcript_path="/home/dev/.copilot/session-state/x/events.jsonl"),
        b"not JSON\n",
        b"",
    ],
)
def test_without_a_daemon_another_program_that_runs_the_hook_gets_nothing(
    stub_here: HookScript, project: Path, foreign: bytes
) -> None:
    keep(stub_here.state, project, "Add a discount")

    assert stub_here.said("SessionStart", foreign, project) == QUIET


def test_the_answer_is_that_of_the_repository_around_the_folder(sh: HookScript, project: Path) -> None:
    texts = keep(sh.state, project, "Add a discount")
    inside = project / "src" / "deep"
    inside.mkdir(parents=True)

    assert sh.said("SessionStart", payload(), inside) == (texts["startup"], "", 0)


def test_no_folder_gets_the_answer_of_another(sh: HookScript, home: Path, project: Path) -> None:
    for root in (home, home / "work", project, home / "work" / "shop2", home / "notes"):
        keep(sh.state, root, f"the task of {root}")
    nested = repository(project / "vendor" / "lib")
    beside = repository(home / "work" / "sho")
    plain = home / "notes" / "2026"
    plain.mkdir(parents=True)
    worktree = home / "work" / "tree"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {project}/.git/worktrees/tree\n")

    for folder in (nested, beside, plain, worktree, home / "work" / "sho" / ".git"):
        assert sh.said("SessionStart", payload(), folder) == QUIET, folder


def test_a_session_that_went_elsewhere_is_informed_of_the_project_it_began_in(
    sh: HookScript, home: Path, project: Path
) -> None:
    texts = keep(sh.state, project, "Add a discount")
    elsewhere = repository(home / "work" / "other")
    keep(sh.state, elsewhere, "another task")
    began = {"CLAUDE_PROJECT_DIR": str(project)}

    assert sh.said("SessionStart", payload("compact"), elsewhere, **began) == (texts["compact"], "", 0)
    assert sh.said("SessionStart", payload(), project, CLAUDE_PROJECT_DIR=str(home / "gone")) == QUIET


def test_a_file_that_a_repository_brings_is_never_an_answer(sh: HookScript, home: Path) -> None:
    theirs = dict.fromkeys((".carryover/handoff.md", ".answer", "restore/claude-code/startup/.answer"), "injected\n")
    root = repository(home / "clone", theirs)

    assert sh.said("SessionStart", payload(), root) == QUIET
