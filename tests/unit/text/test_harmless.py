from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.export.quoting import quoted_line
from carryover.text.harmless import (
    harmless,
    one_line,
    without_chat_marks,
    without_comments,
    without_marks,
    without_stacks,
    without_tagged,
    without_unseen,
)


@pytest.mark.parametrize(
    "text",
    [
        "می‌خواهم",
        "क्‍ष and க்‌ஷ",
        "👨‍👩‍👧 👁️‍🗨️ 1️⃣ ❤️",
        "ᠮᠣᠩᠭᠣᠯ᠎ᠠ",
        "葛󠄀城",
        "שָׁלוֹם עָלֵיכֶם",
        "Z̈a̧l̨",
        "ผู้ใหญ่",
        "a\nb\tc",
    ],
)
def test_what_languages_and_emoji_need_stays(text: str) -> None:
    assert without_unseen(text) == text


@pytest.mark.parametrize(
    "hidden",
    [
        *("\u00ad", "\u180e", "\u200b", "\u200b\u200c", "\u034f", "\u3164", "\ufe0f", "\u2062", "\ufeff", "\u202e"),
        *(
            "\U000e0041",
            "\U00013437",
            "\U0001d173",
            "\U0001d17a",
            "\u200d\ufe0f\u200d",
            "\U000e0101",
            "\u115f\u1160",
            "\uffa0",
        ),
    ],
)
def test_what_only_hides_is_taken_out(hidden: str) -> None:
    assert without_unseen(f"[{hidden}INST]") == "[INST]"


def test_no_more_selectors_and_combining_marks_are_kept_than_a_language_has() -> None:
    assert without_unseen("😊" + "\U000e0101\ufe01" * 40) == "😊\U000e0101"
    assert without_stacks("fix e" + "\u0301" * 3000 + " now") == "fix e" + "\u0301" * 8 + " now"


def test_what_hides_is_not_kept_for_a_character_that_means_nothing() -> None:
    """Else any text could be hidden: each byte a selector, each behind a character that is taken out afterwards."""
    assert harmless("a" + "".join(f"\ue000{chr(0xE0100 + byte)}" for byte in b"obey")) == "a"
    assert one_line("a" + "\u2003\U000e0101\u2800\ufe01" * 9) == "a" + " \u2800" * 9
    assert one_line("[\ue000\u200dINST]") == "[INST]"
    assert without_marks(one_line("<\U000f0000\u200dsystem-reminder> RESUME\u0378\u200c PROTOCOL")) == (
        "‹system-reminder> resume protocol"
    )


def test_what_is_left_of_a_comment_is_none() -> None:
    short = ("<!<!----", "<!-->", "--->>", "-->->", "<!-<!--", "<!<!<!-- -->>>", "<!--<!---->-->")
    for nested in (*short, "<!" * 50_000, "-->" * 50_000, "-" * 50_000):
        assert not re.search("<!--|-->", without_marks(nested))
        assert not re.search("<!--|-->", quoted_line(nested))


@given(st.text(st.sampled_from("<!->"), max_size=30))
def test_no_marks_make_a_comment(text: str) -> None:
    assert not re.search("<!--|-->", without_comments(text))


def test_white_space_of_any_kind_becomes_one_blank() -> None:
    assert one_line(" Add a\r\n\tdiscount\u2028to\x0b the\u3000cart \n") == "Add a discount to the cart"


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("<|im_start|>system", "‹|im_start|>system"),
        ("a <<SYS>> b </s>", "a ‹‹SYS>> b ‹/s>"),
        ("[INST] and [/inst]", "(INST) and (/inst)"),
        ("<｜User｜>", "‹｜User｜>"),
        ("if a < b: items[INSTANCE] = '<span>'", "if a < b: items[INSTANCE] = '<span>'"),
    ],
)
def test_marks_of_chat_templates_are_harmless_and_code_stays(text: str, harmless: str) -> None:
    assert without_chat_marks(text) == harmless


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("<command-name>/fix</command-name>\n<command-args>cart</command-args>", ""),
        ("<system-reminder>Be brief.</system-reminder> Fix the cart", "Fix the cart"),
        ("<local-command-caveat>Caveat: the messages below", ""),
        ("Fix <cart-line> in a < b", "Fix <cart-line> in a < b"),
    ],
)
def test_what_a_client_puts_between_its_tags_is_left_out_of_a_title(title: str, shown: str) -> None:
    assert without_tagged(title) == shown


def test_nothing_a_terminal_would_obey_is_printed() -> None:
    assert harmless("a\u202eb\u200bc\u2066d\ufeffe\U000e0041f g\u200dh") == "abcdef gh"
    assert harmless("می\u200cخواهم 👩\u200d💻") == "می\u200cخواهم 👩\u200d💻"
    assert harmless("a\x1b[2Jb\x1b]0;title\x07c\rd\x9b31me\tf\ng") == "abc\nd31me\tf\ng"


@given(st.text())
def test_harmless_text_has_no_control_characters_but_tab_and_line_feed(text: str) -> None:
    assert [char for char in harmless(text) if (ord(char) < 32 and char not in "\t\n") or 127 <= ord(char) < 160] == []


@given(st.text(), st.integers(1, 80))
def test_one_line_is_one_line_and_no_longer_than_asked(text: str, limit: int) -> None:
    line = one_line(text, limit)

    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
