"""Processes of `carryover` and `carryoverd`, forked from one that has loaded the program once.

A forked process has the environment, folder, streams and terminal that it is given, and reads, holds and writes what
one that was started by its command does. Left out are the start of Python and the loading of modules: nearly all of the
time that most commands take. Tests of just that, of memory, or of a Python with settings of its own run the command.
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from carryover.agents import adapters
from carryover.build import build
from carryover.text.pattern import later
from support import as_darwin

CARRYOVER: Final = (sys.executable, "-m", "carryover.faces.cli.main")
CARRYOVERD: Final = (sys.executable, "-m", "carryover.faces.cli.carryoverd")
ALTERED: Final = (sys.executable, "-m", "support.forked")
"""Runs the program that follows, which changes something and starts a daemon.

Names are bound already where this was forked: it changes them in the modules that use them.
"""

_MAX_REQUEST: Final = 1 << 17
_RUNS: Final = "-"
_HARMLESS: Final = ("PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")


class Nursery:
    """The process that forks, and is asked how its children ended."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one_at_a_time = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "support.forked", str(theirs.fileno())],
                env={**env, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def ask(self, question: Mapping[str, Any], streams: Sequence[int] = ()) -> str:
        with self._one_at_a_time:
            socket.send_fds(self._socket, [json.dumps(question).encode()], streams)
            answer = self._socket.recv(_MAX_REQUEST).decode()
        assert answer, "the process that forks has ended"
        return answer

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


class Forked(subprocess.Popen[bytes]):
    """The part of `Popen` that tests use of a process that they do not talk to."""

    stdin = stdout = stderr = None

    def __init__(self, nursery: Nursery, request: Mapping[str, Any], streams: Sequence[int]) -> None:
        self._nursery = nursery
        self.args = request["argv"]
        self.pid = int(nursery.ask(request, streams))
        self.returncode: Any = None
        self._handle = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        if self.returncode is None and (answer := self._nursery.ask({"pid": self.pid})) != _RUNS:
            self.returncode = int(answer)
            os.close(self._handle)
        return None if self.returncode is None else int(self.returncode)

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            select.select([self._handle], [], [], left)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, sig)

    def __del__(self, *_: object) -> None:
        pass


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    streams: tuple[int, int, int] | None = None,
    terminal: bool = False,
) -> subprocess.Popen[bytes]:
    """Starts `command`, in a session of its own whose terminal is its standard input if it is on a `terminal`.

    Without `streams`, nobody reads or writes the standard ones. Our own programs are forked.
    """
    given = dict(os.environ if env is None else env)
    with ExitStack() as stack:
        if streams is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            stack.callback(os.close, nowhere)
            streams = (nowhere,) * 3
        if _can_be_forked(command, given):
            request = {"argv": list(command[2:]), "env": given, "cwd": str(cwd or Path.cwd()), "terminal": terminal}
            return Forked(_nursery(), request, streams)
        given_in, out, err = streams
        own: dict[str, Any] = {"start_new_session": True, "preexec_fn": _take_the_terminal} if terminal else {}
        return subprocess.Popen(command, env=given, cwd=cwd, stdin=given_in, stdout=out, stderr=err, **own)


def carryover(*arguments: str, **given: Any) -> subprocess.CompletedProcess[str]:
    """Runs `carryover` with `arguments` to its end, as `run` does."""
    return run((*CARRYOVER, *arguments), **given)


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str = "",
    limit_s: float = 60.0,
) -> subprocess.CompletedProcess[str]:
    with ExitStack() as stack:
        given, out, err = (stack.enter_context(TemporaryFile()) for _ in range(3))
        given.write(input.encode())
        given.seek(0)
        streams = (given.fileno(), out.fileno(), err.fileno())
        process = start(command, env=env, cwd=cwd, streams=streams)
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        for stream in (out, err):
            stream.seek(0)
        return subprocess.CompletedProcess(command, code, out.read().decode(), err.read().decode())


def data(*arguments: str) -> Any:
    return json.loads(carryover(*arguments, "--json").stdout)


@cache
def _nursery() -> Nursery:
    """One for this process; it ends with it."""
    nursery = Nursery(os.environ)
    atexit.register(nursery.close)
    return nursery


def _can_be_forked(command: Sequence[str], env: Mapping[str, str]) -> bool:
    ours = tuple(command[:3]) in (CARRYOVER, CARRYOVERD, ALTERED)
    return sys.platform == "linux" and ours and _python_settings(env) == _python_settings(os.environ)


def _python_settings(env: Mapping[str, str]) -> dict[str, str]:
    """What Python reads when it starts, and not afterwards."""
    return {name: value for name, value in env.items() if name.startswith("PYTHON") and name not in _HARMLESS}


def _take_the_terminal() -> None:
    """In the process before it begins: from now on Ctrl-C reaches it as a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def serve(requests: socket.socket) -> str:
    """Forks a child for each request until the socket is closed; returns in the children, with the module to run."""
    while True:
        data, streams, _, _ = socket.recv_fds(requests, _MAX_REQUEST, 3)
        if not data:
            os._exit(0)
        request = json.loads(data)
        if "pid" in request:
            pid, status = os.waitpid(request["pid"], os.WNOHANG)
            answer = str(os.waitstatus_to_exitcode(status)) if pid else _RUNS
        elif (pid := os.fork()) == 0:
            requests.close()
            _become(request, streams)
            return str(request["argv"][0])
        else:
            answer = str(pid)
        for stream in streams:
            os.close(stream)
        requests.send(answer.encode())


def _become(request: dict[str, Any], streams: Sequence[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, max(streams) + 1)
    if request["terminal"]:
        os.setsid()
        _take_the_terminal()
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    sys.argv = request["argv"]
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        buffering = 1 if name == "stderr" or os.isatty(number) else -1
        errors = "backslashreplace" if name == "stderr" else "strict"
        opened = open(number, mode, buffering, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)


def load_all() -> None:
    """Imports all that a daemon and the commands use, and compiles its patterns; none of it is garbage."""
    gc.disable()
    for found in pkgutil.walk_packages(importlib.import_module("carryover").__path__, "carryover."):
        if not found.name.endswith(".__main__"):
            with suppress(ImportError):  # one that needs an extra, or git
                for value in vars(importlib.import_module(found.name)).values():
                    if isinstance(value, type(later(""))):
                        for method in ("search", "match", "fullmatch", "sub", "finditer"):
                            getattr(value, method)
    for name in ("prompt_toolkit.shortcuts", "questionary"):
        with suppress(ImportError):
            importlib.import_module(name)
    adapters()
    build()
    # A daemon would look for all modules again.
    vars(importlib.import_module("carryover.daemon.run"))["load_all"] = lambda **_: None
    gc.freeze()  # it stays shared with the children
    gc.enable()


def _leave(codes: Sequence[int]) -> None:
    """Ends a child with the exit code of its program, if that returned one and its output could be flushed."""
    with suppress(OSError, ValueError, IndexError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(codes[0])


def main() -> int:
    """Runs a program; or loads and forks, and returns in each child, once it has ended.

    Python would then tear down all that was loaded, which takes longer than most commands run. `_leave` prevents that:
    registered first, it is called last, once all threads have ended, so nothing else is skipped.
    """
    if not sys.argv[1].isdigit():
        exec(sys.argv.pop(1), {"__name__": "__main__"})
        return 0
    codes: list[int] = []
    atexit.register(_leave, codes)
    load_all()
    if as_darwin.NAME in os.environ:
        as_darwin.become()
    module = importlib.import_module(serve(socket.socket(fileno=int(sys.argv[1]))))
    codes.append(int(module.main()))
    return codes[0]


if __name__ == "__main__":
    sys.exit(main())
