"""The session picker, which `carryover` opens on a terminal if run without a command: state, text, keys. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from carryover.distill.digest import Digest, Turn
from carryover.errors import visible
from carryover.paths import short_path
from carryover.terminal.output import ago, counted, harmless, one_line, wrapped
from carryover.terminal.table import Column, table
from carryover.terminal.width import columns, fitted

TURNS: Final = 6
"""How many turns the preview shows."""
FILES: Final = 6
PROMPT_LIMIT: Final = 300
TASK_LIMIT: Final = 200

_BETWEEN: Final = " · "
_HEADS: Final = (Column("AGENT", least=6), Column("LAST"), Column("TASK", least=16))
_HEADS_OF_ALL: Final = (_HEADS[0], Column("PROJECT", least=10, keep_end=True), *_HEADS[1:])

HELP: Final = (
    ("c", "continue the session in another agent, with its handoff as the first prompt"),
    ("enter", "show the conversation"),
    ("/", "filter as you type, by words in prompts, answers, files, tasks and names"),
    ("y", "copy the handoff, to paste it anywhere"),
    ("r", "resume the session in its own agent"),
    ("a", "list the sessions of all projects, or of this one again"),
    ("↑ ↓", "choose; also j k, page up, page down, home, end"),
    ("esc", "end the filter; without one, quit"),
    ("q", "quit"),
)

Does = Literal["show", "continue", "copy", "resume"]
Mode = Literal["list", "typing", "agents", "help"]


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
    find: Callable[[str], Collection[str]] = lambda _: ()
    """Returns the ids of the sessions with a word, or a longer one that begins so, in a prompt, an answer or a path."""
    shows_all: bool = False
    at: int = 0
    mode: Mode = "list"
    """typing: keys go into the filter. agents: one is being chosen, at index `agent_at`. help: the keys are shown."""
    agent_at: int = 0
    typed: str = ""
    """The filter: words that each listed session has."""
    said: str = ""
    """A message that is shown until the next key press."""
    previews: dict[str, list[str]] = field(default_factory=dict)
    _found: dict[str, frozenset[str]] = field(default_factory=dict)
    _matching: dict[tuple[bool, str], Sequence[dict[str, Any]]] = field(default_factory=dict)

    @property
    def lists_all(self) -> bool:
        """Whether the sessions of all projects are listed."""
        return self.shows_all or not self.here

    @property
    def listed(self) -> Sequence[dict[str, Any]]:
        """The sessions on the list at the moment."""
        every = self.everywhere if self.lists_all else self.here
        if not self.typed.strip():
            return every
        key = self.lists_all, self.typed
        if key not in self._matching:
            self._matching[key] = [entry for entry in every if all(self._has(entry, word) for word in self._words)]
        return self._matching[key]

    @property
    def entry(self) -> dict[str, Any] | None:
        """The selected session; None if the list is empty."""
        return self.listed[self.at] if self.listed else None

    @property
    def offered(self) -> Sequence[tuple[str, str]]:
        """The agents that can continue the selected session; its own comes last."""
        own = self.entry["agent"] if self.entry is not None else None
        return sorted(self.agents, key=lambda agent: agent[0] == own)

    @property
    def _words(self) -> Sequence[str]:
        return self.typed.lower().split()

    def _has(self, entry: dict[str, Any], word: str) -> bool:
        about = (
            self.names.get(entry["agent"], ""),
            *(entry[key] for key in ("id", "project", "branch", "title", "task")),
        )
        if any(word in text.lower() for text in about if text):
            return True
        if word not in self._found:
            self._found[word] = frozenset(self.find(word))
        return entry["id"] in self._found[word]

    def move(self, by: int) -> None:
        """Moves the selection, stopping at the ends of the list."""
        if self.mode == "agents":
            self.agent_at = min(max(self.agent_at + by, 0), len(self.agents) - 1)
        else:
            self.at = max(min(self.at + by, len(self.listed) - 1), 0)

    def toggle_all(self) -> None:
        """Switches between all projects and this one; the selected session stays selected if it is on the new list."""
        if not self.here:
            self.said = "No session is recorded for this folder: all are listed."
            return
        chosen = self.entry
        self.shows_all = not self.shows_all
        self.at = next((at for at, entry in enumerate(self.listed) if entry is chosen), 0)

    def type(self, text: str) -> None:
        """Adds to the filter and selects the first session on the list."""
        self.typed, self.at = self.typed + harmless(text).replace("\n", " "), 0

    def erase(self) -> None:
        """Removes the last character of the filter and selects the first session on the list."""
        self.typed, self.at = self.typed[:-1], 0

    def choose_agent(self) -> None:
        """Opens the list of agents that can take over; sets a message if there are none."""
        if self.entry is None:
            self.said = "No session is listed."
        elif not self.entry["project"]:
            self.said = "This session belongs to no project, so no agent can take it over."
        elif not self.agents:
            self.said = "No agent that takes a first prompt is on this machine. y copies the handoff."
        else:
            self.mode, self.agent_at = "agents", 0

    def back(self) -> bool:
        """Closes the keys, the list of agents or the filter; returns False if none of them was open."""
        if self.mode in ("help", "agents"):
            self.mode = "list"
        elif self.mode == "typing" or self.typed:
            self.mode, self.typed, self.at = "list", "", 0
        else:
            return False
        return True

    def choice(self, does: Does) -> Choice | None:
        """Returns the action for the selected session; None if it is not possible, with the reason in `said`."""
        if self.entry is None:
            self.said = "No session is listed."
            return None
        if does == "copy" and not self.entry["project"]:
            self.said = "This session belongs to no project, so it has no handoff."
            return None
        agent = self.offered[self.agent_at][0] if does == "continue" else ""
        return Choice(does, self.entry["id"], self.entry["project"] or "", agent)


def list_lines(picker: Picker, *, now_ms: int, home: Path, width: int) -> list[str]:
    """Returns the header and one line per session, none wider than `width`."""
    rows = []
    for entry in picker.listed:
        place = short_path(entry["project"], home) if entry["project"] else "?"
        agent, last = picker.names.get(entry["agent"], entry["agent"]), ago(entry["last_ms"], now_ms)
        task = one_line(entry["title"] or entry["task"] or "", TASK_LIMIT)
        rows.append((agent, *((place,) if picker.lists_all else ()), last, task))
    return table(_HEADS_OF_ALL if picker.lists_all else _HEADS, rows, width)


def keys_line(picker: Picker, width: int) -> str:
    """Returns the line of available keys, as many as have room, or the message about the last key."""
    if picker.said:
        return fitted(picker.said, width)
    if picker.mode == "agents":
        return _within(("enter continue there", "↑↓ choose", "esc back"), width)
    if picker.mode == "help":
        return "any key goes back"
    filtered = f"/{picker.typed}{'▏' if picker.mode == 'typing' else ''} {len(picker.listed)} found"
    if picker.mode == "typing":
        return _within((filtered, "enter done", "esc ends the filter"), width)
    usual = ("c continue elsewhere", "enter show", "/ filter", "? keys", "q quit", "y copy", "r resume")
    others = (f"a {'this project' if picker.shows_all else 'all projects'}",) if picker.here else ()
    return _within(((filtered, "esc ends the filter") if picker.typed else ()) + usual + others, width)


def _within(parts: Sequence[str], width: int) -> str:
    """Joins as many of `parts` as have room in `width`, from the first on."""
    line = fitted(parts[0], width)
    for part in parts[1:]:
        if columns(line + _BETWEEN + part) > width:
            break
        line += _BETWEEN + part
    return line


def preview_lines(
    picker: Picker, digest_of: Callable[[str], Digest | None], *, now_ms: int, width: int
) -> Iterator[str]:
    """Yields the selected session's newest turns and files; or the agents that can take it over, or the keys."""
    if picker.mode == "agents":
        yield "Continue in"
        yield from (f"{'›' if at == picker.agent_at else ' '} {name}" for at, (_, name) in enumerate(picker.offered))
    elif picker.mode == "help":
        for key, does in HELP:
            yield from wrapped(f"{key:<5}  {does}", width).split("\n")
    elif picker.entry is None:
        yield from wrapped("No session has all these words. esc ends the filter.", width).split("\n")
    else:
        chosen = picker.entry["id"]
        if chosen not in picker.previews:
            picker.previews[chosen] = list(_preview(picker.entry, digest_of(chosen), now_ms))
        for line in picker.previews[chosen]:
            yield from wrapped(line, width).split("\n")


def _preview(entry: dict[str, Any], digest: Digest | None, now_ms: int) -> Iterator[str]:
    facts = (entry["short"], entry["agent_version"], entry["model"], entry["branch"])
    yield harmless(", ".join(filter(None, (*facts, counted(entry["prompts"], "prompt")))))
    if digest is None:
        return
    for turn in digest.turns[-TURNS:]:
        if turn.prompt:
            yield f"› {_shortened(turn.prompt)}"
        if turn.answer and turn is digest.turns[-1]:
            yield f"  ● {_shortened(turn.answer)}"
        if came := ", ".join(_came_of(turn)):
            yield f"    {ago(turn.last_ms, now_ms)}: {came}"
    if digest.touched:
        names = [visible(Path(file.path).name) for file in digest.touched[-FILES:]]
        more = len(digest.touched) - len(names)
        yield f"files: {', '.join(names)}" + (f" and {more} more" if more else "")


def _shortened(text: str) -> str:
    return fitted(one_line(text, PROMPT_LIMIT), PROMPT_LIMIT)


def _came_of(turn: Turn) -> Iterator[str]:
    if turn.changes:
        yield counted(turn.changes, "change")
    yield from (f"committed {one_line(commit, 60)}" for commit in turn.commits[:1])
    if turn.end and turn.prompt:
        yield turn.end
