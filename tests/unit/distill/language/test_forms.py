from __future__ import annotations

import pytest

from carryover.distill.language.forms import begins_with_yes, is_choice, is_coded, is_no, is_question, is_yes


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Shall I?", id="plain"),
        pytest.param("Is it **so?**", id="bold"),
        pytest.param('He asked "why?"', id="quoted"),
        pytest.param("(or is it the oven?)", id="in brackets"),
        pytest.param("Really?!", id="surprised"),
        pytest.param("Is it done? https://x.test/log", id="before a link"),
        pytest.param("本当ですか？", id="ja"),
        pytest.param("これで良いでしょうか。", id="ja without a mark"),
        pytest.param("鍵はありますか。", id="ja verb without a mark"),
        pytest.param("这个贵吗", id="zh without a mark"),
        pytest.param("那价格呢？", id="zh"),
        pytest.param("이거 비싼가요", id="ko without a mark"),
        pytest.param("이대로 괜찮습니까?", id="ko"),
        pytest.param("Тесто готово?", id="ru"),
        pytest.param("¿Está listo?", id="es"),
        pytest.param("هل انتهى؟", id="ar"),
    ],
)
def test_what_asks_is_a_question_with_or_without_a_mark(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("See https://x.test/?q=1", id="in a link"),
        pytest.param("https://x.test/search?", id="ends a link"),
        pytest.param("Call `ok?`", id="in code"),
        pytest.param("Why it rose is clear.", id="only a word that asks"),
        pytest.param("Is it ready? It is.", id="answered in the same breath"),
        pytest.param("彼は来ますか知りません。", id="ja, ka inside"),
        pytest.param("오븐에서 오류가 나요", id="ko, an error that occurs"),
        pytest.param("这是吗啡", id="zh, ma inside"),
    ],
)
def test_what_only_looks_like_a_question_is_none(text: str) -> None:
    assert not is_question(text)


@pytest.mark.parametrize(
    "text",
    ["2", "B", "a)", "(c)", "#3", "6 and 12", "1, 2 und 3", "1 et 3", "1 и 3", "1と3", "1和3", "Q1:A, Q2:C", "option B",
     "no. 2", "Nr. 3", "вариант 2", "variante 2", "选项2", "案1", "2番", "2번"],
)  # fmt: skip
def test_an_answer_by_letters_or_numbers_is_coded(text: str) -> None:
    assert is_coded(text)
    assert is_choice(text)


@pytest.mark.parametrize(
    "text", ["yes to all of it", "5 loaves", "a loaf", "non", "options", "variants", "v2", "Add", "2番目の窯"]
)
def test_words_are_not_coded(text: str) -> None:
    assert not is_coded(text)


@pytest.mark.parametrize(
    "text",
    ["yes to all", "both", "the first one", "neither", "die zweite", "la première", "la segunda", "второй", "оба",
     "最初", "両方", "第二个", "都要", "첫번째", "둘 다"],
)  # fmt: skip
def test_a_short_answer_that_picks_is_a_choice(text: str) -> None:
    assert is_choice(text)


@pytest.mark.parametrize(
    "text",
    ["add a discount", "do not cap it", "run the tests and tell me what fails in the parser", "please weigh the flour",
     "the first of the nine loaves that we baked on friday was burnt", "네트워크를 확인해"],
)  # fmt: skip
def test_a_request_is_no_choice(text: str) -> None:
    assert not is_choice(text)


YES = {
    "en": "Yes, do that.",
    "en go": "go ahead",
    "en please": "please do",
    "en alone": "Correct!",
    "de": "ja, gerne",
    "fr": "d'accord",
    "es": "¡Vale!",
    "es si": "si",
    "pt": "sim",
    "it": "va bene",
    "ru": "да, давай",
    "ja": "はい、お願いします",
    "zh": "好的",
    "zh bare": "好",
    "zh particle": "行吧",
    "ko": "네, 그렇게 해",
    "ko yes": "좋아요",
    "sign": "👍🏽",
}


@pytest.mark.parametrize("text", YES.values(), ids=YES)
def test_a_yes_is_known_in_every_language(text: str) -> None:
    assert (is_yes(text), is_choice(text), begins_with_yes(text), is_no(text)) == (True, True, True, False)


NO = {
    "en": "no, thanks",
    "de": "nein",
    "fr": "non",
    "es": "No.",
    "pt": "não",
    "ru": "нет, не так",
    "ja": "いいえ",
    "zh": "不要",
    "zh wrong": "不对",
    "ko": "아니요",
}


@pytest.mark.parametrize("text", NO.values(), ids=NO)
def test_a_no_is_known_in_every_language(text: str) -> None:
    assert (is_no(text), is_choice(text), is_yes(text), begins_with_yes(text)) == (True, True, False, False)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("please make the loaf a bit wider", id="en please"),
        pytest.param("correct the spelling in the menu", id="en correct"),
        pytest.param("go back to the old recipe", id="en go"),
        pytest.param("right now the oven is cold", id="en right"),
        pytest.param("fine-tune the recipe", id="en with a hyphen"),
        pytest.param("si le four est vide, éteins-le", id="fr if"),
        pytest.param("y añade sal", id="es and"),
        pytest.param("好像坏了", id="zh it seems"),
        pytest.param("对比一下", id="zh compare"),
        pytest.param("行数不对", id="zh lines"),
        pytest.param("不错", id="zh not bad"),
        pytest.param("네트워크가 느려", id="ko network"),
        pytest.param("응답을 줄여", id="ko answer"),
        pytest.param("예제를 추가해", id="ko example"),
    ],
)
def test_a_word_that_only_begins_like_a_yes_or_no_is_none(text: str) -> None:
    assert (is_yes(text), is_no(text), begins_with_yes(text)) == (False, False, False)


def test_a_choice_has_at_most_eight_words() -> None:
    assert is_choice("the first of them and not the second") and is_coded("1 2 3 4 5 6 7 8")
    assert not is_choice("the first of them and not the second one") and not is_coded("1 2 3 4 5 6 7 8 9")


def test_a_long_text_that_begins_with_a_yes_is_no_bare_yes() -> None:
    text = "yes, and after that weigh the flour for the rye loaf"

    assert (begins_with_yes(text), is_yes(text), is_choice(text)) == (True, False, False)
