"""What git sees in people's repositories through a day of use, in each of the answers of `install`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.agent_here import only_this_path, put_claude
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess
from support.forked import carryover, data
from support.repository import git, repository
from support.tools import versioned

MODES = ("shared", "private", "off")
RULES = {"AGENTS.md": "Be brief.\n", "CLAUDE.md": "Be kind.\n", ".gitignore": "*.pyc\n", "a.py": "1\n"}
BARE = {"a.py": "1\n"}


def install(home: Path, *arguments: str) -> None:
    carryover("install", "--yes", "--no-service", *arguments).check_returncode()
    config = home / ".carryover" / "config.toml"
    config.write_text(f"{config.read_text()}\n[server]\nport = 0\n")


def worked(home: Path, root: Path, task: str, *, hours_ago: int = 0) -> None:
    session = ClaudeSession(home / ".claude" / "projects", root, now=datetime.now(UTC) - timedelta(hours=hours_ago))
    session.prompt(task)
    session.answer("Done. Shall I add a test?")


def status(roots: list[Path]) -> dict[str, list[str]]:
    seen = {root.name: git(root, "status", "--short", "--untracked-files=all").splitlines() for root in roots}
    return {name: lines for name, lines in seen.items() if lines}


@pytest.fixture
def roots(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    only_this_path(home, monkeypatch)
    put_claude(home)
    made = [repository(home / "code" / f"p{number}", RULES if number % 2 else BARE) for number in range(4)]
    for root in made:
        worked(home, root, "Add a discount code to the basket page", hours_ago=2)
    return made


@pytest.mark.parametrize("mode", MODES)
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
        changed = {"p1": [" M .gitignore", " M AGENTS.md", " M CLAUDE.md"], "p2": ["?? .gitignore"]}
        assert status(roots) == (changed if mode == "shared" else {})

        carryover("refresh", "--yes", "--no-service").check_returncode()
        daemon.settle()
        assert status(roots) == (changed if mode == "shared" else {})

        for root in roots:  # agents do that
            git(root, "add", "--all")
        staged = git(roots[3], "diff", "--cached", "--name-only")
        assert staged == ""


def test_going_shared_later_touches_nothing_at_once(home: Path, roots: list[Path], daemon: DaemonProcess) -> None:
    install(home, "--pointers", "private")
    with daemon:
        daemon.settle()
        carryover("config", "publish.pointers", "shared").check_returncode()
        daemon.settle()
        assert status(roots) == {}

        worked(home, roots[1], "Round the prices")
        daemon.settle()
        assert list(status(roots)) == ["p1"]

        carryover("refresh", "--yes", "--no-service", "--pointers", "private").check_returncode()
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
    assert before["p1"] == [" M .gitignore", " M AGENTS.md", " M CLAUDE.md"]
    assert before["p0"] == ["?? .gitignore"]


def test_an_agent_without_hooks_gets_an_agents_md_once_somebody_works_there(
    home: Path, roots: list[Path], daemon: DaemonProcess
) -> None:
    versioned(home / "bin" / "windsurf", "1.13.3")
    (home / ".codeium" / "windsurf").mkdir(parents=True)
    reported = data("install", "--yes", "--no-service", "--dry-run")
    later = {
        Path(project["root"]).name: [Path(file["path"]).name for file in project["later"]]
        for project in reported["projects"]
    }
    install(home, "--pointers", "shared")
    with daemon:
        daemon.settle()
        worked(home, roots[0], "Round the prices")
        daemon.settle()
        assert status(roots) == {"p0": ["?? .gitignore", "?? AGENTS.md"]}
    assert later["p0"] == [".gitignore", "AGENTS.md"]
