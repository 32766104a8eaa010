"""What `install` and `refresh` say, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from carryover.cli.background import Background
from carryover.cli.output import counted
from carryover.cli.setting_up_done import Done
from carryover.edits.diff import diff
from carryover.install.detect import Detection
from carryover.install.how_installed import how_installed
from carryover.install.settings_facts import switched_off
from carryover.install.setup import Setup, outcome_for, waiting_for
from carryover.install.wording import Did, summary, tilde

TIPS: Final = (
    'In a new session say "let\'s start" or "continue": the agent tells you where the last one stopped.',
    'In a chat that is already open say "read .carryover/handoff.md".',
)

_READ: Final = {
    "done": "Everything your agents wrote so far is read.",
    "interrupted": "carryoverd goes on reading in the background; `carryover status` tells how far it is.",
    "lost": "carryoverd stopped answering while it was reading; `carryover doctor` looks into it.",
}


def lines_after(done: Done, *, home: Path, anew: bool) -> Iterator[str]:
    """What was done. `anew`: for install, which ends with the tips."""
    if not anew and not done.changed and not done.failed:
        lost = any(found.lost_folder for found in _of(done.setup.detections, done.asked))
        yield "Nothing changed." if lost else "Nothing changed: hooks and settings are as they should be."
    yield from _agents(done, home, anew=anew)
    yield from _removed(done, home)
    for entry in done.applied:
        if entry.problem and entry.edit.change.agent is None:
            yield f"✗ {entry.problem}"
    yield from _background(done.background)
    if done.read is not None:
        yield _READ[done.read]
    if done.held is not None:
        yield f"  {counted(done.held.sessions, 'session')} in {counted(done.held.projects, 'project')} so far."
    if anew:
        yield ""
        yield from TIPS


def dry_run_lines(setup: Setup, asked: tuple[str, ...], *, home: Path) -> Iterator[str]:
    """What would be done: the lines on each agent, then the diff of each file."""
    update = how_installed().update
    for found in _of(setup.detections, asked):
        edit = next((edit for edit in setup.hooks if edit.path == found.config), None)
        did: Did = "to be written" if edit is not None and edit.changes else "in place"
        waiting = waiting_for(found, setup.hooks, setup.script)
        failure = (edit and edit.problem) or ""
        yield from summary(
            found, home=home, update=update, did=did, failure=failure, waiting=waiting, off=_off(found, home)
        )
    for edit in setup.shown:
        if edit.problem is not None and edit.change.agent is None:
            yield f"✗ {edit.problem}"
        elif edit.changes:
            yield ""
            yield from diff(edit).splitlines()
    yield ""
    changes = any(edit.changes for edit in setup.shown)
    yield "Nothing was changed." if changes else "Nothing would change."


def _agents(done: Done, home: Path, *, anew: bool) -> Iterator[str]:
    update = how_installed().update
    for found in _of(done.setup.detections, done.asked):
        did, failure = outcome_for(found, done.applied)
        told = anew or did == "written"  # a refresh that changed nothing does not ask again; `doctor` does
        edits = (entry.edit for entry in done.applied)
        waiting = waiting_for(found, edits, done.setup.script) if told else ()
        yield from summary(
            found, home=home, update=update, did=did, failure=failure, waiting=waiting, off=_off(found, home)
        )


def _off(found: Detection, home: Path) -> str:
    off = switched_off(found)
    return "" if off is None else f"`{off[0]}` in {tilde(off[1], home)}"


def _of(detections: Iterable[Detection], asked: tuple[str, ...]) -> list[Detection]:
    return [found for found in detections if found.spec.id in asked]


def _removed(done: Done, home: Path) -> Iterator[str]:
    """The settings that lost our hooks: of an agent that was unticked, or at a place where they are no longer."""
    wanted = {found.config for found in _of(done.setup.detections, done.setup.selected)}
    for entry in done.applied:
        if entry.edit.change.agent is None or entry.edit.path in wanted:
            continue
        if entry.problem:
            yield f"✗ {entry.problem}"
        elif entry.outcome in ("changed", "removed"):
            yield f"✓ Hooks removed from {tilde(entry.edit.path, home)}"


def _background(background: Background) -> Iterator[str]:
    if background.pid is not None:
        where = f", port {background.port} is its own" if background.port is not None else ""
        by = f" as a {background.kind} service" if background.wanted and background.kind != "none" else ""
        yield f"✓ carryoverd {background.version} runs{by} (process {background.pid}{where})"
    yield from (f"✗ {trouble}" for trouble in background.trouble)
    yield from (f"⚠ {warning}" for warning in background.warnings)
    yield from (f"  {hint}" for hint in background.hints)
    if background.plain:
        now, always = background.plain
        yield "  Start carryoverd now:"
        yield f"    {now}"
        yield "  Start it whenever you log in, by this line in your shell's profile (~/.profile):"
        yield f"    {always}"
