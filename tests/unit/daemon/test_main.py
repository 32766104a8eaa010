from __future__ import annotations

import os
import subprocess
import sys

import pytest

from carryover.daemon.main import main
from carryover.errors import ExitCode


def test_help_teaches_and_tells_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])

    text = capsys.readouterr().out
    assert left.value.code == ExitCode.OK
    codes = (ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.INTERRUPTED)
    assert all(f"{code:d} " in text for code in codes)
    assert all(word in text for word in ("--once", "--log-level", "CARRYOVER_HOME", "config.toml", "carryoverd.log"))


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from carryover.daemon.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert not {"asyncio", "aiohttp", "aiosqlite", "watchfiles", "msgspec", "sqlite3"} & set(done.stderr.split())


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
