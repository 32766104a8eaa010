from collections.abc import Iterator
from pathlib import Path

import pytest

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, daemon_below
from support.hook_client import HookClient
from support.repository import repository


@pytest.fixture
def project(home: Path) -> Path:
    return repository(home / "work" / "shop")


@pytest.fixture
def transcripts(home: Path) -> Path:
    return home / ".claude" / "projects"


@pytest.fixture
def session(transcripts: Path, project: Path) -> ClaudeSession:
    return ClaudeSession(transcripts, project)


@pytest.fixture
def daemon(home: Path) -> Iterator[DaemonProcess]:
    """A daemon that was not started yet; killed in the end if need be."""
    process = DaemonProcess()
    yield process
    if process.is_running:
        process.kill()


@pytest.fixture
def free_port(home: Path) -> None:
    """The daemon takes any port, so that tests can run side by side."""
    (home / ".carryover").mkdir(mode=0o700)
    (home / ".carryover" / "config.toml").write_text("[server]\nport = 0\n")


@pytest.fixture
def running(daemon: DaemonProcess, free_port: None) -> Iterator[DaemonProcess]:
    with daemon:
        yield daemon.wait_until_caught_up()


@pytest.fixture
def hooks(running: DaemonProcess) -> HookClient:
    return HookClient(running.state.socket)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """One daemon, with a home folder of its own, for those tests of a module that leave nothing to the next one."""
    with daemon_below(tmp_path_factory.mktemp("shared")) as daemon:
        yield daemon.wait_until_caught_up()


@pytest.fixture
def shared_session(shared: DaemonProcess, tmp_path: Path) -> ClaudeSession:
    """A session that has written nothing yet, in a repository that only this test has, below that home folder."""
    home = Path(shared.env["HOME"])
    root = repository(home / "work" / tmp_path.name)
    return ClaudeSession(home / ".claude" / "projects", root)
