"""Nothing lost, nothing twice, from a database that is rewritten in place: a real daemon is killed again and again.

The editor has no patience for locks and would fail if it had to wait for one. When all is at rest, what counts in the
ledger must be what its conversations list then, each bubble once.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from agents.cursor.restless_editor import RestlessEditor
from carryover.ledger.events import session_events
from carryover.ledger.queries import connect_read_only, session_by_prefix
from carryover.model import AssistantMessage, ToolCall, ToolResult, UserPrompt
from support.daemon_process import DaemonProcess
from support.forked import ALTERED

SEED: Final = 20_261_120
KILLS: Final = 5
UNDISTURBED: Final = 2
HISTORY: Final = 2_400
"""Bubbles of conversations from before."""
FORGETFUL: Final = """
from carryover.agents.cursor import builder
from carryover.daemon.main import main
from carryover.readers import rewritten

builder.MAX_CONVERSATIONS, rewritten.READ_RECORDS = 12, 7
main()
"""
"""So that a short conversation is told in several commits like one of thousands of bubbles, and soon forgotten."""

MARK: Final = re.compile(r"mark\d{6}")


@pytest.fixture
def editor(home: Path) -> Iterator[RestlessEditor]:
    folders = [home / "work" / name for name in ("shop", "blog")]
    for folder in folders:
        folder.mkdir(parents=True)
    editor = RestlessEditor(home / ".config" / "Cursor" / "User", folders, seed=SEED)
    editor.write_history(HISTORY // 40, 40)
    yield editor
    if editor.is_alive():
        editor.finish()


def standing(ledger: Path) -> Counter[tuple[str, str]]:
    """What counts in the ledger: the kind of each event and the mark in it."""
    found: Counter[tuple[str, str]] = Counter()
    with closing(connect_read_only(ledger)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for (native_id,) in db.execute("SELECT native_id FROM session").fetchall():
            for event in session_events(db, session_by_prefix(db, native_id)):
                body = event.body
                if event.retracted or not isinstance(body, UserPrompt | AssistantMessage | ToolCall | ToolResult):
                    continue
                text = body.text if isinstance(body, UserPrompt | AssistantMessage) else body.subject
                found.update((type(body).__name__, mark) for mark in MARK.findall(text))
    return found


def test_killing_the_daemon_while_a_database_is_rewritten_loses_nothing_and_doubles_nothing(
    editor: RestlessEditor,
) -> None:
    daemon = DaemonProcess((*ALTERED, FORGETFUL))
    chance = random.Random(SEED)
    for number in range(KILLS):
        if number == UNDISTURBED:
            editor.start()
        daemon.start()
        if chance.random() < 0.7:
            daemon.wait_until_it_answers()
        time.sleep(chance.uniform(0, 0.7))
        daemon.kill()
    with daemon:
        time.sleep(0.5)
        editor.finish()
        daemon.settle()
        assert daemon.stop()[0] == 0

    counted, owed = standing(daemon.state.ledger), editor.counts()
    assert (owed - counted, counted - owed) == (Counter(), Counter())
    assert {"turn", "back", "back_and_on", "forth", "restart", "vacuum"} <= set(editor.done), editor.done
    assert len(owed) > HISTORY
