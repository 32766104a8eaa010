"""`carryover export --compress` gives the document to nobody but the user's own Ollama and services of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from carryover.past import shortening
from carryover.platform.linux import Linux
from carryover.probe import connections
from carryover.probe.connections import is_of_the_system
from support.platforms import on
from support.recorded_shop import Run

STRANGER = 54_321
SERVER = """
import os, socket, sys
how, got, uid = sys.argv[1], sys.argv[2], int(sys.argv[3])
listener = socket.create_server(("::" if how == "both" else "127.0.0.1", 0),
    family=socket.AF_INET6 if how == "both" else socket.AF_INET, dualstack_ipv6=how == "both")
file = open(got, "ab", buffering=0)
if how != "after one":
    os.setuid(uid)
print(listener.getsockname()[1], flush=True)
tags = b'{"models": [{"name": "m"}]}'
answers = [tags, b'{"response": "Wire discount into checkout.", "done": true, "done_reason": "stop"}\\n']
while how != "never accepts":
    channel, _ = listener.accept()
    data = channel.recv(1 << 20)
    body = tags if b"/api/tags" in data else answers[1]
    if uid == os.getuid():
        file.write(data)
    channel.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" % len(body) + body)
    channel.close()
    if how == "after one" and os.getuid() != uid:
        os.setuid(uid)
sys.stdin.read()
"""

Started = Callable[..., Path]
linux_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="starts a process of another user, whom Linux tells"
)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Starts what answers for Ollama, and returns the file of what it got as `uid`."""
    with ExitStack() as running:

        def run(how: str = "", uid: int = STRANGER) -> Path:
            got = tmp_path / "got"
            server = running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SERVER, how, got, str(uid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            )
            running.callback(server.kill)
            assert server.stdout is not None
            monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{int(server.stdout.readline())}")
            return got

        yield run


@pytest.fixture
def export(recorded: Path, run: Run, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    def call(*options: str) -> tuple[int, str]:
        to = str(tmp_path / "shop.md")
        code, _, err = run("export", str(recorded), "-o", to, "--yes", "--compress", "ollama:m", *options)
        return code, " ".join(err.split())

    return call


Export = Callable[..., tuple[int, str]]


@linux_root
@pytest.mark.linux("whose a connection is")
@pytest.mark.parametrize("how", ["", "both", "after one"])
def test_what_another_user_runs_is_given_nothing(how: str, start: Started, export: Export, tmp_path: Path) -> None:
    """Not if it listens on IPv6 too, and not if it has the port only after the first answer."""
    got = start(how)
    code, err = export()

    assert (code, got.read_bytes()) == (ExitCode.REFUSED, b"")
    assert "was not found to be yours or a service of this machine, so it was given nothing" in err
    assert f"add --any-ollama. The whole document is in {tmp_path / 'shop.md'}" in err
    assert not (tmp_path / "shop.short.md").exists()


@linux_root
def test_it_is_given_the_document_if_the_user_says_so(start: Started, export: Export) -> None:
    got = start()

    assert export("--any-ollama")[0] == ExitCode.OK
    assert b"/api/generate" in got.read_bytes()


@pytest.mark.linux("whose a connection is")
def test_who_does_not_accept_the_connection_is_given_nothing(
    start: Started, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then the system says that it is root's; what was sent could be read later."""
    monkeypatch.setattr(shortening, "ACCEPTED_S", 0.05)
    start("never accepts", os.getuid())
    code, err = export()

    assert (code, "so it was given nothing" in err) == (ExitCode.REFUSED, True)


@pytest.mark.parametrize("uid", [os.geteuid(), *((101, 998) if os.geteuid() == 0 else ())])
def test_the_users_own_and_a_service_of_the_machine_are_asked(uid: int, start: Started, export: Export) -> None:
    got = start(uid=uid)

    assert export()[0] == ExitCode.OK
    assert b"/api/generate" in got.read_bytes()


def test_where_the_system_does_not_tell_it_is_asked(start: Started, export: Export) -> None:
    got = start(uid=os.geteuid())

    with on(Linux(proc=Path("/proc/none"))):
        assert export()[0] == ExitCode.OK
    assert b"/api/generate" in got.read_bytes()


@pytest.mark.parametrize(
    ("settings", "services", "person"),
    [("UID_MIN 500\nUID_MAX 60000\n", 499, 500), ("# UID_MIN 1\n", 999, 1000), (None, 999, 1000)],
)
def test_the_machines_settings_say_where_people_begin(
    settings: str | None, services: int, person: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "login.defs"
    if settings is not None:
        file.write_text(settings)
    monkeypatch.setattr(connections, "_LOGIN_SETTINGS", file)

    assert (is_of_the_system(services), is_of_the_system(person)) == (True, False)
