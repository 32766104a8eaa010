"""What a handoff costs against the length of its session: it must not grow."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Source
from carryover.distill.digest import Digest
from carryover.distill.handoff import distill
from carryover.distill.render import render
from carryover.distill.stored_digest import DigestReducer, fold_events
from carryover.ledger.codec import decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import project_by_root, session_events, sessions
from carryover.ledger.store import Ledger
from carryover.model import Event
from carryover.publish.project_view import project_view

from .conversation import Conversation
from .corpus import append_lines, make_project, new_session_id, transcripts_of, write_transcript
from .measure import timed
from .product import now_ms, read_one
from .work import small_turn

ROUNDS: Final = 20
"""Each round takes every length once, so that what else the machine does falls on all of them alike."""

FOLDED: Final = 1000
"""So many of the last events are folded on top of what came before them."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """One session of `turns` turns. Times in seconds, medians of the rounds."""

    turns: int
    events: int
    handoff_s: float
    """View, distil and render."""
    append_s: float
    """One appended prompt: read, fold, commit, view, distil, render; without daemon and probes."""
    fold_s: float
    """One event, folded on top of the whole session."""
    rows_s: float
    """Floor of a handoff: the newest 200 rows of the session by index, from the same file."""
    decode_s: float
    """Floor of a fold: one stored event decoded."""
    digest_bytes: int


def distilling(home: Path, lengths: Sequence[int]) -> list[Distilled]:
    """A project with one session for each of `lengths`, each in a ledger of its own."""
    return asyncio.run(_distilling(home, lengths))


async def _distilling(home: Path, lengths: Sequence[int]) -> list[Distilled]:
    with ThreadPoolExecutor(1) as executor:
        lots = [await _Lot.make(home, turns, executor) for turns in lengths]
        try:
            for _ in range(ROUNDS):
                for lot in lots:
                    await lot.round(executor)
            return [lot.result() for lot in lots]
        finally:
            for lot in lots:
                await lot.ledger.close()


class _Lot:
    """A session of some length, its ledger, and the times taken of it."""

    def __init__(self, root: Path, talk: Conversation, source: Source, turns: int, path: Path, ledger: Ledger) -> None:
        self.ledger = ledger
        self._root = str(root)
        self._talk = talk
        self._source = source
        self._turns = turns
        self._path = path
        self._times: dict[str, list[float]] = {"handoff": [], "append": [], "fold": [], "rows": [], "decode": []}

    @classmethod
    async def make(cls, home: Path, turns: int, executor: ThreadPoolExecutor) -> _Lot:
        chance = random.Random(turns)
        root = make_project(home / "work" / f"turns-{turns}")
        begun_ms = now_ms() - 86_400_000
        talk = Conversation(chance, session=new_session_id(chance), cwd=root, start_ms=begun_ms, ms_per_byte=0.001)
        for number in range(turns):
            small_turn(talk, chance, root, number)
        transcript = transcripts_of(home, root) / f"{talk.session}.jsonl"
        write_transcript(transcript, talk)
        path = home / f"turns-{turns}.sqlite"
        lot = cls(
            root,
            talk,
            Source(agent="claude-code", path=str(transcript), session=talk.session),
            turns,
            path,
            await Ledger.open(path, DigestReducer()),
        )
        await read_one(lot.ledger, lot._source, executor)
        lot._load()
        return lot

    async def round(self, executor: ThreadPoolExecutor) -> None:
        self._times["handoff"].append(timed(self._handoff)[0])
        self._times["fold"].append(timed(lambda: fold_events(self._before, self._last))[0] / len(self._last))
        newest = "SELECT body FROM event WHERE thread_id = 1 ORDER BY id DESC LIMIT 200"
        with closing(connect_read_only(self._path)) as db:
            rows_s, bodies = timed(lambda: db.execute(newest).fetchall())
        self._times["rows"].append(rows_s)
        self._times["decode"].append(timed(lambda: [decode_body(body) for (body,) in bodies])[0] / len(bodies))
        self._times["append"].append(await self._append(executor))

    def result(self) -> Distilled:
        medians = {f"{name}_s": statistics.median(values) for name, values in self._times.items()}
        size = len(msgspec.json.encode(self._before))
        return Distilled(turns=self._turns, events=self._events, digest_bytes=size, **medians)

    def _load(self) -> None:
        with closing(connect_read_only(self._path)) as db:
            (row,) = sessions(db, limit=1)
            session = self._talk.session
            events = [
                Event(key=str(number), session=session, at_ms=stored.at_ms, body=stored.body)
                for number, stored in enumerate(session_events(db, row))
            ]
        self._events = len(events)
        self._last = events[-min(FOLDED, len(events) // 2) :]
        self._before = fold_events(Digest(), events[: -len(self._last)])

    async def _append(self, executor: ThreadPoolExecutor) -> float:
        written = len(self._talk.lines)
        self._talk.prompt(f"Now the part numbered {written}, please.")
        started = time.perf_counter()
        append_lines(Path(self._source.path), self._talk, written)
        await read_one(self.ledger, self._source, executor)
        self._handoff()
        return time.perf_counter() - started

    def _handoff(self) -> str:
        with closing(connect_read_only(self._path)) as db:
            project = project_by_root(db, self._root)
            view = project_view(db, project.id) if project is not None else None
        handoff = distill(view, None, {}, resume="ask", now_ms=now_ms()) if view is not None else None
        if handoff is None:
            raise RuntimeError(f"nothing to hand over in {self._root}")
        return render(handoff)
