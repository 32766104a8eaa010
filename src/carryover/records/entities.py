"""HTML's entities in texts that an editor, or a program that copied them, wrote."""

from __future__ import annotations

import html


def unescaped(text: str) -> str:
    """Returns a text with the signs that its entities stand for; as it is if the number of one has thousands of digits.

    >>> unescaped("a &lt; b"), unescaped("&#" + "9" * 5000)[:4]
    ('a < b', '&#99')
    """
    try:
        return html.unescape(text)
    except ValueError:
        return text
