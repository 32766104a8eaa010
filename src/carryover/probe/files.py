"""Lists the files of a project, reads the text of one, and examines edited ones. Blocking and bounded."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from carryover.errors import os_reason
from carryover.facts import FileFacts, FileQuery
from carryover.fsio import read_bytes_bounded
from carryover.probe.git_command import output_of
from carryover.probe.memory import known_answer, remember
from carryover.probe.source_code import Effort, language_of, symbol_at
from carryover.text.boxes import boxes_in, is_document

LARGEST_BYTES: Final = 256 << 10
"""The largest file that is read. Of 166,341 source files in 373 public repositories 506 are larger, nearly all of them
generated or vendored."""
MOST_STEPS: Final = 8000
"""What may be parsed for one handoff, in steps of `Effort`: about 1 MiB of code, 0.2 s, or up to 5 s of CPU time if all
of some files is one error, 2 s of one. Neither the steps, the offsets nor whether there was an error tell such a file
from others; the time would, but differs."""
MOST_PATHS: Final = 20_000
_GIT_S: Final = 5.0
_DEEPEST: Final = 8
_WOULD_ADD: Final = b"?"
_LS_FILES: Final = ("ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard", "--deduplicate")
_NOT_WORK: Final = frozenset(
    "node_modules bower_components vendor dist build out target venv env __pycache__ site-packages coverage tmp".split()
)
"""Folders without the user's work, for projects without git."""


def file_facts(
    root: Path, queries: Sequence[FileQuery], *, limit_bytes: int = LARGEST_BYTES, most_steps: int = MOST_STEPS
) -> dict[str, FileFacts]:
    """Returns facts by path, except for paths that lead out of `root`. Only regular files inside `root`, even after
    following symlinks, are read, and only up to `limit_bytes`; for anything else, and for code beyond `most_steps`,
    only its existence is reported. Never raises for a file."""
    real_root = os.path.realpath(root)
    effort = Effort(most_steps)
    found: dict[str, FileFacts] = {}
    for query in queries:
        path = os.path.normpath(root / query.path)
        if is_inside(path, os.path.normpath(root)):
            found[query.path] = _facts_of(path, real_root, query, limit_bytes, effort)
    return found


def is_inside(path: str, root: str) -> bool:
    """Whether `path` is below `root`, judging by their names."""
    return path.startswith(root.rstrip(os.sep) + os.sep)


def _facts_of(path: str, real_root: str, query: FileQuery, limit: int, effort: Effort) -> FileFacts:
    language = language_of(query.path)
    try:
        if not os.path.lexists(path):
            return FileFacts(exists=False)
        real = os.path.realpath(path)
        if (
            (language is None and not is_document(path))
            or not is_inside(real, real_root)
            or not stat.S_ISREG(os.lstat(real).st_mode)
        ):
            return FileFacts(exists=True)
        # O_NONBLOCK: if it has become a FIFO, opening it would wait for a writer.
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:  # a NUL or a lone surrogate: no file can have that name
        return FileFacts(exists=False)
    except OSError:
        return FileFacts(exists=True)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return FileFacts(exists=True)
        stamp = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
        question = (real, query.line, query.anchor)
        known: tuple[FileFacts, int, bool] | None = known_answer(question, stamp)
        # What was given up is parsed again only with more effort than then.
        if known is not None and (known[2] or effort.left < known[1]):
            facts, steps, _ = known
            return facts if not steps or effort.spend(steps) else FileFacts(exists=True)
        source = file.read(limit)
    before = effort.left
    if language is None:
        facts = FileFacts(exists=True, boxes=boxes_in(source.decode("utf-8", "replace").splitlines()))
    else:
        line = _edited_line(source, query)
        symbol = symbol_at(source, language, line, effort) if line is not None else None
        facts = FileFacts(exists=True, symbol=symbol)
    remember(question, stamp, (facts, before - effort.left, effort.left >= 0))
    return facts


def _edited_line(source: bytes, query: FileQuery) -> int | None:
    """Returns the line (1-based) where the text of the last edit is now, nearest to where it was then."""
    wanted = (query.anchor or "").strip().encode("utf-8", "replace")
    lines = source.split(b"\n")
    places = [number for number, line in enumerate(lines, 1) if wanted and line.strip() == wanted]
    if places:
        return min(places, key=lambda number: abs(number - (query.line or 1)))
    return query.line if query.line is not None and query.line <= len(lines) else None


def project_paths(root: Path) -> tuple[tuple[str, ...], frozenset[str]]:
    """Returns the files of the project at `root`, relative to it and sorted: those that git tracks or would add, and
    which of them it would add. Without git, all files in its folders but hidden and generated ones and repositories,
    and of the home folder those at its top. At most 20,000; names that are not UTF-8 are left out."""
    listed = output_of(root, *_LS_FILES, timeout_s=_GIT_S)
    tagged = [(each[:1], os.fsdecode(each[2:])) for each in (listed or b"").split(b"\0") if each]
    found = _by_walking(root) if listed is None else (name for _, name in tagged)
    printable = (name for name in found if name.isprintable())  # neither half a surrogate pair nor a line end
    names = tuple(sorted(islice(printable, MOST_PATHS)))
    return names, frozenset(name for tag, name in tagged if tag == _WOULD_ADD).intersection(names)


def _by_walking(root: Path) -> Iterator[str]:
    # Below the home folder, or one that it is in, are other projects, keys and settings: of it there are its own files.
    deepest = 0 if Path.home().resolve().is_relative_to(root.resolve()) else _DEEPEST
    for folder, folders, files in os.walk(root):
        below = Path(folder).relative_to(root)
        shown = sorted(name for name in folders if not name.startswith(".") and name.lower() not in _NOT_WORK)
        own = [name for name in shown if not os.path.lexists(Path(folder, name, ".git"))]  # git lists none of these
        folders[:] = own if len(below.parts) < deepest else []
        yield from ((below / name).as_posix() for name in sorted(files))


def project_text(root: Path, path: str) -> str:
    """Returns the text of a regular file inside `root`. Folders in its path may be symlinks inside `root`; the file may
    not. Raises ValueError if it is not text, and OSError if it is missing, larger than the limit, or outside."""
    top = os.path.realpath(root)
    folder = os.path.realpath((root / path).parent)
    if folder != top and not is_inside(folder, top):
        raise PermissionError(f"{path} is outside of the project")
    data = read_bytes_bounded(Path(folder) / Path(path).name, LARGEST_BYTES, follow=False)
    if b"\0" in data:
        raise ValueError("not a text")
    return data.decode("utf-8-sig")


def why_unread(error: OSError | ValueError) -> str:
    """Returns why `project_text` failed, for people, without the path."""
    if isinstance(error, OSError):
        return "a symlink" if error.errno == errno.ELOOP else os_reason(error)
    return "not text"
