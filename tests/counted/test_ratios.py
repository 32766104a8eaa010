"""What parsing, redacting and folding cost the processor, beside work that never changes, and in calls of functions.

A ratio is the least processor time of some rounds over the least of the fixed work, in the same process and in turns,
so that a busy machine slows both. Its limit is twice today's: it shows a twofold loss. Calls can be counted exactly.
`pytest tests/counted/test_ratios.py -rP` prints both; a smaller one goes into the table.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Final

from carryover.adapter.contract import Source
from carryover.agents import adapters
from carryover.distill.digest import Digest
from carryover.distill.stored_digest import fold_events
from carryover.facts import ProjectRoot
from carryover.ingest.prepare import prepare
from carryover.model import Event
from carryover.redact import redact
from counted.bounds import exceeding
from counted.history import written_session

PREPARE: Final = "prepare, beside decoding the same lines five times"
REDACT: Final = "redact, beside one pattern on the same text five times"
FOLD: Final = "fold, beside an index of the same words"

TODAY: Final = {
    PREPARE: {"percent": 130, "calls per line": 266},
    REDACT: {"percent": 80, "calls per line": 277},
    FOLD: {"percent": 440, "calls per line": 258},
}
ALLOWED: Final = {"percent": 2.0, "calls per line": 1.1}
"""Times today's. Calls differ a little between versions of Python."""

ROUNDS: Final = 5
TURNS: Final = 60
ONE_PATTERN: Final = re.compile(r"[A-Za-z0-9_]{24,}")


class History:
    """One session. Each round needs another: what was seen before may cost less."""

    def __init__(self, folder: Path, seed: int) -> None:
        session = written_session(folder, folder / "shop", turns=TURNS, seed=seed)
        self._source = Source(agent="claude-code", path=str(session.path), session=session.session)
        self.lines = session.path.read_bytes().splitlines()
        self.texts = [line.decode() for line in self.lines]

    def prepared(self) -> list[Event]:
        step = prepare(adapters()["claude-code"], self._source, None, ProjectRoot, lambda: int(time.time() * 1000))
        assert step.prepared is not None
        return [entry.event for entry in step.prepared.entries]

    @cached_property
    def events(self) -> list[Event]:
        return self.prepared()


Work = Callable[[History], object]


def test_preparing_a_batch_costs_no_more_than_it_did(tmp_path: Path) -> None:
    def decode(history: History) -> object:
        return [json.loads(line) for _ in range(5) for line in history.lines]

    assert exceeding(counted(PREPARE, tmp_path, History.prepared, decode), limits(PREPARE)) == []


def test_redacting_costs_no_more_than_it_did(tmp_path: Path) -> None:
    def act(history: History) -> object:
        return [redact(text) for text in history.texts]

    def search(history: History) -> object:
        return [ONE_PATTERN.sub("", text) for _ in range(5) for text in history.texts]

    assert exceeding(counted(REDACT, tmp_path, act, search), limits(REDACT)) == []


def test_folding_costs_no_more_than_it_did(tmp_path: Path) -> None:
    def act(history: History) -> object:
        return fold_events(Digest(), history.events)

    def count(history: History) -> object:
        seen: dict[str, tuple[int, ...]] = {}
        for number, text in enumerate(history.texts):
            for word in text.split():
                seen[word] = (*seen.get(word, ())[-5:], number)
        return seen

    assert exceeding(counted(FOLD, tmp_path, act, count, events=True), limits(FOLD)) == []


def limits(what: str) -> dict[str, dict[str, int]]:
    return {what: {kind: int(n * ALLOWED[kind]) for kind, n in TODAY[what].items()}}


def counted(what: str, folder: Path, act: Work, floor: Work, *, events: bool = False) -> dict[str, dict[str, int]]:
    """The least time of `act` in percent of the least of `floor`, and how many calls it makes for each line.

    `events`: what `act` needs of the history's events is made before.
    """
    first = list(TODAY).index(what) * 100
    histories = [History(folder, seed) for seed in range(first, first + ROUNDS + 1)]
    for history in histories if events else ():
        assert history.events
    took = [(processor_s(act, history), processor_s(floor, history)) for history in histories[1:]]
    ratio = min(of_work for of_work, _ in took) / min(of_floor for _, of_floor in took)
    last = histories[0]
    return {what: {"percent": round(100 * ratio), "calls per line": calls(act, last) // len(last.lines)}}


def processor_s(act: Callable[[History], object], history: History) -> float:
    began = time.thread_time()
    act(history)
    return time.thread_time() - began


def calls(act: Callable[[History], object], history: History) -> int:
    """How many functions, of Python and of C, this thread calls."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        act(history)
    finally:
        sys.setprofile(None)
    return count
