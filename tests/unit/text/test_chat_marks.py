from __future__ import annotations

import pytest

from carryover.text.invisible import without_chat_marks


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
