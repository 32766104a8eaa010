"""Lines of the handoff before it is cut to size, and which of them are fixed. Changing their order changes no stored
digest."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

_Spoken = Literal["prompt", "queued prompt", "reply", "refusal", "message", "summary", "todo list", "plan", "question"]
_Done = Literal["call", "job", "test run", "edit", "files", "file", "ending", "limit", "names"]
EntryKind = _Spoken | _Done | Literal["pin", "text from outside", "worktree", "git"]


Rank = tuple[int, ...]
"""Where a fixed line stands in the order in which lines are taken (`ORDER`)."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line, or one part of a longer quote. Lines with a rank are fixed: they are taken first, in that order, while
    there is room. Of all others, what they are worth counts (`carryover.distill.choice`)."""

    text: str
    kind: EntryKind
    rank: Rank | None = None
    needed: bool = False
    """Whether the handoff needs this line, unless it has another line of such a quote."""
    label: str = ""
    """Speaker and time; printed before the first part that is shown."""
    part: int = 0
    parts: int = 1
    session: str = ""
    agent: str = ""
    turn: int | None = None
    at_ms: int = 0
    alone: float = 0.0
    """What it is worth beside its names, more than any line."""
    again: bool = False
    """Whether it shows what can be looked at again at any time, or tests that passed, which is worth less than what was
    said or done."""
    members: tuple[Entry, ...] = ()
    """The short lines that share this line, if it has several."""

    @property
    def shown(self) -> str:
        """The whole line, with the speaker."""
        return f"{self.label}: {self.text}" if self.label and self.text else self.label or self.text

    @property
    def sources(self) -> tuple[Entry, ...]:
        """The entries that make up the line: itself, or the short lines that share it."""
        return self.members or (self,)

    @property
    def quote(self) -> tuple[str, str, int | None, int, str]:
        """An identity that all parts of a quote share."""
        return (self.kind, self.session, self.turn, self.at_ms, self.label)


class Section(msgspec.Struct, frozen=True):
    """A section of the handoff: its heading and its lines, in printing order."""

    title: str
    entries: tuple[Entry, ...]


_ALL: Final = 99
# fmt: off
ORDER: Final[dict[str, int | tuple[int, ...]]] = {
    "pin": _ALL,                      # what the user pinned, and what the user says is done
    "goal": 5,                        # the first prompt that says something
    "newest": 5,                      # the newest prompt
    "newest list": 16,                # the same, if it lists several things to do
    "in flight": 1,                   # calls without a result
    "limit": 1,
    "goal before": 1,                 # of an earlier session: its goal, or what was taken up of it
    "reply since": 1,                 # a short reply since
    "taken up": 2,                    # the prompt that most answers since are about
    "typed": (_ALL, _ALL),            # typed while the agent worked, not taken up
    "replied": 4,                     # the question that the newest prompt replied to
    "form": _ALL,                     # a stored prompt that the session began with
    "template": 1,                    # the name of the template around a prompt
    "list before": 9,                 # the list that a short newest prompt continues
    "acted on": 2,                    # the newest that work was done for, where that is another
    "paste": 1,                       # what was pasted with one of these prompts
    "question": (4, 1),               # at the end of the last words, or of a tool
    "brought in": (1, 1),             # a text from outside, by name
    "file": (1, 1),                   # that was edited
    "last words": 6,                  # of the leading turn
    "announced": 3,                   # what last words mark as next; a next step in a summary
    "refused": 3,                     # the newest refused calls that did not succeed later
    "last words of work": 2,          # of the newest turn that worked, where that is another one
    "plan": 8,                        # open items of the todo list, while no turn was answered since
    "open box": 3,                    # open items of a document's list, likewise
    "accepted": 3,                    # a plan that the newest turn carries out
    "state": _ALL,                    # tests, jobs, ending, in one line
    "proposal": 1,                    # a written plan that waits for the user's word
    "open tests": 1,                  # failing, or not run since the newest edits
    "uncertain": 1,                   # edits without a result
    "parallel": (1,),                 # another session that works at the same time
    "worktree": (1,),                 # another checkout with its own handoff
    "open failure": 1,                # the newest of the leading turn that did not succeed later
    "reverted": (1,),                 # the newest turn that reverted what another had changed
    "last call": 2,                   # of a turn without an answer, unless it only looked
    "recap": 2,                       # the leading session's, with few prompts since
    "heard": 2,                       # the first and newest message of another agent, perhaps orders
    "discussed": (4, 2, 1),           # answers right before the leading turn that changed nothing
    "found": 2,                       # what says most before the last, of a turn that was cut off
    "git": 1,
}
_LAST: Final[dict[str, int | tuple[int, ...]]] = {
    "own share": _ALL,                # of what the user said, what fits a good third of the handoff
    "failure before": 1,              # where the leading turn has none, of the few turns before
}
# fmt: on
"""The kinds of lines that are fixed. Taken are the first lines of all newest quotes, in this order, then their second
lines with the first ones of the quotes before, and so on; then those of `_LAST`. A number says how many lines of each
quote are fixed; several say it of the newest quote, the one before it, and so on: of further ones none is."""
_ROWS: Final = {**ORDER, **_LAST}
_PLACES: Final = {row: place for place, row in enumerate(_ROWS)}


def fixed_rank(row: str | None, line: int = 0, back: int = 0) -> Rank | None:
    """Returns the rank of a line of a quote in that row of `ORDER` or `_LAST`; None if it is not fixed, or has no row.

    `line`: how many lines of the quote are kept before it. `back`: how many quotes of the row are newer."""
    if row is None:
        return None
    fixed = _ROWS[row]
    if isinstance(fixed, tuple):
        fixed = fixed[back] if back < len(fixed) else 0
    return (row in _LAST, line + back, _PLACES[row], back) if line < fixed else None


def lower(one: Rank | None, other: Rank | None) -> Rank | None:
    """Returns the rank that is taken first."""
    return min(filter(None, (one, other)), default=None)


TYPED: Final = 0.2
"""What a line that the user typed is worth beside its names, under Task and in the conversation: a ruling may have
none."""
