"""What the user decided and what still holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from carryover.distill.language.prose import flat
from carryover.distill.sections.entry import Entry, entry_of
from carryover.distill.work.state import ANSWERED, Line

_MOST: Final = 9
_NEWEST_OF_LINE: Final = 5
_MOST_OF_OTHERS: Final = 3
_SHOWN_OF_TASK: Final = 250
_SAME_BEGINNING: Final = 50
_NUMBER: Final = re.compile(r"^\W*\d{1,2}\W+")


def decision_entries(line: Line, others: Iterable[Line]) -> list[Entry]:
    """Those of the line of work, newest first among the weighty; what the task or an answer shows is left out."""
    shown = " ".join(flat(item.text)[:_SHOWN_OF_TASK] for item in (line.goal, line.step) if item is not None)
    newest = list(reversed(line.rules))
    entries = [entry_of(rule) for rule in newest[:_NEWEST_OF_LINE]]
    entries += [entry_of(rule) for rule in newest[_NEWEST_OF_LINE:]]
    entries += [entry_of(rule) for other in others for rule in reversed(other.rules) if rule.weight >= 1.5][
        :_MOST_OF_OTHERS
    ]
    unique = {entry.text[:_SAME_BEGINNING]: entry for entry in reversed(entries)}
    ordered = [entry for entry in entries if unique.get(entry.text[:_SAME_BEGINNING]) is entry]
    answers = " ".join(entry.text for entry in ordered if entry.rule == ANSWERED)

    def is_shown(entry: Entry) -> bool:
        in_answer = entry.rule != ANSWERED and _NUMBER.sub("", entry.text) in answers
        return in_answer or entry.text[:_SAME_BEGINNING] in shown

    return [entry for entry in ordered if not is_shown(entry)][:_MOST]
