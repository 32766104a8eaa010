"""Reads what an agent's settings say of our hooks, and which of these the user has yet to review. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from packaging.specifiers import SpecifierSet

from carryover.adapter.spec import HookReview, HookSwitch
from carryover.edits.agent_hooks import AgentHooks, HookDiff, compare_hooks
from carryover.edits.encoding import EditRefused
from carryover.edits.handoff_entries import AgentEntry, holds_entry
from carryover.edits.hook_command import owner_by_script
from carryover.edits.hooks import FoundHook
from carryover.edits.plan import Edit
from carryover.edits.settings import drop_reason, hooks_of, ignored_events, value_at
from carryover.fsio import read_bytes_bounded
from carryover.install.detect import Detection
from carryover.install.hook_sets import released

_LIMIT_BYTES: Final = 64 << 20


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent's settings say; see `HooksReport` and `AgentReport` in `carryover.diagnose.report`."""

    problem: str = ""
    dropped: str = ""
    ignored: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    to_review: tuple[str, ...] = ()
    reviewed: bool = False
    switched_off: str = ""
    switched_off_in: Path | None = None
    keeps_days: int | None = None
    reads_bytes: int | None = None


def read_settings(seen: Detection, wanted: AgentHooks | None, script: Path) -> AgentSettings:
    """Looks at the settings of one agent. `wanted`: the hooks that it should have; None where it should have none."""
    facts = AgentSettings(keeps_days=_keeps_days(seen), reads_bytes=_reads_bytes(seen))
    if (off := switched_off(seen)) is not None:
        facts = msgspec.structs.replace(facts, switched_off=off[0], switched_off_in=off[1])
    if seen.blocked:
        return msgspec.structs.replace(facts, problem=f"{seen.blocked}.")
    if wanted is None:
        return facts
    try:
        data = _read(wanted.config)
        found = compare_hooks(data, wanted, script)
        return _with_hooks(facts, seen, wanted, data, found, script)
    except OSError as error:
        return msgspec.structs.replace(facts, problem=f"{wanted.config} can't be read ({error.strerror}).")
    except EditRefused as error:
        return msgspec.structs.replace(facts, problem=f"{wanted.config} can't be used: {error}.")


def read_entry(wanted: AgentEntry) -> tuple[bool, str]:
    """Whether the settings hold the entry, and why they cannot be read, as a sentence; empty where they can."""
    try:
        return holds_entry(_read(wanted.config), wanted), ""
    except OSError as error:
        return False, f"{wanted.config} can't be read ({error.strerror})."
    except EditRefused as error:
        return False, f"{wanted.config} can't be used: {error}."


def switched_off(seen: Detection) -> tuple[str, Path] | None:
    """The setting that switches all hooks off, as people call it, and the file that it is in; None: none does."""
    off = next((switch for switch in seen.spec.hooks.switches if _says_off(seen, switch)), None)
    return None if off is None else (_in_words(off), seen.located(off.file))


def _with_hooks(
    facts: AgentSettings, seen: Detection, wanted: AgentHooks, data: bytes | None, found: HookDiff, script: Path
) -> AgentSettings:
    waiting = to_review(seen, data, script)
    there = data if data is not None else b""
    return msgspec.structs.replace(
        facts,
        present=found.present,
        missing=found.missing,
        edited=found.edited,
        dropped=(drop_reason(there, form=wanted.form, rules=wanted.rules) or "") if data is not None else "",
        ignored=ignored_events(there, form=wanted.form),
        to_review=waiting,
        reviewed=asks_for_review(seen) and not waiting and bool(found.present or found.edited),
    )


def _says_off(seen: Detection, switch: HookSwitch) -> bool:
    return _setting(seen.located(switch.file), switch.key) is switch.off


def _in_words(switch: HookSwitch) -> str:
    """As people call it: `disableAllHooks`, `features.hooks = false`."""
    return ".".join(switch.key) + ("" if switch.off else " = false")


def _keeps_days(seen: Detection) -> int | None:
    retention = seen.spec.retention
    if retention is None:
        return None
    return _number(_setting(seen.config, (retention.key,)), retention.default_days)


def _reads_bytes(seen: Detection) -> int | None:
    limit = seen.spec.instruction_limit
    if limit is None:
        return None
    return _number(_setting(seen.located(limit.file), (limit.key,)), limit.default_bytes)


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _setting(path: Path | None, key: Sequence[str]) -> Any:
    """A setting's value; None where the file does not say, cannot be read, or is no settings file."""
    if path is None:
        return None
    try:
        data = _read(path)
        return None if data is None else value_at(data, key, toml=path.suffix == ".toml")
    except (OSError, EditRefused):
        return None


def _read(path: Path) -> bytes | None:
    try:
        return read_bytes_bounded(path, _LIMIT_BYTES)
    except FileNotFoundError:
        return None


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
