"""What an answer says will come next, by place and form first."""

from __future__ import annotations

import pytest

from carryover.distill.language.announcements import last_words
from carryover.distill.language.answer import parts_of
from carryover.distill.language.report import read_report
from support.answers import AHEAD, BUILT, texts


def announced(text: str) -> list[tuple[str, str]]:
    return [(quote.text, quote.rule) for quote in read_report(text).announced]


NEXT = {
    "en": ("Next steps", "wire the till", "print the labels"),
    "de": ("Nächste Schritte", "Kasse verbinden", "Etiketten drucken"),
    "fr": ("Prochaines étapes", "relier la caisse", "imprimer les étiquettes"),
    "es": ("Próximos pasos", "conectar la caja", "imprimir las etiquetas"),
    "pt": ("Próximos passos", "ligar a caixa", "imprimir as etiquetas"),
    "it": ("Prossimi passi", "collegare la cassa", "stampare le etichette"),
    "ru": ("Следующие шаги", "подключить кассу", "напечатать этикетки"),
    "ja": ("次のステップ", "レジをつなぐ", "ラベルを印刷する"),
    "zh": ("下一步", "接上收银台", "打印标签"),
    "ko": ("다음 단계", "계산대 연결", "라벨 인쇄"),
}


@pytest.mark.parametrize("language", NEXT)
@pytest.mark.parametrize("form", ["## {}\n", "**{}**\n", "{}:\n"], ids=["heading", "bold", "colon"])
def test_a_list_under_a_heading_that_looks_ahead_comes_next(language: str, form: str) -> None:
    heading, first, second = NEXT[language]
    answer = f"{BUILT[language]}\n\n{form.format(heading)}- {first}\n- {second}"

    assert announced(answer) == [
        (first, "list under a heading that looks ahead"),
        (second, "list under a heading that looks ahead"),
    ]


@pytest.mark.parametrize("name", AHEAD)
def test_the_last_sentence_that_looks_ahead_comes_next(name: str) -> None:
    built = BUILT[name.split()[0]]

    assert announced(f"{built} {AHEAD[name]} {built}") == [(AHEAD[name], "last sentence that looks ahead")]


def test_of_a_list_the_first_three_that_are_not_done_are_taken() -> None:
    answer = "## Next steps\n- [x] till\n- [ ] door\n- light\n- bell\n- label"

    assert texts(read_report(answer).announced) == ["door", "light", "bell"]


def test_of_several_lists_the_last_one_counts() -> None:
    answer = "## Next steps\n- till\n- door\n\n## What I did\n- light\n- bell"

    assert announced(answer) == []


def test_a_numbered_list_at_the_end_comes_next() -> None:
    answer = "The oven is built. In this order:\n1. wire the till\n2. print the labels"

    assert announced(answer) == [
        ("wire the till", "numbered list at the end"),
        ("print the labels", "numbered list at the end"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("I did this:\n1. [x] the till\n2. [x] the labels", id="done"),
        pytest.param("I did this:\n1. ✅ the till\n2. the labels", id="one done"),
        pytest.param("Here's a summary of what was done:\n1. the till\n2. the labels", id="heading that looks back"),
        pytest.param("In this order:\n1. Wired the till\n2. Printed the labels", id="past tense"),
        pytest.param("Two things:\n1. the till\n2. the bell\n\nThe till is new. The bell is old.", id="not the end"),
        pytest.param("The oven has:\n- a door\n- a light", id="bullets"),
        pytest.param("1. the till\n2. the labels", id="nothing leads to it"),
        pytest.param("The oven has:\n1. a door", id="a single item"),
        pytest.param("Which one?\n1. the till\n2. the labels", id="options"),
        pytest.param(
            "## What I did\n- wired the till\n- printed the labels", id="bullets under a heading that looks back"
        ),
    ],
)
def test_other_lists_do_not(answer: str) -> None:
    assert announced(answer) == []


def test_the_command_that_the_answer_leads_to_comes_next() -> None:
    answer = "The oven is built. Light it with:\n```sh\nmake `fire`\n\nmake loaf\n```"

    assert announced(answer) == [("Light it with: `make fire; make loaf`", "command the answer ends with")]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("The oven is built.\n```sh\nmake fire\n```", id="no colon"),
        pytest.param("Light it with:\n```sh\nmake fire\n```\nIt is hot.", id="not the end"),
        pytest.param("This is it:\n```\n" + "line\n" * 9 + "```", id="too long"),
        pytest.param("This is it:\n```\n```", id="empty"),
    ],
)
def test_other_code_does_not(answer: str) -> None:
    assert announced(answer) == []


def test_a_sentence_that_looks_ahead_takes_what_follows_its_colon() -> None:
    answer = "Next I will run what lights it:\n```sh\nmake fire\n```\nThe door is shut."

    assert announced(answer) == [("Next I will run what lights it: make fire", "last sentence that looks ahead")]


def test_a_sentence_after_the_list_comes_before_its_items() -> None:
    answer = "## Next steps\n- till\n- door\n- light\n\nThen I will label the loaves."

    assert texts(read_report(answer).announced) == ["Then I will label the loaves.", "till", "door"]


def test_where_nothing_looks_ahead_a_last_sentence_that_names_something_is_taken() -> None:
    assert announced("The oven is built. The till is in `till.py`.") == [
        ("The till is in `till.py`.", "last sentence of the answer")
    ]
    assert announced("The till is in `till.py`.") == []


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("Shall I wire the till next?", id="question"),
        pytest.param("Let me know if you need anything else.", id="courtesy"),
        pytest.param("If you want more of it, let me know.", id="let me know"),
        pytest.param("Next!", id="too short"),
        pytest.param("Added a page for `menu.py`.", id="done"),
        pytest.param("`bash -n` found nothing ✅", id="ticked at its end"),
        pytest.param("I gave `SteamOven` a try and it takes no trays.", id="tried"),
    ],
)
def test_questions_and_politeness_announce_nothing(sentence: str) -> None:
    assert announced(f"The oven is built. {sentence}") == []


def test_a_step_put_to_the_user_without_a_question_is_announced() -> None:
    answer = "Done.\nIf you're happy with rye, I'll go on to the crust. If you want more details, let me know."

    assert texts(read_report(answer).announced) == ["If you're happy with rye, I'll go on to the crust."]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Now the sensor.\nI'll read `sensor.py`.", "I'll read `sensor.py`."),
        ("I'll read it. Ok?", "I'll read it."),
        ("Ok", ""),
        ("```\ncode\n```", ""),
    ],
)
def test_the_last_words_are_the_last_sentence_that_tells(text: str, words: str) -> None:
    assert last_words(parts_of(text)) == words


@pytest.mark.parametrize(
    "report",
    [
        "Kept both lines in `till.py`, then added the label.",
        "`till.py:15` — kept both lines, then added the label.",
        "`till.py`: moved the label and afterwards removed the bell.",
    ],
)
def test_the_order_of_what_was_done_announces_nothing(report: str) -> None:
    assert announced(f"{report} It is rather warm.") == []


def test_a_report_that_looks_ahead_in_the_first_person_announces() -> None:
    answer = "I wired the till. Added the label to `till.py`; next I will print it. It is rather warm."

    assert announced(answer) == [
        ("Added the label to `till.py`; next I will print it.", "last sentence that looks ahead")
    ]


def test_a_command_that_is_left_to_the_user_is_the_last_word() -> None:
    answer = "The till is wired. Nothing is committed, as you asked. `git commit -am till` is for you to run."

    assert announced(answer) == [("`git commit -am till` is for you to run.", "last sentence of the answer")]


@pytest.mark.parametrize(
    "step",
    [
        "If the oven is already running, restart it once to pick up the change.",
        "Wenn der Ofen schon läuft, starte ihn einmal neu.",
        "Si le four tourne déjà, redémarrez le four une fois.",
        "Если печь уже работает, перезапустите её один раз.",
    ],
)
def test_what_the_user_has_to_do_in_some_case_ends_the_answer(step: str) -> None:
    assert announced(f"`oven.py` holds the new times. The door is shut.\n\n{step}") == [
        (step, "last sentence of the answer")
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "If you run into any problems, let me know.",
        "If you want, I can also bake rolls.",
        "If it should rain, we wait.",
        "If the oven is warm.",
    ],
)
def test_what_the_writer_would_do_is_no_step_of_the_user(sentence: str) -> None:
    assert announced(f"`oven.py` holds the new times. The door is shut. {sentence}") == []


def test_a_list_item_at_the_very_end_that_looks_ahead_comes_next() -> None:
    listed = (
        "The bakery has its page.\n\n**Results:**\n- **Page:** `oven.html`\n- **Folder:** `/out` is ready to be sold"
    )

    assert announced(listed) == [("Folder: `/out` is ready to be sold", "last sentence of the answer")]
    assert announced(f"{listed}\n- It is baked") == []


@pytest.mark.parametrize("text", ["Now verify that every loaf is labelled:", "Jetzt prüfe ich die Etiketten:"])
def test_a_text_that_ends_in_a_colon_was_cut_off_before_what_it_leads_to(text: str) -> None:
    assert announced(f"The oven is hot.\n\n{text}") == [
        (text, "last line of the answer, which leads to what comes next")
    ]


def test_what_an_answer_announces_at_its_beginning_its_rest_has_done() -> None:
    assert announced("I'll label the loaves now. Let me print them first.\n\nI've labelled all of the loaves.") == []
    assert announced("I'll label the loaves now.") == [("I'll label the loaves now.", "last sentence that looks ahead")]


def test_an_item_that_leads_to_a_command_is_quoted_with_it() -> None:
    commands = ("1. Separate commands:", "```sh", "cd oven", "```", "2. Or one:", "```sh", "make -C oven", "```")
    text = "\n".join(("It ran in the wrong folder.", "To fix that:", "", *commands, "", "Both are fine."))

    assert [text for text, _ in announced(text)] == ["Separate commands: `cd oven`", "Or one: `make -C oven`"]
