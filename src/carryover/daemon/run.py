"""One run of the daemon: takes the lock, opens what it needs, obeys signals, and leaves everything in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover import __version__
from carryover.config import Config, settings_now
from carryover.daemon.log import Log, open_log
from carryover.daemon.notify import Notifier
from carryover.daemon.preload import load_all
from carryover.daemon.single import become_the_only_one
from carryover.daemon.surroundings import Surroundings
from carryover.daemon.tree import Daemon
from carryover.distill.stored_digest import DigestReducer
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir
from carryover.ledger.store import Ledger
from carryover.paths import StateDir

STOP_LIMIT_S: Final = 10.0
"""Whatever hangs, a daemon that was told to stop is gone after this. What was not stored then is read again later."""


def run(state: StateDir, *, once: bool, log_level: str) -> ExitCode:
    """Run a daemon until it is stopped or, with `once`, until everything on disk is read and published.

    Raises UserError where it cannot or must not start.
    """
    try:
        private_dir(state.root)
    except OSError as error:
        raise UserError(
            f"The state folder {state.root} cannot be used: {error.strerror}. "
            "Repair it, or set CARRYOVER_HOME to another folder.",
            ExitCode.REFUSED,
        ) from error
    with ExitStack() as stack:
        lock = become_the_only_one(state, started_ms=int(time.time() * 1000))
        stack.callback(lock.release)
        load_all()
        config = settings_now(state)
        log, close_log = open_log(state.log, log_level)
        stack.callback(close_log)
        deadline = _Deadline(log)
        stack.callback(deadline.cancel)
        return asyncio.run(_run(state, config, log, once=once, stopping=deadline.start))


async def _run(state: StateDir, config: Config, log: Log, *, once: bool, stopping: Callable[[], None]) -> ExitCode:
    async with AsyncExitStack() as stack:
        ledger = await Ledger.open(state.ledger, DigestReducer())
        stack.push_async_callback(ledger.close)
        surroundings = Surroundings(state, Path.home(), os.environ, config)
        daemon = Daemon(surroundings, ledger, log, Notifier.of(os.environ, log))
        signals = _Signals(daemon, surroundings, log)
        stack.callback(signals.forget)
        log.info("started", version=__version__, pid=os.getpid(), once=once)
        if not once:
            sys.stderr.write(f"carryoverd {__version__} runs; state and log are in {state.root}\n")
        in_order = await daemon.run(once=once, stopping=stopping)
        stack.callback(log.info, "closed")
    if not in_order:
        return ExitCode.FAILED
    return ExitCode.INTERRUPTED if signals.received == signal.SIGINT else ExitCode.OK


class _Deadline:
    """Ends the process by force once it has been stopping for too long.

    A thread may hang in a read from a disk that never answers, and nothing else ends such a process.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._timer = threading.Timer(STOP_LIMIT_S, self._give_up)
        self._timer.daemon = True
        self.start = self._timer.start
        self.cancel = self._timer.cancel

    def _give_up(self) -> None:
        self._log.warning("stopped_by_force", after_s=STOP_LIMIT_S)
        os._exit(ExitCode.FAILED)


class _Signals:
    """TERM and INT stop the daemon, HUP makes it read its settings again."""

    def __init__(self, daemon: Daemon, surroundings: Surroundings, log: Log) -> None:
        self._daemon = daemon
        self._surroundings = surroundings
        self._log = log
        self._loop = asyncio.get_running_loop()
        self.received: signal.Signals | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._reload)
        self._loop.set_exception_handler(self._forgotten_error)

    def forget(self) -> None:
        """From now on signals do what they do in any program."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.remove_signal_handler(number)

    def _stop(self, number: signal.Signals) -> None:
        if self.received is not None:
            return
        self.received = number
        self._log.info("stopping", signal=number.name)
        self._daemon.stop_asked.set()

    def _reload(self) -> None:
        around = self._surroundings
        try:
            around.use(settings_now(around.state))
        except UserError as error:
            # A pause holds all the same; what else was set stays as it was.
            around.use(msgspec.structs.replace(around.config, paused=around.state.paused.exists()))
            around.config_trouble = str(error)
            self._log.error("config_refused", error)
        else:
            self._log.info("config_read", paused=around.config.paused)
        self._daemon.settings_changed()

    def _forgotten_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._log.error("unhandled", error)
