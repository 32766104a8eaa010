"""Whatever happens to the events, the index holds the tokens of those that count, each once."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Reemitted
from carryover.errors import UserError
from carryover.ledger import search_index
from carryover.ledger.codec import decode_body
from carryover.ledger.connect import connect_read_only, damage_mark
from carryover.ledger.queries import Selection
from carryover.ledger.schema import migrate
from carryover.ledger.search import Query, indexed_share, search
from carryover.ledger.search_index import index_entry, index_more, prepare_index
from carryover.ledger.search_text import terms_of
from carryover.ledger.store import Ledger
from carryover.model import Event, Retracted
from support.scribe import AGENT, Scribe, execute, writing

FOREVER_MS = 10**12


def indexed(path: Path) -> list[tuple[object, ...]]:
    """Each token of the index in its place, and the row of each event in it."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE VIRTUAL TABLE temp.tokens USING fts5vocab(main, search, instance)")
        tokens = db.execute("SELECT doc, offset, term FROM temp.tokens ORDER BY doc, offset").fetchall()
        entries = db.execute("SELECT id, thread_id, at_ms, kind FROM search_entry ORDER BY id").fetchall()
        prompts = db.execute("SELECT id, thread_id, at_ms, text FROM long_prompt ORDER BY id").fetchall()
        return [*tokens, *entries, *prompts, *db.execute("SELECT line, text FROM prompt_line ORDER BY line, text")]


def expected(path: Path) -> list[tuple[object, ...]]:
    """What `indexed` is to give, by the events alone."""
    tokens, rows, prompts, lines = [], [], [], set[tuple[int, int]]()
    with closing(sqlite3.connect(path)) as db:
        for event_id, thread_id, at_ms, body in db.execute(
            "SELECT id, thread_id, at_ms, body FROM event WHERE retracted = 0 ORDER BY id"
        ):
            if (entry := index_entry(decode_body(body))) is not None:
                tokens += [(event_id, place, word.lower()) for place, word in enumerate(entry[1].split())]
                rows.append((event_id, thread_id, at_ms, entry[0]))
                text, *hashed = json.loads(entry[2] or "[null]")
                prompts += [(event_id, thread_id, at_ms, text)] if hashed else []
                lines |= {(line, text) for line in hashed}
    return [*tokens, *rows, *prompts, *sorted(lines)]


def texts(path: Path, query: str) -> list[str]:
    with closing(connect_read_only(path)) as db:
        return [hit.text for hit in search(db, Query(terms=terms_of(query)), limit=99, now_ms=FOREVER_MS).hits]


@pytest.mark.parametrize("text", ["?!", "", " "])
async def test_what_has_no_word_is_not_in_the_index(scribe: Scribe, ledger_path: Path, text: str) -> None:
    await scribe.tell(scribe.event(text))

    assert indexed(ledger_path) == []


async def test_what_one_commit_adds_is_written_at_once(scribe: Scribe, ledger_path: Path) -> None:
    await scribe.tell(*(scribe.event(f"word{number}") for number in range(9)))

    with closing(sqlite3.connect(ledger_path)) as db:
        assert db.execute("SELECT count(DISTINCT segid) FROM search_idx").fetchone() == (1,)


async def index_all(ledger: Ledger) -> int:
    steps = 0
    while await ledger.write(index_more):
        steps += 1
    return steps


async def test_a_cleared_index_holds_nothing_until_the_events_are_indexed_again(
    scribe: Scribe, ledger_path: Path
) -> None:
    await scribe.tell(scribe.event("discount"), scribe.event("\n".join(f"Do step {n} of them all" for n in range(9))))
    await index_all(scribe.ledger)
    before = indexed(ledger_path)

    await scribe.ledger.write(search_index.clear_index)
    assert (before != [], indexed(ledger_path)) == (True, [])
    await index_all(scribe.ledger)
    assert indexed(ledger_path) == before


_keys = st.sampled_from("abcdef")
_steps = st.one_of(
    st.tuples(st.just("append"), st.lists(_keys, max_size=4)),
    st.tuples(st.just("reemit"), st.lists(_keys, max_size=4)),
    st.tuples(st.just("retract"), st.lists(_keys, max_size=2)),
    st.tuples(st.just("better"), st.lists(_keys, max_size=2)),
    st.tuples(st.just("forget"), st.sampled_from([["session"], ["part"], ["all"]])),
    st.tuples(st.just("afresh"), st.just([])),
    st.tuples(st.just("index"), st.just([])),
)


_SELECTIONS = {
    "session": Selection(agent=AGENT, session="s0"),
    "part": Selection(agent=AGENT, session="s1", since_ms=2_000, until_ms=5_000),
    "all": Selection(),
}


async def take(ledger: Ledger, scribe: Scribe, number: int, step: tuple[str, list[str]]) -> None:
    """One of the things that may happen to a ledger; the same key may come with another text."""
    match step:
        case "append", keys:
            await scribe.tell(*(prompt(scribe, key, number, session=f"s{ord(key) % 2}") for key in dict.fromkeys(keys)))
        case "reemit", keys:
            events = [prompt(scribe, key, number) for key in dict.fromkeys(keys)]
            await scribe.commit(scribe.prepared(*events, reemitted=(Reemitted(session="s0"),)))
        case "retract", keys:
            await scribe.tell(scribe.event(Retracted(keys=tuple(keys)), key=f"r{number}", session="s0"))
        case "better", keys:
            events = [prompt(scribe, key, number, prefix="better-") for key in dict.fromkeys(keys)]
            await scribe.tell(*events, path="/t/better.jsonl", rank=2)
        case "forget", [what]:
            await ledger.forget(_SELECTIONS[what], now_ms=FOREVER_MS if what == "all" else 1_000 * number)
        case "afresh", _:
            await ledger.write(search_index.clear_index)
        case _:
            await ledger.write(index_more)


def prompt(scribe: Scribe, key: str, number: int, *, session: str = "s0", prefix: str = "") -> Event:
    is_long = ord(key) % 3 > 0  # only these have hashes, and go through the view
    template = "".join(f"\nStep {line} of what is done for every one of them" for line in range(9 if is_long else 0))
    text = f"word{key}{number % 3} getUser{key.upper()}{template}"
    return scribe.event(text, key=prefix + key, session=session)


@settings(max_examples=10, deadline=None)
@given(steps=st.lists(_steps, max_size=10))
@example(steps=[("append", ["b"]), ("better", ["d"])])
@example(steps=[("append", ["b"]), ("retract", ["b"])])
@example(steps=[("reemit", ["a", "b"]), ("reemit", ["a"]), ("reemit", ["b", "a"])])
async def test_the_index_holds_exactly_what_counts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[str]]]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    async with writing(path) as scribe:
        for number, step in enumerate(steps):
            await take(scribe.ledger, scribe, number, step)
        await index_all(scribe.ledger)

    assert indexed(path) == expected(path)


@pytest.fixture
def not_indexed(tmp_path: Path) -> Path:
    """A ledger with 1,200 prompts, of which no index was made."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, path)
        db.execute("BEGIN")
        db.execute("INSERT INTO project (id, root) VALUES (1, '/repo')")
        db.execute("INSERT INTO session (id, agent, native_id, project_id) VALUES (1, 'made-up', 's1', 1)")
        db.execute("INSERT INTO thread (id, session_id, subagent_id, fold_version, digest) VALUES (1, 1, '', 0, x'')")
        rows = [(n, n.to_bytes(16), f'{{"kind":"user_prompt","text":"old number{n}"}}') for n in range(1, 1_201)]
        db.executemany("INSERT INTO event (id, key, thread_id, at_ms, body) VALUES (?1, ?2, 1, ?1, ?3)", rows)
        db.execute("COMMIT")
    return path


async def test_history_is_indexed_step_by_step_newest_first_and_continued_after_a_kill(not_indexed: Path) -> None:
    async with writing(not_indexed) as scribe:
        await scribe.tell("new while it is indexed")
        assert texts(not_indexed, "new") == ["new while it is indexed"]
        assert indexed_share(scribe.db) == pytest.approx(1 / 1_201)

        assert await scribe.ledger.write(index_more)
        assert (texts(not_indexed, "number1200"), texts(not_indexed, '"number1"')) == (["old number1200"], [])

    async with writing(not_indexed) as again:
        assert await index_all(again.ledger) == 2, "the rest of 1,200 events in steps of 500"
    assert texts(not_indexed, '"number1"') == ["old number1"]
    assert indexed(not_indexed) == expected(not_indexed)


async def test_an_event_with_the_id_of_one_that_waited_for_the_index_is_in_it_once(not_indexed: Path) -> None:
    async with writing(not_indexed) as scribe:
        await scribe.ledger.write(remove_newest)
        await scribe.tell("new in its place")
        await index_all(scribe.ledger)

    assert texts(not_indexed, "place") == ["new in its place"]
    assert indexed(not_indexed) == expected(not_indexed)


def remove_newest(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM event WHERE id = (SELECT max(id) FROM event)")


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM search_data WHERE id > 10",
        "UPDATE search_config SET v = 0 WHERE k = 'version'",  # SQLite then lets nobody remove the index
    ],
)
async def test_damage_has_the_index_made_again(ledger_path: Path, damage: str) -> None:
    async with writing(ledger_path) as scribe:
        await scribe.tell("add a parser")
    execute(ledger_path, damage)
    damage_mark(ledger_path).touch()

    async with writing(ledger_path) as mended:
        await index_all(mended.ledger)

    assert texts(ledger_path, "parser") == ["add a parser"]


class WithoutFullTextSearch(sqlite3.Connection):
    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return super().execute(sql.replace("'fts5'", "'no such module'"), parameters)


def test_without_full_text_search_no_ledger_is_opened() -> None:
    with (
        closing(sqlite3.connect(":memory:", factory=WithoutFullTextSearch)) as db,
        pytest.raises(UserError, match="no full-text search"),
    ):
        prepare_index(db, afresh=False)


@pytest.mark.parametrize("selection", [Selection(agent=AGENT, session="s1"), Selection(until_ms=2_500), Selection()])
async def test_of_what_is_forgotten_no_token_is_left_in_any_file(
    scribe: Scribe, ledger_path: Path, selection: Selection
) -> None:
    await scribe.tell("about the qzebra merger", scribe.event("getQzebraPlan", subagent_id="a"))
    for n in range(20):
        await scribe.tell(scribe.event(f"kept number{n}", session="s2", at_ms=9_000))
    assert b"qzebra" in b"".join(file.read_bytes() for file in ledger_path.parent.iterdir()).lower()

    await scribe.ledger.forget(selection, now_ms=FOREVER_MS)
    await scribe.ledger.erase()

    assert b"qzebra" not in b"".join(file.read_bytes() for file in ledger_path.parent.iterdir()).lower()
    assert texts(ledger_path, "qzebra") == []
    assert len(texts(ledger_path, "kept")) == (0 if selection.is_everything else 20)
    await scribe.tell("Added since", scribe.event("and taken back", key="back"))
    await scribe.tell(scribe.event(Retracted(keys=("back",))))
    await index_all(scribe.ledger)
    assert indexed(ledger_path) == expected(ledger_path)
