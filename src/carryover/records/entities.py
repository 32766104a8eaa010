"""Reads text that its writer escaped as HTML."""

from __future__ import annotations

import html


def unescaped(text: str) -> str:
    """Returns a text with its entities replaced by their characters. A text with a number of thousands of digits in an
    entity is returned unchanged, since Python refuses to read it.

    >>> unescaped("a &lt; b"), unescaped("&#" + "9" * 5000)[:4]
    ('a < b', '&#99')
    """
    try:
        return html.unescape(text)
    except ValueError:
        return text
