from __future__ import annotations

import msgspec

from carryover.ledger.search_text import MOST_CHARS
from carryover.model import AssistantMessage, UserPrompt
from carryover.past.outline import session_turns
from carryover.past.search import line_of, search_page
from carryover.text.pasted import as_pasted
from support.costs import costing_little
from support.scribe import AGENT, Scribe


async def test_a_hit_is_in_the_turn_that_show_prints(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a parser"),
        scribe.event(UserPrompt(text="a reminder", actor="model")),
        scribe.event(AssistantMessage(text="needle one")),
        scribe.event("needle two"),
        scribe.event("and a lexer"),
        scribe.event(AssistantMessage(text="needle three"), subagent_id="a1"),
        scribe.event("needle four", session="s2"),
        scribe.event("needle five", session="s3", cwd="desk:/srv/shop"),
    )

    answer = search_page(scribe.db, "needle", None, limit=9, now_ms=0)
    hits = {hit.excerpt[-1].strip(): hit for hit in answer.hits if hit.excerpt}
    foreign = session_turns(scribe.db, AGENT, "s3", None)

    assert [hits[n].turn for n in ("one", "two", "three", "four", "five")] == [1, 2, 3, 1, 1]
    assert [hits[n].title for n in ("one", "three", "four")] == ["add a parser", "add a parser", "needle four"]
    assert ({hits[n].project_id for n in ("one", "four")}, hits["five"].project_id) == ({1}, 0)
    assert foreign is not None and (foreign.session.project, foreign.session.project_id) == ("desk:/srv/shop", 0)


async def test_a_hit_in_what_was_pasted_has_no_marks_around_it(scribe: Scribe) -> None:
    await scribe.tell(scribe.event(f"Why?\n\n{as_pasted('KeyError: total')}"))

    [hit] = search_page(scribe.db, "KeyError", None, limit=9, now_ms=0).hits

    assert "".join(hit.excerpt or ()) == "Why? KeyError: total"


async def test_of_a_text_as_long_as_a_log_only_what_is_searched_is_made_an_excerpt(scribe: Scribe) -> None:
    await scribe.tell("a discount" + " of the cart, which is 'rounded'\n" * 100_000)

    with costing_little(30):
        [hit] = search_page(scribe.db, "discount", None, limit=9, now_ms=0).hits
        line = line_of(msgspec.structs.replace(hit, text="a discount" + " of the cart\n" * 200_000))

    assert (hit.excerpt or ())[:2] == ("a ", "discount")
    assert len(line) <= MOST_CHARS


async def test_the_words_that_were_found_are_marked_also_in_another_form_or_instead_of_a_typo(scribe: Scribe) -> None:
    await scribe.tell("we are rounding all discounts")

    rounds, typo = (search_page(scribe.db, typed, None, limit=9, now_ms=0) for typed in ("rounds", "discuont"))

    assert (rounds.hits[0].excerpt, rounds.note) == (("we are ", "rounding", " all discounts"), "")
    assert (typo.hits[0].excerpt, typo.note) == (
        ("we are rounding all ", "discounts", ""),
        "No entry has 'discuont', these have 'discounts'.",
    )
