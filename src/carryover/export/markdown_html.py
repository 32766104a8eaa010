"""What an agent wrote as Markdown, as HTML. The text is never markup: no raw HTML, no link to follow, no image."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MOST_CHARS: Final = 20_000
"""A longer text is shown as it was written: parsing takes more than linear time for some texts."""


def markdown_html(text: str) -> str:
    """`text` as HTML of few tags: headings below those of the page, the target of a link beside its text."""
    if len(text) > _MOST_CHARS:
        return f'<div class="text">{escape(text)}</div>'
    return f'<div class="said">{_parser().render(text)}</div>'


def inline_html(text: str) -> str:
    """One line as HTML: code and emphasis, nothing else."""
    return str(_parser().renderInline(text)) if len(text) <= _MOST_CHARS else escape(text)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    for name, rule in {
        "heading_open": _heading,
        "heading_close": _heading,
        "fence": _code,
        "code_block": _code,
        "link_open": _link_open,
        "link_close": _link_close,
        "image": _image,
        "table_open": _table_open,
        "table_close": _table_close,
        "th_open": _cell,
        "td_open": _cell,
    }.items():
        parser.add_render_rule(name, rule)
    return parser


def _heading(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    level = min(int(tokens[at].tag[1]) + 2, 6)
    return f"<h{level}>" if tokens[at].nesting == 1 else f"</h{level}>\n"


def _code(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    return f"<pre>{escape(tokens[at].content.rstrip(chr(10)))}</pre>\n"


def _link_open(*_: Any) -> str:
    return ""


def _link_close(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    start = max(place for place in range(at) if tokens[place].type == "link_open")
    target = str(tokens[start].attrGet("href") or "")
    said = "".join(token.content for token in tokens[start + 1 : at])
    return "" if target in (said, f"mailto:{said}") else f' <span class="url">({escape(target)})</span>'


def _image(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    image = tokens[at]
    return f'{escape(image.content)} <span class="url">(image: {escape(str(image.attrGet("src") or ""))})</span>'


def _table_open(*_: Any) -> str:
    return '<div class="wide"><table>\n'


def _table_close(*_: Any) -> str:
    return "</table></div>\n"


def _cell(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    return f"<{tokens[at].tag}>"  # alignment would be a style, which the policy of the page does not allow
