"""Runs the daemon: opens resources, handles signals, and shuts everything down in order."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import importlib
import os
import pkgutil
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import carryover
from carryover import __version__
from carryover.build import build
from carryover.config import Config, settings_now
from carryover.daemon.context import DaemonContext
from carryover.daemon.daemon import Daemon
from carryover.daemon.lock import StateUnusable
from carryover.daemon.log import Log, Word, open_log, type_and_place
from carryover.daemon.own_page import OpenPage
from carryover.daemon.supervisor import SystemdNotifier
from carryover.distill.stored_digest import DigestReducer
from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import sweep_scratch, temporary_files
from carryover.ledger.connect import LedgerUnavailable
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.publish.state_files import ignore_state
from carryover.terminal.streams import write_line

STOP_LIMIT_S: Final = 10.0
"""A daemon that is asked to stop ends after this time, whatever hangs. Anything not stored is read again later."""
_SWITCH_S: Final = 0.0005
"""How long a thread that reads or makes a handoff holds up the one that answers agents, which happens several times in
an answer. Python's own is ten times as long."""
_YOUNG: Final = 10_000
"""New objects after which Python collects garbage. With its default of 700 it did so six times per handoff, and found
nothing."""


def run_locked(state: StateDir, *, once: bool, page: OpenPage) -> ExitCode:
    """Runs a daemon that holds the lock, until it is stopped or, with `once`, until everything on disk is read and
    published. Raises StateUnusable, LedgerDamaged, and UserError if it cannot or must not start."""
    ignore_state(state.root)
    with ExitStack() as stack:
        sweep_scratch(state.root, temporary_files())
        build()  # before the modules are loaded: an upgrade from now on is another build
        load_all(with_sync=state.sync.exists())
        sys.setswitchinterval(_SWITCH_S)
        gc.freeze()  # everything loaded stays; collecting it repeatedly would delay answers to agents
        gc.set_threshold(_YOUNG)
        gc.enable()
        config = settings_now(state)
        try:
            log, close_log = open_log(state.log)
        except OSError as error:
            raise StateUnusable(f"The log {state.log} cannot be written: {os_reason(error)}.") from error
        stack.callback(close_log)
        stack.callback(setattr, threading, "excepthook", threading.excepthook)
        threading.excepthook = partial(_thread_failed, log)
        faulthandler.enable()  # on standard error, for the service manager to keep

        def end_by_force() -> None:  # even if a thread hangs reading from a disk that never answers; nothing else can
            log.warning("stopped_by_force", after_s=STOP_LIMIT_S)
            os._exit(ExitCode.FAILED)

        deadline = threading.Timer(STOP_LIMIT_S, end_by_force)
        deadline.daemon = True
        stack.callback(deadline.cancel)
        try:
            return asyncio.run(_run(state, config, log, page, once=once, stopping=deadline.start))
        except UserError:
            raise
        except Exception as error:
            log.error("crashed", error)
            raise UserError(
                f"carryoverd failed: {type_and_place(error)}. What was not stored is read again at its next start."
            ) from error


def _thread_failed(log: Log, args: threading.ExceptHookArgs) -> None:
    if isinstance(args.exc_value, Exception):
        name = args.thread.name if args.thread is not None else "thread"
        log.error("thread_failed", args.exc_value, thread=Word(name))


async def _run(
    state: StateDir,
    config: Config,
    log: Log,
    page: OpenPage,
    *,
    once: bool,
    stopping: Callable[[], None],
) -> ExitCode:
    loop, early = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, early.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # before the first thread, whose children inherit it
    async with AsyncExitStack() as stack:
        try:
            reducer = DigestReducer(partial(log.error, "fold_failed"))
            ledger = await Ledger.open(state.ledger, reducer)
        except LedgerUnavailable as trouble:
            raise StateUnusable(str(trouble)) from trouble
        stack.push_async_callback(ledger.close)
        context = DaemonContext(state=state, home=Path.home(), env=os.environ, config=config, ledger=ledger, log=log)
        daemon = Daemon(context, SystemdNotifier(os.environ, log), page=page)

        def unhandled(_loop: asyncio.AbstractEventLoop, given: dict[str, Any]) -> None:
            error = given.get("exception")
            if isinstance(error, BaseException):
                log.error("unhandled", error)

        loop.set_exception_handler(unhandled)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, daemon.stop, number)
        loop.add_signal_handler(signal.SIGHUP, daemon.reload)
        if early.is_set():
            daemon.reload()
        log.info("started", version=Word(__version__), pid=os.getpid(), once=once)
        if not once:
            write_line(f"carryoverd {__version__} runs; state and log are in {state.root}", error=True)
        in_order = await daemon.run(once=once, stopping=stopping)
        stack.callback(log.info, "closed")
    if not in_order:
        ledger.require_sound()
        return ExitCode.FAILED
    return ExitCode.INTERRUPTED if daemon.stopped_by == signal.SIGINT else ExitCode.OK


NOT_OURS: Final = tuple(f"carryover.{name}" for name in ("actions", "faces", "install", "past", "terminal"))
"""Packages that the daemon does not use, but for two of `terminal` and what the page needs."""


def load_all(*, with_sync: bool = False) -> None:
    """Imports every module now (those of sync only if `with_sync`), since a later import could load another version.
    Blocks."""
    for found in pkgutil.iter_modules(carryover.__path__, "carryover."):
        if found.name not in NOT_OURS and (with_sync or found.name != "carryover.sync"):
            module = importlib.import_module(found.name)
            for part in pkgutil.walk_packages(module.__path__, f"{found.name}.") if found.ispkg else ():
                importlib.import_module(part.name)
