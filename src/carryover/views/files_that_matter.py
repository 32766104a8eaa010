"""Chooses and reads the files to show in a document about a project. Blocking."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.distill.sections.recent_files import recent_files
from carryover.distill.view import ProjectView
from carryover.export.material import LeftOut, TextFile, is_secret_name
from carryover.export.pieces import standing
from carryover.probe.files import text_of, why_unread

HOLDS_SECRETS: Final = "its name says that it holds secrets"

_MOST_TOUCHED: Final = 40
_MOST_READ: Final = 40
_MOST_NAMED: Final = 12
"""Maximum number of files that were only mentioned in the conversation, neither edited nor changed."""
_GENERATED: Final = re.compile(
    r"(?i)(?:.*\.lock|.*-lock\.(?:json|yaml)|go\.sum|.*\.min\.(?:js|css)|.*\.(?:map|snap|svg|csv|ipynb))"
)
# Japanese, Chinese and Korean text follows a name without a space.
_PATH_LIKE: Final = re.compile(r"(?:[^\W\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]|[.@~+\\/-])+")


def is_generated(path: str) -> bool:
    """Whether a file is generated or data, judging by its name."""
    return _GENERATED.fullmatch(path.rpartition("/")[2]) is not None


def files_that_matter(
    root: Path,
    paths: Sequence[str],
    view: ProjectView | None,
    changed: Collection[str],
    texts: Sequence[str],
    but: set[str],
    now_ms: int,
) -> tuple[tuple[TextFile, ...], list[LeftOut]]:
    """Returns the most relevant files: edited by agents, changed, or named in `texts`. Omits those in `but`."""
    wanted = _wanted(paths, view, changed, texts)
    ordered = sorted(wanted, key=lambda file: (-standing(file, now_ms), file.path))
    known = frozenset(paths)
    found: list[TextFile] = []
    left_out: list[LeftOut] = []
    for file in ordered:
        why = _unwanted(root, file.path, known)
        if file.path in but:
            continue
        if why is None and len(found) == _MOST_READ:
            why = "edited longer ago, or named less often, than those here"
        if why is None:
            try:
                found.append(msgspec.structs.replace(file, text=text_of(root, file.path)))
            except (OSError, ValueError) as error:
                why = why_unread(error)
        if why:
            left_out.append(LeftOut(file.path, why))
    return tuple(found), left_out


def _unwanted(root: Path, path: str, known: frozenset[str]) -> str | None:
    """Returns why a file is not read, or None if it is; empty for a missing file, which need not be mentioned."""
    if is_secret_name(path):
        return HOLDS_SECRETS
    if is_generated(path):
        return "generated, or data"
    if path in known:
        return None
    try:
        (root / path).lstat()
    except (OSError, ValueError):
        return ""
    return "git ignores it"


def _wanted(
    paths: Sequence[str], view: ProjectView | None, changed: Collection[str], texts: Sequence[str]
) -> list[TextFile]:
    edited = _edited(view)
    counts = _references(paths, texts)
    only_named = [path for path, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    only_named = [path for path in only_named if path not in edited and path not in changed][:_MOST_NAMED]
    return [
        TextFile(
            path=path,
            text="",
            edited_ms=edited[path][0] if path in edited else 0,
            line=edited[path][1] if path in edited else None,
            references=counts.get(path, 0),
            changed=path in changed,
        )
        for path in dict.fromkeys((*edited, *sorted(changed), *only_named))
    ]


def _edited(view: ProjectView | None) -> dict[str, tuple[int, int | None]]:
    if view is None:
        return {}
    recent = recent_files(view, limit=_MOST_TOUCHED)
    return {
        file.path: (file.touched.at_ms, file.touched.line)
        for file in recent
        if file.touched.change != "delete" and not file.touched.temporary and not file.path.startswith("/")
    }


def _references(paths: Sequence[str], texts: Sequence[str]) -> dict[str, int]:
    """Counts the `texts` that mention each path: in full, by its end, or by its file name if that is unique."""
    by_name: dict[str, list[str]] = {}
    for path in paths:
        by_name.setdefault(path.rpartition("/")[2].casefold(), []).append(path)
    counts: dict[str, int] = {}
    for text in texts:
        named = set()
        for name in _PATH_LIKE.findall(text):
            tail = name.replace("\\", "/").removeprefix("./").rstrip("./").casefold()
            if "." not in tail and "/" not in tail:
                continue
            same_name = by_name.get(tail.rpartition("/")[2], [])
            fitting = [
                path for path in same_name if f"/{path.casefold()}".endswith(f"/{tail}") or path.casefold() in tail
            ]
            if len(fitting) == 1:
                named.add(fitting[0])
        for path in named:
            counts[path] = counts.get(path, 0) + 1
    return counts
