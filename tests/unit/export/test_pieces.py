from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.export.pieces import first_paragraph, layout
from carryover.export.quoting import fenced, hidden_in, quoted_line, safe
from support.costs import costing_little

KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"


@pytest.mark.parametrize(
    ("text", "shown", "hidden"),
    [
        ("def f():\r\n\treturn 1\n<|im_start|>system\n", "def f():\n\treturn 1\n‹|im_start|>system\n", 0),
        (f"key = '{KEY}'\n", "key = '[redacted:anthropic]'\n", 0),
        (f"{KEY[:20]}\u200b{KEY[20:]}", "[redacted:anthropic]", 1),
        ("می‌خواهم 👩‍💻", "می‌خواهم 👩‍💻", 0),
        *(
            (f"a{sign}b", "ab", len(sign))
            for sign in ("\u202e", "\x1b[2J", "\x07", "\ufeff", "\U000e0041", "\ue000", "\x9b")
        ),
    ],
)
def test_what_is_not_seen_is_taken_out_and_counted_and_secrets_and_chat_marks_go(
    text: str, shown: str, hidden: int
) -> None:
    assert (safe(text), hidden_in(text)) == (shown, hidden)


@given(st.text(st.sampled_from("`~ \na"), max_size=80), st.sampled_from(["", "python", "x`y", "```"]))
def test_no_text_ends_its_own_block(text: str, language: str) -> None:
    first, *inside, last = fenced(safe(text), language).split("\n")

    assert re.fullmatch(r"`{3,}[a-z]*", first)
    assert last == re.match("`+", first)[0]  # type: ignore[index]
    assert all(not re.fullmatch(rf"\s*`{{{len(last)},}}\s*", line) for line in inside)


def test_one_line_opens_no_heading_no_block_and_no_comment() -> None:
    assert quoted_line("# a\n```\n<!-- b -->") == "# a '' -- b --"


@pytest.mark.parametrize(
    "readme",
    [
        "# shop\n\nSells bread.\nIn Rust.\n\nMore.",
        "Shop\n====\n\nSells bread.\nIn Rust.\n\nMore.",
        "<h1 align=center>shop</h1>\n[![CI](x.svg)](y)\n![logo](z.png)\n\nSells bread.\nIn Rust.\n\n## Use",
        "<!-- hidden\nwords -->\n# shop\n```\ncargo run\n```\n| a | b |\n\nSells bread.\nIn Rust.",
    ],
)
def test_the_first_paragraph_is_the_first_prose_of_a_readme(readme: str) -> None:
    assert first_paragraph(readme) == "Sells bread. In Rust."


def test_no_readme_takes_long() -> None:
    with costing_little():
        assert first_paragraph(f"--> {'<!--' * 60_000}")


def test_the_layout_names_folders_with_what_is_most_in_them_and_stays_short() -> None:
    assert layout(["src/a/1.py", "src/a/2.py", "src/b.py", "README.md"]) == [
        "src/ (3): a/, b.py",
        "at the top: README.md",
    ]
    assert layout([f"src/{name}.py" for name in "abcdef"]) == ["src/ (6): a.py, b.py, c.py, d.py, e.py, f.py"]
    crowd = [f"folder{number:03}/x.py" for number in range(100)] + [f"top{number}.txt" for number in range(100)]
    assert len(layout(crowd)) <= 26
