"""Renders a session as one self-contained web page: no scripts, no requests, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from itertools import groupby
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from carryover.export.session_parts import MARKUP_CHARS, Part, SessionHead, made_by, zoned_time
from carryover.records.fields import iso_utc
from carryover.redact import CleanText
from carryover.text.markdown import line_forms

_CHANGES: Final = {"+": "ins", "-": "del"}


def session_html(head: SessionHead, parts: Iterable[Part[CleanText]], *, style: str) -> Iterator[str]:
    """Yields the page in pieces with their line ends; turn 3 is at `#turn-3`. `style` is its style sheet."""
    title = head.title or f"Session {head.id}"
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = escape(f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="generator" content="Carryover">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )
    facts = (*head.facts, ("Exported", made_by(head.exported_ms).replace("`", "")))
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    yield f"<h1>{escape(title)}</h1>\n<dl>{''.join(rows)}</dl>\n<main>\n"
    turn = 0
    for part in parts:
        place = f' id="turn-{part.turn}"' if part.turn > turn else ""
        turn = max(turn, part.turn)
        yield _message(part, place) if part.kind in ("user", "agent") else _work(part)
    yield "</main>\n</body>\n</html>\n"


def _message(part: Part[CleanText], place: str) -> str:
    when = f'<time datetime="{iso_utc(part.at_ms)}">{escape(zoned_time(part.at_ms))}</time>'
    heading = f"<h2><span>{escape(part.heading)}</span>{when}</h2>"
    if part.kind == "user":  # stays as it was typed: in `__init__.py` nothing is bold
        text = "".join(_blocks(part.text))
    elif len(part.text) <= MARKUP_CHARS:
        text = f'<div class="said">{_parser().render(part.text)}</div>'
    else:
        text = f'<div class="text">{escape(part.text)}</div>'
    return f'<section class="{part.kind}{" retracted" * part.retracted}"{place}>{heading}{text}</section>\n'


def _work(part: Part[CleanText]) -> str:
    cross = "✗ " if part.failed else ""
    line = f"{cross}<code>{escape(part.heading)}</code>"
    if not part.text:
        bullet = "" if part.failed else "· "
        return f'<div class="{_classes("happening", part)}">{bullet}{line}</div>\n'
    text = _diff_html(part.text) if part.is_diff else escape(part.text)
    return f'<details class="{_classes("work", part)}"><summary>{line}</summary><pre>{text}</pre></details>\n'


def _classes(kind: str, part: Part[CleanText]) -> str:
    classes = [kind]
    if part.failed:
        classes.append("failed")
    if part.retracted:
        classes.append("retracted")
    return " ".join(classes)


def _diff_html(diff: str) -> str:
    """Renders a diff, with tags around runs of added and of removed lines."""
    shown = ""
    for sign, lines in groupby(diff.split("\n"), key=lambda line: line[:1]):
        run = escape("\n".join(lines))
        tag = _CHANGES.get(sign)
        shown += f"<{tag}>{run}</{tag}>" if tag is not None else f"{run}\n"
    return shown.rstrip("\n")


def _blocks(text: str) -> Iterator[str]:
    """Renders text as written, with code blocks set apart."""
    lines = text.split("\n")
    for is_code, some in groupby(zip(lines, line_forms(lines), strict=True), key=lambda pair: pair[1] != "text"):
        block = [line for line, form in some if form != "fence"]
        if shown := escape("\n".join(block).strip("\n")):
            yield f"<pre>{shown}</pre>" if is_code else f'<div class="text">{shown}</div>'


@cache
def _parser() -> MarkdownIt:
    """Returns the parser for what an agent wrote, which makes few tags: no raw HTML, no link to follow, no image."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])

    def rule(*names: str, shown: Any) -> None:
        for name in names:
            parser.add_render_rule(name, lambda _renderer, tokens, index, *_: shown(tokens, index))

    # Below the headings of the page itself.
    rule("heading_open", shown=lambda tokens, index: f"<h{min(int(tokens[index].tag[1]) + 2, 6)}>")
    rule("heading_close", shown=lambda tokens, index: f"</h{min(int(tokens[index].tag[1]) + 2, 6)}>\n")
    rule(
        "fence",
        "code_block",
        shown=lambda tokens, index: f"<pre>{escape(tokens[index].content.rstrip(chr(10)))}</pre>\n",
    )
    rule("link_open", shown=lambda _tokens, _at: "")
    rule("link_close", shown=_link)
    rule(
        "image",
        shown=lambda tokens, index: f"{escape(tokens[index].content)}{_address('image: ', tokens[index], 'src')}",
    )
    rule("table_open", shown=lambda _tokens, _at: '<div class="wide"><table>\n')
    rule("table_close", shown=lambda _tokens, _at: "</table></div>\n")
    # Alignment would be a style, which the policy of the page does not allow.
    rule("th_open", "td_open", shown=lambda tokens, index: f"<{tokens[index].tag}>")
    return parser


def _link(tokens: Sequence[Token], index: int) -> str:
    """Returns a link's target, to be shown beside its text unless that says the same."""
    start = max(place for place in range(index) if tokens[place].type == "link_open")
    label = "".join(token.content for token in tokens[start + 1 : index])
    return "" if tokens[start].attrGet("href") in (label, f"mailto:{label}") else _address("", tokens[start], "href")


def _address(what: str, token: Token, name: str) -> str:
    return f' <span class="url">({what}{escape(str(token.attrGet(name) or ""))})</span>'
