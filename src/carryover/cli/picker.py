"""The session picker, which `carryover` opens on a terminal if run without a command: state, text, keys. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from carryover.distill.digest import Digest, Turn
from carryover.errors import visible
from carryover.paths import short_path
from carryover.terminal.output import ago, counted, harmless, one_line, wrapped
from carryover.terminal.table import Column, table
from carryover.terminal.width import fitted

TURNS: Final = 6
"""How many of the newest turns the preview shows."""
FILES: Final = 6
PROMPT_LIMIT: Final = 300

_KEYS: Final = "enter show · c continue in another agent · y copy · r resume"
_HEADS: Final = (Column("SESSION"), Column("AGENT", least=6), Column("LAST"), Column("TASK", least=16))
_HEADS_OF_ALL: Final = (*_HEADS[:2], Column("PROJECT", least=10, keep_end=True), *_HEADS[2:])

Does = Literal["show", "continue", "copy", "resume"]


class Choice(NamedTuple):
    """An action that the user chose for a session."""

    does: Does
    session: str
    project: str
    """The project's root; empty if the session has no project."""
    agent: str = ""
    """Id of the agent to continue in, for the action `continue`."""


@dataclass(slots=True)
class Picker:
    """The state of the screen. Entries are built by `session_list.session_entry`, newest first."""

    here: Sequence[dict[str, Any]]
    """Sessions of the current project; empty outside a project."""
    everywhere: Sequence[dict[str, Any]]
    agents: Sequence[tuple[str, str]]
    """Id and name of each agent that can take over on this machine."""
    names: dict[str, str]
    """Display names of agents, by id."""
    shows_all: bool = False
    at: int = 0
    choosing: bool = False
    """Whether the user is choosing an agent; `agent_at` is the index."""
    agent_at: int = 0
    said: str = ""
    """A message that is shown until the next key press."""
    previews: dict[str, list[str]] = field(default_factory=dict)

    @property
    def listed(self) -> Sequence[dict[str, Any]]:
        """The sessions on the list at the moment."""
        return self.everywhere if self.shows_all or not self.here else self.here

    @property
    def entry(self) -> dict[str, Any]:
        """The selected session."""
        return self.listed[self.at]

    def move(self, by: int) -> None:
        """Moves the selection, stopping at the ends of the list."""
        if self.choosing:
            self.agent_at = min(max(self.agent_at + by, 0), len(self.agents) - 1)
        else:
            self.at = min(max(self.at + by, 0), len(self.listed) - 1)

    def toggle_all(self) -> None:
        """Switches between all projects and this one; the selected session stays selected if it is on the new list."""
        if not self.here:
            self.said = "No session is recorded for this folder: all are listed."
            return
        chosen = self.entry["id"]
        self.shows_all = not self.shows_all
        self.at = next((at for at, entry in enumerate(self.listed) if entry["id"] == chosen), 0)

    def choose_agent(self) -> None:
        """Opens the list of agents that can take over; sets a message if there are none."""
        if not self.entry["project"]:
            self.said = "This session belongs to no project, so no agent can take it over."
        elif not self.agents:
            self.said = "No agent that takes a first prompt is on this machine. y copies the handoff."
        else:
            self.choosing, self.agent_at = True, 0

    def back(self) -> bool:
        """Closes the list of agents; returns False if it was not open."""
        was, self.choosing = self.choosing, False
        return was

    def choice(self, does: Does) -> Choice | None:
        """Returns the action for the selected session; None if it is not possible, with the reason in `said`."""
        if does == "copy" and not self.entry["project"]:
            self.said = "This session belongs to no project, so it has no handoff."
            return None
        agent = self.agents[self.agent_at][0] if does == "continue" else ""
        return Choice(does, self.entry["id"], self.entry["project"] or "", agent)


def list_lines(picker: Picker, *, now_ms: int, home: Path, width: int) -> list[str]:
    """Returns the header and one line per session, none wider than `width`."""
    shows_project = picker.listed is picker.everywhere
    rows = []
    for entry in picker.listed:
        project = [short_path(entry["project"], home) if entry["project"] else "?"] if shows_project else []
        agent = picker.names.get(entry["agent"], entry["agent"])
        task = one_line(entry["title"] or entry["task"] or "", width)
        rows.append((entry["short"], agent, *project, ago(entry["last_ms"], now_ms), task))
    return table(_HEADS_OF_ALL if shows_project else _HEADS, rows, width)


def keys_line(picker: Picker, width: int) -> str:
    """Returns the line of available keys, or the message about the last key."""
    if picker.said:
        return fitted(picker.said, width)
    if picker.choosing:
        return fitted("↑↓ choose · enter continue there · esc back", width)
    others = f"a {'project' if picker.shows_all else 'all'} · " if picker.here else ""
    return fitted(f"{_KEYS} · {others}q quit", width)


def preview_lines(
    picker: Picker, digest_of: Callable[[str], Digest | None], *, now_ms: int, width: int
) -> Iterator[str]:
    """Yields the selected session's newest turns and files, or the agents that can take it over."""
    if picker.choosing:
        yield "Continue in"
        yield from (f"{'›' if at == picker.agent_at else ' '} {name}" for at, (_, name) in enumerate(picker.agents))
        return
    entry = picker.entry
    if entry["id"] not in picker.previews:
        picker.previews[entry["id"]] = list(_preview(entry, digest_of(entry["id"]), now_ms))
    for line in picker.previews[entry["id"]]:
        yield from wrapped(line, width).split("\n")


def _preview(entry: dict[str, Any], digest: Digest | None, now_ms: int) -> Iterator[str]:
    facts = (entry["agent_version"], entry["model"], entry["branch"], counted(entry["prompts"], "prompt"))
    yield harmless(", ".join(filter(None, facts)))
    if digest is None:
        return
    for turn in digest.turns[-TURNS:]:
        yield f"› {one_line(turn.prompt, PROMPT_LIMIT)}"
        if came := ", ".join(_came_of(turn)):
            yield f"    {ago(turn.last_ms, now_ms)}: {came}"
    if digest.touched:
        files = [visible(Path(file.path).name) for file in digest.touched[-FILES:]]
        more = len(digest.touched) - len(files)
        yield f"files: {', '.join(files)}" + (f" and {more} more" if more else "")


def _came_of(turn: Turn) -> Iterator[str]:
    if turn.changes:
        yield counted(turn.changes, "change")
    yield from (f"committed {one_line(commit, 60)}" for commit in turn.commits[:1])
    if turn.end:
        yield turn.end
