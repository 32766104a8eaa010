"""Files that were changed, with their newest test results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, Literal

import msgspec

from carryover.distill.digest import Digest, EditedFile, SeenRun
from carryover.distill.entry import Entry, fixed_rank
from carryover.distill.quotes import earlier, in_code, name_in_code
from carryover.distill.sections.quoting import from_session, joined_short
from carryover.distill.trail import Past
from carryover.distill.view import ProjectView
from carryover.facts import Boxes, FileFacts
from carryover.records.fields import is_absolute
from carryover.testruns.related import verdict
from carryover.text.harmless import one_line
from carryover.text.pattern import later
from carryover.text.shell import from_folder

TestState = Literal["pass", "fail", "unknown", "failing before this edit"]
_NOT_CODE: Final = tuple(
    ".md .mdx .markdown .rst .txt .adoc .tex .bib .pdf .docx .xlsx .pptx .json .toml .yaml .yml .ini .cfg .csv .lock"
    " .svg .png .jpg .jpeg .gif .webp .ico".split()
)
_NO_WORK: Final = later(r"^/(?:dev|proc)/|/(?:\.git|\.carryover|node_modules)/")
_SCRATCH: Final = later(r"^/(?:tmp|var(?!/www/)|private)/|^\w:/.*/AppData/")
_SETTINGS: Final = later(r"(?:^/root|/(?:home|Users)/[^/]+)/\.(?!claude/CLAUDE\.md)[^/]+/")
"""What programs keep in hidden folders of a home: settings that the user works on, but also caches and their own
notes. Hidden folders elsewhere belong to a project."""
_OF_GIT_BASH: Final = later(r"^/([A-Za-z])(?=/)")
"""A drive of Windows, as its bash calls it: `/c/Users`."""
GOES_TO: Final = later(
    r"\Acd {1,9}(?:/[dD] )?(?P<quote>[\"']?)(?!-)(?P<folder>[^\"'&|;<>\n]{0,399}?[^\"'&|;<>\n/\\ ])[/\\]{0,9}(?P=quote)"
    r" ?(?:&&|;|\n) ?(?:\\\n[ \t]*)?"
)
"""The folder that a command goes to first, but for the root of a disk."""
_WORD: Final = later(r"[^\s'\"`|;&()<>=:,]+")
_MOST_NAMED: Final = 3
_VERBS: Final = {"add": "added", "modify": "edited", "delete": "deleted", "rename": "moved here"}


class RecentFile(msgspec.Struct, frozen=True, kw_only=True):
    """A changed file. `status` is None if tests do not apply: for a document, in a project without a test run, or if
    the edit was undone. So are the `facts` of one that was deleted and is not as it was: another of its name."""

    path: str
    touched: EditedFile
    status: TestState | None
    facts: FileFacts | None = None


def recent_files(view: ProjectView, facts: Mapping[str, FileFacts] = {}, *, limit: int = 12) -> list[RecentFile]:
    """Returns what `newest_edits` does, with the files' tests and `facts`."""
    runs = runs_of(view)
    undone = {path for path, found in facts.items() if found.undone}
    return [
        RecentFile(
            path=path,
            touched=file,
            status=_status(path, file, runs) if path not in undone else None,
            facts=facts.get(path) if file.change != "delete" or path in undone else None,
        )
        for path, file in newest_edits(view, outside=True, limit=limit)
    ]


def newest_edits(view: ProjectView, *, outside: bool, limit: int = 12) -> list[tuple[str, EditedFile]]:
    """Returns the newest edit of each file of the project, newest first; those written and then deleted come last.
    A file in another checkout, or `outside` of the project, has its full path. The path of one below a former root is
    relative to the current root. Of the settings of programs, only those that the conversation names are shown. If all
    that was edited is scratch files and settings, these are the work."""
    files = [*chain.from_iterable(digest.touched for digest in view.digests)]
    newest = _newest(files, lambda path: _shown(path, view, outside=outside))
    if not newest and outside:
        lasting = (file for file in files if not file.temporary)
        newest = _newest(lasting, lambda path: _outside(path, view.root, settings=True, scratch=True))
    return sorted(newest.items(), key=lambda item: (item[1].temporary, -item[1].at_ms, -item[1].turn, item[0]))[:limit]


def name_of_work(path: str, view: ProjectView) -> str | None:
    """Returns the name under which `newest_edits` shows a file, also outside of the project; None for those that it
    shows only if there is no other work."""
    return _shown(path, view, outside=True)


def _shown(path: str, view: ProjectView, *, outside: bool) -> str | None:
    if (found := placed(path, view, outside=outside)) or not outside or not _is_named(path, view.digests):
        return found
    return _outside(path, view.root, settings=True)


def runs_of(view: ProjectView, most: int | None = None) -> list[SeenRun]:
    """Returns the test runs of all sessions, or the newest `most`, oldest first; some agents write the same time for
    several. The paths that restrict one are as files are shown: none for `cd <root> && pytest`."""
    runs = sorted((seen for digest in view.digests for seen in digest.runs), key=lambda seen: seen.at_ms)
    runs = runs if most is None else runs[-most:]
    places = roots_of(view)
    given = {path for seen in runs for path in (*seen.run.paths, *seen.run.excluded)}
    shown = {path: other for path in given if (other := _from(places, path)) != path}  # most runs are given the same
    return [_as_shown(seen, shown) for seen in runs] if shown else runs


def roots_of(view: ProjectView) -> list[str]:
    """Returns the project's root and the former ones, the innermost first: a worktree that was removed may have been
    inside the project."""
    return sorted((view.root, *view.former_roots), key=len, reverse=True)


def _as_shown(seen: SeenRun, shown: Mapping[str, str]) -> SeenRun:
    paths, excluded = (tuple(shown.get(path, path) for path in given) for given in (seen.run.paths, seen.run.excluded))
    if (paths, excluded) == (seen.run.paths, seen.run.excluded):
        return seen
    run = msgspec.structs.replace(seen.run, paths=() if "" in paths else paths, excluded=excluded)
    return msgspec.structs.replace(seen, run=run)


def _from(roots: Sequence[str], path: str) -> str:
    inside = (below.lstrip("/") for root in roots if (below := _below(f"{path}/", root)) is not None)
    return next(inside, path).rstrip("/")


def _newest(files: Iterable[EditedFile], shown: Callable[[str], str | None]) -> dict[str, EditedFile]:
    """Returns the newest edit of each file by the name under which `shown` has it, without those that have none."""
    newest: dict[str, EditedFile] = {}
    names: dict[str, str | None] = {}  # most are edited more than once
    for file in files:
        path = names[file.path] if file.path in names else names.setdefault(file.path, shown(file.path))
        if path is not None and (path not in newest or newest[path].at_ms < file.at_ms):
            newest[path] = file
    return newest


def run_and_place(seen: SeenRun, view: ProjectView) -> tuple[str, str]:
    """Returns the command that ran tests, and the folder that it ran them in: empty for the project's root or an
    agent's own checkout of it, in full outside of the project."""
    own = [*roots_of(view), *view.trees]
    own.sort(key=len, reverse=True)  # a checkout may be inside the project
    goes_to = GOES_TO.match(seen.command)
    if goes_to is None:
        return seen.command, _from(own, seen.folder)
    folder = goes_to["folder"].replace("\\ ", " ").replace("\\", "/")
    return seen.command[goes_to.end() :], _from(own, from_folder(seen.folder, folder))


def from_root(command: str, view: ProjectView) -> str:
    """Returns a command as it is given in the project's root, where the next agent begins: without going there first,
    and with a folder below it by its relative path."""
    found = GOES_TO.match(command)
    if found is None:
        return command
    goes_to, behind = found["folder"], command[found.end("folder") :]
    below = goes_to[len(goes_to) - len(_from(roots_of(view), goes_to)) :]  # as it is written
    return f"{command[: found.start('folder')]}{below}{behind}" if below else command[found.end() :] or command


def edited_since(command: str, at_ms: int, view: ProjectView) -> str:
    """Says which of the files that a command names were edited after it; empty if none was."""
    words = (word.replace("\\", "/").removeprefix("./") for word in _WORD.findall(command))
    ends = tuple(f"/{word.lstrip('/')}" for word in words)
    touched = (file for digest in view.digests for file in digest.touched)
    since = {file.path for file in touched if file.at_ms > at_ms}  # most are edited more than once
    paths = {f"/{path}".replace("\\", "/") for path in since}
    edited = {path.rpartition("/")[2] for path in paths if path.endswith(ends)}
    names = ", ".join(f"`{name.replace('`', '')}`" for name in sorted(edited)[:_MOST_NAMED])
    return f"{names} edited since" if names else ""


def placed(path: str, view: ProjectView, *, outside: bool) -> str | None:
    """Returns the name under which a file of the project is shown, see `recent_files`; None for others."""
    places = (relative(path, place) for place in roots_of(view))
    below = ((checkout, relative(path, checkout)) for checkout in view.checkouts)
    in_full = (f"{checkout}/{name}" for checkout, name in below if name is not None)
    found = next(filter(None, places), None) or next(in_full, None)
    return found or (_outside(path, view.root) if outside else None)


def place_in_calls(path: str, root: str) -> str | None:
    """Returns the name under which a file of a call is shown; None if it is not part of the work. A path that is not
    absolute counts as below `root`."""
    in_full = path if is_absolute(path) else f"{root}/{path}"
    return relative(in_full, root) or _outside(in_full, root)


def relative(path: str, root: str) -> str | None:
    """Returns `path` relative to `root` with forward slashes; None if it is not below it or not part of the work."""
    below = one_line(_below(path, root) or "")
    return None if not below or _NO_WORK.search(f"./{below}") or "/../" in f"/{below}/" else below


def _below(path: str, root: str) -> str | None:
    prefix = root.replace("\\", "/").rstrip("/") + "/"
    tidy = path.replace("\\", "/")
    tidy = _OF_GIT_BASH.sub(r"\1:", tidy) if prefix[1:2] == ":" else tidy
    begins = tidy[: len(prefix)]
    # Windows paths are case-insensitive, and agents write drive letters in either case.
    is_below = begins == prefix or (begins[1:2] == ":" and begins.lower() == prefix.lower())
    return tidy[len(prefix) :] if is_below else None


def _outside(path: str, root: str, *, settings: bool = False, scratch: bool = False) -> str | None:
    """Returns the full path of a file outside the project; unless `scratch`, None for scratch files and, unless
    `settings`, for what programs keep for themselves."""
    tidy = path.replace("\\", "/")
    is_outside = is_absolute(path) and _below(path, root) is None and not _NO_WORK.search(tidy)
    is_kept_aside = (_SCRATCH.search(tidy) and not scratch) or (_SETTINGS.search(tidy) and not settings)
    return tidy if is_outside and not is_kept_aside else None


def _is_named(path: str, digests: Iterable[Digest]) -> bool:
    """Whether the user or an agent has called the file by its name."""
    key = path.replace("\\", "/").rpartition("/")[2].casefold()
    return any(key in digest.names and digest.names[key].said > 0 for digest in digests)


def _status(path: str, file: EditedFile, runs: list[SeenRun]) -> TestState | None:
    """Returns the file's status in the newest run that covers it; a pass before the newest edit doesn't count. Tests
    are not expected to cover a scratch file."""
    if not runs or file.change == "delete" or not may_be_tested(path):
        return None
    unknown: TestState | None = None if _SCRATCH.search(path) else "unknown"
    for seen in reversed(runs):
        if (said := verdict(seen.run, path)) is not None:
            before: TestState | None = "failing before this edit" if said == "fail" else unknown
            return said if (seen.at_ms, seen.turn) >= (file.at_ms, file.turn) else before
    return unknown


def may_be_tested(path: str) -> bool:
    """Whether tests can cover the file: not documents, pictures, settings, or files like LICENSE or .gitignore."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return "." in name.lstrip(".") and not name.lower().endswith(_NOT_CODE)


def file_entries(past: Past, recent: Sequence[RecentFile]) -> list[Entry]:
    """Returns the files. The one that was edited most stays as long as the second: it may be what the work is about."""
    most_edited = max(recent, key=lambda file: file.touched.edits, default=None)
    sessions = {session.session: session for session in past.view.sessions}
    entries = []
    for at, file in enumerate(recent):
        session = sessions.get(file.touched.session, past.lead)
        text = _file(file, past.at_ms)
        at_ms = file.touched.at_ms
        rank = fixed_rank("file", back=min(at, 1) if file is most_edited else at)
        entries.append(from_session(session, file.touched.turn, text, "edit", rank, at_ms=at_ms))
    return joined_short(entries)


def _file(file: RecentFile, at_ms: int) -> str:
    facts = file.facts
    where = f" ({name_in_code(facts.symbol)})" if facts is not None and facts.symbol else ""
    ago = earlier(file.touched.at_ms, at_ms)
    changed = _changed(file.touched)
    parts = [f"{changed} {ago}" if ago else changed]
    if file.touched.elsewhere_ms:
        parts.append(f"then changed by someone or something else {earlier(file.touched.elsewhere_ms, at_ms)}".rstrip())
    if file.status is not None:
        parts.append(file.status if file.status == "failing before this edit" else f"tests {file.status}")
    if facts is not None and facts.boxes is not None:
        parts.append(checked_boxes(facts.boxes))
    if facts is not None and not facts.exists:
        parts.append("not there now")
    if facts is not None and facts.undone:
        parts.append("same as in HEAD now")
    return f"{in_code(file.path)}{where}: {', '.join(parts)}"


def _changed(file: EditedFile) -> str:
    verb = _VERBS[file.change]
    edits = file.edits
    if edits < 2 or file.change == "delete":
        return verb
    if file.change == "add":
        return f"added, edited {edits - 1} times" if edits > 2 else "added, then edited"
    return f"{verb} {edits} times"


def checked_boxes(boxes: Boxes) -> str:
    """Returns how many boxes of a document are checked, in words."""
    return f"{boxes.checked} of {boxes.total} boxes checked"
