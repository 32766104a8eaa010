from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

import carryover
from carryover.daemon.client import DaemonHolder
from carryover.daemon.lock import StateUnusable, acquire_daemon_lock
from carryover.daemon.main import main
from carryover.errors import ExitCode, UserError
from carryover.faces.page import page_for
from carryover.fsio import FileLock
from carryover.install.background import bring_up
from carryover.paths import StateDir
from carryover.platform import MACOS
from carryover.platform.calls import library
from carryover.platform.linux import Linux
from support.forked import CARRYOVERD
from support.platforms import on
from support.terminal import played

LOADED_THEN = """
import sys
from carryover.platform.calls import library
from carryover.platform.linux import Linux
from carryover.daemon.run import load_all
load_all(with_sync=sys.argv[1:] == ["sync"])
print(*(name for name in sys.modules if name == "git" or name.startswith("carryover.")), sep="\\n")
"""


@pytest.mark.parametrize(
    "sync", [pytest.param((), id="sync is off", marks=pytest.mark.night), pytest.param(("sync",), id="sync is on")]
)
def test_a_daemon_has_all_of_the_program_but_its_commands(sync: tuple[str, ...]) -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED_THEN, *sync], capture_output=True, text=True, check=True)
    source = Path(carryover.__file__).parent
    modules = {
        ".".join(("carryover", *path.relative_to(source).with_suffix("").parts)).removesuffix(".__init__")
        for path in source.rglob("*.py")
    } - {"carryover"}
    for_people = ("actions", "faces", "install", "past", "terminal", *(() if sync else ("sync",)))
    prints = {"carryover.terminal", "carryover.terminal.paths", "carryover.terminal.streams"}
    for_daemons = {name for name in modules if name.split(".")[1] not in for_people} | prints

    assert set(ran.stdout.split()) == for_daemons


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


def test_a_second_daemon_is_refused_and_learns_where_the_first_is(state: StateDir) -> None:
    where = f"process {os.getpid()} since 2026-11-20T06:10:00Z, answering on {state.socket}."
    lock = acquire_daemon_lock(state, started_ms=1_795_155_000_000)
    with pytest.raises(UserError, match=re.escape(where)) as refused:
        acquire_daemon_lock(state, started_ms=1_795_155_060_000)
    lock.release()
    assert refused.value.code == ExitCode.REFUSED


def test_a_second_daemon_loads_nothing_that_it_does_not_need(state: StateDir) -> None:
    """Without a service manager, each of a dozen hooks at once starts one."""
    program = (
        "import sys; from carryover.daemon.main import main; from carryover.faces.page import page_for; "
        "print(main(['--own-session'], page_for), 'aiohttp' in sys.modules, 'asyncio' in sys.modules)"
    )
    env = {**os.environ, "CARRYOVER_HOME": str(state.root)}
    lock = acquire_daemon_lock(state, started_ms=0)
    ran = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    lock.release()

    assert ran.stdout == f"{ExitCode.REFUSED} False False\n"


@pytest.mark.parametrize("by", ["a command", "a daemon that was killed"])
def test_a_lock_that_will_be_free_soon_is_waited_for(state: StateDir, by: str) -> None:
    """A program that a daemon was just starting has its files until it runs."""
    with subprocess.Popen(["true"]) as killed:
        killed.wait()
    holder = msgspec.json.encode(DaemonHolder(pid=killed.pid, socket="", started_ms=0)).decode()
    held = FileLock(state.lock)
    assert held.acquire(holder if by.startswith("a daemon") else "")
    threading.Timer(0.15, held.release).start()

    acquire_daemon_lock(state, started_ms=0).release()


def test_a_lock_file_that_cannot_be_opened_is_named_and_a_command_that_never_ends_is_worth_a_retry(
    state: StateDir,
) -> None:
    lock = FileLock(state.lock)
    assert lock.acquire()
    with pytest.raises(UserError, match="Another process is using the state folder") as failed:
        acquire_daemon_lock(state, started_ms=0, wait_s=0)
    lock.release()
    assert failed.value.code == ExitCode.FAILED

    state.lock.unlink()
    state.lock.symlink_to("elsewhere")
    with pytest.raises(StateUnusable, match=r"daemon\.lock cannot be taken: .* Nothing was changed"):
        acquire_daemon_lock(state, started_ms=0)


def test_settings_that_change_while_a_daemon_starts_are_read_once_it_runs(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from carryover.daemon import main, run; from carryover.ledger import connect; "
        "from carryover.faces.page import page_for; "
        "connect.prepare_file = lambda path, real=connect.prepare_file: "
        "print(signal.pthread_sigmask(0, ())) or real(path); "
        "run.load_all = lambda **_: os.kill(os.getpid(), signal.SIGHUP); sys.exit(main.main(['--once'], page_for))"
    )
    env = {**os.environ, "HOME": str(tmp_path), "CARRYOVER_HOME": str(tmp_path)}

    assert subprocess.check_output([sys.executable, "-c", program], env=env) == b"set()\n", "no thread keeps it blocked"
    assert " config_read " in (tmp_path / "carryoverd.log").read_text()


def test_an_error_fits_the_terminal(home: Path) -> None:
    state = home / ".carryover"
    state.mkdir(mode=0o700)
    (state / "config.toml").write_text("[resume")

    code, shown = played((*CARRYOVERD, "--once"), columns=50)

    assert (code, "is not valid TOML" in " ".join(shown.split())) == (ExitCode.REFUSED, True)
    assert [line for line in shown.splitlines() if len(line) > 50 and " " in line] == []


def test_a_socket_that_a_mac_cannot_bind_is_said_at_the_start(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / ("s" * 104) / "state"
    monkeypatch.setenv("CARRYOVER_HOME", str(state))
    with on(MACOS):
        code = main([], page_for)
        installed = bring_up(StateDir(state), service=False)

    said = f"The path {state}/daemon.sock is too long for a socket on this system (more than 103 bytes)."
    assert (code, said in capsys.readouterr().err.replace("\n", " ")) == (ExitCode.REFUSED, True)
    assert installed.trouble[0].startswith(said)
    assert not state.exists()


def test_help_teaches_and_tells_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"], page_for)

    text = capsys.readouterr().out
    codes = (ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.INTERRUPTED)
    taught = ("--once", "CARRYOVER_HOME", "config.toml", *(f"{code:d} " for code in codes))
    assert [word for word in taught if word not in text] == []


def test_what_the_daemon_loads_reads_no_certificates_and_changes_no_variable() -> None:
    program = (
        "import os, sys\n"
        "from carryover.daemon.start import _load_server\n"
        "before = dict(os.environ)\n"
        "_load_server()\n"
        "from aiohttp import connector\n"
        "print(connector._SSL_CONTEXT_VERIFIED.cert_store_stats()['x509'], dict(os.environ) == before)"
    )
    env = {**os.environ, "SSL_CERT_DIR": "/etc"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("0 True\n", "")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have one place for all threads")
@pytest.mark.linux("for one place of memory")
def test_the_threads_of_a_daemon_take_memory_from_one_place() -> None:
    """Each kept what it once needed, so the daemon's memory grew with the number of its threads."""
    program = (
        "import ctypes, sys, threading\n"
        "from carryover.platform import here\n"
        "if sys.argv[1:]: here().share_memory_among_threads()\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p\n"
        "together = threading.Barrier(6)\n"
        "def take(): together.wait(); libc.malloc(50_000); together.wait()\n"
        "threads = [threading.Thread(target=take) for _ in range(6)]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        "report = ctypes.c_void_p(libc.fdopen(1, b'w'))\n"
        "libc.malloc_info(0, report); libc.fflush(report)\n"
    )
    places = [
        subprocess.run([sys.executable, "-c", program, *given], capture_output=True, text=True, check=True).stdout
        for given in ([], ["shared"])
    ]

    assert [text.count("<heap nr=") > 1 for text in places] == [True, False]


def test_a_system_that_does_not_let_python_call_its_c_library_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctypes", None)
    library.cache_clear()

    Linux().share_memory_among_threads()
