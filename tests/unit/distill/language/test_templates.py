"""Prompts that a slash command made: whose words are in them."""

from __future__ import annotations

import time

import pytest

from carryover.distill.language.templates import is_bare, typed_in
from support.conversation import Conversation

STEPS = "\n".join(f"{n}. Bake loaf {n}. Loaves MUST NOT be burnt; always weigh the flour first." for n in range(1, 12))
SECTION = (
    "\n## User Input\n\n```text\n{words}\n```\n\nConsider the user input before you begin.\n\n## Steps\n\n" + STEPS
)
TAGGED = "Your task is to bake.\n<user_input>\n{words}\n</user_input>\n" + STEPS
LABELLED = "The user typed this after `/bake`.\n\nUser input:\n\n{words}\n\n" + STEPS
AT_THE_END = "Base directory for this skill: /home/dev/.skills/bake\n\n# Baking\n\n" + STEPS + "\n\nARGUMENTS: {words}"
TILDES = SECTION.replace("```text", "~~~").replace("```", "~~~")


@pytest.mark.parametrize("template", [SECTION, TAGGED, LABELLED, AT_THE_END, TILDES])
def test_what_was_typed_is_found_in_its_place(template: str) -> None:
    assert typed_in(template.format(words="Add a rye loaf to the menu")) == "Add a rye loaf to the menu"


def test_several_paragraphs_are_kept() -> None:
    assert (
        typed_in(SECTION.format(words="Add rye.\n\n- no seeds\n- dark crust")) == "Add rye.\n\n- no seeds\n- dark crust"
    )


@pytest.mark.parametrize("template", [SECTION, TAGGED, AT_THE_END])
def test_a_template_without_words_is_recognised_by_how_it_begins(template: str) -> None:
    reported = typed_in(template.format(words=""))

    assert is_bare(reported)
    assert reported.endswith(
        ("Bake loaf 1.", "Your task is to bake.", "Loaves MUST NOT be burnt; always weigh the flour first.")
    )


@pytest.mark.parametrize(
    "prompt",
    [
        "## User Input\n```text\nshort\n```\nConsider the user input.",
        "# A form\n\n## User Input\n\n```json\n{}\n```\n\nThe form shows an error if the user input is empty.\n" * 9,
        "ARGUMENTS:\n  --loaf N   how many\n" + STEPS,
        "Write the parser.\n" + STEPS,
        "## User Input\n\n```text\nnever closed\n\nConsider the user input.\n" + STEPS,
    ],
)
def test_without_the_sign_of_a_template_a_prompt_is_the_users_own(prompt: str) -> None:
    assert typed_in(prompt) == prompt


@pytest.mark.parametrize(
    "part", ["## User Input\n```x\n", "<user_input>\n", "User input:\nx\n", "\nARGUMENTS:", "$ARGUMENTS "]
)
def test_a_hostile_prompt_costs_little(part: str) -> None:
    prompt = part * (190_000 // len(part))
    began = time.perf_counter()
    typed_in(prompt)

    assert time.perf_counter() - began < 1


def test_the_task_and_the_rules_are_those_of_the_user_not_of_the_template() -> None:
    talk = Conversation().user(SECTION.format(words="Add a rye loaf. Use spelt instead of wheat."))

    assert talk.line.goal is not None
    assert talk.line.goal.text == "Add a rye loaf. Use spelt instead of wheat."
    assert [rule.text for rule in talk.line.rules] == ["Use spelt instead of wheat."]


def test_a_template_without_words_is_an_order_once_there_is_a_goal() -> None:
    bare = SECTION.format(words="")
    alone, beside = Conversation().user(bare), Conversation().user("Open the bakery").says("It is open.").user(bare)

    assert alone.line.goal is not None
    assert beside.line.goal is not None and beside.line.step is not None
    assert beside.line.goal.text == "Open the bakery"
    assert beside.line.step.text == alone.line.goal.text == typed_in(bare)
