"""Documents that hold the plan of the work: those with boxes, and those that several turns came back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from carryover.distill.digest import Document
from carryover.distill.entry import WEIGHTS, Entry
from carryover.distill.sections.quoting import from_session, packed
from carryover.distill.sections.recent_files import RecentFile, counted, placed
from carryover.distill.trail import Past
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import Boxes, FileFacts

Visit = tuple[Document, SessionView]
"""What one session did with a document."""
_MOST_DOCUMENTS: Final = 4


class StateFile(NamedTuple):
    """A document of the work, by its path as shown, with its visits, oldest first. `boxes`: those on disk or, if it was
    not read, as recorded."""

    path: str
    visits: Sequence[Visit]
    boxes: Boxes | None
    is_named: bool
    """Whether the user named it."""

    @property
    def turns(self) -> int:
        """How many turns read or edited it."""
        return sum(document.turns for document, _ in self.visits)

    @property
    def edit(self) -> Visit | None:
        """The visit with its newest edit."""
        return next((visit for visit in reversed(self.visits) if visit[0].edited is not None), None)

    @property
    def is_open(self) -> bool:
        """Whether boxes of the work are open. Those of a template that was only read once belong to something else."""
        if self.boxes is None or self.boxes.checked >= self.boxes.total:
            return False
        own = self.is_named or self.edit is not None or self.turns > 1
        return own or self.boxes.checked > 0

    def state(self, past: Past) -> str:
        """How many boxes are checked, and when the document was edited or, if it was not, how often it was read."""
        document, session = self.edit or self.visits[-1]
        again = f"read in {self.turns} turns, last" if self.turns > 1 else "read"
        did = f"{'edited' if self.edit else again} in {past.turn(document.edited or document.turn, session)}"
        return f"{counted(self.boxes)}, {did}" if self.boxes is not None else did


def state_files(view: ProjectView, facts: Mapping[str, FileFacts] = {}, *, outside: bool = True) -> list[StateFile]:
    """Returns the documents of the work that still exist, newest first. Of those `outside` the project, only the
    ones that an agent wrote for itself when it put a plan before the user."""
    found = []
    prompts = "\n".join(turn.prompt for session in view.sessions for turn in session.digest.turns)
    for path, visits in _visits(view, outside=outside).items():
        visits.sort(key=lambda visit: visit[0].at_ms)
        newest_first = (document.boxes for document, _ in reversed(visits))
        recorded = next((boxes for boxes in newest_first if boxes is not None), None)
        fact = facts.get(path, FileFacts(exists=True, boxes=recorded))
        if fact.exists:
            is_named = path.rpartition("/")[2] in prompts
            found.append(StateFile(path, visits, fact.boxes, is_named))
    return sorted(found, key=lambda file: (-file.visits[-1][0].at_ms, file.path))


def _visits(view: ProjectView, *, outside: bool) -> dict[str, list[Visit]]:
    visits: dict[str, list[Visit]] = {}
    for session in view.sessions:
        for digest in session.digests:
            planned = digest.proposal.turn if outside and digest.proposal is not None else None
            for document in digest.documents:
                is_plan = planned is not None and document.edited == planned
                path = placed(document.path, view, outside=outside) or (document.path if is_plan else None)
                if path is not None:
                    visits.setdefault(path, []).append((document, session))
    return visits


def open_entries(past: Past, files: Sequence[StateFile]) -> list[Entry]:
    """Returns the first open items of the newest documents with open boxes, verbatim."""
    entries: list[Entry] = []
    weight = WEIGHTS["open box"]
    more = WEIGHTS["open file"]
    for back, file in enumerate([file for file in files if file.is_open][: more.most]):
        document, session = file.visits[-1]
        label = f"open in `{file.path}` ({file.state(past)})"
        for at, item in enumerate(file.boxes.open[: weight.most] if file.boxes is not None else ()):
            rank = weight.at(at).first + more.back * back
            entries.append(from_session(session, document.turn, item, "file", rank, label=label, at_ms=document.at_ms))
    return packed(entries)


def document_entries(past: Past, files: Sequence[StateFile], recent: Sequence[RecentFile]) -> list[Entry]:
    """Returns on one line the other documents that have boxes or that several turns used, except for `recent` files,
    which have lines of their own."""
    listed = {file.path for file in recent}
    others = [file for file in files if not file.is_open and file.path not in listed]
    shown = [file for file in others if file.turns > 1 or file.boxes is not None][:_MOST_DOCUMENTS]
    text = ", ".join(f"`{file.path}` ({file.state(past)})" for file in shown)
    return [Entry(text=text, kind="files", label="Documents")] if shown else []
