"""Builds all that a release consists of into `dist`, from the files that git tracks: `make dist`.

The bytes depend on those files, the locked tools and SOURCE_DATE_EPOCH (default: the time of the last commit), not on
the machine, the user or the hour. The wheel and the source archive are built twice to prove it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import debian
import recipes
import sbom
from common import PACKAGING, ROOT, VERSION, Release, run, sha256, with_hashes

SUMS: Final = "SHA256SUMS"


def main() -> None:
    """Builds everything, prints its sizes, and fails if two builds differ."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    os.umask(0o022)
    os.environ.setdefault("SOURCE_DATE_EPOCH", run("git", "log", "-1", "--format=%ct", cwd=ROOT).strip())
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        release = python_packages(scratch, dist)
        npm_package(release, scratch / "npm", dist)
        debian.build_all(release, scratch / "debian", dist)
        recipes.homebrew(release, dist)
        recipes.arch(release, dist)
        sbom.write(release, scratch / "sbom", dist)
    (dist / "NOTES.md").write_text(notes((ROOT / "CHANGELOG.md").read_text("utf-8"), VERSION), "utf-8")
    write_sums(dist)
    for path in sorted(dist.iterdir()):
        print(f"{path.stat().st_size:>10,}  {path.name}")


def python_packages(scratch: Path, dist: Path) -> Release:
    """The wheel and the source archive, in `dist`. Exits if a second build has other bytes."""
    first, second = (_built(scratch / name) for name in ("first", "second"))
    sums, again = ({path.name: sha256(path) for path in built} for built in (first, second))
    if sums != again:
        sys.exit(f"Two builds of the same files differ: {sums} and {again}. dist is not complete.")
    sdist, wheel = (Path(shutil.copy(path, dist)) for path in sorted(first, key=lambda path: path.suffix))
    return Release(wheel=wheel, sdist=sdist)


def _built(folder: Path) -> list[Path]:
    """Builds a fresh copy of the tracked files. Modes are set, since git keeps only whether a file is executable."""
    source, out = folder / "source", folder / "out"
    for name in run("git", "ls-files", "-z", cwd=ROOT).split("\0"):
        tracked = ROOT / name
        if name and tracked.is_file():
            copy = source / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tracked, copy)
            copy.chmod(0o755 if os.access(tracked, os.X_OK) else 0o644)
    shutil.copytree(ROOT / "build/man", source / "man")
    run(sys.executable, "-m", "hatchling", "build", "--directory", str(out), cwd=source)
    return [path for path in out.iterdir() if path.suffix in (".gz", ".whl")]


def npm_package(release: Release, folder: Path, dist: Path) -> None:
    """The tarball for npm: the wheel, the hashes of all that is installed with it, and the scripts that install it."""
    shutil.copytree(PACKAGING / "npm", folder)
    shutil.copy(release.wheel, folder)
    (folder / "requirements.txt").write_text(with_hashes(release), "utf-8")
    manifest = folder / "package.json"
    manifest.write_text(manifest.read_text("utf-8").replace("0.0.0", VERSION), "utf-8")
    shutil.copy(ROOT / "LICENSE", folder)
    run("npm", "pack", "--silent", "--pack-destination", str(dist), cwd=folder)
    (dist / f"carryoverd-{VERSION}.tgz").rename(dist / f"carryoverd-{VERSION}-npm.tgz")


def notes(changelog: str, version: str) -> str:
    """The changelog's section on that version, without its heading. Exits if there is none."""
    found = re.search(rf"^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    if found is None:
        sys.exit(f"CHANGELOG.md has no section '## {version}'. Write one, then run `make dist` again.")
    return found[1].strip() + "\n"


def write_sums(dist: Path) -> None:
    """SHA256SUMS of every file in `dist`, as `sha256sum --check` reads it."""
    files = sorted(path for path in dist.iterdir() if path.is_file() and path.name != SUMS)
    (dist / SUMS).write_text("".join(f"{sha256(path)}  {path.name}\n" for path in files), "utf-8")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stdout or ''}{error.stderr or ''}")
