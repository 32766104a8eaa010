"""A home folder with projects, agents that write, and a daemon that is to survive whatever is done to it."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from carryover.daemon.client import ask_daemon
from carryover.daemon.main import __file__ as daemon_main
from carryover.errors import UserError
from carryover.paths import StateDir
from chaos import skewed_daemon
from chaos.load import Load
from support.daemon_process import DaemonProcess, wait_until
from support.forked import ALTERED, carryover

COMMAND: Final = (sys.executable, skewed_daemon.__file__)
FORKED: Final = (*ALTERED, "from chaos import skewed_daemon; skewed_daemon.begin()")
CLI_LIMIT_S: Final = 90.0
END_S: Final = 40.0
CONFIG: Final = '[server]\nport = 0\n[publish]\npointers = "shared"\n'


class Broken(AssertionError):
    """Something that must hold at all times did not."""


class World:
    """All that a run needs; `kills` counts the daemons that were ended by SIGKILL."""

    def __init__(self, top: Path, chance: random.Random, first_mark: int = 0) -> None:
        self.name = top.name
        self.chance = chance
        self.home = top / "home"
        self.state = StateDir(self.home / ".carryover")
        self.clock = top / "clock"
        self.also: dict[str, str] = {}
        """More variables of the environment."""
        self.aside = top / "aside"
        self.kills = 0
        self.starts = 0
        self.most_kills = 6
        self.most_turns = 4
        self.longest_life_s = 0.3
        self.start_s = 0.5
        self.command: Sequence[str] = COMMAND
        self.forks = False
        """Whether most daemons are forked, so that their starts take no time."""
        self.mounted = False
        self.noted = ""
        """What the present fault does, for the report of one that breaks something."""
        self.state.root.mkdir(parents=True, mode=0o700)
        self.temporary = top / "tmp"
        self.canaries: list[str] = []
        self.aside.mkdir()
        self.temporary.mkdir()
        projects = [self.home / "work" / name for name in ("shop", "blog", "desk")]
        for project in projects:
            subprocess.run(["git", "init", "-q", str(project)], check=True, env=self.env())
        self.load = Load(self.home, projects, chance, first_mark)
        self.guests: dict[str, set[str]] = {}
        """By the name of a project, the marks of other machines that its handoff may have."""
        self.started: DaemonProcess | None = None

    def env(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "CARRYOVER_HOME": str(self.state.root),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(Path(daemon_main).parents[2]),
            "GIT_CONFIG_NOSYSTEM": "1",
            skewed_daemon.VARIABLE: str(self.clock),
            **self.also,
        }

    def hurry(self) -> None:
        self.forks = True
        self.most_kills, self.most_turns, self.longest_life_s = 60, 1, 0.1

    def mount_state(self) -> None:
        """Gives the state folder a small disk. Raises CalledProcessError where this process may not mount."""
        options = "size=96m,mode=0700"
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(self.state.root)]
        subprocess.run(command, check=True, capture_output=True)
        self.mounted = True

    def configure(self, text: str = CONFIG) -> None:
        self.state.root.mkdir(mode=0o700, exist_ok=True)
        self.state.config.write_text(text)

    @property
    def daemon(self) -> DaemonProcess:
        """The daemon; started if there is none, and again if it ended before it answered: it had a ledger to mend."""
        for _ in range(4):
            if self.alive:
                break
            started = self.start()
            wait_until("an answer or the end", lambda: not self.alive or started.ask("GET", "/health"))  # noqa: B023
        assert self.started is not None
        return self.started

    @property
    def alive(self) -> bool:
        return self.started is not None and self.started.process.poll() is None

    def start(self) -> DaemonProcess:
        assert not self.alive
        self.starts += 1
        # How many of the daemons are started by their command, where others are forked.
        forked = self.forks and self.command is COMMAND and self.chance.random() > 0.02
        self.started = DaemonProcess(FORKED if forked else self.command, env=self.env()).start()
        return self.started

    def kill(self) -> None:
        if self.started is not None and self.alive:
            self.started.kill()
            self.kills += 1

    def perhaps_restart(self, share: float) -> None:
        """Kills the daemon with that chance, and starts the next one."""
        if self.chance.random() < share:
            self.kill()
            self.start().wait_until_it_answers()

    def pause(self, most_s: float) -> None:
        time.sleep(self.chance.uniform(0, most_s))

    def scribble(self, path: Path, most: int) -> None:
        size = path.stat().st_size
        with path.open("r+b") as file:
            for _ in range(self.chance.randint(1, most)):
                file.seek(self.chance.randrange(size))
                file.write(self.chance.randbytes(self.chance.choice((1, 16, 600))))

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """A command of `carryover`. Raises Broken for a traceback and for one that does not end."""
        try:
            ran = carryover(*arguments, env=self.env(), cwd=cwd or self.load.projects[0], limit_s=CLI_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise Broken(f"carryover {' '.join(arguments)} took more than {CLI_LIMIT_S:g} s") from error
        if "Traceback" in ran.stderr or ran.returncode not in (0, 1, 2, 3, 4, 5):
            raise Broken(f"carryover {' '.join(arguments)} ended with {ran.returncode}:\n{ran.stderr}")
        return ran

    def empty_state(self) -> None:
        """Removes the state, folder and all; of a mounted one all that is in it."""
        for entry in list(self.state.root.iterdir()) if self.mounted else [self.state.root]:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        self.ledger_lost()
        for turn in self.load.turns:
            if turn.forgotten == "yes":
                turn.forgotten = "perhaps"
            if "hooks" in self.load.traits_of(turn.tool):
                turn.on_disk = False

    def ledger_lost(self) -> None:
        """The ledger may have lost what it had, but not what it was to forget, of which a copy is beside it."""
        for turn in self.load.turns:
            turn.confirmed = False

    def revive(self) -> None:
        """Starts the daemon until one lasts; each that ends makes way for the next, as under a supervisor."""
        for _ in range(8):
            with suppress(AssertionError, TimeoutError):
                daemon = self.daemon
                if daemon.ask("POST", "/settle") is not None:
                    return
                self.wait_for_the_end("the daemon that answers no more")
        raise Broken("no daemon lasts")

    def remove_copies(self) -> list[Path]:
        """Removes the damaged ledgers that were moved aside: they would fill the small disk."""
        found = list(self.state.root.glob("ledger.corrupt-*"))
        for path in found:
            path.unlink()
        return found

    def remove_ledger(self, ends: Sequence[str] = ("", "-wal", "-shm")) -> None:
        for end in ends:
            self.state.ledger.with_name(self.state.ledger.name + end).unlink(missing_ok=True)
        self.ledger_lost()

    def health(self) -> object:
        """What the daemon answers about itself within a few seconds, perhaps that it can't; None without an answer."""
        try:
            return ask_daemon(self.state.socket, "GET", "/health", timeout_s=5)
        except UserError as refused:
            return refused
        except OSError:
            return None

    def wait_for_the_end(self, who: str) -> None:
        """Returns once the daemon has ended by itself. Raises Broken if that takes too long."""
        if self.started is not None:
            try:
                self.started.process.wait(END_S)
            except subprocess.TimeoutExpired as error:
                raise Broken(f"{who} did not end within {END_S:g} s") from error

    def last_lines(self) -> list[str]:
        return [] if self.started is None else self.started.log()[-25:]

    def close(self) -> None:
        if self.started is not None and self.alive:
            self.started.kill()
