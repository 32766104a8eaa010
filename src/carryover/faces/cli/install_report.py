"""Says what `install` and `refresh` did or, in a dry run, would do: lines for people, data for `--json`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.actions.installing import AgentResult, Edit, Installed, Pass
from carryover.actions.project_rules import POINTER, POINTERS
from carryover.actions.version import runnable
from carryover.terminal.output import counted, print_lines, say
from carryover.terminal.paths import short_path

_NEW_SESSION: Final = (
    'In a new session say "let\'s start" or "continue": the agent tells you where the last one stopped.'
)
_NONE_SELECTED: Final = (
    "No agent is selected, so none gets a handoff by itself. `carryover install` asks again; `carryover uninstall` "
    "stops carryoverd."
)
_BY_POINTER: Final = (
    "A new session gets the handoff by the pointer, once an agent has worked in the project.",
    'Until then, and in a chat that is already open, say "read .carryover/handoff.md".',
)
_BY_HAND: Final = "In a new session or an open chat paste what `carryover handoff --copy` copies."
_OPEN_CHAT: Final = 'In a chat that is already open say "read .carryover/handoff.md".'
_OPEN_CHAT_WITHOUT_FILE: Final = "In a chat that is already open paste what `carryover handoff --copy` copies."

_COMMIT: Final = "  Until then git refuses a pull or checkout that would overwrite them."
_READ: Final = {
    "done": "Everything that your agents wrote so far has been read.",
    "interrupted": "carryoverd keeps reading in the background; `carryover status` shows its progress.",
    "paused": "⚠ Carryover is paused: nothing is read or handed over until `carryover unpause`.",
    "lost": "carryoverd stopped answering while it was reading; `carryover doctor` says why.",
    "unstored": "⚠ Not everything could be recorded, and carryoverd tries again; `carryover doctor` says why.",
}


def as_data(done: Installed) -> dict[str, Any]:
    """Returns the result for `--json`."""
    files = (
        [planned_data(edit) for edit in done.edits]
        if done.is_dry
        else [file_data(edit) | ({"problem": edit.problem} if edit.problem else {}) for edit in done.edits]
    )
    common = {
        "selected": done.answer.agents,
        "agents": [_agent_data(agent) for agent in done.agents],
        "files": files,
        "pointers": done.answer.pointers,
    }
    if done.is_dry:
        return {"dry_run": True, **common}
    held = done.held
    return {
        "changed": done.changed,
        **common,
        "service": msgspec.to_builtins(done.background),
        "withdrawn": [{"root": str(p.root), "files": p.done, "notes": p.notes} for p in done.withdrawn],
        "first_read": done.read,
        "command": done.shell.command,
        "held": {"sessions": held.sessions, "projects": held.project_count} if held is not None else None,
    }


def _agent_data(result: AgentResult) -> dict[str, Any]:
    agent = result.detection
    return {
        "id": agent.spec.id,
        "name": agent.spec.name,
        "state": agent.state,
        "selected": result.selected,
        "binary": _path_data(agent.binary),
        "version": agent.version_text or None,
        "config": _path_data(agent.config),
        "roots": [os.fspath(root) for root in agent.roots],
        "hooks": list(agent.hook_set.events) if agent.hook_set is not None else [],
        "to_review": list(result.to_review),
        "lost_folder": _path_data(agent.lost_folder),
        "problem": result.problem,
    }


def _path_data(path: Path | None) -> str | None:
    return None if path is None else os.fspath(path)


def planned_data(edit: Edit) -> dict[str, Any]:
    """Returns what would become of a file, for `--json` of a dry run."""
    return {"path": str(edit.path), "diff": edit.diff, "problem": edit.problem}


def file_data(edit: Edit) -> dict[str, Any]:
    """Returns what became of a file, for `--json`."""
    return {"path": str(edit.path), "why": edit.text.what, "outcome": edit.outcome}


def print_report(done: Installed) -> None:
    """Prints the result for people; of a dry run, also the diff of each file."""
    lines = _lines(done)
    if done.is_dry and done.installing:  # nothing is set up yet, so nothing can be refreshed
        lines = (line.replace("`carryover refresh", "`carryover install") for line in lines)
    print_lines(map(runnable, lines))
    if done.is_dry:
        print_diffs(done.edits)
        if done.answer.pointers != "off":
            say("", "The pointer:", *POINTER)
        would = any(edit.changes for edit in done.edits)
        say("", "Nothing was changed." if would else "No file of yours would change.")


def print_diffs(edits: Iterable[Edit]) -> None:
    """Prints what each edit would change."""
    for edit in edits:
        if edit.changes:
            print_lines(["", *edit.diff.removesuffix("\n").split("\n")], fits=True)


def _lines(done: Installed) -> Iterator[str]:
    """Yields the result for people, without diffs."""
    selected = [agent for agent in done.agents if agent.selected]
    if not (done.is_dry or done.installing or done.changed or done.failed):
        lost = any(agent.detection.lost_folder for agent in selected)
        yield "Nothing changed." if lost else "Nothing changed: hooks and settings are as they should be."
    for agent in selected:
        yield from agent.lines
    yield from _other_settings(done)
    if done.installing or done.is_dry or done.answer.pointers != done.survey.config.publish.pointers:
        yield from _project_lines(done)
    if not done.is_dry:
        yield from _done_lines(done)
    elif done.service:
        yield "carryoverd is started in the background, unless this build is already running."
    else:
        yield "Nothing is started (--no-service)."


def _done_lines(done: Installed) -> Iterator[str]:
    """Yields what was done after the plan was made."""
    yield from withdrawn_lines(done.withdrawn)
    yield from done.daemon_lines
    if done.read is not None:
        yield _READ[done.read]
    if done.held is not None:
        yield f"  {counted(done.held.sessions, 'session')} in {counted(done.held.project_count, 'project')} so far."
    if done.shell.problem:
        yield from (f"⚠ {done.shell.problem}", f"  {done.shell.remedy}")
    if done.curl_missing:
        yield "⚠ There is no `curl` on the PATH, by which hooks reach carryoverd."
        yield "  Install it with your system's package manager."
    if done.installing and done.git_trouble:
        yield f"⚠ carryoverd can't run git: {done.git_trouble}."
        yield "  Handoffs name no branch and no changed files, and a repository may get none."
        yield "  Where you use git, install it (on macOS: `xcode-select --install`), then run `carryover refresh`."
    if done.installing and not done.answer.agents:
        yield from ("", _NONE_SELECTED)
    elif done.installing and done.read != "paused" and not done.in_trouble:
        yield from ("", *_next_words(done))
    if not done.is_running:
        more = "tries again, `carryover doctor` says what is wrong."
        plain = "starts carryoverd; without it no handoff is written."
        yield f"⚠ not running yet: `carryover start` {more if done.in_trouble else plain}"


def _next_words(done: Installed) -> tuple[str, ...]:
    """Says how the next session gets the handoff. Not every agent can have a hook that brings it."""
    pointers = done.answer.pointers
    if pointers == "local" or any(agent.selected and agent.brings_handoff for agent in done.agents):
        return _NEW_SESSION, _OPEN_CHAT if pointers != "off" else _OPEN_CHAT_WITHOUT_FILE
    return _BY_POINTER if pointers == "shared" else (_BY_HAND,)


def _other_settings(done: Installed) -> Iterator[str]:
    for edit in done.other_settings:
        listed, path = edit.text.listed, short_path(edit.path)
        is_entered = listed is not None and listed.is_server and not edit.out
        if edit.problem:
            yield f"✗ {edit.problem}"
        elif done.is_dry:
            continue
        elif is_entered and edit.outcome in ("created", "changed"):
            yield f"✓ MCP server entered into {path}"
        elif listed is not None and edit.outcome in ("changed", "removed"):
            what = edit.text.what.partition(" of ")[0]
            yield f"✓ {what[0].upper()}{what[1:]} removed from {path}"


def withdrawn_lines(withdrawn: Iterable[Pass]) -> Iterator[str]:
    """Yields what was taken out of projects, and why some of it could not be."""
    for project in withdrawn:
        root = short_path(project.root)
        if project.done:
            yield f"✓ {root}: {', '.join(project.done)} as before Carryover"
        yield from (f"⚠ {root}: {note}" for note in project.notes)


def _project_lines(done: Installed) -> Iterator[str]:
    """Yields the rule for projects."""
    waits = not done.is_dry and not done.is_running
    yield f"Into your projects ({done.answer.pointers}){', once carryoverd runs' if waits else ''}:"
    yield from (f"  {line}" for line in done.rule)
    if done.answer.pointers == "off":
        return
    if done.answer.pointers == "shared":
        yield _COMMIT
    first, *others = (answer for answer in POINTERS if answer != done.answer.pointers)
    named = ", ".join(f"`{answer}`" for answer in others)
    yield f"  To answer otherwise: `carryover refresh --pointers {first}` (or {named})."
