from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.daemon import desktop
from carryover.daemon.desktop import show_notice
from support.tools import program

BUS = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def recording(bin_folder: Path, name: str) -> Path:
    """A program that writes down its arguments, a line each."""
    kept = bin_folder.parent / "arguments"
    program(bin_folder / name, f'for word in "$@"; do echo "$word"; done > \'{kept}\'')
    return kept


def test_on_linux_notify_send_gets_it_as_plain_text(bin_folder: Path) -> None:
    kept = recording(bin_folder, "notify-send")

    assert show_notice("-t Codex", "In <b>R&D</b>", {"PATH": str(bin_folder), **BUS}, "linux") is None
    assert kept.read_text().splitlines() == [
        "--app-name=Carryover",
        "--",
        "-t Codex",
        "In &lt;b&gt;R&amp;D&lt;/b&gt;",
    ]


def test_on_macos_osascript_gets_it_as_arguments_and_not_as_a_script(bin_folder: Path) -> None:
    kept = recording(bin_folder, "osascript")

    assert show_notice("Codex", 'In " & quit', {"PATH": str(bin_folder)}, "darwin") is None
    assert kept.read_text().splitlines() == [
        "-e",
        "on run argv",
        "-e",
        "display notification (item 2 of argv) with title (item 1 of argv)",
        "-e",
        "end run",
        "Codex",
        'In " & quit',
    ]


@pytest.mark.parametrize(("platform", "name"), [("linux", "notify-send"), ("darwin", "osascript")])
def test_a_missing_program_is_said(bin_folder: Path, platform: str, name: str) -> None:
    assert show_notice("a", "b", {"PATH": str(bin_folder), **BUS}, platform) == f"no {name}"


def test_a_program_in_the_folder_one_happens_to_stand_in_is_not_run(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording(bin_folder, "notify-send")
    monkeypatch.chdir(bin_folder)

    assert show_notice("a", "b", {"PATH": os.pathsep.join([".", ""]), **BUS}, "linux") == "no notify-send"


def test_without_a_session_bus_nothing_is_started(bin_folder: Path, tmp_path: Path) -> None:
    kept = recording(bin_folder, "notify-send")
    env = {"PATH": str(bin_folder), "XDG_RUNTIME_DIR": str(tmp_path)}

    assert show_notice("a", "b", env, "linux") == "no session bus"
    assert not kept.exists()
    (tmp_path / "bus").touch()
    assert show_notice("a", "b", env, "linux") is None


@pytest.mark.parametrize(
    ("lines", "trouble"),
    [
        (["exit 3"], "notify-send ended with code 3"),
        (["exec /bin/sleep 600"], "notify-send did not answer"),
    ],
)
def test_one_that_fails_or_hangs_is_said(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], trouble: str
) -> None:
    monkeypatch.setattr(desktop, "LIMIT_S", 0.2)
    program(bin_folder / "notify-send", *lines)

    assert show_notice("a", "b", {"PATH": str(bin_folder), **BUS}, "linux") == trouble


def test_one_that_is_no_program_is_said(bin_folder: Path) -> None:
    program(bin_folder / "notify-send").write_bytes(b"no program")

    assert show_notice("a", "b", {"PATH": str(bin_folder), **BUS}, "linux") == "notify-send can't be started"
