"""Puts the handoff into the settings of agents that read no instruction file but load a list of files.

A relative path would be resolved against the folder that the agent is started in, so the list gets the absolute one,
and only a file that git ignores is edited. A project's list overrides the user's global one, so if there is one, the
entry is left to the user. A path that does not exist is an error at each start, so the handoff is written first.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from carryover.adapter.contract import Agent
from carryover.adapter.spec import ReadList
from carryover.agents import adapters, specs
from carryover.edits.apply import Edit, ProjectEdits, plan
from carryover.fsio import is_there, read_bytes_bounded
from carryover.probe.checkout import Checkout
from carryover.probe.ignore_rules import SIZE_LIMIT_BYTES
from carryover.probe.own_file import is_own
from carryover.projects.handoff_file import IN_PROJECT
from carryover.publish.gitignore import keep_file_out, project_change
from carryover.text.user_text import EditRefused


def place_in_read_lists(checkout: Checkout, edits: ProjectEdits, *, home: Path) -> None:
    """Adds the handoff of the project to the list of each agent that has worked there, unless present."""
    root = checkout.root
    for spec in specs():
        where = spec.read_list
        if where is None:
            continue
        mine = where.file in edits.mine
        if not mine and not _has_worked_here(adapters().get(spec.id), checkout):
            continue
        shown = False
        try:
            shown = not mine and checkout.git_dir is not None and not checkout.is_ignored(where.file)
            reason = _why_not(checkout, where, mine=mine, shown=shown, home=home)
        except OSError:
            reason = "git could not say whether it is ignored"
        # A file that git shows is ours to make: `_why_not` refuses the user's.
        if reason is None and (not shown or keep_file_out(checkout, edits, where.file)):
            edit = _addition(root, where, mine=mine)
            edits.carry_out(where.file, edit, ours=edit.after is not None and _ours(edit.after, where) != [])
            continue
        if mine:
            edits.carry_out(where.file, read_list_removal(root, where), ours=False)
        if reason is not None and spec.start is not None:
            by_hand = shlex.join((spec.start.binary, *spec.start.arguments("", IN_PROJECT)))
            reason = f"{reason}; `{by_hand}` reads the handoff"
        if reason is not None:
            edits.left_alone(where.file, reason)


def _has_worked_here(agent: Agent | None, checkout: Checkout) -> bool:
    if agent is None or not agent.in_projects:
        return False
    return any(is_own(agent, checkout, Path(source.path)) for source in agent.sources(checkout.root))


def lists_handoff(root: Path, where: ReadList) -> bool:
    """Whether the list of the project at `root` names a handoff."""
    try:
        return _ours(read_bytes_bounded(root / where.file, SIZE_LIMIT_BYTES), where) != []
    except OSError:
        return False


def read_list_removal(root: Path, where: ReadList) -> Edit:
    """Plans to remove our entry from a list; a file that we created and the user did not extend is deleted."""
    listed = where.syntax(where.key)

    def removed(data: bytes | None) -> bytes | None:
        if data is None:
            return None
        for entry in _ours(data, where):
            if listed.is_new_file(data, entry):
                return None
            data = listed.without_entry(data, entry)
        return data

    return _plan(root, where, removed)


def _why_not(checkout: Checkout, where: ReadList, *, mine: bool, shown: bool, home: Path) -> str | None:
    """Returns why the project's file must not get the entry, as a clause; None if it may. `shown`: whether git does not
    ignore the file. Raises OSError if git can't tell whether it tracks it."""
    path = checkout.root / where.file
    if checkout.git_dir is not None and checkout.is_tracked(where.file):
        return "git tracks it, and a path of this machine does not belong there"
    if shown and is_there(path):
        return "git does not ignore it, so a path of this machine might be committed"
    if not mine and not _has_list(path, where) and _has_list(where.user_file.at(home, {}), where):
        return f"the list in {where.user_file.path} would no longer count in this project"
    return None


def _has_list(path: Path, where: ReadList) -> bool:
    try:
        return where.syntax(where.key).has_list(read_bytes_bounded(path, SIZE_LIMIT_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, EditRefused):
        return True


def _addition(root: Path, where: ReadList, *, mine: bool) -> Edit:
    """Plans to add our entry. If the file is `mine`, entries for the project's former places go."""
    entry = str(root / IN_PROJECT)
    listed = where.syntax(where.key)

    def added(data: bytes | None) -> bytes | None:
        if data is None:
            return listed.new_file(entry)
        formers = _ours(data, where) if mine else []
        for former in formers:
            if former == entry:
                continue
            if listed.is_new_file(data, former):
                return listed.new_file(entry)
            data = listed.without_entry(data, former)
        is_listed = any(listed.has_entry(data, name) for name in (entry, IN_PROJECT))
        return data if is_listed else listed.with_entry(data, entry)

    return _plan(root, where, added)


def _plan(root: Path, where: ReadList, edited: Callable[[bytes | None], bytes | None]) -> Edit:
    return plan(project_change(root / where.file, "the handoff among the files that are read", edited, follow=False))


def _ours(data: bytes, where: ReadList) -> list[str]:
    """Returns the entries that name a handoff, wherever the project was at the time."""
    try:
        return where.syntax(where.key).entries_ending(data, f"/{IN_PROJECT}")
    except EditRefused:
        return []
