"""What a daemon holds after much work, and what it does without space on the disk or watches."""

import resource
import shutil
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from agents.opencode.stores import Client
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions
from carryover.model import UserPrompt
from support.claude_session import ClaudeSession
from support.daemon_process import COMMAND, STARTED, DaemonProcess, handoff_of, wait_until
from support.tools import needs_setpriv, without_rights_of_root

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors and threads in /proc")


@pytest.fixture
def daemon(home: Path) -> DaemonProcess:
    """Started by its command: a forked one begins with all that its parent has loaded."""
    return DaemonProcess(STARTED)


def held(daemon: DaemonProcess) -> tuple[int, int, int]:
    process = Path(f"/proc/{daemon.pid}")
    children = (process / "task" / str(daemon.pid) / "children").read_text().split()
    return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir())), len(children)


def go_on(daemon: DaemonProcess, sessions: list[ClaudeSession], rounds: int) -> None:
    for n in range(rounds):
        for session in sessions:
            session.prompt(f"Now do step {n}")
            session.answer(f"Step {n} is done.")
        daemon.settle()


@pytest.mark.night
def test_many_events_leave_no_descriptor_thread_or_process_behind(
    daemon: DaemonProcess, transcripts: Path, home: Path, project: Path
) -> None:
    roots = [project, home / "plain", home / "other"]
    sessions = [ClaudeSession(transcripts, root) for root in roots]
    for root in roots[1:]:
        root.mkdir()
    with daemon:
        go_on(daemon, sessions, 5)
        before = held(daemon)
        go_on(daemon, sessions, 20)
        # 60 turns: anything kept for each of them would show. Pools make their few threads only when they are needed,
        # a ledger that is just being read has three files, and so does a watch, which may just have been ended.
        most = (before[0] + 6, before[1] + 8, 0)
        wait_until("only what it always holds", lambda: all(a <= b for a, b in zip(held(daemon), most, strict=True)))


@pytest.mark.night
def test_a_line_of_100_mb_is_passed_by_in_bounded_memory(
    daemon: DaemonProcess, session: ClaudeSession, project: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    with session.path.open("r+b") as file:  # a hole: zeros that take no space and are no end of a line
        file.truncate(100_000_000)
    session.append(b"\n" + session.prompt_line("No, make it a surcharge function, and call it extra"))
    with daemon:
        daemon.settle()
        assert "surcharge" in handoff_of(project)

        assert peak_kb(daemon) < 120_000


@pytest.mark.night
def test_a_row_of_100_mb_is_passed_by_in_bounded_memory(daemon: DaemonProcess, home: Path, project: Path) -> None:
    at_ms = int(time.time() * 1000) - 60_000
    path = home / ".local" / "share" / "opencode" / "opencode.db"
    path.parent.mkdir(parents=True)
    with Client(path) as client:
        client.prompt(client.session(at_ms, str(project)), at_ms, "Fix the parser")
        client.db.execute("UPDATE part SET data = ?", (f'{{"text":"{"x" * 100_000_000}"}}',))
        client.db.commit()
        client.prompt(client.session(at_ms, str(project)), at_ms, "Make it a surcharge function, and call it extra")
    with daemon:
        daemon.settle()
        assert "surcharge" in handoff_of(project)

        assert peak_kb(daemon) < 120_000


def peak_kb(daemon: DaemonProcess) -> int:
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def test_a_full_disk_loses_nothing_and_is_reported_until_there_is_room_again(
    daemon: DaemonProcess, session: ClaudeSession, project: Path
) -> None:
    """A limit on the size of files does to the ledger what a full disk does."""
    session.prompt("Add a discount function to the cart")
    with daemon:
        daemon.settle()
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
        session.append(b"".join(session.prompt_line(f"prompt {n} " + "word " * 40) for n in range(400)))
        session.prompt("No, make it a surcharge function, and call it extra")
        trouble = wait_until("the trouble to be told", lambda: daemon.health()["ledger_trouble"])
        assert "Nothing was lost" in trouble
        assert daemon.ask("POST", "/settle") == {"caught_up": False}

        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until("the last prompt", lambda: "surcharge" in handoff_of(project))
        assert daemon.settle()["caught_up"]
        assert daemon.health()["ledger_trouble"] is None

    with closing(connect_read_only(daemon.state.ledger)) as db:
        [row] = sessions(db, limit=10)
        bodies = [event.body for event in session_events(db, row) if isinstance(event.body, UserPrompt)]
    assert sum(prompt.text.startswith("prompt ") for prompt in bodies) == 400


LIMITED = 'echo "$2" > "/proc/sys/user/$1" && shift 2 && exec "$@"'


def limited(name: str, value: int, *command: str) -> tuple[str, ...]:
    """`command` where the limit `name` is `value` for it alone."""
    return ("unshare", "--user", "--map-root-user", "sh", "-c", LIMITED, "sh", name, str(value), *command)


def can_limit() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    command = limited("max_inotify_watches", 1000, "true")
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_limits = pytest.mark.skipif(
    not can_limit(), reason="this system lets nobody make a user namespace with own limits"
)


@needs_limits
@pytest.mark.linux("for inotify")
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        pytest.param("max_inotify_watches", 3, "watches", id="watches"),
        pytest.param("max_inotify_instances", 0, "instances", id="instances", marks=pytest.mark.night),
    ],
)
def test_where_the_limit_is_reached_it_polls_and_says_so(
    session: ClaudeSession, project: Path, transcripts: Path, name: str, value: int, reason: str
) -> None:
    for n in range(10):
        (transcripts / f"-other-{n}").mkdir(parents=True)
    session.prompt("Add a discount function to the cart")

    with DaemonProcess(limited(name, value, *COMMAND)) as daemon:
        wait_until("polling", lambda: daemon.health()["watch"]["mode"] == "polling")
        assert daemon.health()["watch"]["reason"] == reason
        wait_until("quiet", lambda: daemon.health()["caught_up"])
        session.answer("Next I will add tests for negative amounts.")
        wait_until("the answer in the handoff", lambda: "negative amounts" in handoff_of(project))
        assert sum("watch_limit_reached" in line for line in daemon.log()) == 1
        assert daemon.health()["watch"]["mode"] == "polling"


@pytest.mark.linux("for inotify")
@needs_limits
def test_a_limit_that_is_reached_later_is_noticed_too(session: ClaudeSession, project: Path, transcripts: Path) -> None:
    """A folder of a new project is one watch more, and the kernel refuses it without anybody being told."""
    transcripts.mkdir(parents=True)
    with DaemonProcess(limited("max_inotify_watches", 1, *COMMAND)) as daemon:
        wait_until("the watch", lambda: daemon.health()["watch"]["mode"] == "native")
        session.prompt("Add a discount function to the cart")
        wait_until("polling", lambda: daemon.health()["watch"]["mode"] == "polling")
        session.answer("Next I will add tests for negative amounts.")
        wait_until("the answer in the handoff", lambda: "negative amounts" in handoff_of(project))


@needs_setpriv
@pytest.mark.linux("for inotify")
def test_a_folder_that_cannot_be_read_hides_no_other(session: ClaudeSession, project: Path, transcripts: Path) -> None:
    """Nor those that come after it in the order in which the disk lists them."""
    session.prompt("Add a discount function to the cart")
    closed: list[Path] = []
    while not closed or next(transcripts.iterdir()) == session.path.parent:
        closed.append(transcripts / f"-closed-{len(closed)}")
        closed[-1].mkdir(mode=0)

    def answer(below: str) -> None:
        session.answer(f"Next I will add tests for amounts below {below}.")
        wait_until("the answer in the handoff", lambda: f"below {below}" in handoff_of(project))

    with DaemonProcess(without_rights_of_root(*COMMAND)) as daemon:
        wait_until("the watch", lambda: daemon.health()["watch"]["mode"] == "native")
        assert daemon.health()["watch"]["denied"]
        for below in ("ten", "five", "zero"):  # two may be found by rescans: at the start, and when watching begins
            answer(below)
        for folder in closed:
            folder.chmod(0o700)
        wait_until("all to be watched", lambda: not daemon.health()["watch"]["denied"])
