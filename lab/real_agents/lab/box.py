"""A box: a place where a real client can run and reach nothing of this machine.

Own network (loopback only), mount, process, host name and IPC namespaces; a root put together from nothing (`box.sh`);
an environment made from nothing; user `dev` (uid 1000) with a throw-away home. Needs Linux, root and util-linux.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, Self

DEV: Final = 1000
HOME: Final = Path("/home/dev")
OUT: Final = Path("/out")
SCRIPT: Final = Path(__file__).with_name("box.sh")
NAMESPACES: Final = ("unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork")
ENVIRONMENT: Final = {
    "HOME": str(HOME),
    "USER": "dev",
    "LOGNAME": "dev",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TMPDIR": "/tmp",
}


CLEAN: Final = {"PATH": os.defpath + ":/usr/sbin:/sbin"}
"""What the programs that build and enter a box get, so that not even /proc shows this machine's environment inside."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command in a box ended. `code` is 124 when it took longer than it was given."""

    code: int
    out: str
    err: str


class Box:
    """A running box. Use as a context manager: leaving it ends every process inside and deletes its files.

    Paths inside are plain `Path`s below /home/dev, /out or /tmp; `here(path)` is the same file as seen from outside.
    """

    def __init__(self, parent: Path, shown: Iterable[Path] = (), env: Mapping[str, str] | None = None) -> None:
        self._env = {**ENVIRONMENT, **(env or {})}
        self._started: list[Started] = []
        parent.mkdir(parents=True, exist_ok=True)
        self.state = Path(tempfile.mkdtemp(prefix="box-", dir=parent))
        for name in ("root", "home", "out", "tmp"):
            (self.state / name).mkdir()
            os.chown(self.state / name, DEV, DEV)
        self._init = subprocess.Popen(
            [*NAMESPACES, "bash", str(SCRIPT), str(self.state), *map(str, _outermost(shown))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=CLEAN,
        )
        assert self._init.stdout is not None and self._init.stderr is not None
        if self._init.stdout.readline() != "ready\n":
            reason = self._init.stderr.read().strip()
            self.close()
            raise RuntimeError(f"the box did not start: {reason}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every process of the box and deletes its files (kept when CARRYOVER_AGENT_KEEP is set)."""
        self._init.communicate()
        for started in self._started:
            started.wait()
        if not os.environ.get("CARRYOVER_AGENT_KEEP"):
            shutil.rmtree(self.state)

    def here(self, path: Path) -> Path:
        """Where a file below /home/dev, /out or /tmp of the box lies on this machine."""
        if path.is_relative_to(HOME):
            return self.state / "home" / path.relative_to(HOME)
        return self.state / path.relative_to("/")

    def write(self, path: Path, text: str) -> None:
        for folder in reversed(path.parents):
            if not folder.is_relative_to(HOME) or self.here(folder).exists():
                continue
            self.here(folder).mkdir()
            os.chown(self.here(folder), DEV, DEV)
        self.here(path).write_bytes(text.encode())
        os.chown(self.here(path), DEV, DEV)

    def run(self, *command: str, cwd: Path = HOME, timeout_s: float = 120, env: Mapping[str, str] | None = None) -> Ran:
        bounded = ("timeout", "--kill-after=5", str(timeout_s), *command)
        inside = self._inside(bounded, cwd, env)
        ran = subprocess.run(inside, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=CLEAN)
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def must(self, *command: str, cwd: Path = HOME, env: Mapping[str, str] | None = None) -> str:
        """Like `run`, for commands that have to succeed. The standard output."""
        ran = self.run(*command, cwd=cwd, env=env)
        if ran.code:
            raise RuntimeError(f"{' '.join(command)} ended with {ran.code} in the box: {ran.err or ran.out}")
        return ran.out

    def start(self, *command: str, cwd: Path = HOME, env: Mapping[str, str] | None = None) -> Started:
        """Starts a command inside that goes on until it is stopped or the box ends."""
        pid_file = OUT / f"{uuid.uuid4().hex}.pid"
        # The shell's pid is the command's, as the box counts them; a signal sent to nsenter would not get through.
        wrapped = ("sh", "-c", 'echo $$ >"$0"; exec "$@"', str(pid_file), *command)
        inside = self._inside(wrapped, cwd, env)
        with self.here(pid_file.with_suffix(".err")).open("w") as err:
            process = subprocess.Popen(
                inside, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True, env=CLEAN
            )
        self._started.append(Started(self, process, pid_file))
        return self._started[-1]

    def _inside(self, command: Sequence[str], cwd: Path, env: Mapping[str, str] | None) -> list[str]:
        target = f"/proc/{self._init.pid}/ns"
        enter = ["nsenter", "--target", str(self._init.pid), "--net", "--mount", "--uts", "--ipc"]
        become = ["setpriv", f"--reuid={DEV}", f"--regid={DEV}", "--clear-groups", "--no-new-privs"]
        pairs = [f"{name}={value}" for name, value in {**self._env, **(env or {})}.items()]
        return [*enter, f"--pid={target}/pid_for_children", *become, "env", "-i", "-C", str(cwd), *pairs, *command]


def wait_until(true: Callable[[], bool], timeout_s: float = 20) -> float:
    """Polls until it is true, since nothing tells that a screen or a file has changed; returns the seconds that took.

    Raises TimeoutError.
    """
    start = time.monotonic()
    while not true():
        if time.monotonic() - start > timeout_s:
            raise TimeoutError(f"not within {timeout_s} s")
        time.sleep(0.02)
    return time.monotonic() - start


class Started:
    def __init__(self, box: Box, process: subprocess.Popen[str], pid_file: Path) -> None:
        self._box = box
        self._process = process
        self._pid_file = pid_file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it if it still runs: what a failed row leaves behind would take the replies of the next one."""
        if not self.ended():
            self.kill()

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def ended(self) -> bool:
        return self._process.poll() is not None

    def said(self) -> str:
        return self._box.here(self._pid_file.with_suffix(".err")).read_text("utf-8", "replace")

    def stop(self, timeout_s: float = 10) -> int:
        self._signal("TERM")
        return self.wait(timeout_s)

    def interrupt(self, timeout_s: float = 10) -> int:
        self._signal("INT")
        return self.wait(timeout_s)

    def kill(self) -> int:
        self._signal("KILL")
        return self.wait()

    def _signal(self, name: str) -> None:
        self._box.must("kill", f"-{name}", self._box.here(self._pid_file).read_text().strip())

    def wait(self, timeout_s: float = 10) -> int:
        """How it ended: its exit code, negative for a signal. Raises subprocess.TimeoutExpired."""
        code = self._process.wait(timeout_s)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """`paths` less those that lie below another or in /usr, which a box shows anyway."""
    found: list[Path] = []
    for path in sorted(set(paths)):
        if not path.is_relative_to("/usr") and not any(path.is_relative_to(outer) for outer in found):
            found.append(path)
    return found


class Gate:
    """A command that runs in a client until the test lets it go on: it reads from a named pipe."""

    def __init__(self, box: Box, name: str) -> None:
        path = OUT / name
        self.command = f"cat {path}"
        self._here = box.here(path)
        os.mkfifo(self._here)
        os.chown(self._here, DEV, DEV)
        self._writer: int | None = None

    def wait_reached(self, timeout_s: float = 60) -> None:
        """Waits until the client has come to the command, which may take long on a busy machine."""
        wait_until(self._reached, timeout_s)

    def open(self) -> None:
        assert self._writer is not None
        os.close(self._writer)

    def _reached(self) -> bool:
        """A pipe can be opened for writing, without waiting, only while somebody reads from it."""
        try:
            self._writer = os.open(self._here, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        return True


PASTED_S: Final = 0.6
"""A Return that comes sooner after the text counts as part of a paste (Claude Code 2.0.65); no sign says when not."""

PRESSES: Final = 6

_SERVERS: Final = count()
"""A server for each terminal: one that is about to end refuses what the next terminal asks (tmux 3.3a)."""


class Terminal:
    """A terminal of 120 x 50 with one program in it. Leaving the context ends the program."""

    def __init__(self, box: Box, *command: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self._box = box
        self._tmux = ("tmux", "-L", f"lab{next(_SERVERS)}", "-f", "/dev/null")
        where = ("-x", "120", "-y", "50", "-c", str(cwd))
        box.must(*self._tmux, "new-session", "-d", "-s", "lab", *where, shlex.join(command), env=env)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._box.run(*self._tmux, "kill-server")

    def screen(self) -> str:
        return self._box.must(*self._tmux, "capture-pane", "-p", "-t", "lab")

    def pid(self) -> str:
        return self._box.must(*self._tmux, "list-panes", "-t", "lab", "-F", "#{pane_pid}").strip()

    def key(self, *names: str) -> None:
        """Presses keys, named as tmux names them: "Enter", "Escape", "C-c"."""
        self._box.must(*self._tmux, "send-keys", "-t", "lab", *names)

    def choose(self, key: str, pattern: str) -> None:
        """Presses a key until `pattern` is on the screen: a key that comes too soon is lost. Raises TimeoutError."""
        for _ in range(PRESSES - 1):
            self.key(key)
            with suppress(TimeoutError):
                return self.wait(pattern, 5.0)
        self.key(key)
        return self.wait(pattern)

    def enter(self, text: str) -> None:
        self._box.must(*self._tmux, "send-keys", "-t", "lab", "-l", text)
        self.wait(r"[\s┃]+".join(map(re.escape, text.split())))  # wherever the input field breaks the line
        time.sleep(PASTED_S)
        self.key("Enter")

    def wait_end(self) -> None:
        wait_until(lambda: self._box.run(*self._tmux, "has-session", "-t", "lab").code != 0)

    def wait_text(self, text: str) -> None:
        """Until `text` is on the screen, wherever a line is broken, in a word too. Raises TimeoutError."""
        self.wait(r"\s*".join(map(re.escape, "".join(text.split()))), 90)

    def wait(self, pattern: str, timeout_s: float = 30) -> None:
        try:
            wait_until(lambda: re.search(pattern, self.screen()) is not None, timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{pattern!r} did not appear in {timeout_s} s; the screen:\n{self.screen()}") from error
