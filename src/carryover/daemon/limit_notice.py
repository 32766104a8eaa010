"""Shows a desktop notification when an agent has just reached its usage limit, unless `[notify] desktop` is off.

A limit is not shown if it is read with the history, or was reached before this daemon started or resumed after a pause.
So a restart repeats nothing, although nothing is stored.
"""

from __future__ import annotations

import asyncio
import html
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final

from carryover.agents import agent_name
from carryover.daemon.context import DaemonContext
from carryover.daemon.log import phrase
from carryover.distill.limit import Limit, command
from carryover.platform import MACOS, here
from carryover.publish.make import Refreshed

JUST_NOW_MS: Final = 120_000
SAME_MS: Final = 900_000
"""Reports of a limit this close together count once: a hook and the transcript differ, and retries repeat it."""
_NAME_CHARS: Final = 60
_MOST_WAITING: Final = 20
ShowNotice = Callable[[str, str], str | None]
"""Takes a title and a text; returns why they could not be shown, or None. Blocks."""


class LimitNotices:
    """Shows notifications about usage limits: `consider` queues them, `run` shows them."""

    def __init__(self, context: DaemonContext, show: ShowNotice) -> None:
        self._context = context
        self._show = show
        self._since_ms = context.now_ms()
        self._loop = asyncio.get_running_loop()
        self.waiting: asyncio.Queue[tuple[str, Limit]] = asyncio.Queue()
        self._notified_ms: dict[tuple[str, str], int] = {}

    def ignore_earlier(self) -> None:
        """Ignores all limits reached before now. To be called when settings have changed."""
        self._since_ms = self._context.now_ms()

    def consider(self, made: Refreshed) -> None:
        """Queues a notification if a new handoff reports a new limit. Thread-safe; returns immediately."""
        limit = made.handoff.limit if made.handoff is not None else None
        if limit is None or made.settings.excluded or not self._wanted:
            return
        if limit.at_ms < max(self._since_ms, self._context.now_ms() - JUST_NOW_MS):
            return

        def enqueue(key: tuple[str, str]) -> None:
            if limit.at_ms - self._notified_ms.get(key, 0) >= SAME_MS and self.waiting.qsize() < _MOST_WAITING:
                self._notified_ms[key] = limit.at_ms
                self.waiting.put_nowait((made.root, limit))

        with suppress(RuntimeError):  # the daemon has ended meanwhile
            self._loop.call_soon_threadsafe(enqueue, (made.root, limit.agent))

    async def run(self) -> None:
        """Shows one notification after another, until cancelled, and none that the settings forbid by then.

        A failure is only logged.
        """
        while True:
            root, limit = await self.waiting.get()
            if self._wanted:
                trouble = await asyncio.to_thread(self._show, *notice(root, limit))
                if trouble is None:
                    self._context.log.info("limit_notice_shown")
                else:  # no warning: many machines have no desktop
                    self._context.log.info("limit_notice_not_shown", reason=phrase(trouble))
            self.waiting.task_done()

    @property
    def _wanted(self) -> bool:
        config = self._context.config
        return config.notify.desktop and not config.paused


def notice(root: str, limit: Limit) -> tuple[str, str]:
    """Returns title and text. They name the agent, the project's folder and the command, but nothing about the task."""
    folder = "".join(sign if sign.isprintable() else " " for sign in PurePath(root).name)[:_NAME_CHARS]
    elsewhere = f": {command(limit.others[0])}" if limit.others else ""
    return f"{agent_name(limit.agent)} reached its usage limit", f"In {folder}{elsewhere}"


_LIMIT_S: Final = 3.0
"""How long the desktop may take to show a notification."""

_MACOS: Final = (
    *("osascript", "-e", "on run argv"),
    *("-e", "display notification (item 2 of argv) with title (item 1 of argv)"),
    *("-e", "end run"),
)


def show_notice(title: str, text: str, env: Mapping[str, str], *, limit_s: float = _LIMIT_S) -> str | None:
    """Shows a notification, by a command line that other users can read; returns why it failed, or None. Blocks."""
    is_macos = here().name == MACOS
    if is_macos:
        name, *arguments = *_MACOS, title, text
    else:  # the text may contain markup
        name, *arguments = "notify-send", "--app-name=Carryover", "--", title, html.escape(text, quote=False)
    folders = [entry for entry in env.get("PATH", os.defpath).split(os.pathsep) if entry.startswith("/")]
    program = shutil.which(name, path=os.pathsep.join(folders))
    if program is None:
        return f"no {name}"
    has_bus = env.get("DBUS_SESSION_BUS_ADDRESS") or Path(env.get("XDG_RUNTIME_DIR", os.devnull), "bus").exists()
    if not is_macos and not has_bus:  # `notify-send` would start one, or wait
        return "no session bus"
    null = subprocess.DEVNULL
    try:
        done = subprocess.run(
            [program, *arguments], stdin=null, stdout=null, stderr=null, env=dict(env), cwd="/", timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return f"{name} did not answer"
    except (OSError, ValueError):
        return f"{name} can't be started"
    return None if done.returncode == 0 else f"{name} ended with code {done.returncode}"
