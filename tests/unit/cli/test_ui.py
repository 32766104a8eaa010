from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.cli import ui
from carryover.daemon.client import daemon_pid
from carryover.errors import ExitCode
from support.daemon_process import wait_until
from support.page_client import PageClient
from support.recorded_shop import Run
from support.scripted_daemon import HEALTH, answering_socket
from support.tools import program

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)(/ui/\?key=[\w-]{43})\n")


@pytest.fixture
def no_service(home: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[None]:
    """carryoverd is started in the background, at any port, and stopped in the end."""
    monkeypatch.setattr("carryover.cli.daemon_control.registered", lambda *_: None)
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text("[server]\nport = 0\n")
    yield
    run("stop")


@pytest.fixture
def browser(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the user's browser was asked to open."""
    opened = home / "opened"
    program(home / "bin" / "browser", f'printf "%s\\n" "$1" > {opened}.part; mv {opened}.part {opened}')
    monkeypatch.setenv("BROWSER", str(home / "bin" / "browser"))
    return opened


def test_the_page_is_opened_and_the_daemon_started_if_it_does_not_run(
    no_service: None, run: Run, browser: Path
) -> None:
    code, out, err = run("ui")
    found = ADDRESS.fullmatch(out)

    assert (code, found is not None) == (ExitCode.OK, True)
    assert err.startswith("carryoverd ") and f"(process {daemon_pid(state_dir())})" in err
    wait_until("the browser", browser.exists)
    assert browser.read_text() == out
    assert found is not None and PageClient(int(found[1])).get(found[2]).status == 303

    browser.unlink()
    assert ADDRESS.fullmatch(run("ui", "--no-open")[1])
    assert not browser.exists()


def test_without_a_display_the_address_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser in the terminal would take it over."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")

    assert not ui._opened("http://127.0.0.1:1/")


def test_an_older_daemon_is_said_to_be_restarted(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "daemon_pid", lambda _state: 4711)
    with answering_socket(state_dir().socket, {**HEALTH, "hook_port": {"port": 1}}, {"error": "Not Found"}):
        code, out, err = run("ui", "--no-open")

    assert (code, out) == (ExitCode.FAILED, "")
    assert "Restart carryoverd" in err
