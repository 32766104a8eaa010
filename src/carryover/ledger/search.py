"""Finds events by what was said, run, touched or failed in them. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import msgspec

from carryover.facts import DAY_MS
from carryover.ledger.codec import is_of, read_body
from carryover.ledger.rows import as_record
from carryover.ledger.search_text import (
    KINDS,
    SearchKind,
    Term,
    folded,
    match_expression,
    parts_of,
    phrase_query,
    searchable,
    with_forms,
)
from carryover.ledger.word_forms import SHORTEST
from carryover.model import FileEdit

_WEIGHTS: Final[dict[SearchKind, float]] = {"prompt": 1.5, "answer": 1.2, "command": 1.0, "path": 0.6, "error": 0.9}
"""Weight by kind: a person's words come before what a tool did."""
_SUB_AGENTS: Final = 0.6
"""Weight of what sub-agents said and did: their reports are many and long, and what came of them is said beside."""
_HALF_LIFE_MS: Final = 30 * DAY_MS
"""The age at which a hit has lost half of `_AGE_COSTS`, the most that age can cost it."""
_AGE_COSTS: Final = 0.7

_MOST_SCORED: Final = 8_000
"""Maximum number of events that are scored, the newest ones: only very common words are in more."""
_MOST_RANKED: Final = 400
"""How many of the best events are compared as text, to merge those of a session that are the same."""
_FEWER_RANKED: Final = 50
"""How many if they have only some of the words, of which few are listed."""

_FEW: Final = 12
"""If fewer have all words, those with some of them follow, up to this number."""

_EVERY_EVENT: Final = 2**62
_STATE: Final = "SELECT pending_to FROM search_state"
"""No row if there is no index yet, as where the disk was full before it was made."""
_SHARE: Final = "SELECT (SELECT count(*) FROM event WHERE id <= ?), (SELECT count(*) FROM event)"
_MATCHES: Final = """search CROSS JOIN search_entry AS entry ON entry.id = search.rowid
    WHERE search MATCH :match AND (:since IS NULL OR entry.at_ms >= :since)
    AND (:kinds IS NULL OR entry.kind IN (SELECT value FROM json_each(:kinds)))
    AND (:project IS NULL AND :agent IS NULL OR entry.thread_id IN (
        SELECT thread.id FROM thread JOIN session ON session.id = thread.session_id
        WHERE (:project IS NULL OR session.project_id = :project) AND (:agent IS NULL OR session.agent = :agent)))"""
_WEIGHT: Final = " ".join(f"WHEN {KINDS.index(kind)} THEN {weight}" for kind, weight in _WEIGHTS.items())
# The inner query reads the index and the small rows beside it; of the large table only the best events are read.
_AGE: Final = "max(:now - entry.at_ms, 0)"
_FIND: Final = f"""WITH best AS (
        SELECT id, score FROM (
            SELECT entry.id AS id, bm25(search) * CASE entry.kind {_WEIGHT} END
                * CASE WHEN entry.thread_id IN (SELECT id FROM thread WHERE subagent_id != '')
                    THEN {_SUB_AGENTS} ELSE 1 END
                * (1 - {_AGE_COSTS} * {_AGE} / ({_AGE} + {_HALF_LIFE_MS}.0)) AS score
            FROM {_MATCHES}
            ORDER BY search.rowid DESC LIMIT {_MOST_SCORED})
        ORDER BY score, id DESC LIMIT :ranked)
    SELECT event.id, session.id, session.native_id, session.agent, machine, project.root,
        nullif(thread.subagent_id, ''), event.at_ms, event.body
    FROM best CROSS JOIN event ON event.id = best.id JOIN thread ON thread.id = event.thread_id
    JOIN session ON session.id = thread.session_id LEFT JOIN project ON project.id = session.project_id
    ORDER BY best.score, best.id DESC"""

_COUNT: Final = f"SELECT count(*) FROM (SELECT 1 FROM {_MATCHES} LIMIT :most)"
_WORDS: Final = """SELECT term, doc FROM temp.search_word
    WHERE term >= ? AND term < ? AND length(term) BETWEEN ? AND ?"""
_LAST_LETTER: Final = "\U0010ffff"
_NEAR: Final = 0.75
"""How alike a word is to what was typed if that may be a typo of it: in four letters one, in eight two."""
_TWO_TYPOS_FROM: Final = 8
"""Letters from which a word may be two longer or shorter than what was typed."""
_MOST_LIKELY: Final = 30
"""How many words that are as alike are looked for."""
_MOST_MEANT: Final = 6
"""How many of them are searched, those that most events have: a short word has many near it."""
_FIRST: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
"""What the first letter of a word may have been if another was typed, or none."""
_MOST_COMPARED: Final = 20_000
"""How many words are compared with what may be a typo. A ledger has millions that begin alike if a machine, or a text,
brings them, and comparing those would take minutes."""
_ENOUGH: Final = 1_000

# Edits that the index names, and those of events that are not indexed yet.
_EDITS: Final = """SELECT event.id, event.at_ms, event.body, thread.id, nullif(thread.subagent_id, ''), session.id,
    session.native_id, session.agent, project.root, recorded.root, machine
    FROM event JOIN thread ON thread.id = event.thread_id JOIN session ON session.id = thread.session_id
    JOIN project ON project.id = session.project_id LEFT JOIN project AS recorded ON recorded.id = recorded_project_id
    WHERE (project.id = :project OR project.main_root = :root) AND event.retracted = 0 AND"""
_INDEXED_EDITS: Final = f"{_EDITS} event.id IN (SELECT rowid FROM search WHERE search MATCH :match)"
_OTHER_EDITS: Final = f"{_EDITS} event.id <= :pending_to AND {is_of('file_edit')}"


class EditRow(msgspec.Struct, frozen=True, kw_only=True):
    """An edit of a file. `at_ms` is in UTC ms."""

    event_id: int
    at_ms: int
    body: FileEdit
    thread_id: int
    subagent_id: str | None
    session_id: int
    session: str
    agent: str
    root: str
    recorded_root: str | None
    machine: str


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Describes a search: events should contain all of `terms`, at least one, and must meet the other conditions."""

    terms: tuple[Term, ...]
    project_id: int | None = None
    agent: str | None = None
    since_ms: int | None = None
    kinds: tuple[SearchKind, ...] = ()


class EventHit(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one session with the same text, represented by the best ranked, usually the newest."""

    event_id: int
    session_id: int
    session: str
    agent: str
    machine: str
    """The other machine that recorded it; empty if this one did."""
    root: str | None
    subagent_id: str | None
    kind: SearchKind
    at_ms: int
    text: str
    times: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The hits of a search, best first."""

    hits: tuple[EventHit, ...]
    whole: int
    """How many of the hits have all terms; these are the first. The others have some of them."""
    indexed: float
    """Share of the recorded events that is indexed, from 0 to 1; the newest are indexed first."""
    terms: tuple[Term, ...] = ()
    """What was searched, with the other forms of words."""
    corrected: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Words of the query that nothing has, each with those that were searched in its place."""


def search(db: sqlite3.Connection, query: Query, *, limit: int, now_ms: int) -> Found:
    """Returns the best `limit` hits for `query`, by how rare and frequent its terms are (bm25), by kind and by age.

    What has the words as they were typed comes first, then what has other forms of them. A word that nothing has is
    taken for the nearest ones that something has. If few have all words, what has some of them follows: a question
    has words that its answer lacks, and in a script without spaces all of it is one word.
    """
    if db.execute(_STATE).fetchone() is None:
        return Found(hits=(), whole=0, indexed=0)
    indexed = indexed_share(db)
    corrected: tuple[tuple[str, tuple[str, ...]], ...] = ()
    found = _with_all(db, query, limit, now_ms)
    if not found:
        query, corrected = _corrected(db, query)
        found = _with_all(db, query, limit, now_ms) if corrected else {}
    terms, whole, most = query.terms, min(len(found), limit), min(limit, _FEW)
    parts = parts_of(terms)
    if whole < most and len(parts) > 1:
        in_parts = msgspec.structs.replace(query, terms=parts)
        _add(found, _hits(db, _rows(db, in_parts, now_ms, any_of=True)), most)
        terms = tuple(dict.fromkeys((*terms, *parts)))
    hits = tuple(found.values())[:limit]
    return Found(hits=hits, whole=whole, indexed=indexed, terms=with_forms(terms), corrected=corrected)


_HitKey = tuple[str, str, str]
"""Session, kind and text: what makes two hits the same."""


def _add(found: dict[_HitKey, EventHit], hits: Mapping[_HitKey, EventHit], most: int) -> None:
    for key, hit in hits.items():
        if len(found) < most:
            found.setdefault(key, hit)


def _with_all(db: sqlite3.Connection, query: Query, limit: int, now_ms: int) -> dict[_HitKey, EventHit]:
    """Returns the hits that have all terms as typed; if they are too few, followed by those with other forms."""
    found = _hits(db, _rows(db, query, now_ms))
    other = _in_other_forms(query)
    if len(found) < limit and other != query:
        _add(found, _hits(db, _rows(db, other, now_ms)), limit)
    return found


def _rows(db: sqlite3.Connection, query: Query, now_ms: int, *, any_of: bool = False) -> list[tuple[Any, ...]]:
    ranked = _FEWER_RANKED if any_of else _MOST_RANKED
    return db.execute(_FIND, {**_values(query, any_of=any_of), "now": now_ms, "ranked": ranked}).fetchall()


def _in_other_forms(query: Query) -> Query:
    return msgspec.structs.replace(query, terms=with_forms(query.terms))


def _corrected(db: sqlite3.Connection, query: Query) -> tuple[Query, tuple[tuple[str, tuple[str, ...]], ...]]:
    """Returns the query with each word that nothing has replaced by the nearest ones, if there are any."""
    terms = []
    corrected = []
    for term in query.terms:
        alone = _in_other_forms(msgspec.structs.replace(query, terms=(term,)))
        may_be_typo = term.prefix and len(term.words) == 1
        nearest = _nearest(db, alone, term.words[0]) if may_be_typo and not _times(db, alone, 1) else ()
        terms.append(Term(words=nearest[:1], prefix=True, forms=nearest[1:]) if nearest else term)
        corrected += [(term.words[0], nearest)] if nearest else []
    return msgspec.structs.replace(query, terms=tuple(terms)), tuple(corrected)


def _nearest(db: sqlite3.Connection, query: Query, typed: str) -> tuple[str, ...]:
    """Returns the words that are most like `typed`, those that most events have first.

    Only a word that is found under the query's own conditions counts, so none of another project is named. Not all
    words can be looked at: they begin as was typed; the first letter is missing or another one, and the two after it
    are as typed; or they begin with the first or second letter of what was typed.
    """
    from difflib import SequenceMatcher  # only needed for misspellings

    word = folded(typed)
    if len(word) < SHORTEST or word.isdigit():
        return ()
    _list_words(db)
    most = 2 if len(word) >= _TWO_TYPOS_FROM else 1
    near: dict[float, dict[str, int]] = {}
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(word)
    others = (f"{first}{rest}" for first in _FIRST for rest in (word[:2], word[1:3]))
    begin_alike = (word[:3], *others, word[0], word[1])
    listed = (
        row
        for beginning in dict.fromkeys(begin_alike)
        for row in db.execute(_WORDS, (beginning, beginning + _LAST_LETTER, len(word) - most, len(word) + most))
    )
    for other, times in islice(listed, _MOST_COMPARED):
        matcher.set_seq1(other)
        if matcher.quick_ratio() >= _NEAR and (alike := matcher.ratio()) >= _NEAR:
            near.setdefault(alike, {})[other] = times
    found = (_found(db, query, near[alike]) for alike in sorted(near, reverse=True))
    return next(filter(None, found), ())


def _found(db: sqlite3.Connection, query: Query, near: Mapping[str, int]) -> tuple[str, ...]:
    """Returns the words that the query finds, those that most events have first. `near`: in how many texts each is."""
    likely = sorted(near, key=lambda word: (-near[word], word))[:_MOST_LIKELY]
    times = {word: _times(db, _with_word(query, word), _ENOUGH) for word in likely}
    return tuple(sorted(filter(times.__getitem__, likely), key=lambda word: (-times[word], word))[:_MOST_MEANT])


def _with_word(query: Query, word: str) -> Query:
    return msgspec.structs.replace(query, terms=(Term(words=(word,), prefix=False),))


def _list_words(db: sqlite3.Connection) -> None:
    """Makes the words of the index readable as a table of the connection's own; nothing of the ledger is written."""
    (was_read_only,) = db.execute("PRAGMA query_only").fetchone()
    db.execute("PRAGMA query_only = OFF")
    try:
        db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_word USING fts5vocab(main, search, row)")
    finally:
        db.execute(f"PRAGMA query_only = {was_read_only}")


def _times(db: sqlite3.Connection, query: Query, most: int) -> int:
    """Returns how many events the query finds, counted up to `most`."""
    (times,) = db.execute(_COUNT, {**_values(query), "most": most}).fetchone()
    return int(times)


def edits_of_name(db: sqlite3.Connection, project_id: int, root: str, name: str) -> Iterator[EditRow]:
    """Yields edits that may be of a file called `name` in the project at `root` and its worktrees."""
    match = phrase_query(name)
    state = db.execute(_STATE).fetchone() if match else None
    pending_to = state[0] if state is not None else _EVERY_EVENT
    values = {"project": project_id, "root": root, "match": match, "pending_to": pending_to}
    for statement in (_INDEXED_EDITS, _OTHER_EDITS) if state is not None else (_OTHER_EDITS,):
        for event_id, at_ms, stored, *rest in db.execute(statement, values):
            body = read_body(db, stored)
            if isinstance(body, FileEdit):
                yield as_record(EditRow, (event_id, at_ms, body, *rest))


def indexed_share(db: sqlite3.Connection) -> float:
    """Returns the share of recorded events that is indexed, from 0 to 1."""
    (pending_to,) = db.execute(_STATE).fetchone() or (_EVERY_EVENT,)
    if not pending_to:
        return 1.0
    pending, events = db.execute(_SHARE, (pending_to,)).fetchone()
    return float(1 - pending / events) if events else 1.0


def _values(query: Query, *, any_of: bool = False) -> dict[str, Any]:
    kinds = ",".join(str(KINDS.index(kind)) for kind in query.kinds)
    return {
        "match": match_expression(query.terms, any_of=any_of),
        "project": query.project_id,
        "agent": query.agent,
        "since": query.since_ms,
        "kinds": f"[{kinds}]" if kinds else None,
    }


def _hits(db: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> dict[_HitKey, EventHit]:
    """Merges the events of a session with the same text into one hit, in the place of the first."""
    found: dict[_HitKey, EventHit] = {}
    for *fields, at_ms, stored in rows:
        body = read_body(db, stored)
        if body is None or (said := searchable(body)) is None:
            continue
        kind, text = said
        hit = as_record(EventHit, (*fields, kind, at_ms, text, 1))
        key = hit.session, hit.kind, hit.text
        found[key] = msgspec.structs.replace(found[key], times=found[key].times + 1) if key in found else hit
    return found
