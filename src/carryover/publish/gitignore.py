"""Keeps `.carryover/` and machine-specific files out of commits by `info/exclude`, which git neither shares nor
removes.

A project's own .gitignore is the user's. Trial versions added a rule there under `shared`, which is taken out as what
else they added."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from carryover.adapter.spec import AGENTS_MD
from carryover.agents import local_files, read_lists
from carryover.config import ProjectSettings
from carryover.errors import os_reason
from carryover.fsio import is_folder, is_there
from carryover.outside.apply import Text, plan_edit
from carryover.outside.in_project import Pass, text_in
from carryover.paths import STORE
from carryover.probe.checkout import Checkout
from carryover.probe.ignore_rules import GITIGNORE, has_rule
from carryover.projects.policy import COMMITTED, LET_IN, UNWRITTEN, Refusal, refusal_by_git, unfit
from carryover.text.user_text import EditRefused, find_lines, is_text, whole_file, with_lines, without_span

EXCLUDE: Final = ".git/info/exclude"
"""Display name of the ignore file that git never shares. In a worktree it is elsewhere: see `Checkout.exclude`."""

_WHAT: Final = "the rule that keeps Carryover's files out of git"
RULES_HEADING: Final = b"# Carryover (auto-added)"
_LINES: Final = (RULES_HEADING, b".carryover/")


def keep_out(edits: Pass, name: str = STORE) -> bool:
    """Makes git ignore a file of the checkout by `info/exclude`, until uninstall; returns False, with a note, if it
    can't.

    The rule for `.carryover/` stays as long as the folder does, in every mode: git removes a .gitignore that is not
    committed.
    """
    try:
        rule = rules(edits.checkout, [name])
    except OSError as error:
        edits.left_alone(EXCLUDE, os_reason(error))
        return False
    return edits.put(rule)


def kept_out(edits: Pass) -> Refusal | None:
    """Puts in the rule that keeps the handoff out of commits; returns why it is not kept out, None if it is."""
    checkout = edits.checkout
    if checkout.git_dir is not None and not keep_out(edits):
        why = f"{edits.notes[-1]}, so {COMMITTED}"
        return _left_without(checkout) or Refusal(f"{UNWRITTEN}: {why}", in_git=True)  # only writing failed
    return refusal_by_git(checkout)  # even without a new rule: git may answer otherwise once the folder exists


def _left_without(checkout: Checkout) -> Refusal | None:
    """Returns the refusal of a repository whose `info/exclude` can't take that rule; None if it can. Reads only."""
    if checkout.git_dir is None:
        return None
    try:
        reason = plan_edit(rules(checkout, [STORE])).reason
    except OSError as error:
        reason = os_reason(error)
    return Refusal(f"{EXCLUDE} was left alone: {reason}, so {COMMITTED}", in_git=True) if reason is not None else None


def refused_by_git(checkout: Checkout, settings: ProjectSettings, recorded: str | None = None) -> Refusal | None:
    """Returns why no handoff is written into this project, as far as git has to do with that; None if it is, or for
    another reason is not.

    `recorded`: why none was written last, as git takes a name for that of a folder only once there is one. Reads only.
    Blocks (git).
    """
    if not settings.is_inside or unfit(checkout.root) is not None:
        return None
    refused = _left_without(checkout) or refusal_by_git(checkout)
    is_still_let_in = recorded == LET_IN and not is_there(checkout.root / STORE) and checkout.may_let_in(STORE)
    return refused or (Refusal(LET_IN, in_git=True) if is_still_let_in else None)


def has_our_rule(text: bytes) -> bool:
    """Whether the text of an ignore file has our rule for `.carryover/`."""
    return find_lines(text, _LINES) is not None


def _lines_for(name: str) -> tuple[bytes, bytes]:
    return _LINES if name == STORE else (RULES_HEADING, b"/" + os.fsencode(name))


def _all_names() -> list[str]:
    lists, files = read_lists().values(), local_files().values()
    return [*(where.name for where in lists), *(file.name for file in files), AGENTS_MD, STORE]


def rules_in(checkout: Checkout, going: Collection[Path] = ()) -> Text | None:
    """Returns our rules in `info/exclude`, to be taken out; None while a checkout of the repository has a folder for
    handoffs that is not among those `going`, or may have one since there are too many to look at."""
    stores = {root / STORE for root in (checkout.root, *checkout.others)}
    with suppress(OSError):  # not a repository (any more), so its rules do not matter
        is_in_use = checkout.has_countless_others or any(map(is_folder, stores.difference(going)))
        if checkout.exclude.exists() and not is_in_use:
            return rules(checkout, _all_names())
    return None


def take_rules(edits: Pass) -> None:
    """Takes our rules out of `info/exclude`, once no checkout needs them."""
    if (ours := rules_in(edits.checkout)) is not None:
        edits.take(ours)


def shared_rule(root: Path) -> Text:
    """Returns the rule that a trial version put into the project's .gitignore, which takes the file itself along if
    it has nothing else."""
    every = [*map(_lines_for, _all_names())]
    text = text_in(root, GITIGNORE, _WHAT, with_rule, lambda data, _: without_rules(data, every))
    return replace(text, is_in=has_our_rule)


def without_rules(data: bytes | None, gone: Collection[Sequence[bytes]]) -> bytes | None:
    """Removes those of our rules that are `gone`; returns None if nothing else was in the file. Others stay.

    Rules are removed in reverse order of addition, since each remembers whether the text before it ended with a line
    end; those after a removed one are added again.
    """
    if data is None or not any(lines[-1] in data for lines in gone):  # as in most publications
        return data
    last: list[Sequence[bytes]] = []
    while data is not None and (lines := _rule_at_end(data)) is not None:
        last.append(lines)
        data = None if data in (whole_file(lines), whole_file(lines, b"\r\n")) else without_rule(data, lines)
    for lines in reversed(last):
        data = data if lines in gone else with_rule(data, lines)
    for lines in gone:
        data = without_rule(data, lines) if data is not None else None
    return data


def _rule_at_end(data: bytes) -> Sequence[bytes] | None:
    for lines in map(_lines_for, _all_names()):
        span = find_lines(data, lines, max(0, len(data) - len(b"\r\n".join(lines)) - len(b"\r\n")))
        if span is not None and not data[span[1] :].strip(b"\r\n"):
            return lines
    return None


def with_rule(data: bytes | None, lines: Sequence[bytes] = _LINES) -> bytes:
    """Appends our rule to an ignore file's text, unless it has the rule. Raises EditRefused if it is not text."""
    if data is None:
        return whole_file(lines)
    if not is_text(data):
        raise EditRefused("it is not plain text")
    return data if find_lines(data, lines) is not None else with_lines(data, lines)


def without_rule(data: bytes, lines: Sequence[bytes] = _LINES) -> bytes:
    """Removes the two lines that `with_rule` added, restoring the exact text."""
    span = find_lines(data, lines)
    return data if span is None else without_span(data, span)


def rules(checkout: Checkout, names: Iterable[str]) -> Text:
    """Returns our rules for these files in `info/exclude`. They are not listed, since all checkouts of a repository
    share them. No symlink is followed, though git follows this one (2.39): what it leads to is not the repository's.
    Raises OSError if that is no file of a repository."""
    path, each = checkout.exclude, [*map(_lines_for, names)]
    if path.parent.is_symlink():
        raise OSError(errno.EINVAL, "its folder is a symlink")

    def put(data: bytes | None) -> bytes | None:
        needed = (lines for lines in each if lines != _LINES or not has_rule(data or b"", STORE))  # the user's, or ours
        return reduce(with_rule, needed, data)

    text = text_in(checkout.root, EXCLUDE, _WHAT, put, lambda data, _: without_rules(data, each))
    return replace(text, path=path, listed=None)
