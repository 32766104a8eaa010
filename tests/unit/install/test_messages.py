"""What people read about each agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from carryover.adapter.spec import AgentSpec
from carryover.agents.claude_code import SPEC
from carryover.agents.codex import SPEC as REAL_CODEX
from carryover.agents.cursor import SPEC as REAL_CURSOR
from carryover.install.detect import Detection, hooks_for, hooks_for_unknown
from carryover.install.messages import agent_lines
from support.tools import CODEX, CURSOR, with_sets

HOME = Path("/home/dev")
NO_COMMAND = "no `claude` command on PATH or in the usual places"
CLAUDE_CONFIG = HOME / ".claude/settings.json"


@pytest.fixture(autouse=True)
def of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(HOME))


def found(spec: AgentSpec, version: str, config: Path, **more: Any) -> Detection:
    """A command on PATH that said its version."""
    state, hook_set = hooks_for(spec, Version(version))
    given = {"binary": Path("/usr/bin") / spec.binaries[0], "on_path": True, "hook_set": hook_set, **more}
    return Detection(spec=spec, state=state, version=Version(version), version_text=version, config=config, **given)


def unreadable(spec: AgentSpec, problem: str, **more: Any) -> Detection:
    hook_set = hooks_for_unknown(spec)
    return Detection(spec=spec, state="unreadable", problem=problem, config=CLAUDE_CONFIG, hook_set=hook_set, **more)


def said(detection: Detection, **more: Any) -> str:
    return "\n".join(agent_lines(detection, update="pipx upgrade carryoverd", **more))


KNOWN = """\
✓ Claude Code 2.1.328 detected
  config: ~/.claude/settings.json
  hooks written: SessionStart, PreCompact, Stop, StopFailure, SessionEnd"""
SLOW = KNOWN.replace("\n", "\n  Version as of last time: no answer within 5 s.\n", 1)
NOT_HERE = """\
✗ Codex CLI selected but not detected on this machine.
  Skipped. Re-run `carryover refresh` after installing it."""
NEWER = """\
⚠ Cursor 9.9 detected: newer than Carryover's known versions.
  Falling back to the last-known hook names (Cursor 2 and later).
  Update Carryover when you can: `pipx upgrade carryoverd`.
  config: ~/.cursor/hooks.json
  hooks written: sessionStart, stop"""
OLDER = """\
⚠ Claude Code 1.0.30 detected: older than the hooks Carryover needs (1.0.48).
  No hooks are written. Its transcripts are still read and the handoff is kept fresh.
  Update Claude Code when you can, then run `carryover refresh`."""
TAKES_NONE = """\
✓ Claude Code 1.0.50 detected
  With these hooks it takes in no handoff at the start of a session; newer versions do.
  config: ~/.claude/settings.json
  hooks written: PreCompact, Stop"""
UNREADABLE = """\
⚠ Claude Code detected, but its version could not be read: no answer within 2 s.
  Using only the hooks that every known version has.
  Run `carryover refresh` once `claude --version` answers.
  config: ~/.claude/settings.json
  hooks written: SessionStart, PreCompact, Stop"""
BY_FOLDER = """\
⚠ Claude Code detected by its folder ~/.claude: no `claude` command on PATH or in the usual places.
  Using only the hooks that every known version has.
  That is enough where you use it inside an editor. If you have `claude`, put it on PATH and run `carryover refresh`.
  config: ~/.claude/settings.json
  hooks written: SessionStart, PreCompact, Stop"""
LOST = """\
✗ Codex CLI 0.169.0 detected, but CODEX_HOME names ~/work, which does not exist.
  Codex CLI does not start like this. Nothing was written.
  Create the folder, or unset CODEX_HOME; then run `carryover refresh`."""
WITHOUT_HOOKS = """\
✓ Cursor 2.0 detected
  no hooks: it has none; its transcripts are read"""
IN_PROJECTS = """\
✓ Cursor 2.0 detected
  no hooks: it has none
  Its history in a project is read once the project is known: run `carryover handoff` there."""
REVIEW = """\
✓ Codex CLI 0.169.0 detected
  config: ~/.codex/hooks.json
  hooks written: SessionStart, PreCompact, Stop, SessionEnd
  Codex asks once before it runs new hooks: start `codex` and choose "Trust all" ("Review" shows each).
  Until then they do not run."""
ASKED = " ".join(line.strip() for line in REVIEW.splitlines()[3:])
SWITCHED_OFF = """\
✓ Codex CLI 0.169.0 detected
  config: ~/.codex/hooks.json
  hooks written: SessionStart, PreCompact, Stop, SessionEnd
  They do not run: all hooks are switched off (`x = 1` in ~/y)."""
NOT_WRITTEN = """\
✗ Claude Code 2.1.328 detected, but its hooks could not be written.
  ~/.claude/settings.json is not valid JSON (line 3, column 5). Nothing was changed.
  Repair the file."""
FAILURE = NOT_WRITTEN.partition("\n  ")[2].replace("\n  ", "\n")

ON_PATH = {"binary": Path("/usr/bin/claude"), "on_path": True}
CODEX_HERE = found(REAL_CODEX, "0.169.0", HOME / ".codex/hooks.json")
MOVED = {"lost_folder": HOME / "work", "lost_by": "CODEX_HOME"}


@pytest.mark.parametrize(
    ("detection", "more", "text"),
    [
        (found(SPEC, "2.1.328", CLAUDE_CONFIG), {}, KNOWN),
        (found(SPEC, "2.1.328", CLAUDE_CONFIG, remembered="no answer within 5 s"), {}, SLOW),
        (Detection(spec=CODEX, state="missing"), {}, NOT_HERE),
        (found(CURSOR, "9.9", HOME / ".cursor/hooks.json"), {}, NEWER),
        (found(SPEC, "1.0.30", CLAUDE_CONFIG), {}, OLDER),
        (found(SPEC, "1.0.50", CLAUDE_CONFIG), {}, TAKES_NONE),
        (unreadable(SPEC, "no answer within 2 s", **ON_PATH), {}, UNREADABLE),
        (unreadable(SPEC, NO_COMMAND, folder=HOME / ".claude"), {}, BY_FOLDER),
        (found(REAL_CODEX, "0.169.0", HOME / "work/hooks.json", **MOVED), {}, LOST),
        (found(with_sets(CURSOR), "2.0", HOME / "unused"), {}, WITHOUT_HOOKS),
        (found(with_sets(CURSOR), "2.0", HOME / "unused"), {"in_projects": True}, IN_PROJECTS),
        (CODEX_HERE, {"review": ASKED}, REVIEW),
        (CODEX_HERE, {}, "\n".join(REVIEW.splitlines()[:3])),
        (CODEX_HERE, {"review": ASKED, "off": "`x = 1` in ~/y"}, SWITCHED_OFF),
        (found(SPEC, "2.1.328", CLAUDE_CONFIG), {"failure": FAILURE}, NOT_WRITTEN),
    ],
)
def test_each_agent_is_told_with_its_version_and_what_follows(detection: Detection, more: Any, text: str) -> None:
    assert said(detection, **more) == text


def test_copies_of_a_command_are_named() -> None:
    old = found(REAL_CURSOR, "1.6.0", HOME / "unused", binary=HOME / "bin/cursor", others=(HOME / "bin/agent",))
    assert said(old).splitlines()[0].startswith("⚠ Cursor 1.6.0 (~/bin/cursor) detected: older than the hooks ")

    others = (HOME / ".claude/local/claude", Path("/usr/bin/claude"))
    detection = found(SPEC, "2.1.328", CLAUDE_CONFIG, binary=HOME / ".local/bin/claude", on_path=False, others=others)

    assert said(detection).splitlines()[1:3] == [
        "  command: ~/.local/bin/claude (not on PATH)",
        "  also found: ~/.claude/local/claude, /usr/bin/claude",
    ]
