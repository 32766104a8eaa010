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

from carryover.agents.contract import Source
from carryover.distill.digest import Digest
from carryover.distill.handoff import distill
from carryover.distill.render import render
from carryover.ledger.bodies import decode_body
from carryover.ledger.folding import Line, fold_lines
from carryover.ledger.project_view import project_view
from carryover.ledger.queries import project_by_root, session_events, sessions
from carryover.ledger.reading import connect_read_only
from carryover.ledger.store import Ledger

from .conversation import Conversation
from .corpus import make_project, new_session_id, transcripts_of, write_transcript
from .measure import timed
from .product import now_ms, read_one
from .work import small_turn

REPEATS: Final = 30
APPENDS: Final = 20
FOLDED: Final = 5000
"""The last so many events are folded on top of what came before them."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """One session of `turns` turns. Times in seconds."""

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
    return [asyncio.run(_one(home, turns)) for turns in lengths]


async def _one(home: Path, turns: int) -> Distilled:
    chance = random.Random(turns)
    root = make_project(home / "work" / f"turns-{turns}")
    begun_ms = now_ms() - 86_400_000
    talk = Conversation(chance, session=new_session_id(chance), cwd=root, start_ms=begun_ms, ms_per_byte=0.001)
    for number in range(turns):
        small_turn(talk, chance, root, number)
    path = transcripts_of(home, root) / f"{talk.session}.jsonl"
    write_transcript(path, talk)
    source = Source(agent="claude-code", path=str(path), session=talk.session)
    ledger_path = home / f"turns-{turns}.sqlite"
    ledger = await Ledger.open(ledger_path)
    try:
        with ThreadPoolExecutor(1) as executor:
            await read_one(ledger, source, executor)
            appends = []
            for number in range(APPENDS):
                written = len(talk.lines)
                talk.prompt(f"Now the part numbered {number}, please.")
                started = time.perf_counter()
                with path.open("ab") as stream:
                    stream.write(b"".join(line + b"\n" for line in talk.lines[written:]))
                await read_one(ledger, source, executor)
                _handoff(ledger_path, str(root))
                appends.append(time.perf_counter() - started)
        return _measured(ledger_path, str(root), turns, statistics.median(appends))
    finally:
        await ledger.close()


def _handoff(ledger_path: Path, root: str) -> str:
    with closing(connect_read_only(ledger_path)) as db:
        project = project_by_root(db, root)
        view = project_view(db, project.id) if project is not None else None
    handoff = distill(view, None, {}, resume="ask", now_ms=now_ms()) if view is not None else None
    if handoff is None:
        raise RuntimeError(f"nothing to hand over in {root}")
    return render(handoff)


def _measured(ledger_path: Path, root: str, turns: int, append_s: float) -> Distilled:
    handoff_s, _ = timed(lambda: _handoff(ledger_path, root), REPEATS)
    with closing(connect_read_only(ledger_path)) as db:
        (row,) = sessions(db, limit=1)
        events = list(session_events(db, row))
        lines = [Line(number, event.at_ms, event.body) for number, event in enumerate(events)]
        before = fold_lines(Digest(), lines[:-FOLDED], session=row.native_id, sidechain="").digest
        last = lines[-FOLDED:]
        fold_s, folded = timed(lambda: fold_lines(before, last, session=row.native_id, sidechain=""), 3)
        newest = "SELECT body FROM event WHERE thread_id = 1 ORDER BY id DESC LIMIT 200"
        rows_s, bodies = timed(lambda: db.execute(newest).fetchall(), REPEATS)
        decode_s, _ = timed(lambda: [decode_body(body) for (body,) in bodies], REPEATS)
    return Distilled(
        turns=turns,
        events=len(events),
        handoff_s=handoff_s,
        append_s=append_s,
        fold_s=fold_s / len(last),
        rows_s=rows_s,
        decode_s=decode_s / len(bodies),
        digest_bytes=len(msgspec.json.encode(folded.digest)),
    )
