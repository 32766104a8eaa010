"""A project that was moved: found again where that is certain, linked where the user says so, never otherwise."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of
from support.recorded_shop import Run
from support.repository import git

TASK = "Wire discount into checkout"
"""Of the newest session that is recorded in `shop`."""


@pytest.fixture
def moved(recorded: Path, home: Path) -> Path:
    """The shop at another path, in a way that cannot be told: as if it came from another disk."""
    new = home / "elsewhere" / "shop"
    shutil.copytree(recorded, new)
    shutil.rmtree(recorded)
    return new


def test_without_evidence_it_says_how_to_link_and_what_is_linked_is_there(
    recorded: Path, moved: Path, run: Run
) -> None:
    err = run.err(ExitCode.NOTHING_FOUND, "handoff", str(moved))
    assert f"`carryover link {recorded} {moved}` brings along what was recorded." in err

    code, out, _ = run("link", str(recorded), str(moved))

    assert (code, out.splitlines()) == (
        ExitCode.OK,
        [
            f"2 sessions recorded at {recorded} belong to {moved} now.",
            f"`carryover link --undo {recorded}` reverts that.",
        ],
    )
    out = run.out("handoff", str(moved))
    assert TASK in out and "\n- `checkout.py`" in out
    assert run("link", str(recorded), str(moved))[1] == f"{recorded} is linked to {moved} already.\n"


def test_a_link_can_be_undone(recorded: Path, moved: Path, run: Run) -> None:
    run("link", str(recorded), str(moved))

    code, out, _ = run("link", "--undo", str(recorded), "--json")

    assert (code, json.loads(out)) == (ExitCode.OK, {"old": str(recorded), "new": None, "sessions": 2})
    assert run("handoff", str(moved))[0] == ExitCode.NOTHING_FOUND
    assert run("link", "--undo", str(recorded))[0] == ExitCode.NOTHING_FOUND


def test_while_the_old_folder_is_there_nothing_is_linked_or_found(recorded: Path, home: Path, run: Run) -> None:
    copy, clone = home / "copy", home / "clone"
    shutil.copytree(recorded, copy)
    git(home, "clone", "--quiet", str(recorded), str(clone))

    for other in (copy, clone):
        err = run.err(ExitCode.REFUSED, "link", str(recorded), str(other))
        assert "still exists, so its sessions stay with it" in err
        assert run("handoff", str(other))[0] == ExitCode.NOTHING_FOUND


def test_another_repository_at_the_old_path_gets_nothing_and_gives_nothing(
    recorded: Path, home: Path, run: Run
) -> None:
    new = recorded.rename(home / "store")
    run("handoff", str(new))
    recorded.mkdir()
    git(recorded, "init", "--quiet")
    other = ClaudeSession(home / ".claude" / "projects", recorded)
    other.prompt("Translate the axolotl guide to French")

    here, there = run("handoff", str(recorded))[1], run("handoff", str(new))[1]

    assert ("axolotl" in here, TASK in here) == (True, False)
    assert ("axolotl" in there, TASK in there) == (False, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("NEW", "NEW"), ExitCode.USAGE, "OLD and NEW are the same folder."),
        (("OLD", "gone"), ExitCode.NOTHING_FOUND, "There is no folder "),
        (("gone", "NEW"), ExitCode.NOTHING_FOUND, "Nothing is recorded for "),
        (("--undo", "OLD"), ExitCode.NOTHING_FOUND, " is not linked to another folder."),
    ],
)
def test_what_cannot_be_linked_says_why(
    recorded: Path, moved: Path, home: Path, run: Run, arguments: tuple[str, ...], code: ExitCode, said: str
) -> None:
    names = {"OLD": str(recorded), "NEW": str(moved), "gone": str(home / "gone")}

    answer = run("link", *(names.get(argument, argument) for argument in arguments))

    assert answer[:2] == (code, "")
    assert said in answer[2]


def test_a_running_daemon_finds_links_and_publishes(shop: Path, home: Path, run: Run) -> None:
    new = home / "store"
    with DaemonProcess() as daemon:
        daemon.settle()
        assert TASK in handoff_of(shop)
        shop.rename(new)

        assert TASK in run("handoff", str(new))[1]
        daemon.settle()
        assert TASK in handoff_of(new)

        assert run("link", "--undo", str(shop))[0] == ExitCode.OK
        assert run("handoff", str(new))[0] == ExitCode.NOTHING_FOUND
        assert run("link", str(shop), str(new))[0] == ExitCode.OK
        assert TASK in run("handoff", str(new))[1]


def test_a_project_with_a_handoff_of_its_own_is_informed_of_a_clone_that_is_gone(
    recorded: Path, home: Path, run: Run
) -> None:
    """Only on evidence of the repository: many folders have the same name."""
    git(recorded, "remote", "add", "origin", "https://example.com/shop.git")
    run("handoff", str(recorded))
    clone, other = home / "again" / "shop", home / "unlike" / "shop"
    git(home, "clone", "--quiet", str(recorded), str(clone))
    git(clone, "remote", "set-url", "origin", "https://example.com/shop.git")
    (other / ".git").mkdir(parents=True)
    shutil.rmtree(recorded)
    for root in (clone, other):
        ClaudeSession(home / ".claude" / "projects", root).prompt("Translate the axolotl guide to French")

    said = {root: run("handoff", str(root)) for root in (clone, other)}

    assert [(code, TASK in out) for code, out, _ in said.values()] == [(ExitCode.OK, False)] * 2
    assert said[clone][2].startswith(f"If this project was moved here, `carryover link {recorded} {clone}` brings")
    assert said[other][2] == ""


@pytest.fixture
def renamed(recorded: Path) -> Path:
    """A project that was recorded, and then renamed while no daemon ran."""
    return recorded.rename(recorded.with_name("store"))


@pytest.mark.parametrize(
    ("command", "by_daemon"),
    [
        ("sessions {0}", False),
        ("log {0}", False),
        ("search discount --project {0}", True),
        ("why {0}/cart.py", False),
        ("show last", True),
    ],
)
def test_it_is_found_by_each_command(
    command: str, by_daemon: bool, renamed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(renamed)
    with DaemonProcess() if by_daemon else nullcontext():
        code, out, _ = run(*command.format(renamed).split())

    assert (code, bool(out)) == (ExitCode.OK, True)


def test_while_paused_nothing_is_joined(renamed: Path, run: Run) -> None:
    state_dir().paused.touch()

    assert run("sessions", str(renamed))[0] == ExitCode.NOTHING_FOUND
