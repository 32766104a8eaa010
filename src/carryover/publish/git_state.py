"""Reads the state of a repository: branch, HEAD, and what differs from it, apart from what Carryover wrote there."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from carryover.agents import instruction_files
from carryover.facts import ChangedFile, FileQuery, GitFacts
from carryover.fsio import is_there, read_bytes_bounded
from carryover.paths import STORE
from carryover.probe.checkout import Checkout
from carryover.probe.git_command import GitAnswer, ask
from carryover.probe.git_notes import git_notes
from carryover.probe.ignore_rules import GITIGNORE, SIZE_LIMIT_BYTES
from carryover.probe.memory import known_answer, remember
from carryover.publish.gitignore import without_rule
from carryover.publish.pointers import without_block
from carryover.redact import clean
from carryover.text.harmless import one_line
from carryover.text.pattern import later

TIMEOUT_S: Final = 0.2

_SUBJECT_LIMIT: Final = 200
_CLEAN_UP_SHARE: Final = 0.1
_KIND: Final = ("rev-parse", "--is-inside-work-tree")
_BARE: Final = ("config", "--type=bool", "core.bare")
_BRANCH: Final = ("symbolic-ref", "--quiet", "--short", "HEAD")
_HEAD: Final = ("rev-list", "--max-count=1", "--encoding=UTF-8", "--format=%h%x00%ct%x00%s", "HEAD", "--")
_AHEAD: Final = ("rev-list", "--count", "@{upstream}..HEAD", "--")
_OF_HEAD: Final = (_KIND, _BARE, _BRANCH, _HEAD, _AHEAD)
_DIFF: Final = ("diff", "--numstat", "-z", "-l200")
_PATCH: Final = ("diff", "--patch", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")
_PATCHED: Final = later(rb"^diff --git (.*)$", re.M)
_CONTROL: Final = later(r"[\x00-\x1f\x7f]")
"""Characters that git escapes in a file name above a patch."""
_MOST_COMPARED: Final = 200
"""At most so many files without a counted line are compared; if there are more, all count as changed."""
_OTHERS: Final = ("ls-files", "--others", "--exclude-standard", "--directory", "--no-empty-directory", "-z")

_T = TypeVar("_T")
_Without = Callable[[bytes], bytes]
"""Returns a file's text without what Carryover wrote into it."""


def git_facts(checkout: Checkout, queries: Sequence[FileQuery] = (), *, timeout_s: float) -> GitFacts | None:
    """Returns the state of the repository, and which of the files in `queries` were undone; None if there is no
    repository or git can't read it.

    Files that differ only by our text are not counted. Blocks; git gets at most `timeout_s`. Changes
    nothing and runs nothing that the repository contains, such as hooks or filters; returns None if its configuration
    makes that impossible. Raises TimeoutError without a complete answer in time: use the last known facts then.
    """
    return _in_time(partial(_facts, checkout, queries), timeout_s)


def changed_since(checkout: Checkout, *, since: str, timeout_s: float) -> tuple[str | None, int] | None:
    """Returns HEAD, and how many files differ between the commit `since` and the working tree; None if that commit no
    longer exists.

    As careful as `git_facts`, with the same errors; half the work, for a session that waits for the answer.
    """
    return _in_time(partial(_changed_since, checkout, since), timeout_s)


def _in_time(ask_git: Callable[[float], _T | None], timeout_s: float) -> _T | None:
    try:
        return ask_git(time.monotonic() + timeout_s * (1 - _CLEAN_UP_SHARE))
    except FileNotFoundError:  # git is gone
        return None
    except OSError as error:
        raise TimeoutError(errno.ETIMEDOUT, "git did not answer in time") from error


def _facts(checkout: Checkout, queries: Sequence[FileQuery], deadline: float) -> GitFacts | None:
    root = checkout.root
    remembered: tuple[GitFacts, bool] | None = known_answer((root, "HEAD"), checkout.refs)
    asked = _OF_HEAD if remembered is None else ()
    index = checkout.index()
    *of_head, diff, others = ask(root, *asked, (*_DIFF, "HEAD", "--"), _OTHERS, deadline=deadline)
    said = remembered or _head_in(checkout, *of_head)
    if said is None:
        return None
    head, has_tree = said
    if head.head is not None:
        remember((root, "HEAD"), checkout.refs, said)
    if not has_tree:
        return msgspec.structs.replace(head, ahead=0)
    if head.head is None:
        [diff] = ask(root, (*_DIFF, "--cached", "--"), deadline=deadline)
    if diff.code != 0 or others.code != 0:
        return None
    since = "HEAD" if head.head else None
    listed = differing_files(root, diff.out, since, deadline)
    changed = of_others(checkout, listed, since, deadline)
    names = [os.fsdecode(name) for name in others.out.split(b"\0") if name]
    edited = _edited()
    others_names = (name for name in names if not _is_in_store(name))
    untracked = sum(not _is_ours(root / name, b"", edited.get(name.casefold())) for name in others_names)
    notes = git_notes(checkout)
    is_at_rest = not notes.under_way and index is not None and checkout.index() == index
    return msgspec.structs.replace(
        head,
        changed_files=len(changed),
        insertions=sum(file.insertions for file in changed),
        deletions=sum(file.deletions for file in changed),
        untracked=untracked,
        own=len(listed) - len(changed) + len(names) - untracked,
        notes=notes,
        undone=_undone(checkout, queries, listed, head.committed_ms) if head.head and is_at_rest else (),
    )


def _undone(
    checkout: Checkout, queries: Sequence[FileQuery], differing: Iterable[ChangedFile], committed_ms: int
) -> tuple[str, ...]:
    """Returns the files that were edited after HEAD was committed and that don't differ from it, as far as is certain:
    through a symlink an edit changes another file, and git doesn't list the old name of one that was renamed."""
    top = Path(os.path.realpath(checkout.root))
    names = {file.path for file in differing}
    same = [one.path for one in queries if one.path not in names and one.edited_ms // 1000 > committed_ms // 1000]
    there = [name for name in same if is_there(top / name) and os.path.realpath(top / name) == str(top / name)]
    return checkout.in_index(there)


def _head_in(
    checkout: Checkout, kind: GitAnswer, bare: GitAnswer, branch: GitAnswer, head: GitAnswer, ahead: GitAnswer
) -> tuple[GitFacts, bool] | None:
    """Returns what these answers say of HEAD, whatever is in the working tree, and whether there is one; None if git
    can't read the repository."""
    if kind.code != 0:
        return None
    short, committed_ms, subject = _head_of(head)
    # The folder around a bare repository, beside its worktrees: its `.git` names one without a tree of its own.
    is_around = bare.out.strip() == b"true" and checkout.git_dir == checkout.common
    count = ahead.out.strip()  # a wrapper around git may print other lines before it
    facts = GitFacts(
        branch=clean(branch.out.decode(errors="replace").strip()) if branch.code == 0 else None,
        head=short,
        subject=subject,
        committed_ms=committed_ms,
        ahead=int(count) if ahead.code == 0 and count.isdigit() else 0,
    )
    return facts, kind.out.strip() == b"true" and not is_around


def _changed_since(checkout: Checkout, since: str, deadline: float) -> tuple[str | None, int] | None:
    root = checkout.root
    known: tuple[GitFacts, bool] | None = known_answer((root, "HEAD"), checkout.refs)
    head, diff = ask(root, _HEAD, (*_DIFF, since, "--"), deadline=deadline)
    if diff.code != 0 or (known is not None and not known[1]):
        return None
    changed = of_others(checkout, differing_files(root, diff.out, since, deadline), since, deadline)
    return _head_of(head)[0], len(changed)


def of_others(checkout: Checkout, changed: list[ChangedFile], since: str | None, deadline: float) -> list[ChangedFile]:
    """Returns the files with changes other than Carryover's own since the commit `since` (None: all files)."""
    root = checkout.root
    changed = [file for file in changed if not _is_in_store(file.path)]
    edited = _edited()
    asked = {file.path: without for file in changed if (without := edited.get(file.path.casefold())) is not None}
    if not asked:
        return changed
    before = checkout.in_commit(since, list(asked), deadline) if since else {}
    ours = {path for path, without in asked.items() if _is_ours(root / path, before.get(path, b""), without)}
    return [file for file in changed if file.path not in ours]


def _heads(path: bytes) -> set[bytes]:
    """Returns how git names a file above its patch: in quotation marks, if it has such or backslashes in its name."""
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return {b"a/%b b/%b" % (path, path), b'"a/%b" "b/%b"' % (escaped, escaped)}


def _head_of(answer: GitAnswer) -> tuple[str | None, int, str]:
    if answer.code != 0:  # no commit yet
        return None, 0, ""
    _, _, line = answer.out.decode(errors="replace").partition("\n")
    short, _, rest = line.partition("\0")
    seconds, _, subject = rest.partition("\0")
    # Redacted here, since the ledger keeps these facts; before the cut, since half a secret is no longer recognised.
    return short, int(seconds) * 1000 if seconds.isdecimal() else 0, clean(one_line(subject))[:_SUBJECT_LIMIT]


def differing_files(root: Path, numstat: bytes, since: str | None, deadline: float) -> list[ChangedFile]:
    """Returns the files that differ from the commit `since`, of the output of `git diff --numstat -z`; None: from
    nothing.

    Since git must not write its index, it counts a binary file of which only the time has changed, as in a copied
    project. Nor does it give that one a patch. If it can't read them in half the time that is left, all count.
    """
    changed = changed_files(numstat)
    uncounted = [file for file in changed if not (file.insertions or file.deletions or _CONTROL.search(file.path))]
    if since is None or not 0 < len(uncounted) <= _MOST_COMPARED:
        return changed
    now = time.monotonic()
    try:
        patches = (*_PATCH, since, "--", *(file.path for file in uncounted))
        [patch] = ask(root, patches, deadline=now + (deadline - now) / 2)
    except TimeoutError:
        return changed
    if patch.code != 0:
        return changed
    patched = set(_PATCHED.findall(patch.out))
    same = {file.path for file in uncounted if not patched & _heads(os.fsencode(file.path))}
    return [file for file in changed if file.path not in same]


def changed_files(numstat: bytes) -> list[ChangedFile]:
    """Returns the files in the output of `git diff --numstat -z`, without the duplicates that merge conflicts cause."""
    found: dict[str, ChangedFile] = {}
    fields = iter(numstat.split(b"\0"))
    for field in fields:
        counts = field.split(b"\t", 2)
        if len(counts) != 3:
            continue
        path = counts[2]
        if not path:  # renamed: the old path and the new one follow
            next(fields, b"")
            path = next(fields, b"")
        name = os.fsdecode(path)
        before = found.get(name, ChangedFile(path=name))
        added, removed = (int(count) if count.isdigit() else 0 for count in counts[:2])
        found[name] = ChangedFile(path=name, insertions=before.insertions + added, deletions=before.deletions + removed)
    return list(found.values())


def _is_in_store(path: str) -> bool:
    return f"{path}/".startswith(f"{STORE}/")


def _edited() -> dict[str, _Without]:
    """Returns what takes our text out of a file at the top, by its name in one case: a disk may have kept another."""
    return {**{name.casefold(): without_block for name in instruction_files()}, GITIGNORE: without_rule}


def _is_ours(path: Path, before: bytes, without: _Without | None) -> bool:
    """Whether the file at `path` differs from what it was `before` by our text alone, which `without` takes out."""
    if without is None:
        return False
    try:
        now = read_bytes_bounded(path, SIZE_LIMIT_BYTES, follow=False)
    except OSError:
        return False
    # git may have stored the file with other line ends than it was checked out with.
    return without(now).replace(b"\r\n", b"\n") == without(before).replace(b"\r\n", b"\n")
