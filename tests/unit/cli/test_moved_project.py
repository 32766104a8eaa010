"""A project that was renamed has its past at once, whichever command asks first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from support.daemon_process import DaemonProcess
from support.forked import CARRYOVER
from support.recorded_shop import DISCOUNT, Run
from support.terminal import Terminal


@pytest.fixture
def renamed(recorded: Path) -> Path:
    """A project that was recorded, and then renamed while no daemon ran."""
    return recorded.rename(recorded.with_name("store"))


@pytest.mark.parametrize("by_daemon", [True, False], ids=["daemon", "no daemon"])
@pytest.mark.parametrize(
    "command",
    [
        ("sessions", "{0}"),
        ("log", "{0}"),
        ("search", "discount", "--project", "{0}"),
        ("why", "{0}/cart.py"),
        ("show", "last"),
    ],
    ids=lambda command: command[0],
)
def test_it_is_found_by_each_command(
    command: tuple[str, ...], by_daemon: bool, renamed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(renamed)
    daemon = DaemonProcess().start().wait_until_it_answers() if by_daemon else None
    try:
        code, out, _ = run(*(word.format(renamed) for word in command))
    finally:
        if daemon is not None:
            daemon.stop()

    assert (code, bool(out)) == (ExitCode.OK, True)


def test_it_is_found_by_the_picker(renamed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(renamed)
    with Terminal(CARRYOVER, dict(os.environ)) as terminal:
        shown = terminal.wait_for("q quit")
        terminal.press("q")
        terminal.end()

    assert (DISCOUNT[:4] in shown, "a all" in shown) == (True, True), "those of the project that the user is in"


def test_while_paused_nothing_is_joined(renamed: Path, run: Run) -> None:
    state_dir().paused.touch()

    assert run("sessions", str(renamed))[0] == ExitCode.NOTHING_FOUND
