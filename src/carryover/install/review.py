"""Finds which of our hooks the user has yet to review, by the agent's own notes, which it only reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from packaging.specifiers import SpecifierSet

from carryover.adapter.spec import HookReview
from carryover.edits.encoding import EditRefused
from carryover.edits.hook_command import owner_by_script
from carryover.edits.hooks import FoundHook
from carryover.edits.plan import Edit
from carryover.edits.settings import hooks_of, value_at
from carryover.fsio import read_bytes_bounded
from carryover.install.detect import Detection
from carryover.install.hook_sets import released

_LIMIT_BYTES: Final = 64 << 20


def asks_for_review(found: Detection) -> bool:
    """Whether this version runs a hook only once the user has reviewed it; True where the version is unknown."""
    review = found.spec.hooks.review
    if review is None:
        return False
    return found.version is None or released(found.version) in SpecifierSet(review.versions)


def to_review(found: Detection, data: bytes | None, script: Path, *, edit: Edit | None = None) -> tuple[str, ...]:
    """The events of our hooks in `data`, an agent's settings, that the agent has no note of.

    `edit`: the edit that has just written `data`. Hooks that it added or changed have yet to be reviewed even where
    there is a note: that is about the hook in their place before.

    Raises:
        EditRefused: the settings cannot be read.
    """
    review = found.spec.hooks.review
    if review is None or found.config is None or data is None or not asks_for_review(found):
        return ()
    noted = _notes(found, review)
    brought = edit is not None and edit.changes
    known = {_place(hook) for hook in _ours(found, edit.before, script)} if edit is not None and edit.before else set()
    waiting = [
        hook.hook.event
        for hook in _ours(found, data, script)
        if not _is_noted(hook, review, noted, found.config) or (brought and _place(hook) not in known)
    ]
    return tuple(dict.fromkeys(waiting))


def _ours(found: Detection, data: bytes, script: Path) -> list[FoundHook]:
    there = hooks_of(data, owner_by_script(script), form=found.form)
    return [hook for hook in there if hook.owner != "others"]


def _place(hook: FoundHook) -> tuple[object, ...]:
    return hook.hook, hook.group, hook.number


def _notes(found: Detection, review: HookReview) -> Mapping[str, Any]:
    try:
        data = read_bytes_bounded(found.located(review.state_file), _LIMIT_BYTES)
        notes = value_at(data, review.tables, toml=True)
    except (OSError, EditRefused):  # without the agent's notes nothing was reviewed
        return {}
    return notes if isinstance(notes, dict) else {}


def _is_noted(hook: FoundHook, review: HookReview, noted: Mapping[str, Any], config: Path) -> bool:
    """Whether the agent has noted a review. It may name the file by the path it was given, or by the real one."""
    for file in (config, Path(os.path.realpath(config))):
        note = noted.get(review.entry(file, hook.hook.event, hook.group, hook.number))
        if isinstance(note, dict) and review.mark in note:
            return True
    return False
