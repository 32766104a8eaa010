"""Documents that hold the plan of the work: those with open boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from carryover.distill.digest import SeenDocument
from carryover.distill.entry import Entry, fixed_rank
from carryover.distill.quotes import in_code, item_beside
from carryover.distill.sections.quoting import from_session, joined_short
from carryover.distill.sections.recent_files import checked_boxes, placed
from carryover.distill.trail import Past, answered_elsewhere, answers_since, did_work
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import FileFacts

Visit = tuple[SeenDocument, SessionView]
"""What one session did with a document."""
_MOST: Final = 12
_MOST_OF_ONE: Final = 6
_WITHOUT: Final = 3
"""After more answers, a document that has no box checked gives way: the work does not keep it. For one that the agent
edited, those count for which something was done: a plan may be talked over before."""


def documents_of(view: ProjectView, *, outside: bool = True) -> dict[str, list[Visit]]:
    """Returns the documents of the work by their paths as shown, newest first, with their visits, oldest first. Of
    those `outside` the project, only the ones that an agent wrote for itself when it put a plan before the user."""
    visits = [
        (document, session, outside and digest.proposal is not None and document.edited == digest.proposal.turn)
        for session in view.sessions
        for digest in session.digests
        for document in digest.documents
    ]
    found: dict[str, list[Visit]] = {}
    for document, session, is_plan in sorted(visits, key=lambda visit: visit[0].at_ms):
        path = placed(document.path, view, outside=outside) or (document.path if is_plan else None)
        if path is not None:
            found[path] = [*found.pop(path, ()), (document, session)]
    return dict(reversed(found.items()))


def open_items(past: Past, facts: Mapping[str, FileFacts]) -> list[Entry]:
    """Returns the first open items of the newest documents with open boxes, verbatim. Boxes on disk count more than
    recorded ones. If none is checked, they count until the work has gone on without the document, but those of one that
    was only read, as a template is, belong to something else, unless the user named it. So do those of several that
    were only read in the same turn, as notes of other days are."""
    found: list[tuple[str, str, SeenDocument, SessionView, int]] = []
    prompts = "\n".join(step.turn.prompt for step in past.steps)
    only_read = defaultdict[tuple[str, int], set[str]](set)
    for path, visits in documents_of(past.view).items():
        recorded = next((one.boxes for one, _ in reversed(visits) if one.boxes is not None), None)
        boxes = facts.get(path, FileFacts(exists=True, boxes=recorded)).boxes
        edits = [(one, session) for one, session in visits if one.edited is not None]
        is_own = edits or path.rpartition("/")[2] in prompts
        if boxes is None or not (is_own or boxes.checked):
            continue
        document, session = (edits or visits)[-1]
        turn = document.edited or document.turn
        stale = answers_since(session.digest, turn) + answered_elsewhere(past, session, document.at_ms)
        gone_on = min(stale, _works_since(past, document.at_ms)) if edits else stale
        if not boxes.checked and gone_on > _WITHOUT:
            continue
        did = f"{'edited' if edits else 'read'} in {past.turn(turn, session)}"
        since = f", {stale} answers since" if stale > 1 else ""
        label = f"open in {in_code(path)} ({checked_boxes(boxes)}, {did}{since})"
        if boxes.open and not is_own:
            only_read[session.session, turn].add(label)
        found += [(label, item_beside(item), document, session, stale) for item in boxes.open[:_MOST_OF_ONE]]
    notes = {label for labels in only_read.values() if len(labels) > 1 for label in labels}
    entries: list[Entry] = []
    for label, item, document, session, stale in found:
        if label not in notes:
            rank = fixed_rank("open box", len(entries)) if not stale else None
            entries.append(from_session(session, document.turn, item, "file", rank, label=label, at_ms=document.at_ms))
    return joined_short(entries[:_MOST])


def _works_since(past: Past, at_ms: int) -> int:
    """Returns in how many turns something was done since then."""
    return sum(step.turn.at_ms > at_ms and did_work(step.turn) for step in past.steps)
