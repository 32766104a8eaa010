"""The public sessions that `make takeover` measures with: where each is and what it must be, and no text of theirs.

The sessions of one repository are all in the open half, which weights may be tuned with, or all in the closed half,
which is scored at releases only. A hash of the repository's name says which, so nobody chose.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Final, Literal

SESSIONS: Final = Path(__file__).with_name("sessions.tsv")
MOST_BYTES: Final = 16 << 20
"""Of one session. A larger file is never in the manifest, so nothing larger is kept."""

Half = Literal["open", "closed"]

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,40}\.(?:jsonl?|md)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SPLIT: Final = "carryover takeover 1"


@dataclass(frozen=True, slots=True)
class Session:
    """One file at one commit of a public repository. `licence` is the SPDX id of the repository's, or `none`."""

    repository: str
    commit: str
    path: str
    name: str
    """The name of the file in the cache: some agents' files are recognised by it."""
    sha256: str
    bytes: int
    licence: str
    agent: str
    version: str
    language: str
    prompts: int

    @property
    def half(self) -> Half:
        return half_of(self.repository)

    @property
    def id(self) -> str:
        """The name of the session's folder in the cache."""
        return self.sha256[:16]

    @property
    def mirror(self) -> str:
        """The name of the repository's bare mirror in a folder of mirrors."""
        return self.repository.replace("/", "+")


class ManifestError(ValueError):
    """A line that names no file at one commit of one repository, or one that is there twice."""


def half_of(repository: str) -> Half:
    """Returns the half that all sessions of a repository belong to."""
    digest = hashlib.sha256(f"{_SPLIT}\n{repository.lower()}".encode()).digest()
    return "closed" if digest[0] % 2 else "open"


def read(path: Path = SESSIONS) -> list[Session]:
    """Returns the manifest's sessions. Raises ManifestError if a line could lead out of its repository."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        found = [_session(row, number) for number, row in enumerate(rows, start=2)]
    twice = len(found) - len({session.sha256 for session in found})
    if twice:
        raise ManifestError(f"{twice} sessions are named more than once")
    return found


def written(sessions: Iterable[Session]) -> str:
    """Returns the text of a manifest."""
    head = "\t".join(field.name for field in fields(Session))
    rows = ["\t".join(map(str, astuple(session))) for session in sorted(sessions, key=astuple)]
    return "\n".join([head, *rows, ""])


def _session(row: dict[str, str], number: int) -> Session:
    try:
        session = Session(**{**row, "bytes": int(row["bytes"]), "prompts": int(row["prompts"])})  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"line {number}: {error}") from error
    for what, right in (
        ("repository", _REPOSITORY.fullmatch(session.repository)),
        ("commit", _COMMIT.fullmatch(session.commit)),
        ("sha256", _SHA256.fullmatch(session.sha256)),
        ("path", _is_inside(session.path)),
        ("name", _NAME.fullmatch(session.name)),
        ("bytes", 0 < session.bytes <= MOST_BYTES),
    ):
        if not right:
            raise ManifestError(f"line {number}: {what} can't be right")
    return session


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return str(pure) == path and not pure.is_absolute() and ".." not in pure.parts and not _CONTROL.search(path)
