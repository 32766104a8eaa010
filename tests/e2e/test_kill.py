"""Nothing lost, nothing twice: a real daemon is killed again and again while transcripts change in every way.

The writer's own diary says which lines had to be seen: those that stood on disk all the time from before a daemon was
asked to settle until after it had answered. A database is rewritten in place, by an editor that waits for no lock.
"""

import os
import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from agents.cursor.restless_editor import RestlessEditor
from carryover.ledger.codec import decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import session_by_prefix
from carryover.model import AssistantMessage, ToolCall, ToolResult, UserPrompt
from support.daemon_process import DaemonProcess, wait_until
from support.forked import ALTERED
from support.platforms import settings_folder
from support.restless_writer import MARK_CHARS, RestlessWriter

SEED: Final = 20_261_120
KILLS: Final = 8
UNDISTURBED: Final = 3
"""The first daemons have only old history to read and are killed while they do; live sessions would come before it."""

HISTORY: Final = 5_000
"""Lines of a transcript from before, enough to be killed again and again while it is read."""


def judge(stored: Counter[str], *, owed: set[str], written: set[str]) -> tuple[set[str], set[str], set[str]]:
    """What was lost, doubled, invented. `owed`: what must be in the ledger; `written`: all that ever was on disk."""
    return owed - stored.keys(), {mark for mark, times in stored.items() if times > 1}, stored.keys() - written


def stored_marks(ledger: Path) -> Counter[str]:
    with closing(sqlite3.connect(ledger)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        texts = [str(decode_body(body)) for (body,) in db.execute("SELECT body FROM event")]
    return Counter(mark for text in texts for mark in set(re.findall(rf"mark[0-9]{{{MARK_CHARS - 4}}}", text)))


@dataclass
class Story:
    owed: set[str] = field(default_factory=set)
    settled: int = 0
    killed: int = 0


def kill_again_and_again(daemon: DaemonProcess, writer: RestlessWriter, *, kills: int, seed: int) -> Story:
    chance = random.Random(seed)
    story = Story()
    for n in range(kills):
        if n == UNDISTURBED:
            writer.start()
        daemon.start()
        if chance.random() < 0.25:
            time.sleep(chance.uniform(0, 0.6))  # it has hardly started
        else:
            daemon.wait_until_it_answers()
            time.sleep(chance.uniform(0, 0.5))  # it is reading, storing, publishing or resting
            if n >= UNDISTURBED:
                settle(daemon, writer, story)
                time.sleep(chance.uniform(0, 0.15))
        daemon.kill()
        story.killed += 1
    writer.finish()
    with daemon:
        settle(daemon, writer, story)
        assert daemon.stop()[0] == 0
    return story


def settle(daemon: DaemonProcess, writer: RestlessWriter, story: Story) -> None:
    """Have the daemon catch up; what stood on disk all the while is owed from now on."""
    since = time.monotonic()
    daemon.settle()
    story.owed |= writer.diary.stood_through(since, time.monotonic())
    story.settled += 1


@pytest.fixture
def writer(home: Path) -> Iterator[RestlessWriter]:
    projects = [home / "work" / name for name in ("shop", "blog")]
    for project in projects:
        project.mkdir(parents=True)
    writer = RestlessWriter(home / ".claude" / "projects", projects, seed=SEED)
    yield writer
    if writer.is_alive():
        writer.finish()


@pytest.mark.night
def test_killing_the_daemon_at_any_moment_loses_nothing_and_doubles_nothing(
    daemon: DaemonProcess, writer: RestlessWriter
) -> None:
    writer.write_history(HISTORY)
    story = kill_again_and_again(daemon, writer, kills=KILLS, seed=SEED)

    stored = stored_marks(daemon.state.ledger)
    assert judge(stored, owed=story.owed, written=writer.diary.written()) == (set(), set(), set())
    assert (story.killed, story.settled >= 3) == (KILLS, True), story.settled
    assert set(writer.done) == {"grow", "halves", "burst", "truncate", "rotate", "replace", "remove"}, writer.done
    assert len(story.owed) > HISTORY


_TWO_STEPS: Final = """
import asyncio
from pathlib import Path

import msgspec
from carryover.faces.cli.carryoverd import main
from carryover.ledger.store import Ledger

commit = Ledger.commit

async def commit_position_first(ledger, source, prepared, *, seen_rev):
    '''The mistake that one transaction for both is there to prevent.'''
    await commit(ledger, source, msgspec.structs.replace(prepared, entries=()), seen_rev=seen_rev)
    BETWEEN
    return await commit(ledger, source, prepared, seen_rev=seen_rev + 1)

Ledger.commit = commit_position_first
main()
"""
SLOW_TWO_STEPS: Final = _TWO_STEPS.replace("BETWEEN", "await asyncio.sleep(0.1)")


@pytest.mark.night
def test_a_daemon_that_commits_position_and_events_in_two_steps_is_found_out(
    daemon: DaemonProcess, writer: RestlessWriter, home: Path
) -> None:
    """Were it not, the test above would prove nothing. It is killed between the two steps; a sound one reads on."""
    writer.write_history(HISTORY // 3)
    reached = home / "first-step-done"
    waits = f"Path({os.fspath(reached)!r}).touch(); await asyncio.Event().wait()"
    broken = DaemonProcess((*ALTERED, _TWO_STEPS.replace("BETWEEN", waits))).start()
    wait_until("the first step of a commit", reached.exists)
    broken.kill()
    story = Story()
    with daemon:
        settle(daemon, writer, story)
        assert daemon.stop()[0] == 0

    lost, *others = judge(stored_marks(daemon.state.ledger), owed=story.owed, written=writer.diary.written())
    assert set() < lost < story.owed
    assert others == [set(), set()]


BUBBLES: Final = 2_400
FORGETFUL: Final = """
from carryover.faces.cli.carryoverd import main
from carryover.transcript import rewritten, stored

for module, name, most in ((stored, "_MAX_SESSIONS", 12), (rewritten, "READ_RECORDS", 7)):
    assert name in vars(module)
    setattr(module, name, most)
main()
"""
"""So that a short conversation is told in several commits like one of thousands of bubbles, and soon forgotten."""


@pytest.fixture
def editor(home: Path) -> Iterator[RestlessEditor]:
    folders = [home / "work" / name for name in ("shop", "blog")]
    for folder in folders:
        folder.mkdir(parents=True)
    editor = RestlessEditor(settings_folder(home) / "Cursor" / "User", folders, seed=SEED)
    editor.write_history(BUBBLES // 40, 40)
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
                found.update((type(body).__name__, mark) for mark in re.findall(r"mark\d{6}", text))
    return found


@pytest.mark.night
def test_killing_the_daemon_while_a_database_is_rewritten_loses_nothing_and_doubles_nothing(
    editor: RestlessEditor,
) -> None:
    daemon = DaemonProcess((*ALTERED, FORGETFUL))
    chance = random.Random(SEED)
    for number in range(5):
        if number == 2:
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
    assert len(owed) > BUBBLES
