"""What one agent's settings say, as far as it matters to us. Reads a few files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.spec import HookSwitch
from carryover.edits.agent_hooks import AgentHooks, HookDiff, compare_hooks
from carryover.edits.encoding import EditRefused
from carryover.edits.settings import drop_reason, ignored_events, value_at
from carryover.fsio import read_bytes_bounded
from carryover.install.detect import Detection
from carryover.install.review import asks_for_review, to_review

_LIMIT_BYTES: Final = 64 << 20


class SettingsFacts(msgspec.Struct, frozen=True, kw_only=True):
    """See `carryover.install.facts.ToolFacts` for what each says."""

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


def settings_facts(seen: Detection, wanted: AgentHooks | None, script: Path) -> SettingsFacts:
    """Looks at the settings of one agent. `wanted`: the hooks that it should have; None where it should have none."""
    facts = SettingsFacts(keeps_days=_keeps_days(seen), reads_bytes=_reads_bytes(seen))
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


def switched_off(seen: Detection) -> tuple[str, Path] | None:
    """The setting that switches all hooks off, as people call it, and the file that it stands in; None: none does."""
    off = next((switch for switch in seen.spec.hooks.switches if _says_off(seen, switch)), None)
    return None if off is None else (_in_words(off), seen.located(off.file))


def _with_hooks(
    facts: SettingsFacts, seen: Detection, wanted: AgentHooks, data: bytes | None, found: HookDiff, script: Path
) -> SettingsFacts:
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
