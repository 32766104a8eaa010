from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from carryover import __version__
from carryover.actions.context import state_dir
from carryover.agents import specs
from carryover.config import load_config
from carryover.errors import ExitCode
from carryover.ledger.queries import connect_read_only, projects
from carryover.projects.root import StatePaths
from carryover.publish.refresh import refresh
from support.agent_here import everything, only_this_path
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.terminal import Terminal
from support.tools import CODEX, CURSOR, versioned

TIPS = """\

In a new session say "let's start" or "continue": the agent tells you where the last one stopped.
In a chat that is already open say "read .carryover/handoff.md".
⚠ not running yet: `carryover start` starts carryoverd; without it no handoff is written.
"""

KNOWN = f"known = {json.dumps([spec.id for spec in specs()])}\n"
ALL_EVENTS = "SessionStart, PreCompact, Stop, StopFailure, SessionEnd"


def summary_of(out: str) -> str:
    """What is said of the agents, before projects and the daemon."""
    return out.partition("Into your projects")[0]


def test_it_writes_hooks_and_settings_and_says_so(claude: Path, run: Run) -> None:
    code, out, err = run("install", "--yes", "--no-service")

    assert (code, err) == (ExitCode.OK, "")
    assert summary_of(out) == (
        f"✓ Claude Code 2.1.328 detected\n  config: ~/.claude/settings.json\n  hooks written: {ALL_EVENTS}\n"
    )
    assert out.endswith(TIPS)
    commands = {
        event: groups[0]["hooks"][0]["command"] for event, groups in json.loads(claude.read_bytes())["hooks"].items()
    }
    script = state_dir().root / "hook.sh"
    assert commands == {
        event: f"sh {script} claude-code {event} 2>/dev/null || true" for event in ALL_EVENTS.split(", ")
    }
    begin = (
        f'[agents]\nselected = ["claude-code"]\n{KNOWN}\n[agents.claude-code]\nversions = ["2.1.328"]\n\n'
        '[resume]\nmode = "ask"\n\n[publish]\npointers = "shared"\nshared_since = 20'
    )
    assert state_dir().config.read_text().startswith(begin)


def test_a_second_time_it_changes_no_byte(installed: Path, home: Path, run: Run) -> None:
    before = everything(home)

    code, out, _ = run("install", "--yes", "--no-service")

    assert code == ExitCode.OK
    assert f"  hooks in place: {ALL_EVENTS}\n" in out
    assert everything(home) == before


def test_a_dry_run_prints_the_diff_of_every_file_and_touches_none(claude: Path, home: Path, run: Run) -> None:
    claude.write_text('{\n  "model": "opus"\n}\n')
    before = everything(home)

    code, out, err = run("install", "--yes", "--no-service", "--dry-run")

    assert (code, err) == (ExitCode.OK, "")
    assert everything(home) == before
    assert f"--- {claude}\n+++ {claude}\n@@ " in out
    assert '-  "model": "opus"\n+  "model": "opus",\n+  "hooks": {\n' in out
    assert f'--- /dev/null\n+++ {state_dir().config}\n@@ -0,0 +1,13 @@\n+[agents]\n+selected = ["claude-code"]\n' in out
    assert out.endswith("\nNothing was changed.\n")


def test_the_diff_is_what_install_then_does(claude: Path, home: Path, run: Run, tmp_path: Path) -> None:
    claude.write_text('{\n  "model": "opus"\n}\n')
    _, out, _ = run("install", "--yes", "--no-service", "--dry-run", "--json")
    diffs = {file["path"]: file["diff"] for file in json.loads(out)["files"]}
    patched = tmp_path / "settings.json"
    patched.write_bytes(claude.read_bytes())
    subprocess.run(["patch", "-s", str(patched)], input=diffs[str(claude)], text=True, check=True)

    run("install", "--yes", "--no-service")

    assert claude.read_bytes() == patched.read_bytes()


def test_agents_of_every_kind_are_summed_up_side_by_side(
    claude: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With adapters that do not exist yet: one is not here, one is newer than what is known."""
    from carryover.agents.claude_code.adapter import AGENT

    versioned(home / "bin" / "cursor", "9.9.1")
    monkeypatch.setattr("carryover.agents.specs", lambda: (AGENT.spec, CODEX, CURSOR))

    code, out, _ = run("install", "--agents", "claude-code,codex,cursor", "--no-service")

    assert code == ExitCode.OK
    assert summary_of(out).splitlines()[:8] == [
        "✓ Claude Code 2.1.328 detected",
        "  config: ~/.claude/settings.json",
        f"  hooks written: {ALL_EVENTS}",
        "✗ Codex CLI selected but not detected on this machine.",
        "  Skipped. Re-run `carryover refresh` after installing it.",
        "⚠ Cursor 9.9.1 detected: newer than Carryover's known versions.",
        "  Falling back to the last-known hook names (Cursor 2.x).",
        summary_of(out).splitlines()[7],
    ]
    assert summary_of(out).splitlines()[7].startswith("  Update Carryover when you can: `")


def test_one_agent_s_failure_stops_no_other(
    claude: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carryover.agents.claude_code.adapter import AGENT

    versioned(home / "bin" / "cursor", "2.3.0")
    monkeypatch.setattr("carryover.agents.specs", lambda: (AGENT.spec, CURSOR))
    claude.write_text('{"model": "opus",}')

    code, out, _ = run("install", "--yes", "--no-service")

    assert code == ExitCode.FAILED
    assert "✗ Claude Code 2.1.328 detected, but its hooks could not be written.\n" in out
    assert f"  {claude} is left alone: " in out
    assert claude.read_text() == '{"model": "opus",}'
    assert "sessionStart" in (home / ".cursor/hooks.json").read_text()


def test_with_nothing_chosen_nothing_is_changed(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    only_this_path(home, monkeypatch)
    before = everything(home)

    code, out, err = run("install", "--yes", "--no-service")

    assert (code, out) == (ExitCode.NOTHING_FOUND, "")
    assert err.startswith("carryover: No agent was chosen, so nothing was changed.")
    assert everything(home) == before


@pytest.mark.parametrize("command", ["install", "refresh"])
@pytest.mark.parametrize("tools", ["", "clippy", "claude-code,clippy"])
def test_a_name_that_cannot_be_used_is_refused_and_de_selects_nothing(
    installed: Path, home: Path, run: Run, command: str, tools: str
) -> None:
    before = everything(home)

    code, out, err = run(command, "--agents", tools, "--no-service")

    assert (code, out) == (ExitCode.USAGE, "")
    assert "Nothing was changed. Supported are: " in err
    assert "claude-code (claude), " in err
    assert everything(home) == before


def test_the_resume_mode_is_written_and_kept(claude: Path, run: Run) -> None:
    run("install", "--yes", "--no-service", "--resume-mode", "brief")
    run("install", "--yes", "--no-service")

    assert 'mode = "brief"' in state_dir().config.read_text()


def test_folders_that_a_variable_moved_are_recorded(
    claude: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = home / "elsewhere"
    moved.mkdir()
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(moved))

    assert run("install", "--yes", "--no-service")[0] == ExitCode.OK

    assert (moved / "settings.json").exists()
    assert not claude.exists()
    config = state_dir().config.read_text()
    assert str(moved / "projects") in config
    assert "CLAUDE_CONFIG_DIR" in config


def test_as_data_it_tells_what_was_done(claude: Path, run: Run) -> None:
    code, out, err = run("install", "--json", "--no-service")

    done = json.loads(out)
    assert (code, err) == (ExitCode.OK, "")
    assert (done["changed"], done["selected"], done["first_read"]) == (True, ["claude-code"], None)
    assert [(file["path"], file["outcome"]) for file in done["files"]] == [
        (str(claude), "created"),
        (str(state_dir().config), "created"),
    ]


def test_without_a_service_it_runs_all_the_same(claude: Path, shop: Path, run: Run) -> None:
    """What is reported is what is there."""
    config = state_dir().config
    config.parent.mkdir(mode=0o700)
    config.write_text("[server]\nport = 0\n")
    try:
        code, out, _ = run("install", "--yes")
    finally:
        run("stop")

    assert code == ExitCode.OK
    assert f"✓ carryoverd {__version__} runs (process " in out
    assert "`carryover start` does at any time" in out
    assert "not running yet" not in out
    assert (shop / ".carryover" / "handoff.md").exists()


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_daemon_that_does_not_run_is_the_last_word(
    claude: Path, home: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    command = [*CARRYOVER, "install", "--yes", "--no-service"]
    with Terminal(command, os.environ, columns=columns) as terminal:
        code, shown = terminal.end()

    assert code == ExitCode.OK
    assert "Into your projects (shared), once carryoverd runs:" in " ".join(shown.split())
    assert shown[shown.rindex("⚠") :].split("\n")[0].startswith("⚠ not running yet: ")
    commands = re.findall(r"`[^`]*`", shown)
    assert "`carryover start`" in commands
    assert not any("\n" in found for found in commands), "a command that is pasted must work"


def test_the_former_name_of_the_option_still_selects(claude: Path, run: Run) -> None:
    assert run("install", "--tools", "claude-code", "--no-service")[0] == ExitCode.OK

    assert 'selected = ["claude-code"]' in state_dir().config.read_text()


def test_the_summary_and_the_dry_run_list_what_is_written_into_projects(claude: Path, shop: Path, run: Run) -> None:
    before = everything(shop)
    _, dry, _ = run("install", "--yes", "--no-service", "--dry-run")
    code, out, _ = run("install", "--yes", "--no-service")

    listed = (
        "  Now in ~/shop: only .carryover/handoff.md, kept out of commits by .git/info/exclude.\n"
        "  When an agent next works in a project, not before: .carryover/ in its .gitignore, "
        "and five lines that point to the handoff in your AGENTS.md and CLAUDE.md.\n"
        "  ~/shop: .git/info/exclude is changed; when an agent works there, "
        ".gitignore is created, CLAUDE.md is changed\n"
        "  `carryover refresh --pointers private` (or `off`) changes that.\n"
    )
    assert code == ExitCode.OK
    assert f"Into your projects (shared), once carryoverd runs:\n{listed}" in out
    assert f"Into your projects (shared):\n{listed}" in dry
    assert f"--- /dev/null\n+++ {shop}/.gitignore\n" in dry
    assert everything(shop) == before, "that is for the daemon to do"


@pytest.mark.parametrize(("given", "edits"), [("private", [".git/info/exclude"]), ("off", [])])
def test_the_answer_may_be_given_in_a_script(claude: Path, shop: Path, run: Run, given: str, edits: list[str]) -> None:
    code, out, _ = run("install", "--pointers", given, "--no-service", "--json")

    assert code == ExitCode.OK
    data = json.loads(out)
    assert data["pointers"] == given
    assert [file["path"] for project in data["projects"] for file in project["files"]] == [
        f"{shop}/{name}" for name in edits
    ]
    assert tomllib.loads(state_dir().config.read_text())["publish"] == {"pointers": given}
    run("refresh", "--yes", "--no-service")
    assert tomllib.loads(state_dir().config.read_text())["publish"] == {"pointers": given}, "it is kept"


def test_going_private_takes_the_blocks_out_at_once_in_every_project(
    installed: Path, recorded: Path, home: Path, run: Run
) -> None:
    """Also with no daemon, and in a project in which nothing happened for long."""
    config = load_config(state_dir().config)
    with closing(connect_read_only(state_dir().ledger)) as db:
        [project] = projects(db)
    publish = msgspec.structs.replace(config.publish, shared_since=None)  # as an install before 0.2
    config = msgspec.structs.replace(config, publish=publish)
    (recorded / "AGENTS.md").write_text("Be brief.\n")
    before = everything(recorded)
    refresh(StatePaths.of(state_dir(), home), project.id, config, now_ms=0)
    assert "handoff" in (recorded / "AGENTS.md").read_text() and (recorded / ".gitignore").exists()

    code, out, _ = run("refresh", "--yes", "--pointers", "off", "--no-service")

    assert code == ExitCode.OK
    assert "✓ ~/shop: CLAUDE.md, AGENTS.md, .gitignore as before Carryover\n" in out
    assert {name: found[2] for name, found in everything(recorded).items() if ".git" not in name} == {
        name: found[2] for name, found in before.items() if ".git" not in name
    }


def test_who_upgrades_keeps_what_was_written_into_projects(claude: Path, run: Run) -> None:
    """Installs before 0.2 recorded no answer, and wrote pointers."""
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text('[agents]\nselected = ["claude-code"]\n')

    assert load_config(state_dir().config).pointers == "shared"
    run("refresh", "--yes", "--no-service")

    assert load_config(state_dir().config).publish.pointers == "shared"


def test_the_version_is_remembered_where_the_command_is_not_on_this_shell_s_path(
    installed: Path, home: Path, run: Run
) -> None:
    before = installed.read_bytes()
    (home / "bin" / "claude").rename(home / "claude")

    code, out, _ = run("refresh", "--yes", "--no-service")

    assert code == ExitCode.OK
    assert "Nothing changed: hooks and settings are as they should be.\n✓ Claude Code 2.1.328 detected\n" in out
    assert "earlier time; it was not read now: no `claude` command on PATH or in the usual places.\n" in out
    assert installed.read_bytes() == before


def test_settings_of_ours_that_cannot_be_read_stop_it_before_anything_is_done(
    claude: Path, home: Path, run: Run
) -> None:
    state_dir().root.mkdir()
    state_dir().config.write_text("[resume]\nmode = 'loud'\n")
    before = everything(home)

    code, _, err = run("install", "--yes", "--no-service")

    assert code == ExitCode.REFUSED
    assert "line 2" in err
    assert everything(home) == before
