from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.config import load_config
from carryover.errors import ExitCode
from carryover.fsio import private_dir
from support.agent_here import everything
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, agree_to_pointers, handoff_of, wait_until
from support.recorded_shop import Run


def content(project: Path) -> dict[str, bytes]:
    """Every file of the project, with what keeps them out of commits."""
    files = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.relative_to(project).parts]
    return {str(path.relative_to(project)): path.read_bytes() for path in (*files, project / ".git/info/exclude")}


def test_a_running_daemon_reads_and_writes_nothing_until_it_continues(shop: Path, home: Path, run: Run) -> None:
    session = ClaudeSession(home / ".claude" / "projects", shop)
    with DaemonProcess() as daemon:
        daemon.settle()
        before = handoff_of(shop)

        assert run("pause")[:2] == (ExitCode.OK, "Carryover is paused.\nResume with `carryover unpause`.\n")
        session.prompt("Add a discount code to the basket page")
        daemon.settle()
        assert (daemon.health()["paused"], handoff_of(shop)) == (True, before)

        assert run("unpause")[:2] == (ExitCode.OK, "Carryover is no longer paused.\n")
        wait_until("the new prompt in the handoff", lambda: "basket page" in handoff_of(shop))
        assert daemon.health()["paused"] is False


def test_one_project_is_left_out_and_the_daemon_continues(shop: Path, home: Path, run: Run) -> None:
    session = ClaudeSession(home / ".claude" / "projects", shop)
    with DaemonProcess() as daemon:
        daemon.settle()
        assert handoff_of(shop)

        code, out, _ = run("pause", str(shop))
        session.prompt("Add a discount code to the basket page")
        daemon.settle()
        assert (code, out.splitlines()[0]) == (ExitCode.OK, f"{shop} is paused.")
        assert daemon.health()["paused"] is False
        wait_until("a project without a handoff", lambda: handoff_of(shop) == "")

        assert run("unpause", str(shop))[:2] == (ExitCode.OK, f"{shop} is no longer paused.\n")
        wait_until("the new prompt in the handoff", lambda: "basket page" in handoff_of(shop))


@pytest.mark.parametrize("runs", [True, False], ids=["daemon", "no daemon"])
def test_a_paused_project_has_nothing_stale_for_agents_to_read(shop: Path, run: Run, runs: bool) -> None:
    before = content(shop)
    private_dir(state_dir().root)
    agree_to_pointers(state_dir())
    with ExitStack() as running:
        daemon = running.enter_context(DaemonProcess())
        daemon.settle()
        published = content(shop)
        assert {".carryover/handoff.md", "AGENTS.md"} <= published.keys() - before.keys()
        if not runs:
            daemon.stop()

        assert run("pause", str(shop))[0] == ExitCode.OK
        if not runs:
            assert content(shop) == before
            return
        wait_until("the end of the removal", lambda: not (shop / ".carryover").exists())
        assert content(shop) == before
        assert run("unpause", str(shop))[0] == ExitCode.OK
        wait_until("the handoff", lambda: bool(handoff_of(shop)) and (shop / "AGENTS.md").exists())


@pytest.fixture
def broken_settings(home: Path) -> Path:
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text("[publish\n")
    return state_dir().config


def test_everything_can_be_paused_whatever_the_settings_say(broken_settings: Path, run: Run) -> None:
    code, out, err = run("pause")

    assert (code, err, state_dir().paused.exists()) == (ExitCode.OK, "", True)
    assert out == "Carryover is paused. carryoverd is not running now.\nResume with `carryover unpause`.\n"


def test_what_cannot_be_done_with_broken_settings_changes_nothing(broken_settings: Path, shop: Path, run: Run) -> None:
    run("pause")
    before = everything(state_dir().root)

    for arguments in (("unpause",), ("unpause", str(shop)), ("pause", str(shop))):
        code, out, err = run(*arguments)
        assert (code, out) == (ExitCode.REFUSED, "")
        assert "not valid TOML" in err
        assert "Nothing was changed." in err
    assert everything(state_dir().root) == before


def test_a_running_daemon_obeys_a_pause_when_its_settings_break(shop: Path, run: Run) -> None:
    with DaemonProcess() as daemon:
        state_dir().config.write_text("[publish\n")

        assert run("pause")[::2] == (ExitCode.OK, "")
        health = daemon.health()
        assert (health["paused"], "not valid TOML" in health["config_trouble"]) == (True, True)

        state_dir().config.unlink()
        assert run("unpause")[::2] == (ExitCode.OK, "")
        health = daemon.health()
        assert (health["paused"], health["config_trouble"]) == (False, None)


def test_a_pause_by_name_outlasts_that_of_everything_and_is_named(shop: Path, run: Run) -> None:
    run("pause", str(shop))
    run("pause")

    assert run("unpause")[1].splitlines()[-1] == f"Still left out, by [projects] exclude in config.toml: {shop}."


def test_a_folder_whose_name_looks_like_a_pattern_is_paused_alone(home: Path, run: Run) -> None:
    for name in ("app[1]", "app1"):
        (home / name / ".git").mkdir(parents=True)

    run("pause", str(home / "app[1]"))

    assert run("handoff", str(home / "app[1]"))[0] == ExitCode.REFUSED
    assert run("handoff", str(home / "app1"))[0] == ExitCode.NOTHING_FOUND


def test_a_project_that_something_else_leaves_out_says_what(home: Path, run: Run) -> None:
    state_dir().root.mkdir()
    state_dir().config.write_text('[projects]\nexclude = ["shop"]\n')

    code, out, err = run("unpause", str(home / "shop"))

    assert (code, out) == (ExitCode.REFUSED, "")
    assert "is still left out, by [projects] exclude = 'shop' in config.toml." in err


def test_comments_in_the_settings_stay(home: Path, run: Run) -> None:
    state_dir().root.mkdir()
    text = "# mine\n[resume]\nmode = 'brief'   # short\n"
    state_dir().config.write_text(text)
    (home / "shop").mkdir()

    run("pause", str(home / "shop"))

    assert state_dir().config.read_text().startswith(text)
    assert load_config(state_dir().config).projects.exclude == (str(home / "shop"),)


def test_as_data_it_tells_what_holds(home: Path, run: Run) -> None:
    code, out, _ = run("pause", "--json")

    assert code == ExitCode.OK
    assert json.loads(out) == {
        "paused": True,
        "changed": True,
        "project": None,
        "daemon": "when it starts",
        "note": None,
    }
