"""Other programs that make a text of a session without a model, at fixed versions: `make takeover-peers` installs them.

To add one: a `Program` in `PROGRAMS`, with where it looks for sessions and the arguments that make its text.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from platformdirs import user_cache_path

from bench.peers import CLAUDE_HANDOFF
from quality.arms import SIZES

FOLDER: Final = user_cache_path("carryover-takeover") / "programs"
_LIMIT_S: Final = 60
_ALONE: Final = ("unshare", "--user", "--map-root-user", "--net")
"""Without a network, so that nothing is sent and no model can be asked. Without `unshare`, nothing is run."""
_ID: Final = "00000000-0000-4000-8000-000000000000"


class Package(Protocol):
    """What a registry holds at a fixed version."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def program(self, cache: Path) -> Path: ...

    def install(self, cache: Path) -> str: ...


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A package of npm and its program of the same name. It runs with the Node.js that is found first in PATH."""

    name: str
    version: str

    def program(self, cache: Path) -> Path:
        return self._folder(cache) / "node_modules" / ".bin" / self.name

    def install(self, cache: Path) -> str:
        """Installs it unless it is there; returns why that failed, or an empty text."""
        if self.program(cache).exists():
            return ""
        quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
        command = ["npm", "install", *quiet, "--prefix", str(self._folder(cache)), f"{self.name}@{self.version}"]
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=180, check=True)
        except (OSError, subprocess.SubprocessError):
            return f"not installed: {self.name} {self.version} could not be fetched from npm"
        return "" if self.program(cache).exists() else f"not installed: {self.name} {self.version} has no such program"

    def _folder(self, cache: Path) -> Path:
        return cache / "peers" / f"{self.name}-{self.version}"


@dataclass(frozen=True, slots=True)
class BuiltProgram:
    """A program that no registry holds. Who wants to compare with it builds it from its commit and puts it there."""

    name: str
    version: str

    def program(self, cache: Path) -> Path:
        return cache / "peers" / f"{self.name}-{self.version}" / self.name

    def install(self, cache: Path) -> str:
        """Returns where to put it, or an empty text if it is there."""
        program = self.program(cache)
        return "" if program.exists() else f"not installed: build {self.name} {self.version}, and put it at {program}"


@dataclass(frozen=True, slots=True)
class Program:
    """One program, and how it is asked for a text.

    In `arguments`, by the name of each way to ask, `{file}` is the session, and `{out}` a file whose content is the
    program's text; without it, the text is what the program prints.
    """

    package: Package
    places: Mapping[str, str]
    """For each agent whose sessions it reads, where in the home it looks for one."""
    arguments: Mapping[str, tuple[str, ...]]
    within: str = "."
    """The folder in the home that it is run in."""

    @property
    def name(self) -> str:
        """Its name with the version that is measured."""
        return f"{self.package.name} {self.package.version}"

    def text(self, folder: Path, file: Path, until: int, agent: str, asked: str) -> str:
        """Returns its text of the session up to a record, made in a home of its own and without a network.

        Raises CalledProcessError, TimeoutExpired or OSError if it fails.
        """
        with tempfile.TemporaryDirectory(prefix="home-") as place:  # some name their file, and so this folder
            home = Path(place)
            cut = home / self.places[agent]
            cut.parent.mkdir(parents=True)
            with file.open("rb") as source:
                cut.write_bytes(b"".join(islice(source, until or None)))
            os.utime(cut, (file.stat().st_atime, file.stat().st_mtime))  # continues says when it was last active
            out = home / "handoff.md"
            arguments = [each.format(file=cut, out=out) for each in self.arguments[asked]]
            printed = _printed([str(self.package.program(folder)), *arguments], home, home / self.within)
            writes = "{out}" in self.arguments[asked]
            return out.read_text(encoding="utf-8", errors="replace") if writes else printed


def _printed(command: list[str], home: Path, within: Path) -> str:
    within.mkdir(parents=True, exist_ok=True)
    node = shutil.which("node") or "/usr/bin/node"
    env = {"HOME": str(home), "PATH": f"{Path(node).parent}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    ran = subprocess.run([*_ALONE, *command], env=env, cwd=within, capture_output=True, timeout=_LIMIT_S)
    if ran.returncode and b"no conversation turns" not in ran.stderr:
        ran.check_returncode()
    return ran.stdout.decode("utf-8", "replace")


CONTINUES: Final = Program(
    NpmPackage("continues", "4.0.12"),
    {
        "claude-code": f".claude/projects/-home-dev-work/{_ID}.jsonl",
        "codex": f".codex/sessions/2026/01/01/rollout-2026-01-01T00-00-00-{_ID}.jsonl",
    },
    {preset: ("inspect", "", "--preset", preset, "--write-md", "{out}") for preset in ("minimal", "standard", "full")},
)
DIGEST: Final = Program(
    CLAUDE_HANDOFF,
    {"claude-code": ".claude/projects/-home-dev-work/session.jsonl"},
    {f"{size:,}": ("{file}", "--fit", str(size), "-o", "-") for size in SIZES},
)
DEJA_VU: Final = Program(
    BuiltProgram("deja-vu", "b264ec72"),
    {"claude-code": f".claude/projects/-home-dev-work/{_ID}.jsonl"},
    {"handoff": ("handoff",)},
    within="dev/work",
)
"""It takes the newest session of the project whose folder it is run in, which it names by the last two parts."""
PROGRAMS: Final = (DIGEST, CONTINUES)
"""Those that are installed from a registry; `make takeover` measures with each that is there."""


def installed(folder: Path) -> list[Program]:
    """Returns the programs that are there."""
    return [each for each in PROGRAMS if each.package.program(folder).exists()]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make takeover-peers", description=__doc__, allow_abbrev=False)
    parser.add_argument("--folder", type=Path, metavar="DIR", default=FOLDER, help="default: %(default)s")
    folder = parser.parse_args().folder
    problems = [problem for each in PROGRAMS if (problem := each.package.install(folder))]
    by_hand = DEJA_VU.package.install(folder)
    print("\n".join([*(f"{each.name}: {folder}" for each in installed(folder)), *problems, by_hand]).strip())
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
