from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from carryover.daemon.main import _share_memory_among_threads, main
from carryover.errors import ExitCode


def test_help_teaches_and_tells_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])

    text = capsys.readouterr().out
    assert left.value.code == ExitCode.OK
    codes = (ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.INTERRUPTED)
    assert all(f"{code:d} " in text for code in codes)
    assert all(word in text for word in ("--once", "--log-level", "CARRYOVER_HOME", "config.toml", "carryoverd.log"))


def test_what_the_daemon_loads_reads_no_certificates_and_changes_no_variable() -> None:
    program = (
        "import os, sys\n"
        "from carryover.daemon.main import _load_server\n"
        "before = dict(os.environ)\n"
        "_load_server()\n"
        "from aiohttp import connector\n"
        "print(connector._SSL_CONTEXT_VERIFIED.cert_store_stats()['x509'], dict(os.environ) == before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "SSL_CERT_DIR": "/etc"}, capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ("0 True\n", "")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have one place for all threads")
def test_the_threads_of_a_daemon_take_memory_from_one_place() -> None:
    """Each kept what it once needed, so the daemon's memory grew with the number of its threads."""
    program = (
        "import ctypes, sys, threading\n"
        "from carryover.daemon.main import _share_memory_among_threads\n"
        "if sys.argv[1:]: _share_memory_among_threads()\n"
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

    _share_memory_among_threads()
