"""Puts the pointer where agents find it and git shows nothing: into separate files that `info/exclude` hides.

A file that any branch has belongs to someone else, and one that the user extends becomes the user's: our text is
removed, and the rule with it, so that git shows the file. Other checkouts count too, since all share the rules.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from carryover.adapter.spec import AGENTS_MD
from carryover.agents import instruction_files, local_files, specs
from carryover.errors import os_reason
from carryover.fsio import is_there, read_if_there
from carryover.outside.apply import Text, plan_edit
from carryover.outside.in_project import Pass, text_in
from carryover.probe.checkout import Checkout
from carryover.probe.ignore_rules import SIZE_LIMIT_BYTES
from carryover.publish.gitignore import rules
from carryover.publish.pointers import NEW_FILE, is_only_ours, pointer, says_nothing, without_block
from carryover.text.user_text import EditRefused, Origin

_WHAT: Final = "the pointer to the handoff, hidden from git"


def local_names() -> dict[str, bytes]:
    """Returns the files that may be created in a project, with their texts."""
    files = {file.name: file.head.encode() + NEW_FILE for file in local_files().values()}
    return {AGENTS_MD: NEW_FILE, **files}


def place_local_pointers(edits: Pass, agents: Collection[str] | None) -> set[str]:
    """Creates the files that one of `agents` (None: any) would read here, and returns them; in a pass that adds
    nothing, those of them that are ours. If git can't tell which files it has, all stay as they are, or such a pass
    raises OSError."""
    texts, listed = local_names(), edits.listed
    try:
        wanted = [name for name in _wanted(edits.checkout, agents, texts) if edits.adds or name in listed]
        hidden = _hide(edits, wanted)
    except OSError as error:
        if not edits.adds:
            raise
        # The handoff is written all the same.
        edits.left_alone(AGENTS_MD, f"git could not say which branch has one: {os_reason(error)}")
        return {*instruction_files(), *texts}
    for name in hidden:
        edits.put(_local_file(edits.root, name, texts[name]))
    return set(hidden)


def hidden_since(edits: Pass) -> dict[str, int]:
    """Returns our files that git does not show, with their modification times (ns)."""
    paths = (edits.root / name for name in local_names().keys() & edits.listed)
    return {str(path): path.stat().st_mtime_ns for path in paths if path.exists()}


def _hide(edits: Pass, names: list[str]) -> list[str]:
    """Puts in the rules for files before these are made. Returns which of them git then ignores: another rule may take
    one back in. Raises OSError."""
    if not names:
        return []
    checkout = edits.checkout
    edit = plan_edit(rules(checkout, names))
    if edit.changes:
        negated = checkout.negated(names)
        names = [name for name in names if name not in negated]
        edit = plan_edit(rules(checkout, names))
    edits.carry_out(edit)
    return checkout.ignored(names)


def unhide(edits: Pass, wanted: Collection[str] = ()) -> None:
    """Makes git show all files again except for the `wanted` ones and our files in another checkout."""
    others = edits.checkout.others
    texts = ((name, text) for name, text in local_names().items() if name not in wanted)
    names = [name for name, text in texts if not any(_content(other / name) == text for other in others)]
    with suppress(OSError):  # not a repository (any more), so its rules do not matter
        edits.take(rules(edits.checkout, names))


def local_text(root: Path, name: str) -> Text:
    """Returns our text in a file, to be taken out; a file that we created and the user did not extend is deleted."""
    return pointer(root, name) if name in instruction_files() else _local_file(root, name, local_names()[name])


def _wanted(checkout: Checkout, agents: Collection[str] | None, texts: Mapping[str, bytes]) -> Iterator[str]:
    if checkout.git_dir is None:
        return
    taken = checkout.tracked_anywhere(list(texts))
    taken |= {name for name, text in texts.items() if not _is_free(checkout, name, text)}
    if AGENTS_MD not in taken:
        yield AGENTS_MD
    instead = {spec.id: spec.instead_of_agents_md for spec in specs()}
    for agent, file in local_files().items():
        other = instead[agent]
        # Any text in it might hide AGENTS.md too.
        needed = AGENTS_MD in taken if other is None else not says_nothing(pointer(checkout.root, other).found())
        if (agents is None or agent in agents) and needed and file.name not in taken:
            yield file.name


def _is_free(checkout: Checkout, name: str, text: bytes) -> bool:
    """Whether no checkout has anything but our own file there."""
    roots = (checkout.root, *checkout.others)
    found = ((root, _content(root / name)) for root in roots)
    return all((data is None or is_only_ours(data, text)) and _is_way_free(root, name) for root, data in found)


def _is_way_free(root: Path, name: str) -> bool:
    folders = _folders(root, name)
    # What a folder with a repository of its own holds is that one's to show.
    if any(folder.is_symlink() or is_there(folder / ".git") for folder in folders):
        return False
    if any(is_there(folder) and not folder.is_dir() for folder in folders):
        return False
    try:
        found = os.listdir((root / name).parent)  # noqa: PTH208 (only names are needed)
    except OSError:
        return not is_there((root / name).parent)
    # On a case-insensitive disk, AGENTS.md may be the user's Agents.md.
    return not any(other != Path(name).name and other.casefold() == Path(name).name.casefold() for other in found)


def _content(path: Path) -> bytes | None:
    """Returns the file's bytes; None if there is none. What can't be read has none of ours."""
    try:
        return read_if_there(path, SIZE_LIMIT_BYTES, follow=False)
    except OSError:
        return b""


def _folders(root: Path, name: str) -> list[Path]:
    return [root / folder for folder in Path(name).parents if folder.name]


def _local_file(root: Path, name: str, whole: bytes) -> Text:
    def made(data: bytes | None) -> bytes:
        if data is None:
            return whole
        if not is_only_ours(data, whole):
            raise EditRefused("it has a text of yours")
        return data

    def removed(data: bytes, _: Origin) -> bytes | None:
        return None if is_only_ours(data, whole) else without_block(data)

    # A stranger's may lead into another project.
    is_led_away = any(folder.is_symlink() for folder in _folders(root, name))
    obstacle = "there is a symlink on the way to it" if is_led_away else None
    return replace(text_in(root, name, _WHAT, made, removed), obstacle=obstacle)
