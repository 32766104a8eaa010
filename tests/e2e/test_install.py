"""From `install` to `uninstall --purge`: what is left is what there was, and what git sees in between."""

import json
import shutil
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.agent_here import contents, everything, only_this_path, put_claude
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.forked import CARRYOVERD, carryover, data, run
from support.hook_client import start_after
from support.repository import git, repository
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


def install(home: Path, *arguments: str) -> None:
    """For all that is here; the daemon takes any port, so that tests can run side by side."""
    answer = carryover("install", "--yes", "--no-service", *arguments)
    assert (answer.returncode, answer.stderr) == (0, "")
    config = home / ".carryover" / "config.toml"
    config.write_text(f"{config.read_text()}\n[server]\nport = 0\n")


def told(home: Path, before: ClaudeSession) -> str:
    """What a session is told that starts where `before` was, by the hook that its settings hold."""
    groups = json.loads((home / ".claude/settings.json").read_bytes())["hooks"]["SessionStart"]
    [command] = [entry["command"] for group in groups for entry in group["hooks"] if "claude-code" in entry["command"]]
    given = json.dumps(start_after(before)).encode()
    return subprocess.run(["sh", "-c", command], input=given, stdout=subprocess.PIPE, check=True).stdout.decode()


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
    turn = ("Add a discount code to the basket page", "The basket page takes a code now. Shall I add a test?")
    return [ClaudeSession(home / ".claude" / "projects", root).work(*turn) for root in (project, home / "notes")]


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
        answer = carryover("uninstall", "--purge", "--yes")

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
        wait_until("an answer in time", lambda: "discount code" in told(lived_in, session))

        assert carryover("pause").returncode == 0
        assert told(lived_in, session) == ""

        assert carryover("unpause").returncode == 0
        wait_until("an answer in time", lambda: "discount code" in told(lived_in, session))
        daemon.stop()
    wait_until("an answer in time", lambda: "discount code" in told(lived_in, session))

    assert carryover("pause").returncode == 0
    assert told(lived_in, session) == ""


def test_the_first_reading_is_waited_for_and_reported(
    lived_in: Path, project: Path, daemon: DaemonProcess, free_port: None
) -> None:
    """The daemon was started by hand before; install finds it, and the past with it."""
    sessions(lived_in, project)
    with daemon:
        done = data("install", "--no-service")

    assert done["first_read"] == "done"
    assert (done["service"]["pid"], done["service"]["trouble"], done["service"]["warnings"]) == (daemon.pid, [], [])
    assert done["held"] == {"sessions": 2, "projects": 2}
    assert "discount code" in handoff_of(project)


def test_an_install_during_a_pause_says_that_nothing_is_read_or_handed_over(
    lived_in: Path, project: Path, daemon: DaemonProcess, free_port: None
) -> None:
    sessions(lived_in, project)
    with daemon:
        carryover("pause")
        done = carryover("install", "--yes", "--no-service").stdout
        assert data("install", "--no-service")["first_read"] == "paused"

    assert "⚠ Carryover is paused: nothing is read or handed over until `carryover unpause`.\n" in done
    assert "has been read" not in done and "In a new session" not in done


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


RULES = {"AGENTS.md": "Be brief.\n", "CLAUDE.md": "Be kind.\n", ".gitignore": "*.pyc\n", "a.py": "1\n"}


def worked(home: Path, root: Path, task: str, *, hours_ago: int = 0) -> None:
    then = datetime.now(UTC) - timedelta(hours=hours_ago)
    ClaudeSession(home / ".claude" / "projects", root, now=then).work(task, "Done. Shall I add a test?")


def status(roots: list[Path]) -> dict[str, list[str]]:
    seen = {root.name: git(root, "status", "--short", "--untracked-files=all").splitlines() for root in roots}
    return {name: lines for name, lines in seen.items() if lines}


@pytest.fixture
def roots(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    only_this_path(home, monkeypatch)
    put_claude(home)
    made = [repository(home / "code" / f"p{number}", RULES if number % 2 else {"a.py": "1\n"}) for number in range(4)]
    for root in made:
        worked(home, root, "Add a discount code to the basket page", hours_ago=2)
    return made


@pytest.mark.parametrize("mode", ["shared", "local", pytest.param("off", marks=pytest.mark.night)])
def test_a_repository_is_touched_when_an_agent_works_in_it_and_not_before(
    home: Path, roots: list[Path], daemon: DaemonProcess, mode: str
) -> None:
    install(home, "--pointers", mode)
    with daemon:
        daemon.settle()
        handoffs = [(root / ".carryover" / "handoff.md").exists() for root in roots]
        assert handoffs == [mode != "off"] * 4
        assert status(roots) == {}, "nobody has worked since the install"

        worked(home, roots[1], "Round the prices")
        worked(home, roots[2], "Round the prices")
        daemon.settle()
        changed = {"p1": [" M AGENTS.md", " M CLAUDE.md"], "p2": ["?? AGENTS.md"]}
        assert status(roots) == (changed if mode == "shared" else {})

        carryover("refresh", "--yes", "--no-service").check_returncode()
        daemon.settle()
        assert status(roots) == (changed if mode == "shared" else {})

        for root in roots:  # agents do that
            git(root, "add", "--all")
        assert git(roots[3], "diff", "--cached", "--name-only") == ""


def test_going_shared_later_touches_nothing_at_once(home: Path, roots: list[Path], daemon: DaemonProcess) -> None:
    install(home, "--pointers", "local")
    with daemon:
        daemon.settle()
        carryover("config", "publish.pointers", "shared").check_returncode()
        daemon.settle()
        assert status(roots) == {}

        worked(home, roots[1], "Round the prices")
        daemon.settle()
        assert list(status(roots)) == ["p1"]

        carryover("refresh", "--yes", "--no-service", "--pointers", "local").check_returncode()
        assert status(roots) == {}


def test_what_an_earlier_version_shares_stays_shared(home: Path, roots: list[Path], daemon: DaemonProcess) -> None:
    """Its settings say `shared` and not since when."""
    install(home, "--pointers", "shared")
    config = home / ".carryover" / "config.toml"
    lines = config.read_text().splitlines()
    config.write_text("\n".join(line for line in lines if not line.startswith("shared_since")))

    with daemon:
        daemon.settle()
        before = status(roots)
        carryover("refresh", "--yes", "--no-service").check_returncode()
        daemon.settle()
        assert status(roots) == before
    assert before["p1"] == [" M AGENTS.md", " M CLAUDE.md"]
    assert before["p0"] == ["?? AGENTS.md"]


def test_where_a_rule_takes_the_folder_back_in_nothing_is_written_and_everything_says_so(
    home: Path, roots: list[Path], daemon: DaemonProcess
) -> None:
    root = roots[0]
    install(home, "--pointers", "local")
    with daemon:
        daemon.settle()
        assert (root / ".carryover" / "handoff.md").exists()
        (root / ".gitignore").write_text("!.carryover\n")
        worked(home, root, "Round the prices")
        daemon.settle()

        assert not (root / ".carryover" / "handoff.md").exists()
        rule = "a rule with `!` in .gitignore or .git/info/exclude"
        remedy = "`.carryover/` as the last line of .gitignore ends that"
        why = f"{rule} takes .carryover back in, so a handoff would be committed; {remedy}"
        assert f"~/code/p0: no handoff is written there: {why}" in carryover("status").stdout
        assert f"~/code/p0: no handoff is written there: {why}" in carryover("doctor").stdout
        made = carryover("handoff", str(root))
        assert "Round the prices" in made.stdout
        assert made.stderr == f"Nothing is written into {root}: {why}.\n"

        (root / ".gitignore").write_text("*\n!*/\n")
        shutil.rmtree(root / ".carryover")  # of a folder that is missing, git does not say so
        worked(home, root, "Round them up")
        daemon.settle()

        assert f"~/code/p0: no handoff is written there: {why}" in carryover("doctor").stdout
        assert carryover("handoff", str(root)).stderr == f"Nothing is written into {root}: {why}.\n"
        (root / ".gitignore").write_text("*\n!*/\n.carryover/\n")
        worked(home, root, "Round them down")
        daemon.settle()
        assert (root / ".carryover" / "handoff.md").exists()
        assert "is written" not in carryover("doctor").stdout + carryover("handoff", str(root)).stderr
