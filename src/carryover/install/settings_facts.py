"""What one agent's settings say, as far as it matters to us. Reads one file."""

from __future__ import annotations

import msgspec

from carryover.configedit.json_document import Refused
from carryover.configedit.json_text import switched_off
from carryover.fsio import read_bytes_bounded
from carryover.install.detect import Detection
from carryover.install.hook_edits import Stub, ToolHooks, hooks_found

_LIMIT_BYTES = 64 << 20


class SettingsFacts(msgspec.Struct, frozen=True, kw_only=True):
    """See `carryover.install.facts.ToolFacts` for what each says."""

    problem: str = ""
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    switched_off: bool = False
    keeps_days: int | None = None


def settings_facts(seen: Detection, wanted: ToolHooks | None, stub: Stub) -> SettingsFacts:
    """Looks at the settings of one agent. `wanted`: the hooks that it should have; None where it should have none."""
    keeps_days = seen.spec.retention.default_days if seen.spec.retention is not None else None
    if seen.config is None:
        return SettingsFacts(keeps_days=keeps_days)
    try:
        data = read_bytes_bounded(seen.config, _LIMIT_BYTES)
    except FileNotFoundError:
        missing = tuple(hook.event for hook in wanted.hooks) if wanted is not None else ()
        return SettingsFacts(missing=missing, keeps_days=keeps_days)
    except OSError as error:
        return SettingsFacts(problem=f"{seen.config} can't be read ({error.strerror}).", keeps_days=keeps_days)
    try:
        found = hooks_found(data, wanted, stub) if wanted is not None else None
        return SettingsFacts(
            present=found.present if found is not None else (),
            missing=found.missing if found is not None else (),
            edited=found.edited if found is not None else (),
            switched_off=switched_off(data),
            keeps_days=_keeps_days(data, seen),
        )
    except Refused as error:
        return SettingsFacts(problem=f"{seen.config} can't be used: {error}.", keeps_days=keeps_days)


def _keeps_days(data: bytes, seen: Detection) -> int | None:
    retention = seen.spec.retention
    if retention is None:
        return None
    try:
        settings = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf") or b"{}")
    except msgspec.DecodeError:
        return retention.default_days
    days = settings.get(retention.key) if isinstance(settings, dict) else None
    return days if isinstance(days, int) and not isinstance(days, bool) else retention.default_days
