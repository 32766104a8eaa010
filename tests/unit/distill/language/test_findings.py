"""What an answer says did not work, was found out, or is left open."""

from __future__ import annotations

import pytest

from carryover.distill.language.answer import parts_of
from carryover.distill.language.findings import dead_ends_in, findings_in, loose_ends_in
from carryover.distill.language.prose import Quote
from carryover.distill.language.report import read_report
from support.answers import BUILT, CAUSES, DOUBTS, FAILED, FOUND_BROKEN, TRIED, texts


@pytest.mark.parametrize("name", FAILED)
def test_what_is_said_to_have_failed_is_a_dead_end(name: str) -> None:
    report = read_report(f"{BUILT[name.split()[0]]} {FAILED[name]}")

    assert [(quote.text, quote.rule) for quote in report.dead_ends] == [(FAILED[name], "failure told in the answer")]


@pytest.mark.parametrize("name", CAUSES)
def test_what_is_said_to_be_the_cause_is_a_finding(name: str) -> None:
    report = read_report(f"{BUILT[name]} {CAUSES[name]}")

    assert (texts(report.findings), report.dead_ends) == ([CAUSES[name]], ())


@pytest.mark.parametrize("name", DOUBTS)
def test_what_is_said_to_be_unproved_is_a_loose_end(name: str) -> None:
    report = read_report(f"{BUILT[name.split()[0]]} {DOUBTS[name]}")

    assert (texts(report.loose_ends), report.dead_ends) == ([DOUBTS[name]], ())


def test_a_dead_end_that_names_what_was_tried_weighs_more() -> None:
    report = read_report("I wrote `SteamOven` first. That made things worse. The gas oven was too slow.")

    assert report.dead_ends == (
        Quote("I wrote `SteamOven` first. That made things worse.", "failure told in the answer", 2.0, ("steamoven",)),
        Quote("The gas oven was too slow.", "failure told in the answer", 1.0),
    )


@pytest.mark.parametrize("name", TRIED)
def test_what_was_tried_and_is_denied_of_something_with_a_name_is_a_dead_end(name: str) -> None:
    assert texts(read_report(f"{BUILT[name]} {TRIED[name]}").dead_ends) == [TRIED[name]]


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("`SteamOven` does not take trays.", id="a fact"),
        pytest.param("Because `SteamOven` has no door, I tried one without.", id="a cause"),
        pytest.param("改成 `SteamOven` 连续两次失败换人的自动规则", id="a word that is only mentioned"),
        pytest.param("If `SteamOven` fails as well, it is the gas.", id="a case to come"),
    ],
)
def test_what_is_only_denied_or_might_fail_is_no_dead_end(sentence: str) -> None:
    assert texts(read_report(sentence).dead_ends) == []


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("Next I will look into why the build fails.", id="announced"),
        pytest.param("Did the steam oven fail?", id="asked"),
        pytest.param("All loaves rose with 0 failures.", id="none failed"),
        pytest.param("It failed.", id="too short"),
    ],
)
def test_what_is_announced_asked_or_denied_is_no_dead_end(sentence: str) -> None:
    assert read_report(f"The oven is built. {sentence}").dead_ends == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("The steam oven fails. Let me try gas instead.", ["The steam oven fails."], id="another way next"),
        pytest.param(
            "Steam is too slow, I switch to gas.", ["Steam is too slow, I switch to gas."], id="same sentence"
        ),
        pytest.param("`SteamOven` won't work with trays.", ["`SteamOven` won't work with trays."], id="leads nowhere"),
        pytest.param("The steam oven fails. The door is shut.", [], id="only an error"),
        pytest.param("Maybe `SteamOven` won't work with trays.", [], id="a guess"),
    ],
)
def test_before_the_end_of_a_turn_only_what_is_given_up_is_a_dead_end(text: str, found: list[str]) -> None:
    quotes = dead_ends_in(parts_of(text), set(), closing=False)

    assert texts(quotes) == found
    assert {quote.rule for quote in quotes} <= {"failure told before another way was taken"}


def test_findings_come_by_weight_and_a_guess_or_plan_weighs_less() -> None:
    answer = (
        "The label in `label.py` is red now.\nThe oven stops since `heat.py` is empty.\n"
        "Maybe the bell rings because of `bell.py`.\nThe root cause is a wet sensor in `sensor.py`, as 30 loaves show."
    )

    assert texts(read_report(answer).findings) == [
        "The root cause is a wet sensor in `sensor.py`, as 30 loaves show.",
        "The oven stops since `heat.py` is empty.",
        "Maybe the bell rings because of `bell.py`.",
        "The label in `label.py` is red now.",
    ]


FINDING = "The oven stops because `heat.py` is empty now."


@pytest.mark.parametrize(
    ("answer", "more"),
    [
        pytest.param(FINDING.replace("The oven", "**The oven**"), True, id="bold"),
        pytest.param("The oven stops because `heat.py` failed now.", True, id="a failure"),
        pytest.param("The oven stops because `heat.py` exists already.", True, id="the state of things"),
        pytest.param("The oven stops because `heat.py` is 120 bytes.", True, id="a figure"),
        pytest.param("The oven stops because `heat.py` is this:", False, id="ends in a colon"),
        pytest.param("Perhaps the oven stops because `heat.py` is empty.", False, id="a guess"),
        pytest.param("Next I will see that the oven stops because `heat.py` is empty.", False, id="announced"),
        pytest.param(FINDING.replace("now", "so " * 90), False, id="too long"),
    ],
)
def test_a_finding_weighs_more_or_less_by_what_speaks_for_it(answer: str, more: bool) -> None:
    plain, other = (findings_in(parts_of(text), set(), closing=True)[0].weight for text in (FINDING, answer))

    assert (other > plain, other < plain) == (more, not more)


def test_right_after_a_failure_a_finding_weighs_more() -> None:
    parts = parts_of("The oven stops because `heat.py` returns None.")
    before, after = (
        findings_in(parts, set(), closing=False, after_failure=failed)[0].weight for failed in (False, True)
    )

    assert after == before + 0.5


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("It was in `till.py`.", id="too short"),
        pytest.param("Did it stop because of `heat.py` again?", id="asked"),
        pytest.param("Please confirm the price because of `till.py`.", id="request"),
        pytest.param("Next I will look into what the bell does.", id="announced"),
        pytest.param("The loaves are brown and warm and good.", id="neither name nor cause"),
    ],
)
def test_what_says_nothing_of_the_matter_is_no_finding(sentence: str) -> None:
    assert read_report(f"The oven is built. {sentence}").findings == ()


def test_doubts_voiced_in_passing_are_loose_ends() -> None:
    answer = "It builds. The migration is untested on Postgres 12 so far. Critical Day 1 task: verify the fee table."

    assert texts(read_report(answer).loose_ends) == [
        "The migration is untested on Postgres 12 so far.",
        "Critical Day 1 task: verify the fee table.",
    ]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        pytest.param("Done:\n- [x] the small till\n- [ ] the small bell", ["the small bell"], id="not ticked"),
        pytest.param("State:\n- the small till\n- ⚠️ the small bell", ["⚠️ the small bell"], id="marked"),
        pytest.param(
            "## Known issues\n- It does not ring\n- It is so blue", ["It does not ring"], id="under what is wrong"
        ),
        pytest.param("## Done\n- It does not ring any more\n- It is so blue", [], id="under another heading"),
        pytest.param(
            "State:\n- ❌ no small bell\n- ❌ no small till", ["❌ no small bell", "❌ no small till"], id="crossed"
        ),
        pytest.param("Mended:\n- ❌ no small bell\n- ✅ a small bell", [], id="before and after"),
        pytest.param("The oven has no unresolved markers and zero open questions.", [], id="none left"),
        pytest.param("If the small bell is unclear, I can draw it.", [], id="an offer"),
        pytest.param("The oven is untested, so:\n- heat it twice", [], id="leads on to a list"),
    ],
)
def test_list_items_that_are_open_or_wrong_are_loose_ends(answer: str, found: list[str]) -> None:
    assert texts(read_report(answer).loose_ends) == found


@pytest.mark.parametrize("name", FOUND_BROKEN)
def test_what_was_left_as_it_was_found_is_a_loose_end_before_the_end_of_a_turn_too(name: str) -> None:
    parts = parts_of(f"{BUILT[name.split()[0]]} {FOUND_BROKEN[name]} {DOUBTS[name.split()[0]]}")

    assert texts(loose_ends_in(parts, set(), closing=False)) == [FOUND_BROKEN[name]]
    assert texts(loose_ends_in(parts, set())) == [FOUND_BROKEN[name], DOUBTS[name.split()[0]]]


def test_what_is_of_one_kind_is_of_no_other() -> None:
    answer = (
        "Steam was too slow because `SteamOven` has one tray. The valve is not tested yet.\n\n"
        "Next I will wire the till. Shall the till round to five cents?"
    )
    report = read_report(answer)

    assert (texts(report.announced), [one.text for one in report.asked]) == (
        ["Next I will wire the till."],
        ["Shall the till round to five cents?"],
    )
    assert (texts(report.dead_ends), texts(report.findings), texts(report.loose_ends)) == (
        ["Steam was too slow because `SteamOven` has one tray."],
        [],
        ["The valve is not tested yet."],
    )


def test_a_list_item_with_something_that_stands_in_is_open_at_the_end_of_a_turn() -> None:
    parts = parts_of("The page is there.\n\n- Tables: three of them\n- Charts: only placeholders so far, in grey")

    assert [quote.text for quote in loose_ends_in(parts, set())] == ["Charts: only placeholders so far, in grey"]
    assert loose_ends_in(parts, set(), closing=False) == ()


@pytest.mark.parametrize("item", ["1. Charts: placeholders, in grey", "- The placeholder text in the box is blue now"])
def test_a_plan_and_a_text_field_hold_no_stand_in(item: str) -> None:
    assert loose_ends_in(parts_of(f"The page is there.\n\n{item}"), set()) == ()


def test_what_stands_in_a_list_is_marked_as_such() -> None:
    report = read_report("How it compares:\n\n- The label is hardcoded in `oven.py` for now\n\nThat was all.")

    assert [(quote.text, quote.rule) for quote in report.loose_ends] == [
        ("The label is hardcoded in `oven.py` for now", "left open in a list of the answer")
    ]


def test_somebody_elses_sentence_is_neither_found_nor_left_open() -> None:
    parts = parts_of('"Make sure that the label of `oven.py` is not hardcoded anywhere, since it is printed."')

    assert (loose_ends_in(parts, set()), findings_in(parts, set(), closing=True)) == ((), ())


def test_an_offer_is_no_finding() -> None:
    offer = "If you want, I can also draft the label because `oven.py` has none."

    assert findings_in(parts_of(offer), set(), closing=True) == ()


def test_what_is_still_empty_is_left_open_though_it_explains_something() -> None:
    text = "The gate stays shut because `MENU.md` is still a placeholder."

    assert texts(loose_ends_in(parts_of(text), set())) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "This script in `oven.py` runs the tests and prints an overall PASS/FAIL status.",
        "It validates `OVEN_KEY` at startup to fail fast.",
        "The most likely culprit is that `oven.py` can't create its folder and crashes.",
        'raise NotImplementedError("bake failed in oven.py.")',
    ],
)
def test_what_only_sounds_like_a_failure_is_no_dead_end(text: str) -> None:
    assert dead_ends_in(parts_of(text), set()) == ()


def test_code_without_a_fence_leaves_nothing_open() -> None:
    assert loose_ends_in(parts_of('assert "not implemented" in body["detail"] for now'), set()) == ()


def test_what_works_by_another_way_is_no_loose_end_but_half_a_success_is() -> None:
    mended = "`login.ts` falls back to a timer where Safari lacks idle callbacks; all 12 tests pass."
    half = "The happy path works, but the error path is not tested."

    assert texts(read_report(f"{mended}\n\n{half}").loose_ends) == [half]


@pytest.mark.parametrize(
    "text",
    [
        "I'd recommend `per_case` pricing because labs think in cases.",
        "Ich würde `per_case` nehmen, weil Labore in Fällen denken.",
        "Je recommande `per_case` car les labos pensent en cas.",
        "Recomiendo `per_case` porque los laboratorios piensan en casos.",
        "Я бы выбрал `per_case`, потому что лаборатории считают случаями.",
    ],
)
def test_advice_is_not_something_found_out(text: str) -> None:
    assert findings_in(parts_of(text), set(), closing=True) == ()
