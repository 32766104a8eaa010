from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from carryover.cli import endpoint
from carryover.cli.endpoint import (
    Endpoint,
    daemon_pid,
    is_carryoverd,
    look_at_endpoint,
    reload_daemon,
    stop_daemon,
    wait_for_daemon,
)
from carryover.cli.where import state_dir
from carryover.errors import UserError
from carryover.fsio import FileLock
from support.daemon_process import DaemonProcess
from support.scripted_daemon import HEALTH, answering_port, answering_socket


def test_without_a_daemon_it_says_so(home: Path) -> None:
    assert look_at_endpoint(state_dir()) == Endpoint(
        None, trouble=f"carryoverd does not answer on {state_dir().socket}."
    )


def test_a_daemon_that_has_no_port_is_there(home: Path) -> None:
    with answering_socket(state_dir().socket, HEALTH):
        assert look_at_endpoint(state_dir()) == Endpoint(HEALTH)


def test_a_port_that_answers_as_the_daemon_does_is_its_own(home: Path) -> None:
    with answering_port({"name": "carryoverd", "version": "0.1.0"}) as port:
        health = {**HEALTH, "hook_port": {"port": port, "trouble": None}}
        with answering_socket(state_dir().socket, health):
            assert look_at_endpoint(state_dir()) == Endpoint(health, port)


def test_a_stranger_on_the_port_is_not_taken_for_the_daemon(home: Path) -> None:
    with answering_port({"hello": "world"}) as port:
        health = {**HEALTH, "hook_port": {"port": port, "trouble": None}}
        with answering_socket(state_dir().socket, health):
            found = look_at_endpoint(state_dir())

    assert found == Endpoint(health, trouble=f"What answers on port {port} is not carryoverd.")


def test_who_has_the_port_is_said_by_the_daemon(home: Path) -> None:
    health = {**HEALTH, "hook_port": {"port": None, "trouble": "port 47823 is taken by process 7 (nc)"}}
    with answering_socket(state_dir().socket, health):
        found = look_at_endpoint(state_dir())

    assert found.trouble == "Port 47823 is taken by process 7 (nc). Your agents' hooks do without it."


def test_what_is_no_web_server_is_not_carryoverd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "ANSWER_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not is_carryoverd(silent.getsockname()[1])
    assert not is_carryoverd(1)


def test_a_daemon_that_has_not_come_to_its_port_yet_is_waited_for(home: Path) -> None:
    with answering_port({"name": "carryoverd"}) as port:
        starting = {**HEALTH, "hook_port": {"port": None, "trouble": None}}
        ready = {**HEALTH, "hook_port": {"port": port, "trouble": None}}
        with answering_socket(state_dir().socket, starting, starting, ready):
            assert wait_for_daemon(state_dir(), 30.0) == Endpoint(ready, port)


def test_a_running_daemon_is_told_by_its_lock_and_stops_in_order(home: Path) -> None:
    with DaemonProcess() as daemon:
        assert daemon_pid(state_dir()) == daemon.pid

        assert stop_daemon(state_dir()) == daemon.pid
        assert daemon_pid(state_dir()) is None
        assert daemon.process.wait(30) == 0


def test_where_none_runs_there_is_nothing_to_stop_or_to_tell(home: Path) -> None:
    assert (daemon_pid(state_dir()), stop_daemon(state_dir()), reload_daemon(state_dir())) == (None, None, None)
    assert not state_dir().root.exists()


def test_a_daemon_that_does_not_stop_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "STOP_S", 0.1)
    state_dir().root.mkdir()
    command = [sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        lock = FileLock(state_dir().lock)
        assert lock.acquire(f'{{"pid": {deaf.pid}}}')

        with pytest.raises(UserError, match=f"process {deaf.pid}. did not stop within 0.1 s"):
            stop_daemon(state_dir())

        lock.release()
        deaf.kill()
