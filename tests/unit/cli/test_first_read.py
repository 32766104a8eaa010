from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest

from carryover.actions.context import state_dir
from carryover.actions.first_read import how_far, show_until
from carryover.daemon.health import Health
from carryover.errors import ExitCode
from support.daemon_process import wait_until
from support.forked import CARRYOVER
from support.scripted_daemon import HEALTH, answering_socket
from support.terminal import CTRL_C, Terminal

BEHIND = {**HEALTH, "caught_up": False, "sources": 340, "waiting_sources": 300}


class OnTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("health", "share", "words"),
    [
        ({**BEHIND, "last_sweep_ms": None}, 0.0, "looking for transcripts"),
        (BEHIND, 40 / 340, "40 of 340 transcripts read, newest project first"),
        ({**BEHIND, "waiting_sources": 0}, 1.0, "writing handoffs"),
        ({**BEHIND, "sources": 0}, 1.0, "writing handoffs"),
    ],
)
def test_how_far_the_reading_is(health: dict[str, object], share: float, words: str) -> None:
    assert how_far(msgspec.convert(health, Health)) == (share, words)


def test_on_a_terminal_there_is_a_bar_and_ctrl_c_ends_only_the_watching(claude: Path) -> None:
    command = (*CARRYOVER, "install", "--yes", "--no-service")
    with answering_socket(state_dir().socket, BEHIND), Terminal(command, os.environ) as terminal:
        terminal.wait_for("[#...........] 40 of 340 transcripts read, newest project first")
        terminal.press(CTRL_C)
        code, shown = terminal.end()

    assert code == ExitCode.OK
    assert "carryoverd keeps reading in the background; `carryover status` shows its progress." in shown
    assert 'In a new session say "let\'s start" or "continue"' in shown


def test_a_daemon_in_this_process_is_watched_until_it_has_ended(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, ended = OnTerminal(), Event()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr("carryover.actions.first_read.SHOWN_AFTER_S", 0.0)
    with answering_socket(state_dir().socket, BEHIND, {**BEHIND, "waiting_sources": 0}):
        watching = Thread(target=show_until, args=(ended,))
        watching.start()
        wait_until("both to be shown", lambda: "writing handoffs" in shown.getvalue())
        ended.set()
        watching.join()

    assert "[#...........] 40 of 340 transcripts read, newest project first" in shown.getvalue()
    assert re.search(r"\r\x1b\[K2 sessions in 1 project recorded, in \d+ s\n$", shown.getvalue())
