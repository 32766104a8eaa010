"""From `install` to `uninstall --purge`, with a daemon and without a real client: what is left is what there was."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from support.agent_here import everything, only_this_path, put_claude
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of
from support.forked import CARRYOVERD, carryover, data, run
from support.tools import versioned

SETTINGS = b"""{
\t"model": "opus",
\t"hooks": {
\t\t"Stop": [ { "hooks": [ { "type": "command", "command": "beep" } ] } ],
\t\t"SessionEnd": []
\t},
\t"cleanupPeriodDays": 45
}"""
"""The user's own: tabs, a hook of another product, a list that is empty, no line feed at the end."""


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    return {path: (mode, content) for path, (mode, _, content) in everything(folder).items()}


def install(home: Path) -> None:
    """For all that is here; the daemon takes any port, so that tests can run side by side."""
    answer = carryover("install", "--yes", "--no-service")
    assert (answer.returncode, answer.stderr) == (0, "")
    config = home / ".carryover" / "config.toml"
    config.write_text(f"{config.read_text()}\n[server]\nport = 0\n")


def hook(home: Path, event: str, payload: dict[str, str]) -> str:
    groups = json.loads((home / ".claude/settings.json").read_bytes())["hooks"][event]
    [command] = [entry["command"] for group in groups for entry in group["hooks"] if "claude-code" in entry["command"]]
    answer = subprocess.run(
        ["sh", "-c", command], input=json.dumps(payload), capture_output=True, text=True, timeout=60, check=True
    )
    return answer.stdout


def starting(session: ClaudeSession) -> dict[str, str]:
    return {
        "session_id": "0f0f0f0f-0000-4000-8000-000000000001",
        "transcript_path": str(session.path.with_name("0f0f0f0f-0000-4000-8000-000000000001.jsonl")),
        "cwd": str(session.cwd),
        "hook_event_name": "SessionStart",
        "source": "startup",
    }


@pytest.fixture
def lived_in(home: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder as people have them: Claude Code with settings, projects with files of their own."""
    only_this_path(home, monkeypatch)
    put_claude(home).write_bytes(SETTINGS)
    (home / ".claude/settings.json").chmod(0o640)
    (project / "AGENTS.md").write_bytes(b"# Rules\r\nBe brief.")
    (project / ".gitignore").write_bytes(b"*.pyc")
    plain = home / "notes"
    plain.mkdir()
    (plain / "CLAUDE.md").write_bytes("\ufeffMine, alone.\n".encode())
    return home


def sessions(home: Path, project: Path) -> list[ClaudeSession]:
    folder = home / ".claude" / "projects"
    reported = [ClaudeSession(folder, project), ClaudeSession(folder, home / "notes")]
    for session in reported:
        session.prompt("Add a discount code to the basket page")
        session.answer("The basket page takes a code now. Shall I add a test for expired codes?")
    return reported


CODEX_CONFIG = b"""\
model = "gpt-6" # mine\r
\r
[[hooks.Stop]]\r
\r
[[hooks.Stop.hooks]]\r
type = "command"\r
command = "beep"\r
\r
[hooks.state."/home/dev/.codex/config.toml:stop:0:0"]\r
trusted_hash = "sha256:31c60d858af87a0f404439545779ee5ba58e8ef1b42935f19cea3135967c9364\""""
"""The user's own: Windows line ends, a hook in a table, what Codex noted of it, no line feed at the end."""

CURSOR_HOOKS = b'{ "version": 1,\n  "stop": [],\n  "hooks": { "stop": [ { "command": "./audit.sh" } ] } }\n'


@pytest.fixture
def three(lived_in: Path) -> Path:
    versioned(lived_in / "bin/codex", "codex-cli 0.169.0")
    versioned(lived_in / "bin/cursor-agent", "2026.09.10-fd3934a")
    for name, content in ((".codex/config.toml", CODEX_CONFIG), (".cursor/hooks.json", CURSOR_HOOKS)):
        (lived_in / name).parent.mkdir()
        (lived_in / name).write_bytes(content)
    return lived_in


def test_three_agents_get_their_hooks_and_each_file_is_put_back(
    three: Path, project: Path, daemon: DaemonProcess, tmp_path: Path
) -> None:
    without = tmp_path / "without"
    shutil.copytree(three, without, symlinks=True)
    install(three)
    sessions(three, project)
    with daemon:
        daemon.settle()
        assert "discount code" in handoff_of(project)
        assert "CARRYOVER:START" in (project / "AGENTS.md").read_text()
        assert "CARRYOVER:START" in (three / "notes/CLAUDE.md").read_text()
        codex = tomllib.loads((three / ".codex/config.toml").read_text())["hooks"]
        cursor = json.loads((three / ".cursor/hooks.json").read_bytes())["hooks"]
        before = everything(three)
        refreshed = carryover("refresh", "--yes", "--no-service")
        changed = {path for path, state in everything(three).items() if before.get(path) != state}
        reported = {agent["id"]: agent for agent in data("status")["agents"]}
        answer = carryover("uninstall", "--purge")

    assert [len(codex[event]) for event in ("SessionStart", "PreCompact", "Stop", "SessionEnd")] == [1, 1, 2, 1]
    assert {event: len(entries) for event, entries in cursor.items()} == {"stop": 2, "sessionStart": 1, "sessionEnd": 1}
    assert refreshed.stdout.startswith("Nothing changed: hooks and settings are as they should be.\n")
    assert {path for path in changed if not path.startswith(".carryover/")} == set()
    assert reported["codex"]["config"] == str(three / ".codex/config.toml")
    assert reported["codex"]["hooks"]["to_review"] == ["Stop", "SessionStart", "PreCompact", "SessionEnd"]
    assert reported["cursor"]["hooks"]["missing"] == []
    assert (answer.returncode, answer.stderr) == (0, "")
    shutil.copytree(three / ".claude/projects", without / ".claude/projects")  # what the client itself has written
    assert contents(three) == contents(without)


def test_the_next_session_is_informed_by_the_hooks_that_were_written(
    lived_in: Path, project: Path, daemon: DaemonProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is paused; then not even with the answers that are kept for when no daemon runs."""
    install(lived_in)
    session, _ = sessions(lived_in, project)
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(project))
    with daemon:
        daemon.settle()
        assert "discount code" in hook(lived_in, "SessionStart", starting(session))

        assert carryover("pause").returncode == 0
        assert hook(lived_in, "SessionStart", starting(session)) == ""

        assert carryover("unpause").returncode == 0
        assert "discount code" in hook(lived_in, "SessionStart", starting(session))
        daemon.stop()
    assert "discount code" in hook(lived_in, "SessionStart", starting(session))

    assert carryover("pause").returncode == 0
    assert hook(lived_in, "SessionStart", starting(session)) == ""


def test_the_first_reading_is_waited_for_and_reported(lived_in: Path, project: Path, daemon: DaemonProcess) -> None:
    """The daemon was started by hand before; install finds it, and the past with it."""
    sessions(lived_in, project)
    (lived_in / ".carryover").mkdir(mode=0o700)
    (lived_in / ".carryover/config.toml").write_text("[server]\nport = 0\n")
    with daemon:
        done = data("install", "--no-service")

    assert done["first_read"] == "done"
    assert (done["service"]["pid"], done["service"]["trouble"], done["service"]["warnings"]) == (daemon.pid, [], [])
    assert done["held"] == {"sessions": 2, "projects": 2}
    assert "discount code" in handoff_of(project)


def test_an_agent_that_is_no_longer_chosen_is_no_longer_read(
    lived_in: Path, project: Path, daemon: DaemonProcess
) -> None:
    install(lived_in)
    with daemon:
        assert carryover("refresh", "--agents", "codex", "--no-service").returncode == 0
        sessions(lived_in, project)
        daemon.settle()

        assert daemon.health()["sources"] == 0
        assert handoff_of(project) == ""


def test_transcripts_that_a_variable_moved_are_read_by_a_daemon_without_it(
    lived_in: Path, project: Path, daemon: DaemonProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service has none of the variables of the user's shell; `daemon` was given its environment before."""
    moved = lived_in / "elsewhere"
    (moved / "projects").mkdir(parents=True)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(moved))
    install(lived_in)
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    assert "CLAUDE_CONFIG_DIR" not in daemon.env

    ClaudeSession(moved / "projects", project).prompt("Add a discount code to the basket page")
    with daemon:
        daemon.settle()

        assert "discount code" in handoff_of(project)


def test_the_daemon_s_own_command_installs_too(lived_in: Path) -> None:
    answer = run((*CARRYOVERD, "install", "--yes", "--no-service"))

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("✓ Claude Code 2.1.328 detected\n")
