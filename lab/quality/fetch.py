"""`make takeover-fetch`: gets the sessions of the manifest out of their public repositories, into a cache.

Each session is one blob at one commit, taken with git from its repository or from a folder of bare mirrors named
OWNER+NAME. Nothing is checked out, no hook runs, no link is followed, and what is not byte for byte the file that was
measured is not kept. It can be ended and started again: what is there is not fetched twice.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from quality.manifest import SESSIONS, ManifestError, Session, read

FROM: Final = "https://github.com"
_TIMEOUT_S: Final = 300
_FILE_MODES: Final = ("100644", "100755")
_SAFE: Final = ("protocol.ext.allow=never", "core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0")


class Missing(Exception):
    """Why a session, or a whole repository, can't be had."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where repositories are: at addresses `base`/OWNER/NAME or, if `mirrors` is set, in that folder."""

    base: str = FROM
    mirrors: Path | None = None


def sessions_folder() -> Path:
    """Returns the folder that sessions are kept in, which is outside any checkout."""
    named = os.environ.get("CARRYOVER_SESSIONS")
    return Path(named) if named else user_cache_path("carryover-development", appauthor=False) / "sessions"


def file_of(session: Session, folder: Path) -> Path:
    """Returns the file that holds a session once it was fetched."""
    return folder / session.id / session.name


def fetch(sessions: Sequence[Session], folder: Path, origin: Origin) -> dict[Session, str]:
    """Gets the sessions that are not there yet, and returns why each of the others is missing."""
    missing: dict[Session, str] = {}
    by_repository = defaultdict[str, list[Session]](list)
    for session in sessions:
        if not is_there(session, folder):
            by_repository[session.repository].append(session)
    for repository, wanted in by_repository.items():
        print(f"{repository}: {len(wanted)}", flush=True)
        for session in wanted:
            try:
                _keep(_blob(session, folder, origin), session, folder)
            except Missing as error:
                missing[session] = str(error)
    return missing


def is_there(session: Session, folder: Path) -> bool:
    """Whether the session's file is in the cache and is the one that the manifest means."""
    file = file_of(session, folder)
    if file.is_symlink() or not file.is_file() or file.stat().st_size != session.bytes:
        return False
    return hashlib.sha256(file.read_bytes()).hexdigest() == session.sha256


def is_any_there(folder: Path) -> bool:
    """Whether anything was fetched into the cache."""
    return folder.is_dir() and any(folder.iterdir())


def _keep(content: bytes, session: Session, folder: Path) -> None:
    if hashlib.sha256(content).hexdigest() != session.sha256:
        raise Missing("it is not the file that the manifest means")
    target = file_of(session, folder)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(target)


def _blob(session: Session, folder: Path, origin: Origin) -> bytes:
    git_dir = _of(session, folder, origin)
    listed = git(git_dir, "--literal-pathspecs", "ls-tree", "-z", session.commit, "--", session.path)
    mode, _, blob = listed.decode(errors="replace").partition("\t")[0].partition(" blob ")
    if mode not in _FILE_MODES:
        raise Missing("the commit has no such file")
    if int(git(git_dir, "cat-file", "-s", blob)) != session.bytes:
        raise Missing("its size is not the one that the manifest names")
    return git(git_dir, "cat-file", "blob", blob)


def _of(session: Session, folder: Path, origin: Origin) -> Path:
    if origin.mirrors is not None:
        return mirror_of(session.repository, origin.mirrors)
    return _fetched(session, folder, origin.base)


def mirror_of(repository: str, mirrors: Path) -> Path:
    """Returns the bare mirror of OWNER/NAME in a folder of them. Raises Missing."""
    folder = mirrors / repository.replace("/", "+")
    for found in (folder, folder.with_name(f"{folder.name}.git"), folder / "repo"):
        if (found / "objects").is_dir():
            return found.resolve()
    raise Missing(f"there is no mirror of {repository}")


def _fetched(session: Session, folder: Path, base: str) -> Path:
    """Gets the one commit, without its files: git fetches the one that is asked for when it is read."""
    git_dir = folder.absolute() / "git" / session.mirror
    address = f"{base}/{session.repository}"
    if not (git_dir / "objects").is_dir():
        git_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        git(git_dir, "init", "--quiet", "--bare", "--template=")
        for name, value in (("url", address), ("promisor", "true"), ("partialclonefilter", "blob:none")):
            git(git_dir, "config", f"remote.origin.{name}", value)
    depth = ("--depth=1", "--filter=blob:none", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    git(git_dir, "fetch", "--quiet", *depth, "origin", session.commit)
    return git_dir


def git(git_dir: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Returns what a git command prints about a bare repository, in which nothing of it is run. Raises Missing."""
    safe = [part for setting in _SAFE for part in ("-c", setting)]
    command = ["git", *safe, f"--git-dir={git_dir}", *arguments]
    try:
        ran = subprocess.run(command, env=_environment(), input=stdin, capture_output=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"git {arguments[0]}: {type(error).__name__}") from error
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip().splitlines()
        raise Missing(ascii(said[-1][:200] if said else f"git ended with {ran.returncode}").strip("'\""))
    return ran.stdout


def _environment() -> Mapping[str, str]:
    """No settings of the user or the system, and nobody is asked for a password."""
    ours = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    passed = ("PATH", "HOME", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    kept = {name: os.environ[name] for name in passed if name in os.environ}
    return {**kept, **ours, "GIT_ALLOW_PROTOCOL": "https:file", "GIT_ASKPASS": ""}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make takeover-fetch", description=__doc__, allow_abbrev=False)
    parser.add_argument("--mirrors", type=Path, metavar="DIR", help="take them from bare mirrors named OWNER+NAME")
    parser.add_argument("--manifest", type=Path, metavar="FILE", default=SESSIONS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, metavar="DIR", default=sessions_folder(), help="default: %(default)s")
    parser.add_argument("--half", choices=("open", "closed", "both"), default="both", help="default: %(default)s")
    options = parser.parse_args()
    try:
        sessions = [each for each in read(options.manifest) if options.half in (each.half, "both")]
    except ManifestError as error:
        print(f"{options.manifest}: {error}", file=sys.stderr)
        return 1
    missing = fetch(sessions, options.folder, Origin(mirrors=options.mirrors))
    for session, why in missing.items():
        print(f"missing: {session.repository} {session.path!r}: {why}")
    print(f"{len(sessions) - len(missing)} of {len(sessions)} sessions are in {options.folder}; {len(missing)} missing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
