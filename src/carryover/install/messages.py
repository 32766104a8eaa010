"""Texts about each agent for the installer's output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from carryover.install.detect import ALL_KNOWN, Detection, can_inject, lowest
from carryover.paths import short_path

Did = Literal["written", "in place", "to be written"]
"""What happened to the hooks: written, already in place, or to be written (in a dry run)."""


def presence(detection: Detection) -> str:
    """Returns `detected` or `not detected`, for the list of agents."""
    return "detected" if detection.found else "not detected"


def summary(
    detection: Detection,
    *,
    home: Path,
    update: str,
    did: Did = "written",
    failure: str = "",
    waiting: tuple[str, ...] = (),
    off: str = "",
) -> tuple[str, ...]:
    """Returns the lines about one selected agent.

    `update`: the command that updates Carryover. `failure`: why its hooks could not be written and what to do, in whole
    sentences. `waiting`: events whose hooks the user has yet to review. `off`: the setting that switches its hooks off,
    and the file that contains it.
    """
    if detection.state == "missing":
        return _not_detected(detection)
    if detection.lost_folder is not None:
        return _lost(detection, home)
    if failure:
        what = "its settings" if detection.spec.handoff_entry is not None else "its hooks"
        return (f"✗ {_name(detection)} detected, but {what} could not be written.", *_indented(failure.splitlines()))
    return (
        *_headline(detection, home, update),
        *_indented(_where(detection, home)),
        *_indented(_hooks(detection, home, did)),
        *_indented(_switched_off(off) if off else _review(detection, waiting)),
    )


def _headline(detection: Detection, home: Path, update: str) -> tuple[str, ...]:
    match detection.state:
        case "older":
            return _older(detection, home)
        case "newer":
            return _newer(detection, update)
        case "unreadable":
            return _unreadable(detection, home)
        case _:
            return (
                f"✓ {_name(detection)} detected",
                *_indented(_remembered(detection)),
                *_indented(_no_injection(detection)),
            )


def _not_detected(detection: Detection) -> tuple[str, ...]:
    return (
        f"✗ {detection.spec.name} selected but not detected on this machine.",
        "  Skipped. Re-run `carryover refresh` after installing it.",
    )


def _older(detection: Detection, home: Path) -> tuple[str, ...]:
    spec = detection.spec
    which = f" ({short_path(detection.binary, home)})" if _one_of_several(detection) and detection.binary else ""
    return (
        f"⚠ {_name(detection)}{which} detected: older than the hooks Carryover needs ({lowest(spec.hooks.sets[0])}).",
        "  No hooks are written. Its transcripts are still read and the handoff is kept fresh.",
        f"  Update {spec.name} when you can, then run `carryover refresh`.",
    )


def _newer(detection: Detection, update: str) -> tuple[str, ...]:
    return (
        f"⚠ {_name(detection)} detected: newer than Carryover's known versions.",
        f"  Falling back to the last-known hook names ({detection.spec.name} {detection.spec.hooks.sets[-1].label}).",
        f"  Update Carryover when you can: `{update}`.",
    )


def _unreadable(detection: Detection, home: Path) -> tuple[str, ...]:
    name, command = detection.spec.name, detection.spec.binaries[0]
    if detection.binary is None and detection.folder is not None:
        return (
            f"⚠ {name} detected by its folder {short_path(detection.folder, home)}: {detection.problem}.",
            *_fallback(detection),
            f"  That is enough where you use it inside an editor. If you have `{command}`, put it on PATH and run "
            "`carryover refresh`.",
        )
    return (
        f"⚠ {name} detected, but its version could not be read: {detection.problem}.",
        *_fallback(detection),
        f"  Run `carryover refresh` once `{command}` says its version.",
    )


def _fallback(detection: Detection) -> tuple[str, ...]:
    if detection.hook_set is None:
        return ()
    if detection.hook_set.label == ALL_KNOWN:
        return ("  Using only the hooks that every known version has.",)
    return (f"  Falling back to the last-known hook names ({detection.spec.name} {detection.hook_set.label}).",)


def _remembered(detection: Detection) -> Iterator[str]:
    if detection.remembered:
        yield f"That is the version of an earlier time; it was not read now: {detection.remembered}."


def _no_injection(detection: Detection) -> Iterator[str]:
    if detection.hook_set is not None and not can_inject(detection.spec, detection.hook_set):
        yield "With these hooks it takes in no handoff at the start of a session; newer versions do."


def _one_of_several(detection: Detection) -> bool:
    return detection.spec.asks_every_copy and bool(detection.others)


def _where(detection: Detection, home: Path) -> Iterator[str]:
    if detection.binary is not None and not detection.on_path:
        yield f"command: {short_path(detection.binary, home)} (not on PATH)"
    if detection.others:
        yield f"also found: {', '.join(short_path(other, home) for other in detection.others)}"


def _hooks(detection: Detection, home: Path, did: Did) -> Iterator[str]:
    if (entry := detection.spec.handoff_entry) is not None and detection.config is not None:
        yield f"config: {short_path(detection.config, home)}"
        yield f"`{entry.entry}` {did} in its `{entry.key}`: it is loaded at each request"
    elif not detection.spec.hooks.sets:
        yield "no hooks: it has none; its transcripts are read"
    elif detection.hook_set is not None and detection.config is not None:
        yield f"config: {short_path(detection.config, home)}"
        yield f"hooks {did}: {', '.join(detection.hook_set.events)}"


def _review(detection: Detection, waiting: tuple[str, ...]) -> Iterator[str]:
    if detection.spec.hooks.review is not None and waiting:
        yield from re.split(r"(?<=\.) (?=[A-Z])", detection.spec.hooks.review.what)


def _switched_off(off: str) -> list[str]:
    return [f"They do not run: all hooks are switched off ({off})."]


def _lost(detection: Detection, home: Path) -> tuple[str, ...]:
    assert detection.lost_folder is not None
    return (
        f"✗ {_name(detection)} detected, but {detection.lost_by} names {short_path(detection.lost_folder, home)}, "
        "which does not exist.",
        f"  {detection.spec.name} does not start so. Nothing was made.",
        f"  Make the folder, or take {detection.lost_by} back; then run `carryover refresh`.",
    )


def _name(detection: Detection) -> str:
    return f"{detection.spec.name} {detection.version_text}".rstrip()


def _indented(lines: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(f"  {line}" for line in lines)
