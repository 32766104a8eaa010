"""A real `systemd --user` for one test, shut off from whatever systemd the machine runs."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import carryover
from carryover.install.service import Ran, run_command
from support.daemon_process import wait_until

SCRIPT: Final = Path(__file__).with_suffix(".sh")
PROGRAMS: Final = [Path("/usr/lib/systemd/systemd"), Path("/lib/systemd/systemd")]


def missing() -> str | None:
    """Why there can be none here; None when there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a systemd of one's own needs Linux and root"
    lacking = [command for command in ("systemctl", "unshare", "nsenter", "setpriv") if shutil.which(command) is None]
    if lacking or not any(program.exists() for program in PROGRAMS):
        return f"not installed here: {', '.join(lacking) or 'systemd'} (Debian: apt install systemd)"
    groups = _control_groups()
    writable = groups is not None and os.access(groups, os.W_OK)
    return None if writable else "no control groups (version 2) that can be written here"


class UserSystemd:
    """Runs while the block lasts. `run` stands in for `run_command`: inside, as the user's shell would."""

    def __init__(self, home: Path) -> None:
        groups = _control_groups()
        assert groups is not None
        self._group = groups / f"carryover-test-{os.getpid()}-{time.monotonic_ns()}"
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self.env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "XDG_RUNTIME_DIR": "/run/user/0"}

    def run(self, command: Sequence[str], *, env: Mapping[str, str], limit_s: float = 10.0) -> Ran:
        inside = ("nsenter", f"--target={self._first_process()}", "--mount", "--pid", "--cgroup")
        return run_command((*inside, *command), env=env, limit_s=limit_s)

    def systemctl(self, *words: str) -> str:
        ran = self.run(("systemctl", "--user", *words), env=self.env)
        assert ran.ok, ran
        return ran.out.strip()

    def kill(self, pid: int, name: str) -> None:
        """Send the signal `name` to a process inside, by the number it has there."""
        assert self.run(("kill", f"-{name}", str(pid)), env=self.env).ok

    def __enter__(self) -> Self:
        self._group.mkdir()
        program = next(str(program) for program in PROGRAMS if program.exists())
        # Should the tests be killed, all of this is killed with them.
        command = ["setpriv", "--pdeathsig=KILL", "sh", str(SCRIPT), str(self._group), str(self._home), program]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until("systemd", self._runs)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()  # takes the first process inside with it, and the kernel all others
            self._process.wait()
        wait_until("the end of all processes inside", self._gone)

    def _runs(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the script failed"
        with contextlib.suppress(OSError, IndexError):
            ran = self.run(("systemctl", "--user", "is-system-running"), env=self.env)
            return ran.out.strip() in ("running", "degraded")
        return False

    def _first_process(self) -> str:
        assert self._process is not None
        pid = self._process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]

    def _gone(self) -> bool:
        try:
            for folder, _, _ in os.walk(self._group, topdown=False):
                Path(folder).rmdir()
        except OSError:  # a process of it is still ending
            return False
        return True

    def __exit__(self, *_: object) -> None:
        self.close()


def _control_groups() -> Path | None:
    """Where the unified hierarchy is mounted."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return next((Path(place) for _, place, kind, *_ in mounts if kind == "cgroup2"), None)


PACKAGE = Path(carryover.__file__).parent
PACKAGES = (PACKAGE, *PACKAGE.parent.glob("carryover_*"))
"""With the agents that come with it."""
SCRIPTS = (
    "[console_scripts]\ncarryover = carryover.faces.cli.main:main\ncarryoverd = carryover.faces.cli.carryoverd:main\n"
)


def make_wheel(folder: Path, version: str) -> Path:
    """Write the wheel into `folder`. The program in it says that it is `version`."""
    info = f"carryoverd-{version}.dist-info"
    path = folder / f"carryoverd-{version}-py3-none-any.whl"
    files = [file for package in PACKAGES for file in package.rglob("*") if file.is_file()]
    contents = {str(file.relative_to(PACKAGE.parent)): file.read_bytes() for file in files if file.suffix != ".pyc"}
    contents["carryover/__init__.py"] = f'__version__ = "{version}"\n'.encode()
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: carryoverd\nVersion: {version}\n".encode()
    contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{info}/entry_points.txt"] = SCRIPTS.encode()
    record = "".join(f"{name},,\n" for name in [*contents, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in {**contents, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(name, data)
    return path
