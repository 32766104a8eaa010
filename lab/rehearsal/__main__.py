"""`make rehearse`: the release of a tag from end to end, with nothing published; what it found is in a report.

A clone of HEAD gets the next version and a tag, is built by the code of `make dist`, and is served on loopback, where
users without a past install it, and one who has the release before it upgrades and goes back. Commit what you want to
rehearse: the clone has nothing else. BEFORE names the commit of the release before.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rehearsal import installs, release
from rehearsal.registries import Registries, served
from rehearsal.report import Outcome, Result, page
from rehearsal.stage import Failed, NotRun, User, megabytes, run, user
from rehearsal.upgrade import Household
from support.clone import CHECKOUT

REPORT: Final = CHECKOUT / "build/rehearsal/report.md"
SEED: Final = 7


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the folder is removed
    commit = run("git", "rev-parse", "HEAD", cwd=CHECKOUT).strip()
    os.environ["PATH"] = f"{release.TOOLS}:{os.environ['PATH']}"
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder, served(Path(folder) / "served") as registries:
        rehearsal = Rehearsal(Path(folder), registries, options.before or release.commit_before())
        for step in rehearsal.steps():
            print(f"rehearse: {step.name}", flush=True)
            results.append(timed(*step))
            write(options.report, page(rehearsal.version, commit, results))
            print(f"rehearse: {step.name}: {results[-1].outcome}", flush=True)
    print(f"rehearse: {options.report}")
    return int(any(each.outcome == "failed" for each in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make rehearse", description=__doc__, allow_abbrev=False)
    parser.add_argument("--before", metavar="COMMIT", help="default: the newest tag v*, else the last older ledger")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", default=REPORT, help="default: build/rehearsal/report.md"
    )
    return parser


class Step(NamedTuple):
    """A step of the rehearsal. `does` says what it found, and raises Failed or NotRun."""

    name: str
    what: str
    does: Callable[[], Sequence[str]]


class Rehearsal:
    """One rehearsal, below a throw-away `folder`. `before`: the commit of the release before this one."""

    def __init__(self, folder: Path, registries: Registries, before: str) -> None:
        self._folder = folder
        self._registries = registries
        self._before = before
        self._older = release.cloned(before, folder / "older")
        self._clone = release.cloned("HEAD", folder / "clone")
        self.version = release.after(self._clone.version)
        self._newer = release.Clone(self._clone.root, self.version)
        self._home = Household(self._user("upgrader"), SEED)

    def steps(self) -> tuple[Step, ...]:
        """Returns the steps in the order of time: the release before was published before this one."""
        older, newer, home = self._older.version, self.version, self._home
        return (
            Step("before", f"builds {older} of {self._before[:13]}, the release before", self._publish_older),
            Step("recorded", "installs that, sets it up, records sessions", lambda: home.begin(older)),
            Step("tag", f"clones HEAD, names it {newer}, tags it", self._tag),
            Step("build", "builds all packages as `make dist` does", self._build),
            Step("verify", "checks the checksums as a user does", lambda: installs.verified(self._newer)),
            Step("uv", "`uv tool install carryoverd`", lambda: self._installed_by("uv")),
            Step("pipx", "`pipx install carryoverd`", lambda: self._installed_by("pipx")),
            Step("npx", "`npx carryoverd --version`, `npx carryoverd status`", self._tried_by_npx),
            Step("debian", "the Debian package in a fresh root", lambda: self._tested("test_debian")),
            Step("recipes", "the wheel's files, Arch, Homebrew", lambda: self._tested("recipe or formula or tracks")),
            Step("brew", "`brew style`", lambda: installs.brew_style(self._newer)),
            Step("upgrade", f"from {older} to {newer}", lambda: home.upgrade(newer)),
            Step("back", f"from {newer} to {older}, and again to {newer}", lambda: home.back(older, newer)),
        )

    def _user(self, name: str) -> User:
        return user(self._folder / "homes" / name, self._registries)

    def _publish_older(self) -> list[str]:
        release.build_python_packages(self._older)
        self._registries.publish(self._older.dist.iterdir())
        return sorted(path.name for path in self._older.dist.iterdir())

    def _tag(self) -> list[str]:
        return [f"v{release.tagged(self._clone).version}"]

    def _build(self) -> list[str]:
        release.build(self._newer)
        files = sorted(self._newer.dist.iterdir())
        named = f"carryoverd-{self.version}"
        self._registries.publish(
            path for path in files if path.name.startswith(named) and path.suffix in (".whl", ".gz", ".tgz")
        )
        return [f"{megabytes(path):8.1f} MB  {path.name}" for path in files]

    def _installed_by(self, tool: str) -> list[str]:
        return installs.by_tool(self._user(tool), tool, self.version)

    def _tried_by_npx(self) -> list[str]:
        return installs.by_npx(self._user("npx"), self.version)

    def _tested(self, wanted: str) -> list[str]:
        return installs.as_tested(self._newer, wanted, self._folder / f"tested-{wanted.split()[0]}.xml")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def timed(name: str, what: str, does: Callable[[], Sequence[str]]) -> Result:
    """Returns what a step came to. Whatever it raises is a failure of that step alone, so that the others are run."""
    began = time.monotonic()
    outcome: Outcome = "held"
    try:
        said = list(does())
    except NotRun as why:
        outcome, said = "not run", str(why).splitlines()
    except Failed as why:
        outcome, said = "failed", str(why).splitlines()
    except Exception:
        outcome, said = "failed", traceback.format_exc().splitlines()
    return Result(
        name, what, outcome, time.monotonic() - began, tuple(line for text in said for line in text.splitlines())
    )


if __name__ == "__main__":
    sys.exit(main())
