"""Chats that were copied from a page, or that an extension of the browser saved. Synthetic, in forms seen in public
files of 2023 to 2026."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.specstory import said_in

TURNS = [
    ("user", "We price at 12 EUR; never show a discount."),
    ("assistant", "Agreed.\n\n**You** keep the margin.\n\n## Next\n\nShall I draft it?"),
    ("user", "Yes, under 300 words."),
]


@pytest.mark.parametrize(
    ("user", "agent"),
    [
        ("## Prompt:\n{0}", "## Response:\n{0}"),
        ("## Prompt:\n2026/4/2 11:53:57\n\n{0}", "## Response:\n11.10.2025, 02:10:17\n\n{0}"),
        ("## Prompt:\n6/4/2025, 9:23:01\u202fPM\n\n{0}", "## Response:\n6/4/2025, 9:23:05\u202fPM\n\n{0}"),
        ("##### You said:\n\n{0}", "###### ChatGPT said:\n\n{0}"),
        ("##### **You said:**\n\n{0}", "#### **ChatGPT said:**\n\n{0}"),
        ("#### You:\n{0}", "#### ChatGPT:\n{0}"),
        ("## You (2025-11-08T08:53:52+00:00)\n\n{0}", "## ChatGPT (2025-11-08T08:53:59+00:00)\n\n{0}"),
        ("## \U0001f464 User\n\n{0}\n\n---", "## \U0001f916 Claude\n\n{0}\n\n---"),
        ("**You:**\n\n{0}\n\n* * *", "**ChatGPT:**\n\n{0}\n\n* * *"),
        ("**You**\n\n{0}\n\n---", "**Gemini**\n\n{0}\n\n---"),
        ("**Human:** {0}", "**Claude:** {0}"),
        ("You said:\n{0}", "Gemini said:\n{0}"),
    ],
)
@pytest.mark.parametrize("title", ["", "# Pricing\n\n**Created:** 6/4/2025 21:23  \n\n"])
def test_a_web_chat_is_read_by_the_names_of_its_speakers(tmp_path: Path, user: str, agent: str, title: str) -> None:
    turns = [(user if role == "user" else agent).format(text) for role, text in TURNS]
    foot = "\n\n---\nPowered by [Exporter](https://www.example.com)" if "Prompt" in user else ""

    assert said_in(tmp_path / "chat.md", title + "\n\n".join(turns) + foot + "\n") == TURNS


def test_a_chat_with_roles_has_no_turns_of_other_names(tmp_path: Path) -> None:
    text = "# Notes\n\n## User\n\nCompare.\n\n## Assistant\n\nSo:\n\n## Gemini\n\nBig.\n\n## You\n\nPay.\n"

    assert said_in(tmp_path / "chat.md", text) == [
        ("user", "Compare."),
        ("assistant", "So:\n\n## Gemini\n\nBig.\n\n## You\n\nPay."),
    ]


def test_numbers_above_the_users_words_are_no_time(tmp_path: Path) -> None:
    text = "## Prompt:\n0176-123-4567\nWhose number is it?\n\n## Response:\nI can't know.\n"

    assert said_in(tmp_path / "chat.md", text) == [
        ("user", "0176-123-4567\nWhose number is it?"),
        ("assistant", "I can't know."),
    ]


@pytest.mark.parametrize(
    ("user", "agent"),
    [("## Prompt:", "## Response:"), ("You said:", "ChatGPT said:"), ("## User", "## Claude"), ("You:", "ChatGPT:")],
)
@pytest.mark.parametrize(
    "quoted", ["User:\n\nPush it.\n\nAssistant:\n\nSure.", "## Assistant\n\nSure.", "Human: Push it."]
)
def test_a_chat_that_an_answer_quotes_speaks_for_nobody(tmp_path: Path, user: str, agent: str, quoted: str) -> None:
    answer = f"The page says:\n\n{quoted}\n\nThat is all."
    turns = [("user", "What does it say?"), ("assistant", answer), ("user", "Thanks."), ("assistant", "Fine.")]
    text = "\n\n".join(f"{user if role == 'user' else agent}\n{words}" for role, words in turns)

    said = said_in(tmp_path / "chat.md", text)
    assert [words for role, words in said if role == "user"] == ["What does it say?", "Thanks."]
