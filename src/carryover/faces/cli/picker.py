"""The session picker, which `carryover` opens on a terminal if run without a command: state, text, keys. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from carryover.errors import visible
from carryover.terminal.output import ago, columns, counted, fitted, harmless, one_line, wrapped
from carryover.terminal.paths import short_path
from carryover.terminal.table import Column, table

if TYPE_CHECKING:
    from carryover.past.picking import Match, Preview

PROMPT_LIMIT: Final = 300
TASK_LIMIT: Final = 200

_BETWEEN: Final = " · "
_HEADS: Final = (Column("AGENT", least=6), Column("LAST"), Column("TASK", least=16))
_HEADS_OF_ALL: Final = (_HEADS[0], Column("PROJECT", least=10, keep_end=True), *_HEADS[1:])

HELP: Final = (
    ("c", "continue the session in another agent, with its handoff as the first prompt"),
    ("enter", "show the conversation"),
    ("/", "filter as you type, by words in prompts, answers, files, tasks and names; best match first"),
    ("y", "copy the handoff, to paste it anywhere"),
    ("r", "resume the session in its own agent"),
    ("a", "list the sessions of all projects, or of this one again"),
    ("↑ ↓", "choose; also j k, page up, page down, home, end, the mouse wheel"),
    ("esc", "end the filter; without one, quit"),
    ("q", "quit"),
)

Does = Literal["show", "continue", "copy", "resume"]
Mode = Literal["list", "typing", "agents", "help"]

MOVES: Final = {
    "up": -1,
    "c-p": -1,
    "k": -1,
    "down": 1,
    "c-n": 1,
    "j": 1,
    "pageup": -10,
    "pagedown": 10,
    "home": -1_000,
    "g": -1_000,
    "end": 1_000,
    "G": 1_000,
}
SPECIAL: Final = (*(key for key in MOVES if len(key) > 1), "enter", "backspace", "escape")
"""The names of keys that type nothing."""
COMMANDS: Final[dict[str, Does]] = {"y": "copy", "r": "resume"}
MODES: Final[dict[str, Mode]] = {"/": "typing", "?": "help"}


@dataclass(slots=True)
class Picker:
    """The state of the screen. Entries are built by `past.sessions.session_of_row`, newest first."""

    here: Sequence[dict[str, Any]]
    """Sessions of the current project; empty outside a project."""
    everywhere: Sequence[dict[str, Any]]
    agents: Callable[[], Sequence[tuple[str, str]]]
    """Returns id and name of each agent that can take over on this machine. Called when one is to be chosen."""
    names: Mapping[str, str]
    """Display names of agents, by id."""
    find: Callable[[str], Collection[str]] = lambda _: ()
    """Returns the ids of the sessions that have a word, or a longer one that begins so. Called at every key."""
    matches: Callable[[str, bool], Mapping[str, Match]] = lambda _, __: {}
    """Returns the best match of each session for the whole filter, by session id, best first: of this project or, if
    true, of all. Called at every key."""
    shows_all: bool = False
    at: int = 0
    mode: Mode = "list"
    """typing: keys go into the filter. agents: one is being chosen, at index `agent_at`. help: the keys are shown."""
    agent_at: int = 0
    typed: str = ""
    """The filter: words that each listed session has."""
    said: str = ""
    """A message that is shown until the next key press."""

    @property
    def lists_all(self) -> bool:
        """Whether the sessions of all projects are listed."""
        return self.shows_all or not self.here

    @property
    def listed(self) -> Sequence[dict[str, Any]]:
        """The sessions on the list at the moment: newest first, or with a filter best match first, then newest."""

        def has(entry: dict[str, Any], word: str) -> bool:
            texts = (
                self.names.get(entry["agent"]),
                *(entry[key] for key in ("id", "project", "branch", "title", "task")),
            )
            return any(word in text.lower() for text in texts if text) or entry["id"] in self.find(word)

        every, words = self.everywhere if self.lists_all else self.here, self.typed.lower().split()
        if not words:
            return every
        rank = {session: at for at, session in enumerate(self.matches(self.typed, self.lists_all))}
        found = [entry for entry in every if all(has(entry, word) for word in words)]
        return sorted(found, key=lambda entry: rank.get(entry["id"], len(rank)))

    @property
    def match(self) -> Match | None:
        """What the filter found in the selected session; None without a filter, or if only its names match."""
        if self.entry is None or not self.typed.strip():
            return None
        return self.matches(self.typed, self.lists_all).get(self.entry["id"])

    @property
    def entry(self) -> dict[str, Any] | None:
        """The selected session; None if the list is empty."""
        return self.listed[self.at] if self.listed else None

    @property
    def offered(self) -> Sequence[tuple[str, str]]:
        """The agents that can continue the selected session; its own comes last."""
        own = self.entry["agent"] if self.entry is not None else None
        return sorted(self.agents(), key=lambda agent: agent[0] == own)

    def press(self, key: str) -> list[str] | None:
        """Does what a key means in this mode. Returns the arguments of `carryover` to run; none: the user leaves.

        `key`: the name of a special key, or what was typed.
        """
        self.said = ""
        if key == "escape":
            return None if self.back() else []
        if self.mode == "help" or (self.mode == "typing" and key == "enter"):
            self.mode = "list"
        elif self.mode == "typing" and key not in SPECIAL:
            self.type(key)
        elif self.mode == "typing" and key == "backspace":
            self.typed, self.at = self.typed[:-1], 0
        elif key in MOVES:
            self.move(MOVES[key])
        elif key == "enter":
            return self.command("continue" if self.mode == "agents" else "show")
        elif key in COMMANDS:
            return self.command(COMMANDS[key])
        elif key == "c":
            self.choose_agent()
        elif key == "a":
            self.toggle_all()
        elif key in MODES:
            self.mode = MODES[key]
        elif key == "q":
            return []
        return None

    def type(self, text: str) -> None:
        """Adds typed or pasted text to the filter, if that is open; a pasted `end` is no key."""
        if self.mode == "typing":
            self.typed, self.at = self.typed + harmless(text).replace("\n", " "), 0

    def move(self, by: int) -> None:
        """Moves the selection, stopping at the ends of the list."""
        if self.mode == "agents":
            self.agent_at = min(max(self.agent_at + by, 0), len(self.agents()) - 1)
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

    def choose_agent(self) -> None:
        """Opens the list of agents that can take over; sets a message if there are none."""
        if self.entry is None:
            self.said = "No session is listed."
        elif not self.entry["project"]:
            self.said = "This session belongs to no project, so no agent can take it over."
        elif not self.agents():
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

    def command(self, does: Does) -> list[str] | None:
        """Returns the arguments of `carryover` for the selected session; None if it can't be done, as `said` says."""
        if self.entry is None:
            self.said = "No session is listed."
            return None
        session, project = self.entry["id"], self.entry["project"]
        if does == "copy" and not project:
            self.said = "This session belongs to no project, so it has no handoff."
            return None
        if does == "copy":
            return ["handoff", f"--session={session}", "--copy", "--", project]
        if does == "continue":
            return ["to", f"--session={session}", "--", self.offered[self.agent_at][0], project]
        return ["resume", "--run", "--", session] if does == "resume" else ["show", "--", session]


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
    filtered = f"/{picker.typed}{'▏' if picker.mode == 'typing' else ''} {len(picker.listed)} found"
    if picker.said:
        parts = [picker.said]
    elif picker.mode == "agents":
        parts = ["enter continue there", "↑↓ choose", "esc back"]
    elif picker.mode == "help":
        parts = ["any key goes back"]
    elif picker.mode == "typing":
        parts = [filtered, "enter done", "esc ends the filter"]
    else:
        parts = [filtered, "esc ends the filter"] if picker.typed else []
        parts += ["c continue elsewhere", "enter show", "/ filter", "? keys", "q quit", "y copy", "r resume"]
        parts += [f"a {'this project' if picker.shows_all else 'all projects'}"] if picker.here else []
    lines = (_BETWEEN.join(parts[:number]) for number in range(len(parts), 0, -1))
    return next((line for line in lines if columns(line) <= width), fitted(parts[0], width))


def preview_lines(
    picker: Picker, preview_of: Callable[[str], Preview | None], *, now_ms: int, width: int
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
        if (match := picker.match) is not None:
            yield from wrapped(f"{match.kind} {ago(match.at_ms, now_ms)}: {match.excerpt}", width).split("\n")
        for line in _preview(picker.entry, preview_of(picker.entry["id"]), now_ms):
            yield from wrapped(line, width).split("\n")


def _preview(entry: dict[str, Any], preview: Preview | None, now_ms: int) -> Iterator[str]:
    facts = (entry["short"], entry["agent_version"], entry["model"], entry["branch"])
    yield harmless(", ".join(filter(None, (*facts, counted(entry["prompts"], "prompt")))))
    if preview is None:
        return
    for turn in preview.turns:
        if turn.prompt:
            yield f"› {one_line(turn.prompt, PROMPT_LIMIT)}"
        if turn.answer and turn is preview.turns[-1]:
            yield f"  ● {one_line(turn.answer, PROMPT_LIMIT)}"
        came = [counted(turn.changes, "change")] if turn.changes else []
        came += [f"committed {one_line(commit, 60)}" for commit in turn.commits[:1]]
        came += [turn.end] if turn.end and turn.prompt else []
        if came:
            yield f"    {ago(turn.last_ms, now_ms)}: {', '.join(came)}"
    if preview.files:
        more = f" and {preview.more_files} more" if preview.more_files else ""
        yield f"files: {', '.join(map(visible, preview.files))}{more}"
