"""Texts about each agent and about the daemon for the installer's output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from carryover.adapter.spec import LOADS
from carryover.install.background import DaemonReport
from carryover.install.detect import Detection, can_inject
from carryover.terminal.paths import short_path

Did = Literal["written", "in place", "to be written"]
"""What happened to the hooks: written, already in place, or to be written (in a dry run)."""


def agent_lines(
    detection: Detection,
    *,
    update: str,
    did: Did = "written",
    failure: str = "",
    review: str = "",
    off: str = "",
    in_projects: bool = False,
) -> tuple[str, ...]:
    """Returns the lines about one selected agent.

    `update`: the command that updates Carryover. `failure`: why its hooks could not be written and what to do, in whole
    sentences. `review`: what the user has to do before they run. `off`: the setting that switches its hooks off,
    and the file that contains it. `in_projects`: whether it keeps its history in the projects themselves.
    """
    spec, lost = detection.spec, detection.lost_folder
    name = f"{spec.name} {detection.version_text}".rstrip()
    if detection.state == "missing":
        first = f"✗ {spec.name} selected but not detected on this machine."
        details = ["Skipped. Re-run `carryover refresh` after installing it."]
    elif lost is not None:
        first = f"✗ {name} detected, but {detection.lost_by} names {short_path(lost)}, which does not exist."
        details = [
            f"{spec.name} does not start like this. Nothing was written.",
            f"Create the folder, or unset {detection.lost_by}; then run `carryover refresh`.",
        ]
    elif failure:
        what = "its settings" if spec.loads_from else "its hooks"
        first, details = f"✗ {name} detected, but {what} could not be written.", failure.splitlines()
    else:
        first, *about = _version_lines(detection, name, update)
        beside = detection.binary if not detection.on_path else None
        where = [f"command: {short_path(beside)} (not on PATH)"] if beside is not None else []
        if detection.others:
            where.append(f"also found: {', '.join(short_path(other) for other in detection.others)}")
        details = [*about, *where, *_hooks(detection, did, in_projects=in_projects)]
        if off:
            details.append(f"They do not run: all hooks are switched off ({off}).")
        elif review:
            details += re.split(r"(?<=\.) (?=[A-Z])", review)
    return (first, *(f"  {line}" for line in details))


def _version_lines(detection: Detection, name: str, update: str) -> Iterator[str]:
    spec, hook_set = detection.spec, detection.hook_set
    match detection.state:
        case "older":
            copy = f" ({short_path(detection.binary)})" if detection.others and detection.binary else ""
            yield f"⚠ {name}{copy} detected: older than the hooks Carryover needs ({spec.hooks.sets[0].since})."
            yield "No hooks are written. Its transcripts are still read and the handoff is kept fresh."
            yield f"Update {spec.name} when you can, then run `carryover refresh`."
        case "newer":
            yield f"⚠ {name} detected: newer than Carryover's known versions."
            yield from _fallback(detection)
            yield f"Update Carryover when you can: `{update}`."
        case "unreadable":
            yield from _unreadable(detection)
        case _:
            yield f"✓ {name} detected"
            if detection.remembered:
                yield f"Version as of last time: {detection.remembered}."
            if hook_set is not None and not can_inject(spec, hook_set):
                yield "With these hooks it takes in no handoff at the start of a session; newer versions do."


def _unreadable(detection: Detection) -> Iterator[str]:
    spec, folder = detection.spec, detection.folder
    if detection.binary is None and folder is not None:
        yield f"⚠ {spec.name} detected by its folder {short_path(folder)}: {detection.problem}."
        yield from _fallback(detection)
        in_editor = "That is enough where you use it inside an editor."
        if detection.hook_set is not None and not can_inject(spec, detection.hook_set):
            in_editor = "Inside an editor only the pointer brings it the handoff."
        yield f"{in_editor} If you have `{spec.binaries[0]}`, put it on PATH and run `carryover refresh`."
    else:
        yield f"⚠ {spec.name} detected, but its version could not be read: {detection.problem}."
        yield from _fallback(detection)
        yield f"Run `carryover refresh` once `{spec.binaries[0]} --version` answers."


def _fallback(detection: Detection) -> Iterator[str]:
    if detection.hook_set is None:
        return
    if detection.state == "unreadable":
        yield "Using only the hooks that every known version has."
    else:
        last = f"{detection.spec.name} {detection.hook_set.since} and later"
        yield f"Falling back to the last-known hook names ({last})."


def _hooks(detection: Detection, did: Did, *, in_projects: bool) -> Iterator[str]:
    spec, hook_set = detection.spec, detection.hook_set
    if not spec.loads_from and not spec.hooks.sets:
        yield "no hooks: it has none" if in_projects else "no hooks: it has none; its transcripts are read"
        if in_projects:
            yield "Its history in a project is read once the project is known: run `carryover handoff` there."
    elif detection.config is not None and (spec.loads_from or hook_set is not None):
        yield f"config: {short_path(detection.config)}"
        if spec.loads_from:
            yield f"`{spec.loaded_file}` {did} in its `{LOADS}`: it is loaded at each request"
        elif hook_set is not None:
            yield f"hooks {did}: {', '.join(hook_set.events)}"


def background_lines(background: DaemonReport, *, by_hooks: bool) -> Iterator[str]:
    """Yields how the daemon runs now, and what is to be known about it. `by_hooks`: whether hooks start it, too."""
    if background.pid is not None:
        where = f", port {background.port}" if background.port is not None else ""
        by = f" as a {background.kind} service" if background.wanted and background.kind != "none" else ""
        former = "another build" if background.replaced == background.version else background.replaced
        instead = f" in place of {former}" if former else ""
        yield f"✓ carryoverd {background.version} runs{by}{instead} (process {background.pid}{where})"
    if background.ledger_copy is not None:
        yield f"✓ The ledger was migrated; as it was before it is kept beside it, in {background.ledger_copy}"
    yield from (f"✗ {trouble}" for trouble in background.trouble)
    yield from (f"⚠ {warning}" for warning in background.warnings)
    yield from (f"  {hint}" for hint in background.hints)
    if background.wanted and background.kind == "none" and background.pid is not None:
        if by_hooks:
            yield "  So your agents' hooks start it when a session begins, and `carryover start` does at any time."
        else:
            yield "  So after a restart of the machine only `carryover start` starts it: your agents have no hooks."
        yield "  A line for your shell's profile (~/.profile): `carryover start >/dev/null 2>&1 &`"
