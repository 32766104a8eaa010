from __future__ import annotations

from carryover.model import AssistantMessage, UserPrompt
from carryover.past import conversations
from carryover.past.conversations import MOST_TURNS
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

    hits = {hit.after.strip(): hit for hit in conversations.found(scribe.db, "needle", None, limit=9, now_ms=0).hits}
    foreign = conversations.session(scribe.db, AGENT, "s3", None)

    assert [hits[n].turn for n in ("one", "two", "three", "four", "five")] == [1, 2, 3, 1, 1]
    assert [hits[n].title for n in ("one", "three", "four")] == ["add a parser", "add a parser", "needle four"]
    assert ({hits[n].project for n in ("one", "four")}, hits["five"].project) == ({1}, 0)
    assert foreign is not None and (foreign.root, foreign.project) == ("desk:/srv/shop", 0)


async def test_the_words_that_were_found_are_marked_also_in_another_form_or_instead_of_a_typo(scribe: Scribe) -> None:
    await scribe.tell("we are rounding all discounts")

    rounds, typo = (conversations.found(scribe.db, typed, None, limit=9, now_ms=0) for typed in ("rounds", "discuont"))

    assert (rounds.hits[0].words, rounds.note) == ("rounding", "")
    assert (typo.hits[0].words, typo.note) == ("discounts", "No entry has 'discuont', these have 'discounts'.")


async def test_a_long_session_is_shown_around_a_turn_or_from_its_end(scribe: Scribe) -> None:
    await scribe.tell(*(f"prompt {n}" for n in range(1, 101)))

    around, end = (conversations.session(scribe.db, AGENT, "s1", turn) for turn in (30, None))

    assert around is not None and end is not None
    assert (around.first_turn, len(around.turns), around.total_turns) == (25, MOST_TURNS, 100)
    assert around.turns[5].parts[0].text == "prompt 30"
    assert (end.first_turn, end.turns[-1].number) == (100 - MOST_TURNS + 1, 100)


async def test_a_huge_session_is_shown_in_part(scribe: Scribe) -> None:
    prompts = [f"prompt {n} " + "x" * 400_000 for n in range(1, 12)]
    await scribe.tell(*prompts)

    answer = conversations.session(scribe.db, AGENT, "s1", 8)

    assert answer is not None
    assert [turn.number for turn in answer.turns] == [3, 4, 5, 6, 7, 8]
