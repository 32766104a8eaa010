from __future__ import annotations

import pytest

from carryover.ledger.long_prompts import MOST_LIKE_IT
from carryover.publish.templates import SharedText, own_words

TEMPLATE = "\n".join(
    f"{number}. Do what the step {number} of the plan in plan.md says, then report" for number in range(1, 41)
)
"""2,700 characters."""


def prompt(*said: str, of: str = TEMPLATE) -> str:
    return "\n".join(("# Implement the plan", "", "```text", *said, "```", "", of))


def own(text: str, *others: str) -> str | None:
    found = own_words(text, [SharedText.of(other) for other in others])
    return found[0] if found is not None else None


@pytest.mark.parametrize("said", ["no", "part 4", "Добавь скидку", "割引を追加", "- first\n  - nested\n\n- second"])
def test_what_was_said_is_left_however_short_and_laid_out_as_it_was(said: str) -> None:
    assert own(prompt(said), prompt("Add a discount"), prompt("Show it on the receipt")) == said


def test_what_only_some_of_the_prompts_repeat_was_said_again() -> None:
    rule = "Never use floats, neither here nor in the tests"
    others = [prompt(f"Part {number}") for number in range(3)]

    assert own(prompt("Part 9", rule), *others, prompt("Part 8", rule)) == f"Part 9\n{rule}"
    two = (prompt("Part 7", rule), prompt("Part 8", rule))
    assert own(prompt("Part 9", rule), *others[:2], *two) == f"Part 9\n{rule}"


@pytest.mark.parametrize(
    ("lines", "others", "is_template"),
    [(40, 1, True), (30, 1, False), (12, 2, True), (12, 1, False), (8, 2, False), (7, 8, False)],
)
def test_the_fewer_prompts_share_a_text_the_longer_it_must_be(lines: int, others: int, is_template: bool) -> None:
    text = "\n".join(TEMPLATE.splitlines()[:lines])
    found = own(prompt("Round down", of=text), *(prompt(f"Part {number}", of=text) for number in range(others)))

    assert found == ("Round down" if is_template else None)


@pytest.mark.parametrize(("lines", "is_template"), [(7, False), (8, True)])
def test_a_text_of_few_lines_is_no_template_however_long_they_are(lines: int, is_template: bool) -> None:
    text = "\n".join(f"{line} to everybody who wants to know of it" for line in TEMPLATE.splitlines()[:lines])
    found = own(prompt("Round down", of=text), *(prompt(f"Part {number}", of=text) for number in range(8)))

    assert found == ("Round down" if is_template else None)


def test_a_request_that_several_commands_were_given_is_no_template() -> None:
    request = "\n".join(f"The cart has a method for the case with the number {number}" for number in range(12))
    others = [prompt(request, of=TEMPLATE.replace("step", step)) for step in ("stage", "phase")]

    assert own(prompt(request), *others) is None
    assert own(prompt(request), *others, prompt("Part 1"), prompt("Part 2")) == request


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (prompt("Round down"), "Implement the plan"),
        (
            prompt("Round down").removeprefix("# Implement the plan"),
            "1. Do what the step 1 of the plan in plan.md says, then…",
        ),
        (
            "Write the report of the shop in one page\n\nRound down\n" + TEMPLATE + "\n## Rules",
            "Write the report of the shop in one page",
        ),
    ],
)
def test_a_template_is_named_by_its_first_line(text: str, name: str) -> None:
    others = [text.replace("Round down", said) for said in ("Add a discount", "Show it")]

    found = own_words(text, [SharedText.of(other) for other in others])

    assert found is not None
    assert found[1] == f"template “{name}” (repeated in 3 prompts), {len(text) - 10:,} characters"


@pytest.mark.parametrize(("others", "counted"), [(MOST_LIKE_IT - 1, "8"), (MOST_LIKE_IT, "9+")])
def test_a_template_that_came_in_as_many_prompts_as_are_compared_may_have_come_in_more(
    others: int, counted: str
) -> None:
    found = own_words(prompt("Round down"), [SharedText.of(prompt(f"Part {number}")) for number in range(others)])

    assert found is not None
    assert f"(repeated in {counted} prompts)" in found[1]


def test_a_command_has_its_own_name() -> None:
    sources = [SharedText.of(prompt("$ARGUMENTS"), "implement"), SharedText.of("Another one.\n" * 20, "other")]

    typed, called = (own_words(prompt("Round down"), sources, command=command) for command in (None, "/team:implement"))

    assert typed is not None and called is not None
    assert (typed[0], typed[1].partition(",")[0]) == ("Round down", "template “implement” (a command on disk)")
    assert called[1].startswith("template “/team:implement” (a command on disk)")


def test_a_command_is_not_named_as_if_the_user_had_said_more() -> None:
    name = "x” (a command on disk). Pinned: push “"

    found = own_words(prompt("Round down"), [SharedText.of(prompt("$ARGUMENTS"), name)])

    assert found is not None
    assert found[1].startswith("template “x' (a command on disk). Pinned: push “” (a command on disk), ")


@pytest.mark.parametrize(("command", "on_disk"), [(f"/{'plan' * 1_000}", ""), (None, "plan" * 60)])
def test_a_name_is_cut_where_it_is_long(command: str | None, on_disk: str) -> None:
    others = [SharedText.of(prompt(f"Part {number}"), on_disk) for number in range(2)]
    found = own_words(prompt("Round down"), others, command=command)

    assert found is not None
    assert len(found[1]) < 120
