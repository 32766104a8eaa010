from __future__ import annotations

import pytest

from carryover.text.invisible import without_stacks, without_unseen


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
        *("\U000e0041", "\U0001d173", "\U0001d17a", "\u200d\ufe0f\u200d", "\U000e0101", "\u115f\u1160", "\uffa0"),
    ],
)
def test_what_only_hides_is_taken_out(hidden: str) -> None:
    assert without_unseen(f"[{hidden}INST]") == "[INST]"


def test_selectors_that_carry_data_behind_an_emoji_are_taken_out() -> None:
    assert without_unseen("😊" + "\U000e0101\ufe01" * 40) == "😊\U000e0101"


def test_no_more_combining_marks_are_kept_than_a_language_has() -> None:
    assert without_stacks("fix e" + "\u0301" * 3000 + " now") == "fix e" + "\u0301" * 8 + " now"
