"""The prompt that the newest work took up is told by its own names coming again."""

from __future__ import annotations

import pytest

from carryover.distill.taken_up import taken_up
from carryover.distill.trail import steps_of
from support.conversation import Conversation, project


def found(talk: Conversation) -> list[str]:
    return [step.turn.prompt for step in taken_up(steps_of(project(talk)))]


def work_on(talk: Conversation, prompt: str, words: str, path: str = "src/{}.py", times: int = 2) -> Conversation:
    talk.user(prompt)
    for number in range(times):
        talk.edited(path.format(number)).says(f"{words} Part {number} is done.").user("ok")
    return talk


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Move the invoices to the new scheduler.", "The invoices run in the scheduler."),
        ("Перенеси счета в новый планировщик.", "Счетами занимается планировщик, он новый."),
        ("請求書をスケジューラーへ移してください。", "請求書はスケジューラーで動きます。"),
        ("把发票迁到新的调度器。", "发票已经在调度器里运行。"),
        ("청구서를 스케줄러로 옮겨 주세요.", "청구서는 스케줄러에서 실행됩니다."),
    ],
)
def test_its_names_come_again_in_what_was_said(prompt: str, words: str) -> None:
    talk = Conversation().user("Hello there, are you ready?").says("Yes.")

    assert found(work_on(talk, prompt, words)) == [prompt]


def test_its_names_come_again_in_files() -> None:
    prompt = "Give the receipts a page."

    assert found(work_on(Conversation(), prompt, "Done.", path="src/receipts/{}.py")) == [prompt]


def test_a_name_counts_for_the_prompt_that_brought_it_up() -> None:
    talk = work_on(Conversation(), "Move the invoices.", "The invoices are moved.")
    talk = work_on(talk, "Are the invoices in cents?", "The invoices are in cents.")

    assert found(talk)[-1] == "Move the invoices."


def test_the_newest_and_the_one_that_most_came_of() -> None:
    talk = work_on(Conversation(), "Move the invoices.", "The invoices are moved.", times=4)
    talk = work_on(talk, "Add a receipt.", "The receipt and the invoices agree.")

    assert found(talk) == ["Add a receipt.", "Move the invoices."]


def test_what_never_came_again_was_not_taken_up() -> None:
    talk = Conversation().user("Write a parser.").edited("a.py").says("Done.").user("Buy flowers.").says("I cannot.")

    assert found(talk) == []
