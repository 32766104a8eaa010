"""Lines of the handoff before it is cut to size, and which of them are fixed. Changing a weight changes no stored
digest."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

_Spoken = Literal["prompt", "queued prompt", "reply", "refusal", "message", "summary", "todo list", "plan", "question"]
_Done = Literal["call", "job", "test run", "edit", "files", "file", "ending", "limit", "names"]
EntryKind = _Spoken | _Done | Literal["pin", "text from outside", "worktree", "git"]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line, or one part of a longer quote. Up to a weight of `FIXED`, the lower the weight, the longer it stays.
    Above that, what it is worth counts (`carryover.distill.choice`)."""

    text: str
    kind: EntryKind
    weight: float = 1.0
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
    """Whether it shows what can be looked at again at any time, which is worth less than what was said or done."""
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


FIXED: Final = 0.6
"""Entries up to this weight are taken first, in the order of their weights; others by what they are worth."""
NEEDED: Final = 0.9
"""The weight of an entry that is chosen by its worth, and fixed if nothing of its quote is."""
INSTEAD: Final = 0.91
"""The weight of an entry that is chosen by its worth; if it is chosen, no needed entry is fixed."""


class Section(msgspec.Struct, frozen=True):
    """A section of the handoff: its heading and its lines, in printing order."""

    title: str
    entries: tuple[Entry, ...]


class Weight(NamedTuple):
    """The weight of a quote. `first` is its first line's; each further part adds `part`, each step back in time `back`.
    `most` limits the number of quotes."""

    first: float
    part: float = 0.0
    back: float = 0.0
    most: int = 99

    def at(self, back: float) -> Weight:
        """Returns the weight `back` steps back in time."""
        return self._replace(first=self.first + self.back * back)


# fmt: off
WEIGHTS: Final[dict[str, Weight]] = {
    # Task: the user's words
    "pin":             Weight(-1.0),                    # what the user pinned, and what the user says is done
    "goal":            Weight(0.0, 0.15),               # the first prompt that says something
    "form":            Weight(0.25),                    # a stored prompt that the session began with
    "newest":          Weight(0.0, 0.15),               # the newest prompt
    "reply since":     Weight(0.2, 0.5),                # a short reply since
    "acted on":        Weight(0.3, 0.25),               # the newest that work was done for, where that is another
    "list before":     Weight(0.25, 0.04),              # what a newest prompt of few words goes on with
    "goal before":     Weight(0.2, 0.5),                # of an earlier session: its goal, or what was taken up of it
    "taken up":        Weight(0.2, 0.399),              # the prompt that most answers since are about
    "paste":           Weight(0.2, 0.5),                # what was pasted with one of them, added to its own weight
    "template":        Weight(0.25),                    # the name of the template around one, added likewise
    "typed":           Weight(0.2, 0.0, 0.3, 3),        # typed while the agent worked, not taken up
    # Where it stands
    "last words":      Weight(0.3, 0.06),               # of the leading turn
    "last words of work": Weight(0.4, 0.19),            # of the newest turn that worked, where that is another one
    "found":           Weight(0.55, 0.03),              # what says most before the last, of a turn that was cut off
    "in flight":       Weight(0.1, 0.0, 0.3, 2),        # calls without a result
    "state":           Weight(0.5, 0.0, 0.0, 1),        # tests, jobs, ending, in one line
    # Next action
    "plan":            Weight(0.4, 0.0, 0.05, 8),       # open items of the todo list
    "open box":        Weight(0.4, 0.0, 0.1, 6),        # open items of a document's list
    "announced":       Weight(0.35, 0.12),              # what last words mark as next; a next step in a summary
    "replied":         Weight(0.2, 0.1),                # the question that the newest prompt replied to
    "limit":           Weight(0.1),
    # Open questions
    "question":        Weight(0.25, 0.1, 0.3, 4),       # at the end of the last words, or of a tool
    "proposal":        Weight(0.5, 0.45),               # a written plan that waits for the user's word
    "open tests":      Weight(0.5),                     # failing, or not run since the newest edits
    "uncertain":       Weight(0.5),                     # edits without a result
    # Also in progress
    "parallel":        Weight(0.5, 0.0, 0.7, 4),
    "worktree":        Weight(0.5, 0.0, 0.7, 3),
    # Progress log
    "answered before": Weight(NEEDED),                  # the newest answer to work before the leading turn
    "shown instead":   Weight(INSTEAD),                 # one of the few before it, while the leading turn has an answer
    "discussed":       Weight(0.5, 0.03, 0.04, 3),     # answers right before the leading turn that changed nothing
    "heard":           Weight(0.5, 0.1),                # the first and newest message of another agent, perhaps orders
    # What the user said
    "refused":         Weight(0.35, 0.1, 0.0, 3),       # the newest refused calls that did not succeed later
    "own share":       Weight(0.595, 0.0, 0.00003),     # what fits a good third of the handoff
    # Failed approaches
    "open failure":    Weight(0.5),                     # the newest of the leading turn that did not succeed later
    "failure before":  Weight(0.597, 0.0, 0.00026),     # where that is none, of the turns before, up to eleven back
    "reverted":        Weight(0.5, 0.0, 0.0, 1),        # the newest turn that reverted what another had changed
    # Recent files
    "file":            Weight(0.25, 0.0, 0.35, 12),
    "last call":       Weight(0.5, 0.1),                # of a turn without an answer, unless it only looked
    # From the agent's own summary
    "recap":           Weight(0.5, 0.1),                # the leading session's, with few prompts since
    "accepted":        Weight(0.45, 0.07),              # a plan that the newest turn carries out
    "git":             Weight(0.59),
}
# fmt: on
TYPED: Final = 0.2
"""What a line that the user typed is worth beside its names, under Task and in the conversation: a ruling may have
none."""
STALER: Final = 0.3
"""What an open item's weight grows by with each answer since it was written down."""
BY_WORTH: Final = Weight(1.0)
"""The weight of all other lines."""
