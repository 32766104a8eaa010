"""Which projects `carryover install` names: those that get a handoff now; folders that it makes; what it promises."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carryover.actions.first_read import active_projects
from carryover.config import Config, ProjectsConfig, PublishConfig
from carryover.past.context import state_dir
from demo.replay import TIMESTAMP
from support.agent_here import only_this_path
from support.claude_session import ClaudeSession
from support.recorded_shop import Run
from support.replayed import make_project, replay
from support.repository import repository


def found(config: Config | None = None) -> tuple[Path, ...]:
    return tuple(active_projects(state_dir(), config or Config(), ("claude-code",)).roots)


def test_later_they_are_those_of_the_ledger(recorded: Path, home: Path) -> None:
    shutil.rmtree(home / ".claude")

    assert found(Config(publish=PublishConfig(active_days=36_500))) == (recorded,)


def test_a_pin_does_not_count_as_an_agents_work(recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a pointer that comes with an agent's next work is announced as made at once."""
    monkeypatch.chdir(recorded)
    config = Config(publish=PublishConfig(active_days=36_500))
    worked = active_projects(state_dir(), config, ("claude-code",)).roots

    run.out("pin", "whole cents")

    assert active_projects(state_dir(), config, ("claude-code",)).roots == worked != {}


def test_what_is_left_alone_is_not_named(shop: Path, home: Path) -> None:
    assert found(Config(projects=ProjectsConfig(exclude=("shop",)))) == ()
    long_ago = time.time() - 30 * 86_400
    for path in (home / ".claude").rglob("*.jsonl"):
        os.utime(path, (long_ago, long_ago))
    assert found() == ()
    shutil.rmtree(shop)
    assert found(Config(publish=PublishConfig(active_days=60))) == ()


def aged(home: Path, days: int, *, goes_on: bool = False) -> None:
    """The same history as of `days` ago, in files that are new, as in a copied home folder. `goes_on`: the second half
    of each file is of today."""
    at = datetime.fromtimestamp(time.time() - days * 86_400, UTC).isoformat(timespec="milliseconds")
    for path in (home / ".claude").rglob("*.jsonl"):
        lines = path.read_bytes().splitlines(keepends=True)
        old = [TIMESTAMP.sub(f'"timestamp":"{at[:23]}Z"'.encode(), line) for line in lines]
        half = len(lines) // 2 if goes_on else len(lines)
        path.write_bytes(b"".join([*old[:half], *lines[half:]]))


@pytest.mark.parametrize("days", [6, 8])
def test_only_projects_that_get_a_handoff_now_are_named(
    claude: Path, shop: Path, home: Path, run: Run, days: int
) -> None:
    """As the daemon does, it goes by when something happened, not by the time of the file."""
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text("[server]\nport = 0\n")
    aged(home, days)
    dry = run.out("install", "--yes", "--dry-run")
    try:
        _, out, _ = run("install", "--yes")
    finally:
        run("stop")

    is_made = (shop / ".carryover" / "handoff.md").exists()
    none = (
        "  Now in no project, as no agent worked in one in the last 7 days "
        "(temporary, system and unwritable folders apart).\n"
        "  Once an agent works in a project, not before: .carryover/handoff.md, kept out of commits by "
        ".git/info/exclude where there is Git; 7 lines that point "
    )
    assert is_made == (days < 7)
    assert ("~/shop" in out, str(shop) in dry, none in out, none in dry) == (is_made, is_made, not is_made, not is_made)


def test_a_session_that_began_long_ago_and_goes_on_counts(claude: Path, shop: Path, home: Path) -> None:
    aged(home, 30, goes_on=True)

    assert found() == (shop,)


def test_a_long_list_of_projects_names_the_command_that_lists_all(claude: Path, home: Path, run: Run) -> None:
    """Once they are installed, `--json` alone would install again."""
    for number in range(9):
        root = repository(home / "code" / f"p{number}", {"a.py": "1\n"})
        ClaudeSession(home / ".claude" / "projects", root).prompt("Look around")

    assert "  and 1 more; --json lists them\n" in run.out("install", "--yes", "--no-service", "--dry-run")
    again = "  and 1 more; `carryover refresh --dry-run --json` lists them all\n"
    assert again in run.out("install", "--yes", "--no-service")


def test_a_second_time_it_announces_nothing_that_is_there_already(
    claude: Path, shop: Path, home: Path, run: Run
) -> None:
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text("[server]\nport = 0\n")
    aged(home, 1)
    try:
        first = run.out("install", "--yes", "--pointers", "local")
        second = run.out("install", "--yes")
    finally:
        run("stop")

    settled = "  Nothing more is written there now.\n"
    assert (settled in first, "  ~/shop: " in first) == (False, True)
    assert (settled in second, "  ~/shop: " in second) == (True, False)


def test_the_owner_can_use_what_install_creates_whatever_the_umask_is(
    claude: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(claude.parent)
    monkeypatch.setenv("CARRYOVER_HOME", str(home / "new" / "state"))
    before = os.umask(0o777)
    try:
        run("install", "--yes", "--no-service")
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode for path in (claude.parent, claude, home / "new", *(home / "new").rglob("*"))}
    assert {str(path): oct(mode) for path, mode in modes.items() if mode & 0o600 != 0o600} == {}


def test_an_agent_that_no_hook_tells_is_not_said_to_know_at_once(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cursor's editor: nothing tells its version, and not every version takes in a handoff."""
    only_this_path(home, monkeypatch)
    (home / ".cursor").mkdir()

    out = run.out("install", "--yes", "--no-service")

    assert "  Inside an editor only the pointer brings it the handoff. If you have `cursor-agent`, " in out
    assert "gets the handoff by the pointer, once an agent has worked in the project.\nUntil then, and in a chat" in out
    assert "In a new session say" not in out
    assert "In a new session say" in run.out("install", "--yes", "--no-service", "--pointers", "local")
    assert "or an open chat paste what" in run.out("install", "--yes", "--no-service", "--pointers", "off")


def test_every_project_that_will_change_is_counted(claude: Path, home: Path, run: Run) -> None:
    for number in range(55):
        make_project(home / f"p{number}", os.environ)
        replay(home / ".claude", home / f"p{number}")

    data = json.loads(run.out("install", "--yes", "--no-service", "--dry-run", "--json"))

    assert (len(data["projects"]), data["all_projects"]) == (55, True)
    assert "Now in 55 projects (" in run.out("install", "--yes", "--no-service", "--dry-run")


def test_a_project_in_which_no_handoff_can_be_hidden_is_named_after_what_else_may_be_answered(
    claude: Path, shop: Path, run: Run
) -> None:
    """No other answer would bring a handoff into it."""
    (shop / ".git" / "info" / "exclude").chmod(0o444)

    listed = run("install", "--yes", "--no-service")[1].splitlines()

    at = listed.index("  To answer otherwise: `carryover refresh --pointers local` (or `off`).")
    problem = "no handoff is written there: .git/info/exclude was left alone: it is read-only"
    assert listed[at + 1] == f"⚠ ~/shop: {problem}"
