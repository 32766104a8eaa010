"""What a text says is told from what it only shows."""

from __future__ import annotations

import time

import pytest

from carryover.text.markdown import (
    fenced_lines,
    line_forms,
    visible_text,
    without_blocks,
    without_thinking,
)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("a\n```\nb\n```\nc", {1, 2, 3}),
        ("```python title\nb\n```", {0, 1, 2}),
        ("````\n```\n````", {0, 1, 2}),
        ("~~~\n```\n~~~", {0, 1, 2}),
        ("- ```sh\n  b\n  ```\nc", {0, 1, 2}),
        ("1. run\n   ```\n   b\n   ```\nc", {1, 2, 3}),
        ("> ```\n> b\n> ```\nc", {0, 1, 2}),
        ("```\r\nb\r\n```\r\nc", {0, 1, 2}),
        ("```\nnever closed", set()),
        ("```\n~~~\nb\n~~~", {1, 2, 3}),
        ("````\nb\n```", set()),
        ("```not a fence```\nb\n```not either```", set()),
        ("``\nb\n``", set()),
    ],
)
def test_a_closed_fence_and_its_lines(text: str, inside: set[int]) -> None:
    assert fenced_lines(text.encode().split(b"\n")) == inside


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("say `not this` here", "say  here"),
        ("say ``not ` this`` or ```this``` here, and `so` on", "say  or  here, and  on"),
        ("a ` alone", "a ` alone"),
        ("a ` alone\n\nand ` later", "a ` alone\n\nand ` later"),
        ("say <!-- not\nthis --> here", "say  here"),
        ("a <!-- without end", "a <!-- without end"),
        ("`<!--` a `-->`", " a "),
        ("a\n```\nb\n```\nc", "a\n\n\n\nc"),
        ("\ufeffa", "a"),
    ],
)
def test_code_and_comments_are_left_out(text: str, said: str) -> None:
    assert visible_text(text.encode()) == said


@pytest.mark.parametrize(
    "hostile",
    [
        b"".join(b"~" * n + b"\n" for n in range(700, 3, -1)),
        b"```a\n" * 50_000,
        b"<!--" * 62_500,
    ],
    ids=["fences", "openers", "comments"],
)
def test_hostile_text_does_not_take_more_than_its_length_tells(hostile: bytes) -> None:
    harmless = b"```\na\n" * (250_000 // 6)

    assert seconds(hostile) < 20 * seconds(harmless)


def seconds(data: bytes) -> float:
    started = time.process_time()
    visible_text(data)
    return time.process_time() - started


def test_an_answers_fence_that_is_never_closed_runs_to_the_end_and_a_longer_one_holds_shorter_ones() -> None:
    assert line_forms(["a", "````md", "```", "b", "````", "~~~", "c"]) == [
        *("text", "fence", "code", "code", "fence", "fence", "code"),
    ]


def test_a_line_with_both_ends_of_a_fence_is_no_fence() -> None:
    """People paste a warning as "```Warning: …```"."""
    assert line_forms(["fix this", "```Warning: <div> in <p>.```", "now"]) == ["text", "text", "text"]
    assert line_forms(["```md", "a ```", "```", "b"]) == ["fence", "code", "fence", "text"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n<think>Cents?</think>\nIn cents.", "\nIn cents."),
        ("<think>Cents?", ""),
        (" </think>In cents.", "In cents."),
        (" In cents.", " In cents."),
        ("I </think> so.", "I </think> so."),
    ],
)
def test_the_thoughts_at_the_beginning_of_an_answer_are_not_said(text: str, said: str) -> None:
    assert without_thinking(text) == said


def test_long_code_is_left_out_of_an_answer_that_says_something_else() -> None:
    code = "\n".join(["```python", *(f"rate_{at} = {at}" for at in range(7)), "```"])
    commands = "```sh\ncd src\nmake\n```"
    tree = "\n".join(["```", *(f"shop/{at}.py" for at in range(7)), "```"])

    assert without_blocks(f"Converted.\n{code}\nNow run:\n{commands}") == f"Converted.\n…\nNow run:\n{commands}"
    assert without_blocks(f"Converted:\n{code}", counted=True) == f"Converted:\n{code}"
    for whole in (
        code,
        f"The rates:\n{code}",
        f"The files:\n{tree}",
        f"Sent.\n```md{tree[3:]}",
        f"Never closed:\n{code.removesuffix('```')}",
    ):
        assert without_blocks(whole) == whole


@pytest.mark.parametrize(
    ("info", "lines", "mark"),
    [
        ("bash", 20, "… (20 lines of bash)"),
        ("bash", 19, "…"),
        ("json .shop/cart.json", 20, "… (20 lines of json)"),
        ("12:18:src/Cart.razor", 20, "…"),
        ("src/cart.py", 20, "…"),
    ],
)
def test_long_code_that_is_left_out_may_be_counted(info: str, lines: int, mark: str) -> None:
    code = "\n".join([f"```{info}", *lines * ["make"], "```"])

    assert without_blocks(f"Run this script.\n{code}", counted=True) == f"Run this script.\n{mark}"
