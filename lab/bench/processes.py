"""Processes beside ours: the real daemon in a throw-away home, and a daemon without a job."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from bench.measure import memory
from carryover.daemon.client import ask_daemon
from carryover.paths import StateDir

WAIT_S: Final = 14_400.0
START_POLL_S: Final = 0.01
"""How often a daemon with nothing new to read is asked whether it knows that: it takes a few tenths of a second."""

CONFIG: Final = "[server]\nport = 0\n"
"""Any free port, so that an installed daemon may run beside."""
COMMANDS: Final = (
    "--version", "--help", "sessions", "show last", "log", "search part", "status", "handoff",
)  # fmt: skip
PROGRAM: Final = Path(sys.executable).with_name("carryover")


@dataclass(frozen=True, slots=True)
class Process:
    """A running process and the moment before it was started (`time.perf_counter`)."""

    popen: subprocess.Popen[bytes]
    started_s: float
    socket: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def wait_until(self, done: Callable[[], bool], *, every_s: float) -> float:
        """Wait until `done`; seconds since the start. Raises RuntimeError when the process has ended by itself."""
        deadline_s = time.monotonic() + WAIT_S
        while not done():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"nothing came of it within {WAIT_S:.0f} s")
            self.check()
            time.sleep(every_s)
        return time.perf_counter() - self.started_s

    def wait_answering(self) -> float:
        return self.wait_until(self.socket.exists, every_s=0.002)

    def check(self) -> None:
        if self.popen.poll() is not None:
            words = self.socket.with_suffix(".out").read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"a process ended by itself ({self.popen.returncode}). Its last words:\n{words}")

    def health(self) -> dict[str, Any] | None:
        return ask_daemon(self.socket, "GET", "/health", timeout_s=10.0)

    def wait_caught_up(self, *, every_s: float = 0.1) -> float:
        return self.wait_until(self.is_caught_up, every_s=every_s)

    def is_caught_up(self) -> bool:
        return bool((self.health() or {}).get("caught_up"))


def environment(home: Path) -> dict[str, str]:
    """Variables for programs that are to see `home` and nothing of the machine's settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "CARRYOVER_HOME": str(home / ".carryover"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LANG": "C.UTF-8",
    }


def fresh_state(home: Path) -> StateDir:
    """The state folder of `home`, with nothing in it but a config; what was there goes."""
    state = StateDir(home / ".carryover")
    if state.root.exists():
        state.root.rename(home / f"old-state-{time.monotonic_ns()}")
    state.root.mkdir(mode=0o700)
    state.config.write_text(CONFIG, encoding="utf-8")
    return state


@contextmanager
def daemon(home: Path) -> Iterator[Process]:
    state = StateDir(home / ".carryover")
    with _running([sys.executable, "-m", "carryover.faces.cli.carryoverd"], environment(home), state.socket) as process:
        yield process


@contextmanager
def bare_daemon(folder: Path) -> Iterator[Process]:
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "bare.sock"
    program = Path(__file__).with_name("bare_daemon.py")
    command = [sys.executable, str(program), str(folder / "watched"), str(socket)]
    with _running(command, environment(folder), socket) as process:
        yield process


def usage(processes: Sequence[Process], seconds: float) -> list[tuple[int | None, float | None]]:
    """Resident bytes and percents of a processor of each process and those below it, while nothing happens; None where
    there is no /proc."""
    before = [processor_s(process.pid) for process in processes]
    time.sleep(seconds)
    after = [processor_s(process.pid) for process in processes]
    found: list[tuple[int | None, float | None]] = []
    for process, was, now in zip(processes, before, after, strict=True):
        sizes = [size for each in processes_of(process.pid) if (size := memory(each, "VmRSS")) is not None]
        percents = None if was is None or now is None else (now - was) / seconds * 100
        found.append((sum(sizes) if sizes else None, percents))
    return found


@contextmanager
def _running(command: Sequence[str], env: Mapping[str, str], socket: Path) -> Iterator[Process]:
    started_s = time.perf_counter()
    with socket.with_suffix(".out").open("wb") as stream:
        process = subprocess.Popen(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        running = Process(process, started_s, socket)
        yield running
        running.check()
    finally:
        process.terminate()
        try:
            process.wait(15.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def processes_of(pid: int) -> list[int]:
    """The process and all below it. Only itself where there is no /proc."""
    found = [pid]
    for each in found:
        with suppress(OSError):  # it has ended
            for task in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in _read(task / "children").split()]
    return found


def memory_of(pid: int) -> int | None:
    """Bytes of the whole tree, of what several processes share a part each (PSS). None where /proc does not say."""
    return _memory(processes_of(pid))


def processor_s(pid: int) -> float | None:
    """Seconds that the tree has used, with the processes that have ended in it. None where there is no /proc."""
    fields = [
        found.rpartition(")")[2].split() for each in processes_of(pid) if (found := _read(Path(f"/proc/{each}/stat")))
    ]
    if not fields:
        return None
    return sum(int(tick) for each in fields for tick in each[11:15]) / os.sysconf("SC_CLK_TCK")


class TreeWatch:
    """Takes the memory of a tree of processes again and again while the block lasts.

    `peak_bytes`: the most it had at once, None where that cannot be known. A process counts from the second time on
    that it is seen: what git takes for a moment is not what is asked for here.
    """

    def __init__(self, pid: int, every_s: float = 0.1) -> None:
        self.peak_bytes: int | None = None
        self._pid = pid
        self._every_s = every_s
        self._before = {pid}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def take(self) -> None:
        found = set(processes_of(self._pid))
        size = _memory(found & self._before)
        if size is not None:
            self.peak_bytes = max(self.peak_bytes or 0, size)
        self._before = {self._pid, *found}

    def _watch(self) -> None:
        while not self._ended.wait(self._every_s):
            self.take()


def _memory(pids: Iterable[int]) -> int | None:
    """The sum of what each memory takes: until it runs another program, a new process may be in that of its parent."""
    sizes: dict[str, int] = {}  # by where the memory begins and ends, which no two programs share
    for pid in pids:
        head, *lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines() or [""]
        sizes |= ((head, int(line.split()[1]) * 1024) for line in lines if line.startswith("Pss:"))
    return sum(sizes.values()) if sizes else None


def _read(path: Path) -> str:
    """Empty where the process has ended meanwhile."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run took, with the processes below it. `peak_bytes`: the most they had at once, None if unknown."""

    wall_s: float
    cpu_s: float
    peak_bytes: int | None
    returncode: int
    output: bytes
    errors: bytes


def run_measured(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], aside: Path) -> Ran:
    """Run a command; its streams go through files in `aside`, so that nothing is read meanwhile."""
    aside.mkdir(parents=True, exist_ok=True)
    outputs = aside / "stdout", aside / "stderr"
    with outputs[0].open("wb") as stdout, outputs[1].open("wb") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        with TreeWatch(process.pid, 0.02) as tree:
            _, status, used = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = used.ru_utime + used.ru_stime
    output, errors = (path.read_bytes() for path in outputs)
    return Ran(wall_s, cpu_s, tree.peak_bytes, process.returncode, output, errors)


def startup(home: Path, project: Path, times: int) -> tuple[dict[str, float], float]:
    """Median seconds of each command called in `project`, and of a bare interpreter between them."""
    runs = {
        "bare": (sys.executable, "-c", "pass"),
        **{f"carryover {name}": (str(PROGRAM), *name.split()) for name in COMMANDS},
    }
    took = [{name: run(command, home, project) for name, command in runs.items()} for _ in range(times)]
    medians = {name: statistics.median(each[name] for each in took) for name in runs}
    return medians, medians.pop("bare")


def run(command: Sequence[str], home: Path, project: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=project, env=environment(home), stdin=subprocess.DEVNULL, capture_output=True)
    took_s = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed ({done.returncode}): {done.stderr.decode(errors='replace')}")
    return took_s
