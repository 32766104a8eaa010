"""What readers of whole conversations noted that a successor needs, and the conversations that they read.

A folder of notes has a table `sources.tsv`: an id, the record `until` which was read, and where the transcript is, as
in `sessions.tsv`. `<id>.json` has the notes: lists of sentences, by kind. Nothing of either is kept here.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from quality.facts import facts
from quality.fetch import Missing, git, mirror_of
from quality.happened import happenings


@dataclass(frozen=True, slots=True)
class Noted:
    """A conversation up to record `until`, and the facts in its reader's notes that had appeared in it."""

    id: str
    repository: str
    file: Path
    until: int
    needed: frozenset[str]


def noted(folder: Path, mirrors: Path, into: Path, closed: frozenset[str]) -> Iterator[Noted | str]:
    """Yields the conversations, which are taken out of bare mirrors and kept below `into`, or why one is left out.
    Those of `closed` repositories are."""
    with (folder / "sources.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for number, row in enumerate(sorted(rows, key=lambda row: row["id"])):
        if row["repository"] in closed:
            yield f"{row['id']}: sessions of its repository are in the closed half"
            continue
        try:
            transcript = _taken(row, mirrors, into / str(number))
        except Missing as error:
            yield f"{row['id']}: {error}"
            continue
        until = int(row["until"])
        notes = folder / PurePosixPath(f"{row['id']}.json").name
        yield Noted(row["id"], row["repository"], transcript, until, _needed(notes, transcript, until))


def _taken(row: dict[str, str], mirrors: Path, into: Path) -> Path:
    content = git(mirror_of(row["repository"], mirrors), "cat-file", "blob", f"{row['commit']}:{row['path']}")
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise Missing("it is not the file that was read")
    into.mkdir()
    target = into / PurePosixPath(row["path"]).name
    target.write_bytes(content)
    return target


def _needed(notes: Path, transcript: Path, until: int) -> frozenset[str]:
    kinds = json.loads(notes.read_bytes())
    items = [item for kind in kinds.values() if isinstance(kind, list) for item in kind]
    past = [each.text for each in happenings(transcript)[1] if each.record <= until]
    return frozenset().union(*(facts(str(item)) for item in items)) & frozenset().union(*map(facts, past))
