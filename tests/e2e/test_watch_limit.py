"""What happens where the system allows no (more) watches. Needs user namespaces, whose limits can be set at will."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.claude_session import ClaudeSession
from support.daemon_process import COMMAND, DaemonProcess, handoff_of, wait_until
from support.tools import needs_setpriv, without_rights_of_root

LIMITED = 'echo "$2" > "/proc/sys/user/$1" && shift 2 && exec "$@"'


def limited(name: str, value: int, *command: str) -> tuple[str, ...]:
    """`command` where the limit `name` is `value` for it alone."""
    return ("unshare", "--user", "--map-root-user", "sh", "-c", LIMITED, "sh", name, str(value), *command)


def can_limit() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    command = limited("max_inotify_watches", 1000, "true")
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_limit(), reason="this system lets nobody make a user namespace with own limits")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("max_inotify_watches", 3, "watches"), ("max_inotify_instances", 0, "instances")],
    ids=["watches", "instances"],
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
        session.answer("I wrote discount(). Next I will add tests for negative amounts.")
        wait_until("the answer in the handoff", lambda: "negative amounts" in handoff_of(project))
        assert sum("watch_limit_reached" in line for line in daemon.log()) == 1
        assert daemon.health()["watch"]["mode"] == "polling"


def test_a_limit_that_is_reached_later_is_noticed_too(session: ClaudeSession, project: Path, transcripts: Path) -> None:
    """A folder of a new project is one watch more, and the kernel refuses it without anybody being told."""
    transcripts.mkdir(parents=True)
    with DaemonProcess(limited("max_inotify_watches", 1, *COMMAND)) as daemon:
        wait_until("the watch", lambda: daemon.health()["watch"]["mode"] == "native")
        session.prompt("Add a discount function to the cart")
        wait_until("polling", lambda: daemon.health()["watch"]["mode"] == "polling")
        session.answer("I wrote discount(). Next I will add tests for negative amounts.")
        wait_until("the answer in the handoff", lambda: "negative amounts" in handoff_of(project))


@needs_setpriv
def test_a_folder_that_cannot_be_read_hides_no_other(session: ClaudeSession, project: Path, transcripts: Path) -> None:
    (transcripts / "-closed").mkdir(parents=True, mode=0)
    session.prompt("Add a discount function to the cart")

    with DaemonProcess(without_rights_of_root(*COMMAND)) as daemon:
        wait_until("the watch", lambda: daemon.health()["watch"]["mode"] == "native")
        assert daemon.health()["watch"]["denied"]
        session.answer("I wrote discount(). Next I will add tests for negative amounts.")
        wait_until("the answer in the handoff", lambda: "negative amounts" in handoff_of(project))
    (transcripts / "-closed").chmod(0o700)
