"""The calls that an export shows at the end of an agent's turn, as opencode writes them: the tool's name and, if asked
for, what it was given and what it returned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from carryover.records.lenient import Fields, fields_of
from carryover.text.pattern import later

_CALL: Final = later(
    r"^(?:```\nTool: ([^\n]{1,100})\n\n(?=\*\*Input:\*\*$)"
    r"|\*\*Tool: ([^*\n]{1,100})\*\*$(?=\s*(?:\*\*Input:\*\*$|\*\*Tool: |\Z)))",
    re.MULTILINE,
)
"""The first form is that of January 2026, in which a fence is around each call."""
_GIVEN: Final = "**Input:**\n```json\n"
_RETURNED: Final = {"**Output:**\n```\n": False, "**Error:**\n```\n": True}
"""What stands above what a call returned, and whether it failed."""
_END: Final = "\n```"


class ShownCall(NamedTuple):
    """A call as it is shown. `returned`: None if that is not."""

    name: str
    given: Fields
    returned: str | None
    failed: bool


def without_calls(said: str, *, ended: bool) -> tuple[str, list[ShownCall]]:
    """Returns what precedes the calls in a turn, and the calls. `ended`: another turn follows."""
    marks = list(_CALL.finditer(said))
    starts = [*(mark.start() for mark in marks), len(said)]
    calls = (_call(mark, said[mark.end() : end], ended) for mark, (_, end) in zip(marks, pairwise(starts), strict=True))
    return said[: starts[0]], list(calls)


def _call(mark: re.Match[str], shown: str, ended: bool) -> ShownCall:
    shown = shown.rstrip()
    name, shown = (mark[2], shown) if mark[1] is None else (mark[1], shown.removesuffix(_END))
    given, _, behind = shown.partition(_GIVEN)[2].partition(_END)
    if given and ended and not behind.strip():
        return ShownCall(name.strip(), fields_of(given), "", failed=False)  # an empty output is not shown
    return ShownCall(name.strip(), fields_of(given), *next(_returned(behind), (None, False)))


def _returned(shown: str) -> Iterator[tuple[str, bool]]:
    for head, failed in _RETURNED.items():
        before, found, behind = shown.partition(head)
        if found and not before.strip():
            yield behind.rpartition(_END)[0], failed
