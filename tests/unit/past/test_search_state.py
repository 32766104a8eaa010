from __future__ import annotations

import pytest

from carryover.past.search_records import Asked
from carryover.past.search_state import (
    MOST_TYPED,
    Chosen,
    Outcome,
    QueryLine,
    SearchState,
    answered,
    clicked,
    pressed,
    typed,
)
from support.search_items import TODAY, item, listing, state

FOUND = (item(1, "a discount"), item(2, "two discounts"), item(3, "no discount"))


def after(begin: SearchState, *keys: str) -> SearchState:
    outcome: Outcome = begin
    for key in keys:
        assert isinstance(outcome, SearchState)
        outcome = pressed(outcome, key)
    assert isinstance(outcome, SearchState)
    return outcome


def found() -> SearchState:
    return answered(after(state(), *"disc"), listing("disc", *FOUND))


def test_what_is_typed_is_what_is_asked() -> None:
    model = after(state(kinds=("prompt",)), *"cr/q?", " ", "x", "backspace")

    assert model.asked == Asked("cr/q?", kinds=("prompt",))
    assert model.mode == "query"


@pytest.mark.parametrize(
    ("key", "left"),
    [
        ("backspace", ("add a ca", "rt")),
        ("delete", ("add a car", "t")),
        ("c-w", ("add a ", "rt")),
        ("c-u", ("", "rt")),
        ("home", ("", "add a carrt")),
        ("c-e", ("add a carrt", "")),
        ("left", ("add a ca", "rrt")),
        ("right", ("add a carr", "t")),
    ],
)
def test_the_query_is_edited_as_in_a_shell(key: str, left: tuple[str, str]) -> None:
    assert QueryLine("add a car", "rt").edited(key) == left


def test_pasted_text_is_one_line_of_the_query_and_never_a_command() -> None:
    on_list = after(found(), "down")
    pasted = typed(on_list, "q\nr\x1b[31m\tc" + "x" * 2_000)

    assert pasted.mode == "query"
    assert pasted.query.text == f"discq r c{'x' * 2_000}"[:MOST_TYPED]


def test_an_answer_is_listed_from_its_best_hit_on_and_an_older_one_stays_until_then() -> None:
    model = after(found(), "down", "down", "/", "o")
    assert (model.is_answered, model.items, model.at) == (False, FOUND, 2)

    newer = answered(model, listing("disco", FOUND[1]))
    assert (newer.is_answered, newer.item) == (True, FOUND[1])


def test_arrow_keys_choose_without_leaving_the_list() -> None:
    chosen = [after(found(), *keys).at for keys in (["down"], ["c-n"] * 5, ["pagedown", "c-p"], ["up"])]

    assert chosen == [1, 2, 1, 0]
    assert after(found(), "down", "j", "g").at == 0
    assert after(found(), "down", "end").at == 2
    assert after(state(), "down").mode == "query"


def test_letters_are_commands_once_the_list_has_the_focus() -> None:
    assert after(found(), "r").asked.typed == "discr"
    for on_list in (after(found(), "down"), clicked(found(), 1)):
        assert pressed(on_list, "r") == Chosen("resume", FOUND[1])
        assert pressed(on_list, "q") == Chosen("leave")
        assert after(on_list, "x").said == "/ goes back to the query, ? shows the keys."
        assert after(on_list, "/", "r").asked.typed == "discr"


def test_keys_with_alt_work_while_one_types() -> None:
    assert pressed(found(), "alt-r") == Chosen("resume", FOUND[0])
    assert pressed(found(), "enter") == Chosen("show", FOUND[0])
    assert pressed(found(), "escape") == Chosen("leave")
    assert after(state(), "enter").said == "Nothing is listed."


def test_another_agent_is_asked_for_before_one_continues() -> None:
    asking = after(found(), "down", "c")

    assert (asking.mode, asking.offered) == ("agents", [("two", "Agent Two"), ("one", "Agent One")])
    assert pressed(after(asking, "down"), "enter") == Chosen("continue", FOUND[1], "one")
    assert after(asking, "escape").mode == "list"
    homeless = answered(state(), listing("", item(1, "a discount", root=None)))
    assert after(homeless, "alt-c").said == "This session belongs to no project, so no agent can take it over."
    assert after(answered(state(agents=list), listing("", *FOUND)), "alt-c").said[:8] == "No agent"


def test_no_agent_continues_from_a_hit_that_came_after_it_was_asked_for() -> None:
    late = answered(after(found(), "o", "alt-c"), listing("disco", FOUND[2]))
    closed = after(late, "escape")

    assert pressed(late, "enter") == Chosen("continue", FOUND[0], "two")
    assert (closed.item, closed.is_answered, after(closed, "down", "c", "escape").late) == (FOUND[2], True, None)


def test_tab_goes_through_the_filters_and_the_arrows_change_the_current_one() -> None:
    model = after(found(), "tab", "right", "right", "tab", "tab", "right")

    assert model.asked == Asked("disc", "two", None, TODAY)
    assert after(model, "s-tab", "left").asked == Asked("disc", "two", 7, TODAY)
    assert after(model, "right", "tab", "left").query == ("dis", "c")
    assert after(model, "o").asked.typed == "disco"


def test_the_turn_scrolls_and_begins_anew_with_the_next_hit() -> None:
    assert after(found(), "s-down", "s-down", "s-up").scrolled == 1
    assert after(found(), "down", "d", "u", "d").scrolled == 10
    assert after(found(), "s-down", "down").scrolled == 0


def test_the_keys_are_shown_until_the_next_one() -> None:
    shown = after(found(), "f1")
    hidden = after(shown, "r")

    assert (shown.shows_keys, hidden.shows_keys, hidden.asked) == (True, False, shown.asked)
    assert after(found(), "down", "?").shows_keys
