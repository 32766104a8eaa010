"""The state of interactive search, and what each key makes of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from carryover.ledger.search_text import Kind
from carryover.past.search_records import Asked, Filter, Item, Listing, Preview, Span
from carryover.terminal.output import harmless

Mode = Literal["query", "list", "agents"]
Does = Literal["leave", "show", "continue", "resume"]

MOVES: Final = {"up": -1, "c-p": -1, "down": 1, "c-n": 1, "pageup": -10, "pagedown": 10}
LIST_MOVES: Final = {"k": -1, "j": 1, "g": -10_000, "G": 10_000, "home": -10_000, "end": 10_000}
"""Further moves once the list has the focus."""
SCROLLS: Final = {"s-up": -1, "s-down": 1}
LIST_SCROLLS: Final = {"u": -10, "d": 10}
EDITS: Final = ("backspace", "delete", "c-w", "c-u", "c-a", "c-e", "home", "end", "left", "right")
COMMANDS: Final = ("enter", "escape", "tab", "s-tab", "alt-c", "alt-r", "f1")
KEYS: Final = (*MOVES, *SCROLLS, *EDITS, *COMMANDS)
"""The names of keys that type nothing."""


MOST_TYPED: Final = 1_000
"""Maximum length of a query, in characters: a page may be pasted."""


class QueryLine(NamedTuple):
    """What was typed, before and after the cursor."""

    before: str = ""
    after: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return self.before + self.after

    def edited(self, key: str) -> QueryLine:
        """Returns the line as a key of `EDITS` leaves it."""
        match key:
            case "backspace":
                return self._replace(before=self.before[:-1])
            case "delete":
                return self._replace(after=self.after[1:])
            case "c-w":
                kept = self.before.rstrip().rpartition(" ")
                return self._replace(before=kept[0] + kept[1])
            case "c-u":
                return self._replace(before="")
            case "c-a" | "home":
                return QueryLine("", self.text)
            case "c-e" | "end":
                return QueryLine(self.text, "")
            case "left":
                return QueryLine(self.before[:-1], self.before[-1:] + self.after)
            case _:
                return QueryLine(self.before + self.after[:1], self.after[1:])


EMPTY: Final = QueryLine()


class Chosen(NamedTuple):
    """What the user wants done. `item` is None if they leave; `agent` says where to continue."""

    does: Does
    item: Item | None = None
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchState:
    """All that the screen shows."""

    filters: tuple[Filter, ...]
    agents: Callable[[], Sequence[tuple[str, str]]]
    """Returns id and name of each agent that can take over on this machine. Called when one is to be chosen."""
    kinds: tuple[Kind, ...] = ()
    query: QueryLine = EMPTY
    mode: Mode = "query"
    """query: keys are typed. list: they are commands. agents: one is being chosen."""
    shows_keys: bool = False
    filter_at: int | None = None
    """The filter that the left and right keys change; None: they move the cursor."""
    listing: Listing | None = None
    """The newest answer; None before the first. It is one to an older query until this one is answered."""
    late: Listing | None = None
    """An answer that came while an agent was being chosen; None: no such answer."""
    at: int = 0
    agent_at: int = 0
    preview: Preview | None = None
    """The newest one. It is of another hit until that of the selected one is there."""
    scrolled: int = 0
    """How many rows the preview is scrolled from where it begins."""
    said: str = ""
    """A message that is shown until the next key press."""

    @property
    def asked(self) -> Asked:
        """What is to be searched now."""
        agent, project, span = (each.chosen.value for each in self.filters)
        assert isinstance(agent, str | None)
        assert isinstance(project, int | None)
        assert isinstance(span, Span)
        return Asked(self.query.text.strip(), agent, project, span, self.kinds)

    @property
    def items(self) -> tuple[Item, ...]:
        """What is listed."""
        return self.listing.items if self.listing is not None else ()

    @property
    def item(self) -> Item | None:
        """The selected hit; None if the list is empty."""
        return self.items[self.at] if self.items else None

    @property
    def shown(self) -> Preview | None:
        """The preview of the selected hit; None if it isn't there yet."""
        return self.preview if self.preview is not None and self.preview.item == self.item else None

    @property
    def is_answered(self) -> bool:
        """Whether the list is the answer to this query."""
        return self.listing is not None and self.listing.asked == self.asked

    @property
    def offered(self) -> Sequence[tuple[str, str]]:
        """The agents that can continue from the selected hit; its own comes last."""
        own = self.item.hit.agent if self.item is not None else None
        return sorted(self.agents(), key=lambda agent: agent[0] == own)


Outcome = SearchState | Chosen


def answered(state: SearchState, listing: Listing) -> SearchState:
    """Returns the state with an answer in it; one that comes while an agent is being chosen is listed after that."""
    if state.mode == "agents":
        return replace(state, late=listing)
    return replace(state, listing=listing, late=None, at=0, scrolled=0)


def previewed(state: SearchState, preview: Preview) -> SearchState:
    """Returns the state with a turn in it."""
    return replace(state, preview=preview)


def pressed(state: SearchState, key: str) -> Outcome:
    """Returns what a key makes of the state. `key`: one of `KEYS`, or what was typed."""
    state = replace(state, said="")
    if state.shows_keys:
        return replace(state, shows_keys=False)
    if state.mode == "agents":
        return _in_agents(state, key)
    if key in COMMANDS:
        return _commanded(state, key)
    if key in MOVES:
        return moved(replace(state, mode="list" if state.items else state.mode), MOVES[key])
    if key in SCROLLS:
        return scrolled(state, SCROLLS[key])
    if key in ("left", "right") and state.filter_at is not None:
        return _filtered(state, state.filter_at, 1 if key == "right" else -1)
    if state.mode == "list":
        return _in_list(state, key)
    return _edited(state, key) if key in EDITS else typed(state, key)


def typed(state: SearchState, text: str) -> SearchState:
    """Adds typed or pasted text to the query: what is pasted is never a command."""
    if state.shows_keys or state.mode == "agents":
        return state
    line = " ".join(harmless(text).splitlines()).replace("\t", " ")
    query = state.query._replace(before=(state.query.before + line)[:MOST_TYPED])
    return replace(state, mode="query", filter_at=None, query=query)


def clicked(state: SearchState, row: int) -> SearchState:
    """Selects the hit in this row of the list, which has the focus then."""
    if state.mode == "agents" or row >= len(state.items):
        return state
    return replace(state, mode="list", at=row, scrolled=0)


def moved(state: SearchState, by: int) -> SearchState:
    """Moves the selection, stopping at the ends of the list."""
    if state.mode == "agents":
        return replace(state, agent_at=_within(state.agent_at + by, len(state.agents())))
    at = _within(state.at + by, len(state.items))
    return replace(state, at=at, scrolled=state.scrolled if at == state.at else 0)


def scrolled(state: SearchState, by: int) -> SearchState:
    """Scrolls the preview."""
    return replace(state, scrolled=state.scrolled + by)


def _within(at: int, number: int) -> int:
    return max(min(at, number - 1), 0)


def _in_agents(state: SearchState, key: str) -> Outcome:
    moves = {**MOVES, **LIST_MOVES}
    if key in moves:
        return moved(state, moves[key])
    if key == "enter":
        return Chosen("continue", state.item, state.offered[state.agent_at][0])
    if key != "escape":
        return state
    on_list = replace(state, mode="list")
    return answered(on_list, state.late) if state.late is not None else on_list


def _in_list(state: SearchState, key: str) -> Outcome:
    if key in LIST_MOVES:
        return moved(state, LIST_MOVES[key])
    if key in LIST_SCROLLS:
        return scrolled(state, LIST_SCROLLS[key])
    if key in EDITS:
        return _edited(state, key)
    match key:
        case "c" | "r":
            return _commanded(state, f"alt-{key}")
        case "/":
            return replace(state, mode="query", filter_at=None)
        case "?":
            return replace(state, shows_keys=True)
        case "q":
            return Chosen("leave")
    return replace(state, said="/ goes back to the query, ? shows the keys.")


def _commanded(state: SearchState, key: str) -> Outcome:
    match key:
        case "escape":
            return Chosen("leave")
        case "tab" | "s-tab":
            return _tabbed(state, 1 if key == "tab" else -1)
        case "f1":
            return replace(state, shows_keys=True)
    if state.item is None:
        return replace(state, said="Nothing is listed.")
    if key == "alt-c":
        return _choose_agent(state, state.item)
    return Chosen("resume" if key == "alt-r" else "show", state.item)


def _choose_agent(state: SearchState, item: Item) -> SearchState:
    if not item.hit.root:
        return replace(state, said="This session belongs to no project, so no agent can take it over.")
    if not state.agents():
        return replace(state, said="No agent that takes a first prompt is on this machine.")
    return replace(state, mode="agents", agent_at=0)


def _tabbed(state: SearchState, by: int) -> SearchState:
    stops = [None, *range(len(state.filters))]
    at = stops.index(state.filter_at)
    return replace(state, filter_at=stops[(at + by) % len(stops)])


def _filtered(state: SearchState, number: int, by: int) -> SearchState:
    filters = list(state.filters)
    filters[number] = filters[number].moved(by)
    return replace(state, filters=tuple(filters))


def _edited(state: SearchState, key: str) -> SearchState:
    return replace(state, mode="query", filter_at=None, query=state.query.edited(key))
