"""Puts the handoff into the settings of agents that read no instruction file but load a list of files.

A relative path would be resolved against the folder that the agent is started in, so the list gets the absolute one,
and only a file that git ignores is edited. A project's list overrides the user's global one, so if there is one, the
entry is left to the user. A path that does not exist is an error at each start, so the handoff is written first.
"""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from carryover.adapter.spec import AgentSpec
from carryover.agents import adapter, read_lists, specs
from carryover.fsio import is_there, read_bytes_bounded
from carryover.outside.apply import Text
from carryover.outside.in_project import Pass, text_in
from carryover.probe.checkout import Checkout
from carryover.probe.ignore_rules import SIZE_LIMIT_BYTES
from carryover.probe.own_file import is_own
from carryover.projects.handoff_file import IN_PROJECT
from carryover.publish.gitignore import keep_out
from carryover.text.user_text import EditRefused, Origin
from carryover.text.yaml_list import YamlList
from carryover.transcript.sources import sources_of

_WHAT: Final = "the handoff among the files that are read"


def place_in_read_lists(edits: Pass) -> set[str]:
    """Adds the handoff of the project to the list of each agent that has worked there, unless present; returns the
    files. In a pass that adds nothing, all stay as they are."""
    if not edits.adds:
        return {where.name for where in read_lists().values()}
    checkout, wanted = edits.checkout, set[str]()
    for spec in specs():
        where = spec.local_file
        if not isinstance(where, YamlList):
            continue
        is_listed = where.name in edits.listed
        if not is_listed and not _has_worked_here(spec.id, checkout):
            continue
        try:
            shown = not is_listed and checkout.git_dir is not None and not checkout.is_ignored(where.name)
            reason = _why_not(checkout, where, is_listed=is_listed, shown=shown)
        except OSError:
            shown, reason = False, "git could not say whether it is ignored"
        if reason is not None:
            edits.left_alone(where.name, f"{reason}{_by_hand(spec)}")
        # A file that git shows is ours to make: `_why_not` refuses the user's.
        elif not shown or keep_out(edits, where.name):
            edits.put(list_entry(checkout.root, where, is_listed=is_listed))
            wanted.add(where.name)
    return wanted


def _by_hand(spec: AgentSpec) -> str:
    if spec.start is None:
        return ""
    command = shlex.join((spec.binaries[0], *spec.start.arguments("", IN_PROJECT)))
    return f"; `{command}` reads the handoff"


def _has_worked_here(agent_id: str, checkout: Checkout) -> bool:
    try:
        agent = adapter(agent_id)  # `adapters` would load those of all agents
    except KeyError:
        return False
    sources = sources_of(agent, checkout.root) if agent.in_projects else ()
    return any(is_own(agent, checkout, Path(source.path)) for source in sources)


def _without(data: bytes, _: Origin, where: YamlList) -> bytes | None:
    for entry in _ours(data, where):
        if where.is_new_file(data, entry):
            return None
        data = where.without_entry(data, entry)
    return data


def _why_not(checkout: Checkout, where: YamlList, *, is_listed: bool, shown: bool) -> str | None:
    """Returns why the project's file must not get the entry, as a clause; None if it may. `shown`: whether git does not
    ignore the file. Raises OSError if git can't tell whether it tracks it."""
    path = checkout.root / where.name
    if checkout.is_tracked(where.name):
        return "git tracks it, and a path of this machine does not belong there"
    if shown and is_there(path):
        return "git does not ignore it, so a path of this machine might be committed"
    if not is_listed and not _has_list(path, where) and _has_list(Path.home() / where.user_file, where):
        return f"the list in ~/{where.user_file} would no longer count in this project"
    return None


def _has_list(path: Path, where: YamlList) -> bool:
    try:
        return where.has_list(read_bytes_bounded(path, SIZE_LIMIT_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, EditRefused):
        return True


def list_entry(root: Path, where: YamlList, *, is_listed: bool = True) -> Text:
    """Returns our entry in a list; a file that we created and the user did not extend is deleted with it. If the file
    `is_listed`, entries for the project's former places go as well when it is put in."""
    own = str(root / IN_PROJECT)

    def added(data: bytes | None) -> bytes | None:
        if data is None:
            return where.new_file(own)
        for former in _ours(data, where) if is_listed else []:
            if former == own:
                continue
            if where.is_new_file(data, former):
                return where.new_file(own)
            data = where.without_entry(data, former)
        has_entry = any(where.has_entry(data, name) for name in (own, IN_PROJECT))
        return data if has_entry else where.with_entry(data, own)

    text = text_in(root, where.name, _WHAT, added, partial(_without, where=where))
    return replace(text, is_in=lambda data: _ours(data, where) != [])


def _ours(data: bytes, where: YamlList) -> list[str]:
    """Returns the entries that name a handoff, wherever the project was at the time."""
    try:
        return where.entries_ending(data, f"/{IN_PROJECT}")
    except EditRefused:
        return []
