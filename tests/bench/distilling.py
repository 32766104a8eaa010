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

from carryover.adapter.contract import Source
from carryover.distill.handoff import distill
from carryover.distill.render import render
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import project_by_root
from carryover.ledger.store import Ledger
from carryover.publish.project_view import project_view

from .conversation import Conversation
from .corpus import append_lines, make_project, new_session_id, transcripts_of, write_transcript
from .measure import timed
from .product import now_ms, read_one
from .work import small_turn

ROUNDS: Final = 20
"""Each round takes every length once, so that what else the machine does falls on all of them alike."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """One session of `turns` turns. Times in seconds, medians of the rounds."""

    turns: int
    handoff_s: float
    """View, distil and render."""
    append_s: float
    """One appended prompt: read, fold, commit, view, distil, render; without daemon and probes."""
    rows_s: float
    """Floor of a handoff: the newest 200 rows of the session by index, from the same file."""


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
        self._times: dict[str, list[float]] = {"handoff": [], "append": [], "rows": []}

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
        return lot

    async def round(self, executor: ThreadPoolExecutor) -> None:
        self._times["handoff"].append(timed(self._handoff)[0])
        newest = "SELECT body FROM event WHERE thread_id = 1 ORDER BY id DESC LIMIT 200"
        with closing(connect_read_only(self._path)) as db:
            self._times["rows"].append(timed(lambda: db.execute(newest).fetchall())[0])
        self._times["append"].append(await self._append(executor))

    def result(self) -> Distilled:
        medians = {f"{name}_s": statistics.median(values) for name, values in self._times.items()}
        return Distilled(turns=self._turns, **medians)

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
