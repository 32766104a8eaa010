from __future__ import annotations

import pytest

from carryover.distill.sections.decisions import rulings_in


def test_orders_and_bans_are_rulings_and_the_strongest_come_first() -> None:
    prompt = "Please use gh for this. Never push to main. I had a nice lunch."

    assert rulings_in(prompt) == [("Never push to main.", 3), ("Please use gh for this.", 1)]


def test_bullets_of_a_specification_rule_more_than_passing_remarks() -> None:
    assert rulings_in("- name the command /share:publish\n- use `gh` to log in") == [
        ("name the command /share:publish", 2),
        ("use `gh` to log in", 2),
    ]


@pytest.mark.parametrize(
    "text", ["Should we always cap it?", "Hello there", "> you must never do this", "ValueError: must not be None"]
)
def test_questions_and_pasted_matter_rule_nothing(text: str) -> None:
    assert rulings_in(text) == []


@pytest.mark.parametrize(
    "text", ["Никогда не трогай схему базы.", "テストは必ず書いてください。", "不要修改数据库结构。"]
)
def test_rulings_are_found_in_other_languages(text: str) -> None:
    assert [weight for _, weight in rulings_in(text)] == [3]


def test_code_in_a_fence_is_not_read_as_words() -> None:
    assert rulings_in("Look:\n```\nyou must never run this\n```") == []


def test_one_prompt_gives_at_most_four() -> None:
    assert len(rulings_in("\n".join(f"- always do thing {n}" for n in range(9)))) == 4


@pytest.mark.parametrize(
    ("prompt", "weight"),
    [
        ("I asked you to answer in Dutch", 3),
        ("я же просил писать тесты", 3),
        ("отчёт должен лежать в корне", 1),
        ("FYI we run on a single box", 1),
        ("本番は一台で動きますよ。", 1),
    ],
)
def test_repeated_orders_and_facts_told_bind(prompt: str, weight: int) -> None:
    assert [found[1] for found in rulings_in(prompt)] == [weight]


@pytest.mark.parametrize("prompt", ["メニューを足してくださいね。", "Add a menu"])
def test_a_request_rules_nothing(prompt: str) -> None:
    assert rulings_in(prompt) == []
