from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.ledger.search import Found, Query, edits_of_name, search
from carryover.ledger.search_text import (
    MOST_CHARS,
    MOST_TERMS,
    Term,
    best_part,
    folded,
    index_text,
    match_expression,
    phrase_query,
    searchable,
    spans,
    terms_of,
    window,
    words,
)
from carryover.ledger.sessions import move_project
from carryover.model import (
    Answer,
    AnyBody,
    AssistantMessage,
    FileEdit,
    PlanUpdate,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from support.costs import costing_little
from support.scribe import Scribe

DAY_MS = 86_400_000
NOW_MS = 400 * DAY_MS


def find(db: sqlite3.Connection, query: str, project: int | None = None) -> Found:
    return search(db, Query(terms=terms_of(query), project_id=project), limit=20, now_ms=NOW_MS)


async def test_what_is_newer_and_what_the_user_said_comes_first(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a parser", at_ms=1 * DAY_MS, session="old"),
        scribe.event("add a parser", at_ms=399 * DAY_MS, session="new"),
        scribe.event(AssistantMessage(text="add a parser"), at_ms=399 * DAY_MS, session="new"),
    )

    hits = find(scribe.db, "parser").hits
    assert [(hit.session, hit.kind) for hit in hits] == [("new", "prompt"), ("new", "answer"), ("old", "prompt")]


async def test_what_a_sub_agent_reports_comes_after_what_is_said_beside_it(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event(AssistantMessage(text="the parser is slow")),
        scribe.event(AssistantMessage(text="a parser is slow"), subagent_id="a1"),
    )

    assert [hit.subagent_id for hit in find(scribe.db, "parser").hits] == [None, "a1"]


async def test_what_a_session_says_again_and_again_is_one_hit(scribe: Scribe) -> None:
    calls = [scribe.event(ToolCall(call_id=str(n), name="Bash", op="shell", subject="make check")) for n in range(3)]
    await scribe.tell(*calls, scribe.event("make check", session="s2"))

    assert [(hit.kind, hit.times) for hit in find(scribe.db, "check").hits] == [("prompt", 1), ("command", 3)]


async def test_one_project_is_not_found_in_another_and_a_moved_one_is_found_where_it_is(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("add a parser", session="a", cwd="/one"))
    await scribe.tell(scribe.event("add a parser", session="b", cwd="/two"), path="/t/two.jsonl")
    assert [hit.session for hit in find(scribe.db, "parser", 1).hits] == ["a"]
    assert [hit.root for hit in find(scribe.db, "parser", 2).hits] == ["/two"]

    await scribe.ledger.write(move_project, 1, 2)

    assert find(scribe.db, "parser", 1).hits == ()
    assert {hit.session for hit in find(scribe.db, "parser", 2).hits} == {"a", "b"}


async def test_parts_of_names_and_paths_are_found(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("rename getUserName"),
        scribe.event(FileEdit(path="/repo/src/user_store.py", change="modify")),
        scribe.event("Größe prüfen"),
        scribe.event("価格は高い"),
    )

    def texts(query: str) -> list[str]:
        found = find(scribe.db, query)
        return sorted(hit.text for hit in found.hits[: found.whole])

    assert texts("user") == ["/repo/src/user_store.py", "rename getUserName"]
    assert texts("UserName") == texts("user name") == ["rename getUserName"]
    assert texts("src/user") == texts("store.py") == ["/repo/src/user_store.py"]
    assert (texts("GROSSE"), texts("größ"), texts("格は")) == ([], ["Größe prüfen"], ["価格は高い"])


async def test_where_no_event_has_all_words_those_with_some_are_found(scribe: Scribe) -> None:
    await scribe.tell("add a parser", "write a lexer")

    found = find(scribe.db, "parser lexer")
    assert (len(found.hits), found.whole) == (2, 0)
    assert find(scribe.db, "add parser").whole == 1
    assert find(scribe.db, "rhinoceros giraffe").hits == ()


async def test_what_has_some_of_the_words_follows_what_has_all(scribe: Scribe) -> None:
    await scribe.tell("the lexer of the parser", "add a parser", *(f"parser {number}" for number in range(12)))

    found = find(scribe.db, "parser lexer")
    assert (found.hits[0].text, found.whole, len(found.hits)) == ("the lexer of the parser", 1, 12)
    assert find(scribe.db, '"the lexer"').whole == len(find(scribe.db, '"the lexer"').hits) == 1


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("why did we drop redis?", "Redis is dropped, its licence changed"),
        ("服务器build卡住怎么办?", "在服务器上构建时 build 卡住，改用部署分支"),
        ("検索してもヒットしないのはなぜ?", "検索がヒットしない原因はデータの読み込み"),
        ("какие изображения?", "Лимит на размер изображений: 2 МБ"),
    ],
)
async def test_a_question_finds_its_answer_though_not_all_its_words_are_in_it(
    scribe: Scribe, question: str, said: str
) -> None:
    others = ("why did we do this and what did we say", "怎么办，请看日志", "なぜですか", "какой план")
    await scribe.tell(*others, said)

    assert find(scribe.db, question).hits[0].text == said


@pytest.mark.parametrize(
    ("query", "searched"),
    [
        ("why did we drop Redis?", "drop Redis"),
        ("¿Por qué falló la prueba?", "falló prueba"),
        ("what is an IT budget", "IT budget"),
        ("is not null", "not null"),
        ("why is that", "why is that"),
    ],
)
def test_words_that_only_ask_or_join_count_where_there_are_no_others(query: str, searched: str) -> None:
    assert [term.words for term in terms_of(query)] == [(word,) for word in searched.split()]
    assert terms_of(f'"{query}"') == (Term(words=tuple(words(query)), prefix=False),)


@pytest.mark.parametrize("query", ["日" * 20_000, "a " * 2_000_000], ids=["one long term", "a long query"])
async def test_a_query_of_one_word_again_and_again_costs_little(scribe: Scribe, query: str) -> None:
    """Not a time that grows with the lengths of both: an agent asks with what it was shown."""
    await scribe.tell(scribe.event(AssistantMessage(text="日" * 20_000)))

    with costing_little():
        find(scribe.db, query)


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE s USING fts5(t, content='', tokenize='unicode61 remove_diacritics 2')")
    yield db
    db.close()


def test_words_phrases_and_prefixes_are_told_apart() -> None:
    assert terms_of('fix ab "not a function" ut* src/cart.py getUser') == (
        Term(words=("fix",), prefix=True),
        Term(words=("ab",), prefix=False),
        Term(words=("not", "a", "function"), prefix=False),
        Term(words=("ut",), prefix=True),
        Term(words=("src", "cart", "py"), prefix=False),
        Term(words=("getUser",), prefix=True, humps=("get", "User")),
    )
    assert [term.humps for term in terms_of('"getUser" getUser/file')] == [(), ()]
    assert len(terms_of("same same")) == 1
    assert len(terms_of(" ".join(f"word{n}" for n in range(500)))) == MOST_TERMS
    assert [terms_of(query) for query in ("", " ", '"', "***", "?!", '""')] == [()] * 6
    assert (phrase_query("cart-item.py"), phrase_query("---")) == ('"cart item py"', "")


def test_only_quoted_words_reach_sqlite() -> None:
    typed = match_expression(terms_of('NEAR(a b) OR "x"* -col:y'))

    assert typed == '("NEAR a") AND ("b") AND ("OR") AND ("x") AND ("col y")'
    assert match_expression(terms_of("one two"), any_of=True) == '("one"*) OR ("two"*)'


@given(st.text(alphabet=st.characters() | st.sampled_from("\"*()-^:+{}'\\ \0aNOTnear")))
def test_nothing_that_is_typed_is_a_syntax_error(index: sqlite3.Connection, query: str) -> None:
    terms = terms_of(query)
    for any_of in (False, True) if terms else ():
        index.execute("SELECT rowid FROM s WHERE s MATCH ?", (match_expression(terms, any_of=any_of),)).fetchall()


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("Wire the discount", "disc", ["disc"]),
        ("recount the discount", "count", ["count", "count"]),
        ("a count and an account", "count", ["count"]),
        ("see src/cart.py now", "cart.py", ["cart.py"]),
        ("call get_user_name", "UserName", ["user_name"]),
        ("call getUserName", "user", ["User"]),
        ("Die Größe zählt", "grosse", []),
        ("Die GRÖßE zählt", "größe", ["GRÖßE"]),
        ("価格は高い", "格は", ["格は"]),
        ("ab abc", "ab", ["ab"]),
    ],
)
def test_what_was_found_is_shown_in_its_place(text: str, query: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in spans(text, terms_of(query))] == found


APART, NEAR = f"cart{'.' * 28}discount", f"cart{'.' * 20}discount"


def test_a_long_line_is_cut_around_most_of_what_was_found() -> None:
    """A fifth of the part comes before the first of the matches, so the others have room in 32 of 40 characters."""
    line = f"{'-' * 60}{APART}{'-' * 60}{NEAR}{'-' * 60}"
    begin = line.index(NEAR) - 8
    terms = terms_of("cart discount")

    assert best_part(line, terms, 40) == f"…{'-' * 8}{NEAR}…"
    assert window(line, terms, 40) == (begin, begin + 40, spans(line, terms))
    assert best_part(line, terms_of("walrus"), 40) == f"{line[:40]}…"
    assert best_part(line[-70:], terms_of("walrus"), 70) == line[-70:]
    assert best_part(line[:-60], terms, 40) == f"…{'-' * 8}{NEAR}"


@pytest.mark.parametrize(("text", "plain"), [("CART 2", "cart 2"), ("Größe ÉTÉ İ", "große ete i"), ("価格", "価格")])
def test_letters_are_compared_without_case_and_marks_each_in_its_place(text: str, plain: str) -> None:
    assert folded(text) == plain


async def test_edits_are_found_by_the_name_of_their_file_also_by_one_without_a_letter(scribe: Scribe) -> None:
    await scribe.tell(*(scribe.event(FileEdit(path=f"/repo/{name}", change="modify")) for name in ("cart.py", "+")))

    assert [row.event_id for row in edits_of_name(scribe.db, 1, "/repo", "cart.py")] == [1]
    assert 2 in [row.event_id for row in edits_of_name(scribe.db, 1, "/repo", "+")]


async def test_where_the_disk_was_full_before_there_was_an_index_nothing_fails(scribe: Scribe) -> None:
    await scribe.tell(scribe.event(FileEdit(path="/repo/cart.py", change="modify")))
    with closing(sqlite3.connect(scribe.ledger.path)) as db:
        db.executescript("DELETE FROM search_state; DROP TABLE search;")

    found = find(scribe.db, "cart")
    assert (found.hits, found.indexed) == ((), 0)
    assert [row.event_id for row in edits_of_name(scribe.db, 1, "/repo", "cart.py")] == [1]


def result(status: str, output: str) -> ToolResult:
    return ToolResult(call_id="c", name="Bash", op="shell", status=status, output=output)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (UserPrompt(text="add a parser"), ("prompt", "add a parser")),
        (UserPrompt(text="src", command="/review"), ("prompt", "/review src")),
        (UserPrompt(text="look around", actor="model"), ("answer", "look around")),
        (UserPrompt(text="the text of a prompt file", stored=True), ("answer", "the text of a prompt file")),
        (UserPrompt(text="1. in cents", accepts_plan=True), ("answer", "1. in cents")),
        (Answer(call_id="c", question="Which?", text="The second"), ("prompt", "The second")),
        (AssistantMessage(text="Done."), ("answer", "Done.")),
        (ToolCall(call_id="c", name="Bash", op="shell", subject="make"), ("command", "make")),
        (ToolCall(call_id="c", name="Read", op="read", subject="/a.py"), ("path", "/a.py")),
        (FileEdit(path="/b.py", change="rename", old_path="/a.py"), ("path", "/b.py /a.py")),
        (result("error", "boom"), ("error", "boom")),
        (result("error", f"1{' x' * 5000} 2"), ("error", f"1{' x' * 149} \n{' x' * 349} 2")),
        (TurnEnd(reason="limit", message="until 3pm"), ("error", "until 3pm")),
        (result("ok", "all of a file"), None),
        (ToolCall(call_id="c", name="Edit", op="edit", subject="/a.py"), None),
        (PlanUpdate(items=()), None),
        (AssistantMessage(text=" \n"), None),
    ],
)
def test_what_was_said_run_touched_or_failed_is_searched(body: AnyBody, expected: tuple[str, str] | None) -> None:
    assert searchable(body) == expected


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("parse_record(src/cart.py)", "parse record src cart py"),
        ("getUserName in HTTPServer", "getUserName in HTTPServer get User Name HTTP Server"),
        ("Fix THE Größe", "Fix THE Größe"),
        ("caf\u0065\u0301", "café"),
        ("価格は", "価 格 は"),
        ("a" * 90, "a" * 64),
        ("?!", ""),
        (f"{'x' * MOST_CHARS} needle", "x" * 64),
    ],
)
def test_names_and_paths_are_indexed_by_their_parts(text: str, tokens: str) -> None:
    assert index_text(text) == tokens


@given(st.text(max_size=60))
def test_any_text_is_found_by_its_own_words(index: sqlite3.Connection, text: str) -> None:
    """The tokenizer of SQLite and ours need not agree on every character: both sides of a search pass through both."""
    index.execute("INSERT INTO s (s) VALUES ('delete-all')")
    index.execute("INSERT INTO s (rowid, t) VALUES (1, ?)", (index_text(text),))
    for word in words(text):
        if index.execute("SELECT count(*) FROM s WHERE s MATCH ?", (f'"{word}"',)).fetchone() != (1,):
            assert not any(char.isascii() for char in word)
