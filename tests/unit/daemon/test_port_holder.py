from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from carryover.daemon.port_holder import port_holder

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTENS = "   0: 0100007F:BACF 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 4242 1 0 100 0\n"
"""Port 47823."""
CONNECTED = LISTENS.replace(" 0A ", " 01 ")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """As /proc of a machine where user 1001 listens."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(HEAD + CONNECTED + LISTENS)
    (tmp_path / "self").mkdir()
    return tmp_path


def opened_by(proc: Path, pid: int, inode: int) -> Path:
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "fd" / "3").symlink_to(f"socket:[{inode}]")
    return folder


def test_a_process_is_named(proc: Path) -> None:
    opened_by(proc, 10, 4241)
    (opened_by(proc, 11, 4242) / "comm").write_text("nginx\n")

    assert port_holder(47823, proc=proc) == "process 11 (nginx)"


def test_a_process_that_has_ended_since_has_a_number_still(proc: Path) -> None:
    opened_by(proc, 11, 4242)
    assert port_holder(47823, proc=proc) == "process 11"


def test_of_another_users_process_the_user_is_named(proc: Path) -> None:
    """Which files it has open is not for us to see."""
    assert port_holder(47823, proc=proc) == "a process of user 1001"


def test_one_that_listens_under_ipv6_is_found(proc: Path) -> None:
    (proc / "net" / "tcp6").write_text(HEAD + LISTENS.replace("0100007F:BACF", f"{'0' * 32}:0050"))
    assert port_holder(80, proc=proc) == "a process of user 1001"


def test_a_connection_is_no_listener_and_nothing_is_invented(proc: Path, tmp_path: Path) -> None:
    (proc / "net" / "tcp").write_text(HEAD + CONNECTED + "garbage\n")
    assert port_holder(47823, proc=proc) == "another process"
    assert port_holder(47823, proc=tmp_path / "missing") == "another process"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_on_this_machine_this_process_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert port_holder(listener.getsockname()[1]).startswith(f"process {os.getpid()} (")
