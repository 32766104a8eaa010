"""What an answer asks the user, with the choices."""

from __future__ import annotations

import pytest

from carryover.distill.language.report import read_report
from support.answers import BUILT, QUESTIONS, REQUESTS


def asked(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.text, one.options) for one in read_report(text).asked]


COURTESY = {
    "en": "Let me know if you need anything else.",
    "en else": "Is there anything else I can help with?",
    "en next": "What would you like to do next?",
    "de": "Sag gern Bescheid, wenn du noch etwas brauchst.",
    "fr": "N'hésite pas si tu as d'autres questions.",
    "es": "¿Puedo ayudarte en algo más?",
    "pt": "Fique à vontade para perguntar.",
    "it": "Fammi sapere se serve altro.",
    "ru": "Обращайся, если что-то ещё понадобится.",
    "ja": "他に何かあればお気軽にどうぞ。",
    "zh": "还有什么需要随时告诉我。",
    "ko": "더 필요한 것이 있으면 언제든 말씀해 주세요.",
}
GO_ON = {
    "en": "Do you want to continue from here, or are you starting something different?",
    "en in other words": "Shall I pick up where we left off, or is it something different?",
    "de": "Möchtest du von hier aus weitermachen oder etwas anderes anfangen?",
    "fr": "Veux-tu continuer à partir d'ici ou commencer autre chose ?",
    "es": "¿Quieres continuar desde aquí o empezar algo distinto?",
    "pt": "Quer continuar daqui ou começar algo diferente?",
    "it": "Vuoi continuare da qui o iniziare qualcosa di diverso?",
    "ru": "Продолжить отсюда или начать что-то другое?",
    "ja": "ここから続けますか、それとも別のことを始めますか？",
    "zh": "从这里继续，还是做别的事？",
    "ko": "여기서 계속할까요, 아니면 다른 일을 시작할까요?",
}


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_question_at_the_end_is_asked(language: str) -> None:
    report = read_report(f"{BUILT[language]} {QUESTIONS[language]}")

    assert [(one.text, one.rule) for one in report.asked] == [
        (QUESTIONS[language], "question at the end of the answer")
    ]


@pytest.mark.parametrize("language", REQUESTS)
def test_a_request_for_the_users_word_asks_without_a_question_mark(language: str) -> None:
    report = read_report(f"{BUILT[language]} {REQUESTS[language]}")

    assert [(one.text, one.rule) for one in report.asked] == [(REQUESTS[language], "request for the user's word")]


@pytest.mark.parametrize("name", COURTESY)
def test_courtesy_asks_and_announces_nothing(name: str) -> None:
    report = read_report(f"{BUILT[name.split()[0]]} {COURTESY[name]}")

    assert (report.asked, report.announced, report.asks_to_go_on) == ((), (), False)


@pytest.mark.parametrize("name", GO_ON)
def test_the_question_of_the_resume_protocol_is_known_and_not_kept(name: str) -> None:
    report = read_report(f"{BUILT[name.split()[0]]}\n\n{GO_ON[name]}")

    assert (report.asks_to_go_on, report.asked) == (True, ())


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        pytest.param("Which flour?\n1. rye\n2. **spelt**", ("rye", "spelt"), id="numbered after"),
        pytest.param("Which flour?\n\n- rye\n- spelt", ("rye", "spelt"), id="bullets after"),
        pytest.param(
            "Which flour?\nA) rye\nB) spelt\n\nI would take rye.", ("rye", "spelt"), id="letters, advice after"
        ),
        pytest.param("## Which flour?\n- rye\n- spelt", ("rye", "spelt"), id="under a heading"),
        pytest.param("1. rye\n2. spelt\n\nWhich flour?", ("rye", "spelt"), id="numbered before"),
        pytest.param(
            "| of | kg |\n|--|--|\n| rye | 2 |\n| oat | 3 |\n\nWhich flour?", ("rye · 2", "oat · 3"), id="table"
        ),
    ],
)
def test_a_question_is_kept_with_its_options(answer: str, options: tuple[str, ...]) -> None:
    assert asked(answer) == [("Which flour?", options)]


def test_bullets_before_a_question_are_what_was_done() -> None:
    assert asked("I labelled these:\n- rye\n- spelt\n\nWhich of the loaves shall I label next?") == [
        ("Which of the loaves shall I label next?", ())
    ]


def test_a_request_is_kept_with_its_options() -> None:
    assert asked("Please choose the flour for the rolls:\n1. rye\n2. spelt") == [
        ("Please choose the flour for the rolls:", ("rye", "spelt"))
    ]


def test_a_bare_question_is_kept_with_the_sentence_before_it() -> None:
    assert asked("The oven is built. The rye needs a label. Ok?") == [
        ("The oven is built. The rye needs a label. Ok?", ())
    ]
    assert asked("The oven is built. The loaf in `rye.py` needs a label. Ok?") == [
        ("The loaf in `rye.py` needs a label. Ok?", ())
    ]


def test_several_questions_each_have_their_own_options() -> None:
    assert asked("Which flour shall we take?\n- rye\n- spelt\n\nWhich oven is the right one?\n- gas\n- steam") == [
        ("Which flour shall we take?", ("rye", "spelt")),
        ("Which oven is the right one?", ("gas", "steam")),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("Why did it fail? The door was open. The fire was out. It was wet. I fixed it.", id="answered"),
        pytest.param("Why did it fail?\n" + "\n".join(f"Line {n}." for n in range(30)), id="far from the end"),
        pytest.param("```\nreally?\n```\nFixed.", id="in code"),
        pytest.param("Call `ok?` and see https://x.test/?q=1", id="in a link"),
        pytest.param("Please confirm the price. The till is new. The oven is hot. The bell is red.", id="far off"),
    ],
)
def test_rhetoric_asks_nothing(answer: str) -> None:
    assert asked(answer) == []


def offers(text: str) -> list[str]:
    return [quote.text for quote in read_report(text).offers]


@pytest.mark.parametrize(
    "offer",
    [
        "If you want, I can also add a second tray to `oven.py`.",
        "Wenn du willst, kann ich noch ein zweites Blech in `oven.py` einbauen.",
        "Si tu veux, je peux aussi ajouter une seconde plaque à `oven.py`.",
        "Si quieres, puedo también añadir una segunda bandeja a `oven.py`.",
        "Если хочешь, я могу ещё добавить второй противень в `oven.py`.",
    ],
)
def test_an_offer_needs_no_question_mark(offer: str) -> None:
    assert offers(f"The oven is warm. {offer}") == [offer]


def test_an_offer_that_ends_in_a_colon_has_its_list() -> None:
    text = "The oven is warm.\n\nIf you want, I can also do one of these:\n- oil `door.py`\n- wash `tray.py`"

    assert offers(text) == ["If you want, I can also do one of these: oil `door.py`; wash `tray.py`"]


@pytest.mark.parametrize(
    "text", ["If you want to see it, open `oven.html` in there.", "Should I add a second tray to `oven.py`?"]
)
def test_advice_and_questions_are_no_offers(text: str) -> None:
    assert offers(f"The oven is warm. {text}") == []


LETTER = "Subject: cases that come back\n\nHi Ann,\n\nWe catch remakes before milling. 15 minutes next week?"


def test_what_a_drafted_letter_asks_is_not_asked_of_the_user() -> None:
    assert asked(f"{LETTER}\n\nSaved as `mail.md`.") == []


def test_a_question_after_a_drafted_letter_is_and_takes_nothing_of_it() -> None:
    assert asked(f"{LETTER}\n\nWant it shorter?") == [("Want it shorter?", ())]


@pytest.mark.parametrize(
    "text",
    [
        "Two gaps: I need the remake rate from the pilots and a logo.",
        "I still need the exact figures from Anna.",
        "I'm still missing the logo from you.",
    ],
)
def test_what_the_assistant_needs_from_somebody_is_asked(text: str) -> None:
    assert asked(f"The page is in `page.md`. {text}") == [(text, ())]
