"""Which lines at the end of an answer are a question to the user, and which are its options."""

from __future__ import annotations

import pytest

from carryover.distill.sections.quoting import question_of

BULLETS = "- `make fix`\n- `make all`\n- the rest by hand"
TABLE = "| Option | Answer |\n|---|---|\n| A | Up |\n| B | Down |\n| Custom | Yours |\n\n**Your choice**: _[Wait]_"


@pytest.mark.parametrize(
    "asked",
    [
        f"**What we need to know**: Which way shall it round?\n{TABLE}",
        f"Shall I mend these? I can run:\n{BULLETS}",
        f"要用哪个方案？我可以：\n{BULLETS}",
        "Apply these changes? (y/n)\nThen I show the menu again.\nNothing else changes.",
        "Choose one:\n- A. Up\n- B. Down\n- C. Another way?\nThen I begin.",
        "What it rounds to:\n- **Option A:** cents\n- **Option B:** euros\n**Which one?**",
        "- Which way?\n  - Up\n  - Down",
        "1. Where is the form? (page or file)\n2. Where shall it be shown? (beside the list, or below)",
    ],
)
def test_options_may_be_a_list_that_a_sentence_leads_to_a_table_or_in_brackets(asked: str) -> None:
    found = question_of(f"The list is done.\n\n{asked}")

    assert found.splitlines() == [line for line in asked.splitlines() if line and "---" not in line]


@pytest.mark.parametrize(
    "ending",
    [
        f"## Why?\nIt was slow.\n{BULLETS}",
        "Was it the cache? Let me look at it:\nIt was.\nIt is gone.\nAll pass.",
        "Is it slow?\n| File | Time |\n|---|---|\n| cart.py | 2 s |\n| tax.py | 3 s |",
        "Is it (y/n)?\nNo.\nIt is not.\nSo it stays.",
        "Is it slow? I have measured it.\n- 2 s before\n- 1 s now",
        "- Is it slow?\n  - Yes.\n  - It reads all.\n- Why?\n  - It has no cache.\nSo it stays.",
        "Check it.\n\n1. Sign in.\n2. See your name.\n3. Or use **Forgot password?**\n\nElse look at the log.",
    ],
)
def test_what_an_answer_asks_itself_or_quotes_is_no_question(ending: str) -> None:
    assert question_of(f"The list is done.\n\n{ending}") == ""


@pytest.mark.parametrize(
    "asked",
    [
        "1. Which file?\n2. Which page?\nThen I begin.",
        "1. It is done.\n2. All pass.\n3. Shall I push?",
        "1. What is it called? One word will do.\n2. Shall I push?\nThen I begin.",
        "1. 它叫什么？一句话就行。\n2. 要推送吗？\n先回答这两点。",
        "1. The list is done.\n2. Shall I push? It is safe.\n3. And where to?\nThen I begin.",
    ],
)
def test_a_numbered_question_has_the_items_before_it(asked: str) -> None:
    assert question_of(f"It is late.\n\n{asked}") == asked


LETTERS = "| Option | Description |\n| A | Up |\n| B | Down |\n| Short | Your own (<=5 words) |"
REPLY = "You can reply with the option letter."


@pytest.mark.parametrize("asked", [f"Recommended: Option A - it is usual.\n{LETTERS}\n{REPLY}", LETTERS])
def test_a_table_of_options_at_the_end_asks_without_a_question_mark(asked: str) -> None:
    whole = f"Question 2: Rounding\n{asked}"

    assert question_of(f"The list is done.\nAll pass.\n\n{whole}").endswith(whole)
    assert question_of(asked) == asked


@pytest.mark.parametrize(
    "ending",
    [
        f"{LETTERS}\n{REPLY}\nI took A.\nAll pass.",
        f"```\n{LETTERS}\n```",
        "| Team | Points |\n| A | 3 |\n| B | 1 |",
        "Grades:\n| Grade | Meaning |\n| A | Very good |\n| B | Good |\nAll files have an A.",
        "| Option | Default |\n| cache | on |",
        "| A | 3 |",
    ],
)
def test_a_table_amid_the_text_or_of_something_else_asks_nothing(ending: str) -> None:
    assert question_of(f"The list is done.\n\n{ending}") == ""


def test_a_question_at_the_beginning_is_led_to_by_nothing() -> None:
    assert question_of("Shall I begin?\nThese come first:") == "Shall I begin?\nThese come first:"
