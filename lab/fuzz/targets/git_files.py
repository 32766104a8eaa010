"""The small files of a stranger's `.git`: nothing raises, and none makes it a part of a project that does not know it.

A checkout belongs to itself, to a folder above it, or to a repository whose own list of worktrees has it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from carryover.config import AgentsConfig
from carryover.probe.checkout import Checkout
from carryover.probe.git_dir import may_be_asked
from carryover.probe.ignore_rules import has_rule
from carryover.projects.root import agents_checkouts, find_root
from carryover.publish.git_state import changed_files
from carryover.publish.gitignore import has_our_rule
from fuzz.bytes import END, parts

LARGEST: Final = 1_200
_FILES: Final = (".git", "g/HEAD", "g/commondir", "g/gitdir", "g/config", "g/info/exclude", ".gitignore")


def check(data: bytes, folder: Path) -> None:
    shop, given = folder / "shop", folder / "given"
    (shop / ".git").mkdir(parents=True, exist_ok=True)
    (shop / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    shutil.rmtree(given, ignore_errors=True)
    texts = parts(data, len(_FILES) + 1)
    for name, text in zip(_FILES, texts, strict=False):
        path = given / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            path.write_bytes(text)
    _check_root(given, shop)
    _check_answers(texts[-1])


def _check_root(given: Path, shop: Path) -> None:
    found = find_root(str(given), home=given.parent / "home", agents_own=frozenset)
    for root in (found.root, found.main_root):
        assert root is None or Path(root).is_absolute()
        assert root is None or not Path(root).is_relative_to(shop), "another project, which does not know this folder"
    may_be_asked(given)
    checkout = Checkout(given)
    checkout.head_stamp()
    agents_checkouts(Checkout(given), AgentsConfig())
    assert given not in checkout.others
    assert checkout.git_dir is None or checkout.exclude.name == "exclude"


def _check_answers(answer: bytes) -> None:
    for file in changed_files(answer):
        assert file.insertions >= 0 and file.deletions >= 0
    has_rule(answer, ".carryover")
    has_our_rule(answer)


def seeds() -> Iterable[bytes]:
    worktree = (b"gitdir: g\n", b"ref: refs/heads/x\n", b"../../shop/.git\n", b"../elsewhere/.git\n", b"", b"", b"")
    for last in (b"1\t2\ta.py\0-\t-\t\0old\0new\0", b"!.carryover/\n.carryover/\n"):
        yield END.join((*worktree, last))
    yield END.join((b"gitdir: /x/../y", b"x", b"", b"", b'[filter "x"]\n\tclean = y\n', b".carryover/\n", b"*\n"))
