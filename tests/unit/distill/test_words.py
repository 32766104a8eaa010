from __future__ import annotations

import pytest

from carryover.distill.words import is_aside, is_choice, is_coded, is_nudge, is_question, only_tells, points_back


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "Ok, continue",
        "let's start",
        "go on!",
        "продолжай",
        "続けてください",
        "继续",
        "계속",
        "weiter",
        "thanks, go ahead",
    ],
)
def test_words_that_only_say_go_on_are_a_nudge(text: str) -> None:
    assert is_nudge(text)


@pytest.mark.parametrize("text", ["fix the login", "yes, but cap it at 50", "no", "commit!", "why?", "6 and 12"])
def test_words_with_content_are_no_nudge(text: str) -> None:
    assert not is_nudge(text)


@pytest.mark.parametrize("text", ["6 and 12", "yes to all", "A", "Q1:A, Q2:A, Q3:C", "both", "the first one", "2"])
def test_a_bare_answer_is_a_choice(text: str) -> None:
    assert is_choice(text)


@pytest.mark.parametrize(
    "text", ["add a discount", "do not cap it", "run the tests and tell me what fails in the parser"]
)
def test_a_request_is_no_choice(text: str) -> None:
    assert not is_choice(text)


@pytest.mark.parametrize("text", ["why won't you run it?", "who wrote this file?", "is it done?", "これは何?"])
def test_a_short_question_about_the_work_is_an_aside(text: str) -> None:
    assert is_aside(text)


@pytest.mark.parametrize("text", ["can you test it by running it yourself?", "add a parser", "could you fix the cart?"])
def test_a_request_put_as_a_question_is_no_aside(text: str) -> None:
    assert not is_aside(text)


def test_a_question_mark_in_a_url_or_in_code_asks_nothing() -> None:
    assert [
        is_question(s) for s in ("See https://x.test/?q=1", "Call `ok?`", "Shall I?", "本当ですか？", "Is it **so?**")
    ] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_a_short_request_may_lean_on_an_earlier_one() -> None:
    assert points_back("now wire it into checkout")
    assert not points_back("add a discount function to the cart module")


@pytest.mark.parametrize(
    "text",
    [
        "この店は必要ですか？",
        "鍵はありますか。",
        "焼き方を教えてください。",
        "Explain the oven to me",
        "这个贵吗？",
        "이거 비싼가요?",
    ],
)
def test_a_short_wish_to_know_is_an_aside(text: str) -> None:
    assert is_aside(text)


@pytest.mark.parametrize("text", ["メニューを作ってくれますか？", "你能加一个菜单吗？", "メニューを追加します。"])
def test_a_request_is_none(text: str) -> None:
    assert not is_aside(text)


def test_a_remark_only_tells() -> None:
    assert only_tells("本番は一台で動きますよ。")
    assert only_tells("FYI we run on a single box")
    assert not only_tells("動かしてくださいよ。")
    assert not only_tells("メニューを追加します。")


def test_coded_answers_are_told_from_other_short_ones() -> None:
    assert is_coded("Q1:A, Q2:C")
    assert not is_coded("yes to all of it")
