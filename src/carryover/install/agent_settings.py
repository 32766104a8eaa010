"""Reads our hooks from an agent's settings, and finds those that the user has yet to review. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from packaging.specifiers import SpecifierSet

from carryover.adapter.spec import HookReview
from carryover.edits.agent_settings import AgentSettings
from carryover.edits.encoding import EditRefused, decode
from carryover.edits.entries import has_entry, value_at
from carryover.edits.hook_command import owner_by_script
from carryover.edits.hooks import FoundHook, Hook, drop_reason, hooks_of
from carryover.edits.plan import Edit
from carryover.install.config_places import settings_bytes
from carryover.install.detect import Detection
from carryover.install.hook_sets import released


class HooksReport(msgspec.Struct, frozen=True, kw_only=True):
    """The hooks in an agent's settings, compared with those that should be there. Events use the agent's spelling."""

    present: tuple[str, ...] = ()
    """Events whose hook is exactly as it should be."""
    missing: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    """Events whose hook runs our script but was changed."""
    to_review: tuple[str, ...] = ()
    """Events whose hook the user has yet to review."""
    reviewed: bool = False
    """Whether the agent asks for reviews and every hook has been reviewed."""
    switched_off: bool = False
    switched_off_by: str | None = None
    """The setting that switches all hooks off, such as `features.hooks = false`."""
    switched_off_in: str | None = None
    """The file that contains that setting."""
    problem: str | None = None
    """Why the settings cannot be read, as a sentence."""
    dropped: str | None = None
    """Why the agent ignores every hook in that file, as a clause."""


class EntryReport(msgspec.Struct, frozen=True, kw_only=True):
    """The entry that makes an agent load the handoff."""

    entry: str
    key: str
    """The list in the settings that the entry belongs to."""
    present: bool = False
    problem: str | None = None
    """Why the settings cannot be read, as a sentence."""


def hooks_report(seen: Detection, wanted: AgentSettings | None, script: Path) -> HooksReport | None:
    """Compares an agent's hooks with the ones its settings should contain.

    `wanted` is None if the agent should have no hooks; the report then only says what prevents them, if anything.
    """
    off = switched_off(seen)
    if wanted is None and (not seen.found or off is None):
        return None
    report = HooksReport(
        switched_off=off is not None,
        switched_off_by=off[0] if off is not None else None,
        switched_off_in=str(off[1]) if off is not None else None,
    )
    if wanted is None:
        return report
    try:
        return _compared(report, seen, wanted, script)
    except (OSError, EditRefused) as error:
        return msgspec.structs.replace(report, problem=_unreadable(wanted.config, error))


def entry_report(wanted: AgentSettings) -> EntryReport:
    """Checks that the settings contain the entry that makes the agent load the handoff."""
    key, entry = wanted.list_entry
    try:
        return EntryReport(entry=entry, key=key, present=has_entry(settings_bytes(wanted.config) or b"", key, entry))
    except (OSError, EditRefused) as error:
        return EntryReport(entry=entry, key=key, problem=_unreadable(wanted.config, error))


def _unreadable(config: Path, error: OSError | EditRefused) -> str:
    if isinstance(error, OSError):
        return f"{config} can't be read ({error.strerror})."
    return f"{config} can't be used: {error}."


def _compared(report: HooksReport, seen: Detection, wanted: AgentSettings, script: Path) -> HooksReport:
    data = settings_bytes(wanted.config)
    here: dict[str, list[Hook]] = {}
    for found in _ours(seen, data or b"", script):
        here.setdefault(found.hook.event, []).append(found.hook)
    hooks = {hook.event: hook for hook in wanted.wanted(script)}
    present = tuple(event for event, hook in hooks.items() if here.get(event) == [hook])
    edited = tuple(event for event in dict.fromkeys((*hooks, *here)) if event in here and event not in present)
    waiting = to_review(seen, data, script)
    rules = seen.spec.hooks.file_rules
    return msgspec.structs.replace(
        report,
        present=present,
        missing=tuple(event for event in hooks if event not in here),
        edited=edited,
        dropped=drop_reason(decode(data or b"")[1], form=wanted.form, rules=rules),
        to_review=waiting,
        reviewed=asks_for_review(seen) and not waiting and bool(present or edited),
    )


def keeps_days(seen: Detection) -> int | None:
    """Returns the number of days after which the agent deletes its transcripts; None if it keeps them."""
    retention = seen.spec.retention
    if retention is None:
        return None
    return _number(_setting(seen.config, (retention.key,)), retention.default_days)


def reads_bytes(seen: Detection) -> int | None:
    """Returns how many bytes of a project's instruction files the agent reads; None if all."""
    limit = seen.spec.instruction_limit
    if limit is None:
        return None
    return _number(_setting(seen.located(limit.file), (limit.key,)), limit.default_bytes)


def switched_off(seen: Detection) -> tuple[str, Path] | None:
    """Returns the setting that switches all hooks off (such as `disableAllHooks`), with its file; None if none does."""
    for switch in seen.spec.hooks.switches:
        file = seen.located(switch.file)
        if _setting(file, switch.key) is switch.off:
            return ".".join(switch.key) + ("" if switch.off else " = false"), file
    return None


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _setting(path: Path | None, key: Sequence[str]) -> Any:
    """Returns a setting's value; None if it is not set or the file cannot be read."""
    if path is None:
        return None
    try:
        data = settings_bytes(path)
        return None if data is None else value_at(data, key, toml=path.suffix == ".toml")
    except (OSError, EditRefused):
        return None


def asks_for_review(found: Detection) -> bool:
    """Whether this version runs a hook only after the user has reviewed it; True if the version is unknown."""
    review = found.spec.hooks.review
    if review is None:
        return False
    return found.version is None or released(found.version) in SpecifierSet(review.versions)


def to_review(found: Detection, data: bytes | None, script: Path, *, edit: Edit | None = None) -> tuple[str, ...]:
    """Returns the events of our hooks in `data`, an agent's settings, that the agent has no record of a review for.

    `edit` is the edit that has just written `data`. Hooks that it added or changed must be reviewed even if there is
    such a record, since that is about the hook they replaced.

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
        notes = value_at(settings_bytes(found.located(review.state_file)) or b"", review.tables, toml=True)
    except (OSError, EditRefused):  # without the agent's records, nothing counts as reviewed
        return {}
    return notes if isinstance(notes, dict) else {}


def _is_noted(hook: FoundHook, review: HookReview, noted: Mapping[str, Any], config: Path) -> bool:
    """Whether the agent has recorded a review, under either the given or the real path of the file."""
    for file in (config, Path(os.path.realpath(config))):
        note = noted.get(review.entry(file, hook.hook.event, hook.group, hook.number))
        if isinstance(note, dict) and review.mark in note:
            return True
    return False
