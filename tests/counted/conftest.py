from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from support.agent_here import put_claude
from support.daemon_process import DaemonProcess, wait_until
from support.replayed import make_project, replay
from support.tools import program

BEFORE_NS: Final = time.time_ns() - 3_600 * 10**9
_RECORDER: Final = Path(__file__).with_name("recorder")
_CARRYOVERD: Final = (sys.executable, "-P", "-m", "carryover.faces.cli.carryoverd")
"""As a command, not forked: the recorder is loaded when Python starts."""


@dataclass(frozen=True, slots=True)
class World:
    """A home folder in which Claude Code has worked in one project; every process there records what it starts."""

    home: Path
    project: Path
    journal: Path

    @classmethod
    def below(cls, home: Path) -> World:
        """One whose history no daemon and no command has read yet."""
        world = cls(home, home / "shop", home / "journal")
        world.journal.touch()
        put_claude(home)
        program(home / "bin" / "systemctl", "exit 1")
        git = shutil.which("git")
        assert git is not None
        (home / "bin" / "git").symlink_to(git)
        (home / ".carryover").mkdir(mode=0o700)
        (home / ".carryover" / "config.toml").write_text("[server]\nport = 0\n")
        committed = f"@{BEFORE_NS // 10**9} +0000"  # before the work: times of commits are whole seconds
        make_project(world.project, {**world.env, "GIT_AUTHOR_DATE": committed, "GIT_COMMITTER_DATE": committed})
        replay(home / ".claude", world.project)
        for path in (home / ".claude").rglob("*.jsonl"):  # what changed just now is read twice, to be sure
            os.utime(path, ns=(BEFORE_NS, BEFORE_NS))
        return world

    @property
    def env(self) -> dict[str, str]:
        """No command is found but git, `claude` and a service manager that fails, whatever this machine has."""
        return {
            "PATH": str(self.home / "bin"),
            "HOME": str(self.home),
            "CARRYOVER_HOME": str(self.home / ".carryover"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(self.home / "no-runtime"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.home}/no-bus",
            "COUNTED": str(self.journal),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_RECORDER), os.environ.get("PYTHONPATH")))),
        }

    def run(self, *arguments: str) -> int:
        """Calls Python with `arguments` in the project; how many processes it started. Fails where it does."""
        mark, pipe = self.mark(), subprocess.PIPE
        command = [sys.executable, "-P", "-m", *arguments]
        with subprocess.Popen(command, cwd=self.project, env=self.env, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            said = process.communicate(timeout=60)
        assert process.returncode == 0, (command, said)
        return self.started_by(process.pid, mark)

    def mark(self) -> int:
        """The place in the journal after what has happened so far."""
        return self.journal.stat().st_size

    def started_by(self, pid: int, mark: int) -> int:
        """How many processes the process `pid` has started after `mark`."""
        with self.journal.open(encoding="utf-8") as file:
            file.seek(mark)
            lines = [line.partition("\t") for line in file]
        return sum(int(by) == pid and self._is_of_the_test(command) for by, _, command in lines)

    def _is_of_the_test(self, command: str) -> bool:
        """Whether it is not an agent that this machine has: those in folders of the system are found without a path."""
        return command.startswith(str(self.home)) or not command.startswith("/")


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.below(tmp_path_factory.mktemp("counted"))


@pytest.fixture
def with_daemon(world: World) -> Iterator[DaemonProcess]:
    """A daemon in that world that has read and published everything."""
    with DaemonProcess(_CARRYOVERD, env=world.env) as daemon:
        wait_until("the first rescan", lambda: daemon.health()["caught_up"])
        daemon.settle()
        yield daemon
