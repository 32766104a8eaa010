"""A real daemon process, from transcripts on disk to handoffs on disk."""

import asyncio
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from watchfiles import watch

from agents.cursor.stores import Chat, EditorStore, say, user
from carryover.agents import adapters
from carryover.config import ProjectSettings
from carryover.distill.stored_digest import DigestReducer
from carryover.errors import ExitCode
from carryover.ingest.pipeline import ingest
from carryover.ledger.store import Ledger
from carryover.outside.journal import write_down
from carryover.outside.listed import handoff_folder
from carryover.projects.root import find_root
from carryover.redact import CleanText
from support.agent_here import everything
from support.claude_session import ClaudeSession
from support.clock import LATER_MS
from support.daemon_process import DaemonProcess, agree_to_pointers, handoff_of, wait_until
from support.platforms import settings_folder
from support.publishing import publish
from support.repository import git, repository


def test_a_folder_that_is_created_later_is_followed_and_a_half_written_line_waits_for_its_end(
    running: DaemonProcess, session: ClaudeSession, project: Path
) -> None:
    before = running.health()["watch"]
    assert before["watched"] == 0

    session.prompt("Add a discount function to the cart")
    wait_until("the handoff", lambda: "discount function" in handoff_of(project))
    found = {"mode": "native", "reason": None, "watched": 1, "missing": before["missing"] - 1, "denied": False}
    wait_until("the watch", lambda: running.health()["watch"] == found)  # a rescan may see it first

    line = session.prompt_line("No, make it a surcharge function, and call it extra")
    session.append(line[:100])
    running.settle()
    assert "surcharge" not in handoff_of(project)
    session.append(line[100:])
    wait_until("the whole line", lambda: "surcharge" in handoff_of(project))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, ExitCode.OK), (signal.SIGINT, ExitCode.INTERRUPTED)], ids=lambda v: v.name
)
def test_a_daemon_that_is_asked_to_stop_stores_and_publishes_what_it_noticed(
    daemon: DaemonProcess, session: ClaudeSession, project: Path, number: signal.Signals, code: ExitCode
) -> None:
    session.prompt("Add a discount function to the cart")
    with daemon:
        wait_until("the first handoff", lambda: "discount function" in handoff_of(project))
        session.answer("I wrote discount(). Next I will add tests for negative amounts.")
        wait_until("the answer to be noticed", lambda: sum("source_read" in line for line in daemon.log()) > 1)
        found_code, seconds = daemon.stop(number)

    assert (found_code, seconds < 10) == (code, True)
    assert "negative amounts" in handoff_of(project)
    assert not daemon.state.socket.exists()
    assert not daemon.state.ledger.with_name("ledger.sqlite-wal").exists()


def test_a_daemon_with_much_to_read_stops_in_time(daemon: DaemonProcess, transcripts: Path, home: Path) -> None:
    for n in range(40):
        session = ClaudeSession(transcripts, home / f"work{n % 4}")
        session.append(b"".join(session.prompt_line(f"prompt {n}-{i} " + "word " * 50) for i in range(500)))
    daemon.start().wait_until_it_answers()
    code, seconds = daemon.stop()

    assert (code, seconds < 10) == (ExitCode.OK, True)


def test_nothing_is_written_while_nothing_happens_and_a_restart_makes_nothing_look_fresh(
    daemon: DaemonProcess, session: ClaudeSession, home: Path, project: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    with daemon:
        wait_until("the handoff", lambda: "discount function" in handoff_of(project))
        wait_until("quiet", lambda: daemon.health()["caught_up"] and daemon.health()["watch"]["mode"] == "native")
        os.utime(session.path, (0, 0))  # an old file: nothing about it may have changed unseen
        daemon.settle()
        daemon.settle()
        before = everything(home)
        for _ in range(3):
            daemon.settle()
            daemon.health()
        assert everything(home) == before
        daemon.stop()
    (project / "cart.py").write_text("def total(items): ...\n")
    before = everything(project)

    with daemon:
        daemon.settle()
        daemon.stop()

    assert everything(project) == before


def test_what_a_killed_daemon_could_not_publish_is_published_by_the_next(
    daemon: DaemonProcess, session: ClaudeSession, project: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    os.utime(session.path, (time.time() - 3600,) * 2)

    async def store_all() -> None:
        """Publishes nothing, as a daemon that dies between the two."""
        daemon.state.root.mkdir(mode=0o700)
        ledger = await Ledger.open(daemon.state.ledger, DigestReducer())
        await ingest(ledger, adapters()["claude-code"], session.source, root_of=find_root, now_ms=lambda: LATER_MS)
        await ledger.close()

    asyncio.run(store_all())
    assert handoff_of(project) == ""

    with daemon:
        wait_until("the handoff", lambda: "discount function" in handoff_of(project))


def test_odd_and_unreadable_files_do_not_stop_the_others(
    daemon: DaemonProcess, session: ClaudeSession, project: Path, transcripts: Path
) -> None:
    odd = session.path.parent
    odd.mkdir(parents=True)
    name = "00000000-0000-4000-8000-00000000000{}.jsonl"
    (odd / name.format(1)).mkdir()
    os.mkfifo(odd / name.format(2))
    (odd / name.format(3)).symlink_to("/nowhere")
    (odd / name.format(4)).write_bytes(b"\0" * 4096 + b"\n{}\n[[[[\n\xff\xfe\n")
    (odd / name.format(5)).symlink_to("/proc/self/mem")
    (odd / "notes.txt").write_text("not a transcript")
    session.prompt("Add a discount function to the cart")

    with daemon:
        daemon.settle()
        assert "discount function" in handoff_of(project)
        states = {task["name"]: task["state"] for task in daemon.health()["tasks"]}
        assert {states[name] for name in states.keys() - {"history"}} == {"running"}, states  # which ends
        session.answer("I wrote discount(). Next I will add tests for negative amounts.")
        wait_until("the answer in the handoff", lambda: "negative amounts" in handoff_of(project))


def test_another_answer_takes_the_blocks_out_of_every_project_also_of_one_that_is_left_alone(
    daemon: DaemonProcess, session: ClaudeSession, project: Path, home: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    old = repository(home / "old", {"AGENTS.md": "Be brief."})
    publish(old, CleanText("# [CARRYOVER]\n"), ProjectSettings())
    write_down(daemon.state.root, handoff_folder(old / ".carryover", old))
    agree_to_pointers(daemon.state)

    with daemon:
        daemon.settle()
        assert (project / "AGENTS.md").exists()
        assert (old / "AGENTS.md").read_text() != "Be brief."
        daemon.state.config.write_text('[publish]\npointers = "off"\n')
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the old project", lambda: (old / "AGENTS.md").read_text() == "Be brief.")
        wait_until("the active project", lambda: not (project / "AGENTS.md").exists())
        wait_until("its rule", lambda: git(project, "status", "--porcelain") == "")

    assert git(old, "status", "--porcelain") == ""


def test_everything_of_ours_is_private(daemon: DaemonProcess, session: ClaudeSession, project: Path) -> None:
    umask = os.umask(0o022)
    os.umask(umask)
    session.prompt("Add a discount function to the cart")
    agree_to_pointers(daemon.state)
    daemon.state.config.chmod(0o600)
    with daemon:
        daemon.settle()
        modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in daemon.state.root.iterdir()}
        assert stat.S_IMODE(daemon.state.root.stat().st_mode) == 0o700

    # Files of the user are not: they are as open as the user's umask lets new files be.
    assert stat.S_IMODE((project / "AGENTS.md").stat().st_mode) == 0o666 & ~umask
    assert modes.pop("hook.sh") == 0o700
    assert set(modes.values()) == {0o600}, modes
    assert {"hook.secret", "hook.curl"} <= modes.keys()
    assert {"daemon.sock", "daemon.lock", "carryoverd.log", "ledger.sqlite"} <= modes.keys()


def test_settings_are_read_again_on_request_and_kept_where_the_new_ones_are_wrong(daemon: DaemonProcess) -> None:
    with daemon:
        daemon.state.config.write_text("[publish]\npointers = 'everywhere'\n")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the refusal", lambda: daemon.health()["config_trouble"])
        assert "(line 2)" in daemon.health()["config_trouble"]

        daemon.state.config.write_text("[publish]\npointers = 'off'\n")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the new settings", lambda: daemon.health()["config_trouble"] is None)


def test_a_daemon_whose_standard_streams_are_closed_runs() -> None:
    """As it is where somebody starts it in the background from a script of their own."""
    command = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "carryover.faces.cli.carryoverd")

    with DaemonProcess(command) as daemon:
        assert daemon.settle()["caught_up"]


@pytest.fixture
def store(home: Path) -> Iterator[EditorStore]:
    with closing(EditorStore(settings_folder(home) / "Cursor" / "User")) as made:
        yield made


def asked(project: Path, *prompts: str) -> Chat:
    now_ms = int(time.time() * 1000)
    bubbles = [bubble for prompt in prompts for bubble in (user(prompt), say("Done."))]
    return Chat(name="Dates", bubbles=bubbles, folder=str(project), start_ms=now_ms - 600_000)


def test_what_is_written_is_in_the_handoff_and_then_all_is_still(
    running: DaemonProcess, project: Path, store: EditorStore
) -> None:
    """Each look at a WAL is a change for all that watch its folder: it must not be the reason for the next one."""
    first = "Fix the parser of dates in src/dates.py."
    store.put(asked(project, first))
    wait_until("the task", lambda: "parser of dates" in handoff_of(project))
    store.put(asked(project, first, "Now write the formatter of times in src/times.py too."))
    wait_until("the next task", lambda: "formatter of times" in handoff_of(project))

    deadline = time.monotonic() + 10.0
    stop = threading.Event()
    # Two looks of a reader that is hinted at without end.
    for changes in watch(store.path.parent, rust_timeout=600, yield_on_timeout=True, stop_event=stop):
        assert time.monotonic() < deadline, changes
        if not changes:
            stop.set()
    assert running.health()["broken_sources"] == 0
