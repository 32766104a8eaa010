from __future__ import annotations

import pytest

from carryover.distill.own_text import (
    go_on_prompt,
    is_handoff_text,
    names_handoff,
    only_points_at_handoff,
    without_protocol,
)
from support.conversation import Conversation


@pytest.mark.parametrize(
    "subject", ["/home/dev/shop/.carryover/handoff.md", "cat .carryover/handoff.md", r".carryover\handoff.md"]
)
def test_a_call_that_touches_the_handoff_is_known(subject: str) -> None:
    assert names_handoff(subject)
    assert not names_handoff("docs/handoff.md")


def test_the_handoffs_text_is_known_wherever_it_turns_up() -> None:
    assert is_handoff_text("some log\n# RESUME PROTOCOL: ask\nmore")
    assert is_handoff_text("# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex")
    assert not is_handoff_text("we talked about carryover and its protocol")


def test_the_answer_to_the_protocol_is_not_the_assistants_own() -> None:
    answer = "You were on the cart. Do you want to continue from here, or are you starting something different?"

    assert without_protocol(answer, fresh=False) is None


def test_a_paraphrase_counts_only_while_the_session_has_no_task_of_its_own() -> None:
    answer = "Shall I continue where we left off?"

    assert without_protocol(answer, fresh=True) is None
    assert without_protocol(answer, fresh=False) == answer


@pytest.mark.parametrize("path", [".carryover/handoff.md", "/home/dev/my handoffs/shop-1a2b3c4d/handoff.md"])
def test_the_first_prompt_of_an_agent_that_goes_on_points_and_says_no_more(path: str) -> None:
    prompt = go_on_prompt(path)

    assert prompt.startswith(f"Read {path}, then go on with the task it describes.")
    assert only_points_at_handoff(prompt)


def test_the_first_prompt_answers_the_question_that_the_files_protocol_asks() -> None:
    """Who typed `--to` has decided already; the file, which anyone may read, still asks."""
    assert go_on_prompt("F").endswith(" You need not ask whether to continue: the answer is yes.")


def test_the_first_prompt_is_neither_task_nor_decision_nor_question() -> None:
    talk = Conversation().user(go_on_prompt(".carryover/handoff.md"))

    assert (talk.digest.goal, talk.digest.questions, talk.notes) == (None, (), [])


@pytest.mark.parametrize("path", [".carryover/handoff.md", "/home/dev/my handoffs/shop-1a2b3c4d/handoff.md"])
def test_the_wording_of_earlier_versions_is_still_known(path: str) -> None:
    assert only_points_at_handoff(f"Read {path}, then go on with the task it describes.")


@pytest.mark.parametrize(
    "prompt",
    [
        "read .carryover/handoff.md",
        "Please read `.carryover/handoff.md`.",
        "look at @.carryover/handoff.md and continue",
        "read ~/handoffs/shop-1a2b3c4d/handoff.md, then go on",
    ],
)
def test_a_person_may_point_in_other_words(prompt: str) -> None:
    assert only_points_at_handoff(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "read docs/handoff.md",
        "Read docs/spec.md, then go on with the task it describes.",
        "Read .carryover/handoff.md, then go on with the task it describes. You need not ask whether to continue: the "
        "answer is yes. And paint it blue.",
        "read .carryover/handoff.md and fix the parser",
        "Read the code first, then .carryover/handoff.md",
        "read\n.carryover/handoff.md\nthen write the docs",
        "read " + "x" * 6000 + "/.carryover/handoff.md",
    ],
)
def test_a_prompt_that_wants_more_is_a_task(prompt: str) -> None:
    assert not only_points_at_handoff(prompt)
