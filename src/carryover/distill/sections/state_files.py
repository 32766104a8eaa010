"""Documents that hold the plan of the work: those with boxes, and those that several turns came back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from carryover.distill.digest import Digest, Document
from carryover.distill.entry import WEIGHTS, Entry
from carryover.distill.quotes import earlier
from carryover.distill.sections.quoting import from_session, packed
from carryover.distill.sections.recent_files import RecentFile, counted, placed
from carryover.distill.trail import Past
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import Boxes, FileFacts


class Visit(NamedTuple):
    """What one session did with a document."""

    document: Document
    session: SessionView


class StateFile(NamedTuple):
    """A document of the work, by its path as shown. `boxes`: those on disk or, if it was not read, as recorded."""

    path: str
    visits: Sequence[Visit]
    """Oldest first."""
    boxes: Boxes | None

    @property
    def turns(self) -> int:
        """How many turns read or edited it."""
        return sum(visit.document.turns for visit in self.visits)

    @property
    def edited(self) -> Visit | None:
        """Its newest edit."""
        return next((visit for visit in reversed(self.visits) if visit.document.edited is not None), None)

    @property
    def is_open(self) -> bool:
        """Whether boxes of the work are open: those of a template that was read once are not its own."""
        own = self.edited is not None or self.turns > 1
        return self.boxes is not None and self.boxes.checked < self.boxes.total and (own or self.boxes.checked > 0)

    def state(self, past: Past) -> str:
        """Says how many boxes are checked, and when it was edited or else how often it was read."""
        edited = self.edited
        counts = counted(self.boxes) if self.boxes is not None else ""
        visit = edited or self.visits[-1]
        did = "edited" if edited is not None else f"read in {self.turns} turns, last" if self.turns > 1 else "read"
        place = past.turn(visit.document.edited or visit.document.turn, visit.session)
        return ", ".join(filter(None, (counts, f"{did} in {place}", earlier(visit.document.at_ms, past.at_ms))))


def state_files(view: ProjectView, facts: Mapping[str, FileFacts] = {}, *, outside: bool = True) -> list[StateFile]:
    """Returns the documents with boxes or of several turns that are still there, the newest first."""
    visits: dict[str, list[Visit]] = {}
    for session in view.sessions:
        for digest in session.digests:
            for document in digest.documents:
                is_plan = outside and document.edited is not None and _proposes(digest, document)
                if path := placed(document.path, view, outside=outside) or (document.path if is_plan else None):
                    visits.setdefault(path, []).append(Visit(document, session))
    found = []
    for path, each in visits.items():
        each.sort(key=lambda visit: visit.document.at_ms)
        fact = facts.get(path)
        recorded = next((visit.document.boxes for visit in reversed(each) if visit.document.boxes), None)
        if fact is None or fact.exists:
            found.append(StateFile(path, each, fact.boxes if fact is not None else recorded))
    return sorted(found, key=lambda file: (-file.visits[-1].document.at_ms, file.path))


def _proposes(digest: Digest, document: Document) -> bool:
    """Whether the agent put a plan before the user in the turn in which it wrote this file for itself."""
    return digest.proposal is not None and digest.proposal.turn == document.edited


def open_entries(past: Past, files: Sequence[StateFile]) -> list[Entry]:
    """Returns the first open items of the newest documents with open boxes, verbatim."""
    entries: list[Entry] = []
    most, weight = WEIGHTS["open file"].most, WEIGHTS["open box"]
    for back, file in enumerate([file for file in files if file.is_open and file.boxes is not None][:most]):
        visit = file.visits[-1]
        first = weight.first + WEIGHTS["open file"].back * back
        entries += [
            from_session(
                visit.session,
                visit.document.turn,
                item,
                "file",
                first + weight.back * at,
                label=f"open in `{file.path}` ({file.state(past)})",
                at_ms=visit.document.at_ms,
            )
            for at, item in enumerate(file.boxes.open[: weight.most] if file.boxes is not None else ())
        ]
    return packed(entries)


def document_entries(past: Past, files: Sequence[StateFile], recent: Sequence[RecentFile]) -> list[Entry]:
    """Returns the other documents with boxes or that several turns came back to, unless they are among the `recent`
    files, which have lines of their own."""
    weight, listed = WEIGHTS["document"], {file.path for file in recent}
    others = [file for file in files if not file.is_open and file.path not in listed]
    shown = [file for file in others if file.turns > 1 or file.boxes is not None][: weight.most]
    return packed(
        from_session(
            file.visits[-1].session,
            file.visits[-1].document.turn,
            f"`{file.path}`: {file.state(past)}",
            "file",
            weight.at(back).first,
            at_ms=file.visits[-1].document.at_ms,
        )
        for back, file in enumerate(shown)
    )
