from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from carryover.config import Config, NotifyConfig, ProjectSettings
from carryover.daemon.context import DaemonContext
from carryover.daemon.limit_notice import LimitNotices, notice, show_notice
from carryover.distill.handoff import Handoff
from carryover.distill.limit import Limit
from carryover.platform import LINUX
from carryover.publish.make import Refreshed
from support.platforms import on
from support.tools import program

NOW_MS = 1_795_155_000_000


def refreshed(limit: Limit | None, root: str = "/home/dev/shop", **settings: str) -> Refreshed:
    handoff = Handoff(
        updated_ms=NOW_MS, agent="Claude Code", resume="ask", session="s1", head=None, sections=(), limit=limit
    )
    return Refreshed(root=root, settings=ProjectSettings(**settings), handoff=handoff, text="", git=None)  # type: ignore[arg-type]


def limit(at_ms: int = NOW_MS) -> Limit:
    return Limit(agent="claude-code", at_ms=at_ms, others=("codex",))


class Desk:
    """Notices, and the texts of those that were shown."""

    def __init__(self, context: DaemonContext) -> None:
        self.shown: list[str] = []
        self.now_ms = NOW_MS - 10_000
        self.around = context
        self.around.now_ms = lambda: self.now_ms
        self.notices = LimitNotices(self.around, lambda _title, text: self.shown.append(text))
        self.now_ms = NOW_MS

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Callable[[Refreshed], None]]:
        """What is considered in the block is dealt with by its end."""
        yield self.notices.consider
        running = asyncio.ensure_future(self.notices.run())
        await asyncio.sleep(0)  # limits considered in another thread arrive through the loop
        await self.notices.waiting.join()
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
async def desk(context: DaemonContext) -> Desk:
    return Desk(context)


async def test_it_is_reported_once_however_often_the_handoff_is_made(desk: Desk) -> None:
    """A hook and the transcript give it slightly different times."""
    async with desk.open() as consider:
        for later_ms in (0, 0, 75, 60_000):
            desk.now_ms = NOW_MS + later_ms
            consider(refreshed(limit(NOW_MS + later_ms)))

    assert len(desk.shown) == 1


@pytest.mark.parametrize("config", [Config(notify=NotifyConfig(desktop=False)), Config(paused=True)])
async def test_nobody_is_notified_who_has_switched_it_off_or_paused_nor_later_of_what_happened_then(
    desk: Desk, config: Config
) -> None:
    desk.around.use(config)
    async with desk.open() as consider:
        consider(refreshed(limit()))
    assert desk.shown == []

    desk.now_ms += 5000
    desk.around.use(Config())
    desk.notices.ignore_earlier()
    async with desk.open() as consider:
        consider(refreshed(limit()))
        consider(refreshed(limit(desk.now_ms), root="/home/dev/blog"))
    assert desk.shown == ["In blog: carryover to codex"]


def test_the_name_of_a_folder_is_one_short_line() -> None:
    title, text = notice("/srv/shop\n\x1b[31m" + "x" * 300, Limit(agent="codex", at_ms=NOW_MS))

    assert (title, text[:16], len(text)) == ("Codex reached its usage limit", "In shop  [31mxxx", 63)


BUS = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
DISPLAY = "display notification (item 2 of argv) with title (item 1 of argv)"
SCRIPT = ["-e", "on run argv", "-e", DISPLAY, "-e", "end run"]


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def recording(bin_folder: Path, name: str) -> Path:
    """A program that writes down its arguments, a line each."""
    kept = bin_folder.parent / "arguments"
    program(bin_folder / name, f'for word in "$@"; do echo "$word"; done > \'{kept}\'')
    return kept


@pytest.mark.parametrize(
    ("platform", "name", "arguments"),
    [
        ("linux", "notify-send", ["--app-name=Carryover", "--", "-t Codex", 'In &lt;b&gt;R&amp;D" &amp; quit']),
        ("darwin", "osascript", [*SCRIPT, "-t Codex", 'In <b>R&D" & quit']),
    ],
)
def test_the_systems_program_gets_it_as_plain_text_and_not_as_a_script(
    bin_folder: Path, platform: str, name: str, arguments: list[str]
) -> None:
    kept = recording(bin_folder, name)

    with on(platform):
        assert show_notice("-t Codex", 'In <b>R&D" & quit', {"PATH": str(bin_folder), **BUS}) is None
    assert kept.read_text().splitlines() == arguments


@on(LINUX)
def test_nothing_is_started_from_the_current_folder_or_without_a_session_bus(
    bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = recording(bin_folder, "notify-send")
    monkeypatch.chdir(bin_folder)
    env = {"PATH": str(bin_folder), "XDG_RUNTIME_DIR": str(tmp_path)}

    assert show_notice("a", "b", {"PATH": os.pathsep.join([".", ""]), **BUS}) == "no notify-send"
    assert show_notice("a", "b", env) == "no session bus"
    assert not kept.exists()
    (tmp_path / "bus").touch()
    assert show_notice("a", "b", env) is None


@on(LINUX)
def test_one_that_fails_or_hangs_is_said(bin_folder: Path) -> None:
    for line, trouble, limit_s in (("exit 3", "ended with code 3", 60), ("exec /bin/sleep 600", "did not answer", 0.2)):
        program(bin_folder / "notify-send", line)
        told = show_notice("a", "b", {"PATH": str(bin_folder), **BUS}, limit_s=limit_s)
        assert told == f"notify-send {trouble}"
