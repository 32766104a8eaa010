"""The files that were touched, newest first, each with what the tests last said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from carryover.distill.digest import EditedFile, SeenRun
from carryover.distill.language.prose import one_line
from carryover.distill.relative_time import before
from carryover.distill.testruns.related import verdict
from carryover.facts import FileFacts

TestStatus = Literal["pass", "fail", "unknown", "failing before this edit"]
_NOT_CODE: Final = tuple(".md .markdown .rst .txt .adoc .json .toml .yaml .yml .ini .cfg .csv .lock .svg".split())
_NOT_THE_PROJECT: Final = (".git/", ".carryover/", "node_modules/")
_VERBS: Final = {"add": "added", "modify": "edited", "delete": "deleted", "rename": "moved here"}


class RecentFile(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is None where tests have nothing to say: a document, or a project in which no test was run."""

    path: str
    """Relative to the project's root."""
    touched: EditedFile
    status: TestStatus | None
    facts: FileFacts | None = None


def recent_files(
    touched: Iterable[EditedFile],
    runs: Iterable[SeenRun],
    facts: Mapping[str, FileFacts],
    root: str,
    *,
    former_roots: Sequence[str] = (),
    checkouts: Sequence[str] = (),
    limit: int = 10,
) -> list[RecentFile]:
    """The newest edit of each file below `root`, newest first, those that were written only to be deleted again last.

    One in another of its `checkouts` is named in full. What was edited below one of the `former_roots`, before the
    project was moved, is below `root` now.
    """
    newest: dict[str, EditedFile] = {}
    for file in touched:
        places = (relative(file.path, place) for place in (root, *former_roots))
        path = next(filter(None, places), None) or _in_full(file.path, checkouts)
        if path is not None and (path not in newest or newest[path].at_ms < file.at_ms):
            newest[path] = file
    ordered_runs = sorted(runs, key=lambda seen: seen.at_ms)
    ordered = sorted(newest.items(), key=lambda item: (item[1].temporary, -item[1].at_ms, item[0]))
    return [
        RecentFile(path=path, touched=file, status=_status(path, file, ordered_runs), facts=facts.get(path))
        for path, file in ordered[:limit]
    ]


def relative(path: str, root: str) -> str | None:
    """`path` relative to `root` with forward slashes, or None where it is not below it or is not work."""
    prefix = root.replace("\\", "/").rstrip("/") + "/"
    tidy = path.replace("\\", "/")
    begins = tidy[: len(prefix)]
    # Windows makes no difference between cases, and agents write its drive letters in both.
    if begins != prefix and (begins[1:2] != ":" or begins.lower() != prefix.lower()):
        return None
    below = one_line(tidy[len(prefix) :])
    return None if not below or below.startswith(_NOT_THE_PROJECT) or "/../" in f"/{below}/" else below


def _in_full(path: str, checkouts: Sequence[str]) -> str | None:
    below = ((checkout, relative(path, checkout)) for checkout in checkouts)
    return next((f"{checkout}/{name}" for checkout, name in below if name is not None), None)


def file_name(path: str) -> str:
    """The last part of a path of any system."""
    return path.replace("\\", "/").rpartition("/")[2]


def _status(path: str, file: EditedFile, runs: list[SeenRun]) -> TestStatus | None:
    """What the newest run that speaks of this file said. An older pass says nothing about a newer edit."""
    if not runs or file.change == "delete" or not _may_be_tested(path):
        return None
    for seen in reversed(runs):
        said = verdict(seen.run, path)
        if said is None:
            continue
        if seen.at_ms >= file.at_ms:
            return said
        return "failing before this edit" if said == "fail" else "unknown"
    return "unknown"


def _may_be_tested(path: str) -> bool:
    """Documents and settings have no tests, and neither have files like LICENSE or .gitignore."""
    name = file_name(path)
    return "." in name.lstrip(".") and not name.lower().endswith(_NOT_CODE)


def file_line(file: RecentFile, at_ms: int) -> str:
    """The file, where in it and how it was changed, and what is known of it since."""
    facts = file.facts
    where = f" ({facts.symbol})" if facts is not None and facts.symbol else ""
    parts = [f"{_VERBS[file.touched.change]} {before(file.touched.at_ms, at_ms)}"]
    if file.status is not None:
        parts.append(file.status if file.status == "failing before this edit" else f"tests {file.status}")
    if facts is not None and not facts.exists:
        parts.append("not there now")
    elif facts is not None and facts.parses is False:
        parts.append("does not parse")
    return f"`{file.path}`{where}: {', '.join(parts)}"
