"""Which fields the files of an agent have: what a diff of two versions shows without a word of content. Pure but for
`of_folder`, which reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

MOST_BYTES: Final = 5_000_000
NAMES: Final = frozenset({"type", "kind", "role", "method"})
"""Fields whose value is the name of a form, if it is a short word."""
_NOT_ITS_OWN: Final = frozenset({".carryover", ".git", ".npm", "node_modules", "work", ".cache"})


def of_folder(home: Path) -> list[str]:
    """Returns the shapes of all records below a home folder, each once, sorted."""
    found = set[str]()
    for path in sorted(home.rglob("*")):
        parts = path.relative_to(home).parts
        if _NOT_ITS_OWN.isdisjoint(parts) and path.is_file() and path.stat().st_size <= MOST_BYTES:
            found.update(f"{parts[0]}: {shape}" for shape in _of_file(path))
    return sorted(found)


def _of_file(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    if content.startswith(b"SQLite format 3\0"):
        yield from _of_database(path)
        return
    text = content.decode(errors="replace").strip()
    if path.suffix in (".json", ".jsonl") and text:
        yield from shapes_of(text.splitlines() if path.suffix == ".jsonl" else [text])


def _of_database(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            quoted = '"' + table.replace('"', '""') + '"'
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({quoted})")]
            yield from (f"{table}.{column}" for column in columns)
            for row in db.execute(f"SELECT * FROM {quoted} LIMIT 500"):
                texts = [(name, value) for name, value in zip(columns, row, strict=True) if isinstance(value, str)]
                for name, value in texts:
                    yield from (f"{table}.{name}: {shape}" for shape in shapes_of([value]) if "." in shape)


def shapes_of(records: Iterable[str]) -> Iterator[str]:
    """Yields form, path of the field and kind of its value, for each field of the records that are JSON."""
    for record in records:
        try:
            value = json.loads(record)
        except ValueError:
            continue
        form = ",".join(_names(value))
        yield from (f"{form}{path} {kind}" for path, kind in _fields(value, ""))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in NAMES and isinstance(inner, str) and len(inner) <= 40 and inner.isprintable():
                yield inner
            elif name in ("payload", "message"):
                yield from _names(inner)


def _fields(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            # A name such as an id or a path is content, not a form.
            known = name if name.isidentifier() and len(name) <= 40 else "*"
            yield from _fields(inner, f"{path}.{known}")
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner, f"{path}[]")
    else:
        yield path, type(value).__name__
