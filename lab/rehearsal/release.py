"""Makes a release that is never published: a clone of a commit, a version and a tag of its own, built in that clone."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rehearsal.stage import Failed, run
from support.clone import CHECKOUT

TOOLS: Final = CHECKOUT / ".venv/release/bin"
"""The locked tools of a release, in the environment that `make dist` uses."""
_INIT: Final = "src/carryover/__init__.py"
_SCHEMA: Final = "src/carryover/ledger/schema.py"
_MIGRATIONS: Final = re.compile(r"^MIGRATIONS\b.* = \((.*)\)$", re.MULTILINE)
_AUTHOR: Final = ("-c", "user.name=Rehearsal", "-c", "user.email=rehearsal@example.invalid", "-c", "commit.gpgsign=no")
_PYTHON_PACKAGES: Final = """\
import sys; from pathlib import Path; import make_dist
make_dist.python_packages(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@dataclass(frozen=True, slots=True)
class Clone:
    """A commit's files in a folder of their own, with the version that they say they are."""

    root: Path
    version: str

    @property
    def dist(self) -> Path:
        """Where the packages are, once they are built."""
        return self.root / "dist"


def cloned(commit: str, root: Path) -> Clone:
    """Returns a clone of this checkout, at a commit."""
    run("git", "clone", "--quiet", "--no-hardlinks", CHECKOUT, root)
    run("git", "checkout", "--quiet", "--detach", commit, cwd=root)
    return Clone(root, version_of((root / _INIT).read_text("utf-8")))


def tagged(clone: Clone) -> Clone:
    """Returns the clone with the next version: named, collected in the changelog, committed and tagged."""
    version = after(clone.version)
    init = clone.root / _INIT
    init.write_text(init.read_text("utf-8").replace(f'"{clone.version}"', f'"{version}"'), "utf-8")
    changelog = ("build", "--yes", "--version", version, "--date", f"{datetime.now(UTC):%Y-%m-%d}")
    run(TOOLS / "towncrier", *changelog, cwd=clone.root)
    run("git", *_AUTHOR, "commit", "--quiet", "--all", "--message", f"Release {version}", cwd=clone.root)
    run("git", *_AUTHOR, "tag", "--annotate", "--message", version, f"v{version}", cwd=clone.root)
    tag = run("git", "describe", "--exact-match", cwd=clone.root).strip()
    if tag != f"v{version_of(init.read_text('utf-8'))}":
        raise Failed(f"the tag {tag} does not name the version that the program says")
    return Clone(clone.root, version)


def build(clone: Clone) -> None:
    """Builds everything, as `make dist` does."""
    run(TOOLS / "python", "packaging/make_dist.py", cwd=clone.root)


def build_python_packages(clone: Clone) -> None:
    """Builds the wheel and the source archive alone, by the same code."""
    scratch = clone.root / "build/scratch"
    clone.dist.mkdir()
    run(TOOLS / "python", "-c", _PYTHON_PACKAGES, scratch, clone.dist, cwd=clone.root / "packaging")
    shutil.rmtree(scratch)


def version_of(init: str) -> str:
    """Returns the version that the package's first module states."""
    [version] = re.findall(r'^__version__ = "(\d+\.\d+\.\d+)"$', init, re.MULTILINE)
    return str(version)


def after(version: str) -> str:
    """Returns the next version: its last number is one higher."""
    major, minor, patch = version.split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def migrations_of(schema: str) -> int:
    """Returns how many migrations of the ledger that text of `ledger/schema.py` lists; 0 if it can't be told."""
    found = _MIGRATIONS.search(schema)
    return len([name for name in found[1].split(",") if name.strip()]) if found else 0


def commit_before() -> str:
    """Returns the commit of the newest tag `v...`, or, before a first release, the last one with an older ledger."""
    tags = run("git", "tag", "--list", "v*", "--sort=-version:refname", "--merged", "HEAD", cwd=CHECKOUT).split()
    if tags:
        return tags[0]
    now = migrations_of(run("git", "show", f"HEAD:{_SCHEMA}", cwd=CHECKOUT))
    for commit in run("git", "log", "--format=%H", "--", _SCHEMA, cwd=CHECKOUT).split():
        if 0 < migrations_of(run("git", "show", f"{commit}^:{_SCHEMA}", cwd=CHECKOUT)) < now:
            return f"{commit}^"
    raise Failed("no tag v*, and no commit with an older ledger: name one with BEFORE=...")
