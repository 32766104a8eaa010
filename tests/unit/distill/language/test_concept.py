from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.distill.language import lexicon, outcomes
from carryover.distill.language.concept import Concept

CONCEPTS = {name: concept for name, concept in (vars(lexicon) | vars(outcomes)).items() if isinstance(concept, Concept)}


def found(concept: Concept, text: str) -> str | None:
    match = concept.search(text)
    return None if match is None else match.group()


OVEN = Concept(en="oven | hot \\w+\nheat", de="ofen", ru="печь", ja="窯", zh="烤箱", ko="오븐")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        pytest.param("The oven is on", "oven", id="between borders"),
        pytest.param("OVEN", "oven", id="any case"),
        pytest.param("a hot stone", "hot stone", id="an expression"),
        pytest.param("the heat", "heat", id="on a line of its own"),
        pytest.param("der Ofen", "ofen", id="any language of the script"),
        pytest.param("ovens and reheat", None, id="inside a word"),
        pytest.param("большая печь", "печь", id="Cyrillic"),
        pytest.param("печька", None, id="inside a Cyrillic word"),
        pytest.param("新しい窯です", "窯", id="Japanese, anywhere"),
        pytest.param("买新烤箱吧", "烤箱", id="Chinese, anywhere"),
        pytest.param("새오븐이다", "오븐", id="Korean, anywhere"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_concept_is_found_in_the_language_of_the_texts_script(text: str, match: str | None) -> None:
    assert found(OVEN, text) == match


def test_a_sentence_in_latin_letters_may_hold_a_name_in_others() -> None:
    assert found(OVEN, "put the 面包 into the oven") == "oven"
    assert found(OVEN, "窯です oven") == "窯"
    assert found(OVEN, "面包 oven") is None


def test_an_expression_may_begin_with_the_mark_that_ends_the_clause_before() -> None:
    banned = Concept(en=r"(?:^|[,;] ?)no \w+", ru=r"(?:^|[,;] ?)без \w+")

    assert found(banned, "no raisins") == "no raisins"
    assert found(banned, "small, no raisins") == ", no raisins"
    assert found(banned, "маленьким; без изюма") == "; без изюма"
    assert found(banned, "there are no raisins") is None


def test_an_apostrophe_may_be_curly() -> None:
    assert found(Concept(en="don't"), "Don’t") == "don't"


def test_a_choice_within_an_expression_is_no_end_of_it() -> None:
    small = Concept(en=r"small (?:oven|tin)|tray | stone\b|smith")

    assert [found(small, text) for text in ("a small tin", "a tray", "stone", "a smith")] == [
        "small tin", "tray", "stone", "smith",
    ]  # fmt: skip
    assert found(small, "a small") is None


def test_of_what_is_too_long_for_a_sentence_the_beginning_is_searched() -> None:
    assert found(OVEN, f"{'bread ' * 80}oven") == "oven"
    assert found(OVEN, f"{'bread ' * 90}oven") is None


def test_a_language_that_a_concept_lacks_has_no_words_for_it() -> None:
    assert Concept(en="oven").search("烤箱") is None


def entries_of(concept: Concept, *, russian: bool = False) -> list[str]:
    """The expressions that are searched in Latin letters, or in Cyrillic ones."""
    languages = {name: words for name, words in concept._languages.items() if name not in ("ja", "zh", "ko")}
    chosen = (words for name, words in languages.items() if (name == "ru") == russian)
    lines = (line for words in chosen for line in words.splitlines())
    return [entry.strip() for line in lines for entry in line.split(" | ") if entry.strip()]


def searched_everywhere(concept: Concept, text: str) -> int | None:
    """Where a search at every place of the text finds the concept first."""
    entries = entries_of(concept, russian=re.search("[а-яё]", text) is not None)
    after_mark = "|".join(entry for entry in entries if entry.startswith("(?:^|[")) or "(?!)"
    match = re.search(rf"(?<!\w)(?:{'|'.join(entries)})(?!\w)|(?=[.,;:!—])(?:{after_mark})(?!\w)", text)
    return match.start() if match is not None else None


def place_of(concept: Concept, text: str) -> int | None:
    match = concept.search(text)
    return match.start() if match is not None else None


WORDS = {
    russian: sorted(
        {
            word
            for concept in CONCEPTS.values()
            for entry in entries_of(concept, russian=russian)
            for word in re.findall(r"[^\W\d_]+", re.sub(r"\\[a-z]", " ", entry))
        }
    )
    for russian in (False, True)
}
"""The words and stems that the expressions are made of."""
MARKS = st.sampled_from([" ", " ", " ", "'", ", ", ". ", "; ", ": ", "! ", " — ", " (", "-", "_", "\n"])
ENDINGS = {False: st.sampled_from(["", "", "s", "rai", "irò"]), True: st.sampled_from(["", "", "а", "усь"])}


@pytest.mark.parametrize("concept", CONCEPTS.values(), ids=CONCEPTS)
def test_each_expression_is_found_where_a_search_at_every_place_finds_it(concept: Concept) -> None:
    for entry in entries_of(concept):
        text = " ".join(re.findall(r"[^\W\d_]+", re.sub(r"\\[a-z]", " ", entry)))
        for tried in (text, f"well, {text}", f"so {text}'s", f"({text})"):
            if len(tried) < 500 and not re.search("[’‘]", tried):
                assert place_of(concept, tried) == searched_everywhere(concept, tried), tried


@pytest.mark.parametrize("russian", [False, True], ids=["Latin", "Cyrillic"])
@given(data=st.data())
def test_a_concept_is_found_where_a_search_at_every_place_finds_it(russian: bool, data: st.DataObject) -> None:
    words = data.draw(
        st.lists(st.tuples(st.sampled_from(WORDS[russian]), ENDINGS[russian], MARKS), min_size=1, max_size=9)
    )
    text = "".join(map("".join, words)).lower()
    for name, concept in CONCEPTS.items():
        assert place_of(concept, text) == searched_everywhere(concept, text), (name, text)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        pytest.param("oven on", True, id="at the beginning"),
        pytest.param("the oven", True, id="near it"),
        pytest.param("in our oven", False, id="later"),
        pytest.param("大烤箱", True, id="in a script of its own"),
        pytest.param("我们要再买烤箱", False, id="later in one"),
    ],
)
def test_only_the_beginning_counts_where_that_is_asked_for(text: str, begins: bool) -> None:
    assert (OVEN.search(text, latest=4) is not None) == begins


@pytest.mark.parametrize("concept", CONCEPTS.values(), ids=CONCEPTS)
@pytest.mark.parametrize(
    "text", ["", " ", "1 2 3", "Rye", "Хлеб", "パン", "面包", "빵", "— …", "🥖"],
    ids=["empty", "blank", "digits", "en", "ru", "ja", "zh", "ko", "marks", "emoji"],
)  # fmt: skip
def test_no_concept_is_found_in_a_text_without_words_of_grammar(concept: Concept, text: str) -> None:
    assert concept.search(text) is None


RESUMES = {
    "en": "ok, carry on",
    "en go on": "go on!",
    "en left off": "where were we?",
    "de": "weiter",
    "fr": "continue, s'il te plaît",
    "es": "sigue",
    "pt": "continua",
    "it": "prosegui",
    "ru": "продолжай",
    "ja": "続けてください",
    "zh": "继续",
    "ko": "계속",
}


@pytest.mark.parametrize("text", RESUMES.values(), ids=RESUMES)
def test_words_that_say_to_go_on_are_known(text: str) -> None:
    assert lexicon.RESUME.search(text)


@pytest.mark.parametrize("text", ["fix the login", "commit!", "why?", "6 and 12", "добавь меню", "メニューを足して"])
def test_words_that_say_something_else_do_not(text: str) -> None:
    assert not lexicon.RESUME.search(text)


SWITCHES = {
    "en": "New task: bake a rye loaf.",
    "en park": "Let's park that and look at the till.",
    "de": "Neues Thema: die Kasse.",
    "fr": "Passons à autre chose.",
    "es": "Cambiemos de tema.",
    "pt": "Outro assunto agora.",
    "it": "Cambiamo argomento.",
    "ru": "Новая задача: касса.",
    "ja": "別の作業をお願いします。",
    "zh": "换个任务。",
    "ko": "새 작업입니다.",
}


@pytest.mark.parametrize("text", SWITCHES.values(), ids=SWITCHES)
def test_words_that_turn_to_something_else_are_known(text: str) -> None:
    assert lexicon.SWITCH.search(text)


GUESSES = {
    "en": "Maybe the sensor is wet.",
    "de": "Vermutlich ist der Sensor nass.",
    "fr": "Le capteur est peut-être mouillé.",
    "es": "Quizá el sensor está mojado.",
    "pt": "Talvez o sensor esteja molhado.",
    "it": "Forse il sensore è bagnato.",
    "ru": "Возможно, датчик мокрый.",
    "ja": "センサーが濡れているかもしれません。",
    "zh": "传感器可能湿了。",
    "ko": "센서가 젖은 것 같습니다.",
}


@pytest.mark.parametrize("text", GUESSES.values(), ids=GUESSES)
def test_a_guess_is_known(text: str) -> None:
    assert lexicon.HEDGE.search(text)


OTHER_WAYS = {
    "en": "I take a different approach.",
    "de": "Ich nehme einen anderen Weg.",
    "fr": "Je prends une autre piste.",
    "es": "Pruebo otra solución.",
    "pt": "Tento outra abordagem.",
    "it": "Provo un altro metodo.",
    "ru": "Попробую другой способ.",
    "ja": "別の方法を試します。",
    "zh": "换个思路。",
    "ko": "다른 방법을 쓰겠습니다.",
}


@pytest.mark.parametrize("text", OTHER_WAYS.values(), ids=OTHER_WAYS)
def test_another_way_is_known(text: str) -> None:
    assert outcomes.OTHER_WAY.search(text)


NO_CAUSES = {
    "en car": "The car is red.",
    "it da": "La porta è da aprire.",
    "pt da": "A porta da casa é azul.",
}


@pytest.mark.parametrize("text", NO_CAUSES.values(), ids=NO_CAUSES)
def test_a_word_that_is_a_cause_in_another_language_is_none(text: str) -> None:
    assert not outcomes.CAUSE.search(text)
