"""The picker of sessions that `carryover` alone opens on a terminal: what it shows and what its keys do. Pure."""

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
"""Newest turns shown in the preview."""
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
    """Root of its project; empty if it has none."""
    agent: str = ""
    """Id of the agent that takes over, with `continue`."""


@dataclass(slots=True)
class Picker:
    """The state of the screen. Entries are those of `session_list.session_entry`, newest first."""

    here: Sequence[dict[str, Any]]
    """Sessions of the project that the user is in; empty outside of one."""
    everywhere: Sequence[dict[str, Any]]
    agents: Sequence[tuple[str, str]]
    """Agents that can take over here: id and name."""
    names: dict[str, str]
    """Display names of agents, by id."""
    shows_all: bool = False
    at: int = 0
    choosing: bool = False
    """An agent is being chosen; `agent_at` is its index."""
    agent_at: int = 0
    said: str = ""
    """A message, until the next key."""
    previews: dict[str, list[str]] = field(default_factory=dict)

    @property
    def listed(self) -> Sequence[dict[str, Any]]:
        """The sessions that are listed now."""
        return self.everywhere if self.shows_all or not self.here else self.here

    @property
    def entry(self) -> dict[str, Any]:
        """The session that is chosen now."""
        return self.listed[self.at]

    def move(self, by: int) -> None:
        """Moves the choice, as far as the list goes."""
        if self.choosing:
            self.agent_at = min(max(self.agent_at + by, 0), len(self.agents) - 1)
        else:
            self.at = min(max(self.at + by, 0), len(self.listed) - 1)

    def toggle_all(self) -> None:
        """Lists the sessions of all projects, or of this one again; the chosen session stays chosen if it is listed."""
        if not self.here:
            self.said = "No session is recorded for this folder: all are listed."
            return
        chosen = self.entry["id"]
        self.shows_all = not self.shows_all
        self.at = next((at for at, entry in enumerate(self.listed) if entry["id"] == chosen), 0)

    def choose_agent(self) -> None:
        """Asks which agent takes over; says why if none can."""
        if not self.entry["project"]:
            self.said = "This session belongs to no project, so no agent can take it over."
        elif not self.agents:
            self.said = "No agent that takes a first prompt is on this machine. y copies the handoff."
        else:
            self.choosing, self.agent_at = True, 0

    def back(self) -> bool:
        """Leaves the choice of an agent; False if only the picker is left to leave."""
        was, self.choosing = self.choosing, False
        return was

    def choice(self, does: Does) -> Choice | None:
        """The choice for the current session, or None if that can't be done; then `said` says why."""
        if does == "copy" and not self.entry["project"]:
            self.said = "This session belongs to no project, so it has no handoff."
            return None
        agent = self.agents[self.agent_at][0] if does == "continue" else ""
        return Choice(does, self.entry["id"], self.entry["project"] or "", agent)


def list_lines(picker: Picker, *, now_ms: int, home: Path, width: int) -> list[str]:
    """The header and a line per session, none wider than `width`."""
    shows_project = picker.listed is picker.everywhere
    rows = []
    for entry in picker.listed:
        project = [short_path(entry["project"], home) if entry["project"] else "?"] if shows_project else []
        agent = picker.names.get(entry["agent"], entry["agent"])
        task = one_line(entry["title"] or entry["task"] or "", width)
        rows.append((entry["short"], agent, *project, ago(entry["last_ms"], now_ms), task))
    return table(_HEADS_OF_ALL if shows_project else _HEADS, rows, width)


def keys_line(picker: Picker, width: int) -> str:
    """The keys that work now, or why the last one did not."""
    if picker.said:
        return fitted(picker.said, width)
    if picker.choosing:
        return fitted("↑↓ choose · enter continue there · esc back", width)
    others = f"a {'project' if picker.shows_all else 'all'} · " if picker.here else ""
    return fitted(f"{_KEYS} · {others}q quit", width)


def preview_lines(
    picker: Picker, digest_of: Callable[[str], Digest | None], *, now_ms: int, width: int
) -> Iterator[str]:
    """The chosen session's newest turns and files, or the agents that can take it over."""
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
