"""Documents that quote a text: it cannot close its block, make a heading or a tag of its own, or hide anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

from carryover.adapter.spec import WebChat
from carryover.export.document import composed
from carryover.export.pieces import Material, TextFile
from carryover.export.quoting import code_span, fenced, quoted_line, safe
from carryover.export.session_parts import Part, PartKind, SessionHead, session_markdown
from carryover.redact import CleanText
from fuzz.bytes import chosen, parts, text_of
from fuzz.shown import assert_shown

LARGEST: Final = 1_500
_AFTER: Final = CleanText("what comes after it")
_KINDS: Final[tuple[PartKind, ...]] = ("user", "agent", "tool", "happening")


def check(data: bytes, folder: Path) -> None:
    kind, rest = chosen(data, _KINDS)
    words, heading = parts(rest, 2)
    text, title = safe(text_of(words)), quoted_line(text_of(heading))
    assert_shown(text)
    assert_shown(title, breaks=False)
    _check_session(kind, text, title)
    _check_blocks(text)
    _check_export(text, text_of(heading))


def _check_session(kind: PartKind, text: CleanText, title: CleanText) -> None:
    head = SessionHead(id="s1", agent="an-agent", agent_name="An agent", title=title)
    happened = [
        Part(kind=kind, at_ms=1, heading=title, text=text),
        Part(kind="user", at_ms=2, heading=_AFTER, text=_AFTER),
    ]
    tokens = MarkdownIt("commonmark").parse("\n".join(session_markdown(head, happened)))
    assert [token.type for token in tokens[-6:]] == [
        *("heading_open", "inline", "heading_close"),
        *("paragraph_open", "inline", "paragraph_close"),
    ]
    assert tokens[-5].content.startswith(_AFTER)
    kinds = {each.type for token in tokens for each in (token, *(token.children or ()))}
    assert kinds.isdisjoint(("html_block", "html_inline", "image")), kinds


def _check_blocks(text: CleanText) -> None:
    tokens = MarkdownIt("commonmark").parse(f"{fenced(text, 'diff')}\n\n# {_AFTER}")
    assert [token.type for token in tokens[-3:]] == ["heading_open", "inline", "heading_close"]
    [fence] = MarkdownIt("commonmark").parse(fenced(text))
    assert fence.content.rstrip("\n") == text.rstrip("\n")
    span = code_span(text)
    assert span.count("`") == 2 and "\n" not in span


def _check_export(text: CleanText, question: str) -> None:
    files = (TextFile(path=text[:80], text=text, edited_ms=1),)
    material = Material(name=text[:40], now_ms=2, readme=text, files=files, paths=(text[:80],))
    chat = WebChat(id="generic", name="a chat", budget=3_000)
    document = composed(material, chat, question)
    assert document == composed(material, chat, question)
    assert_shown(document.text)
    assert document.fits or question
    first = document.text.split("\n", 1)[0].removeprefix("# ").split(" The project")[0]
    assert document.text.count(first) == 1


def seeds() -> Iterable[bytes]:
    for text in (
        "# A\n\n```py\nx = 1\n```\n\n~~~\n",
        "> a\n> ```\n- b\n  - c\n\n    code\n\n<b>x</b> ![i](u) [l](u 't') <https://a> `<x>` \\<y>",
        "Title\n=====\n---\n* * *\n1. a\n| a | b |\n|---|---|\n| c | d |\n",
        "<!-- x\n\n<script>\n<?php\n<![CDATA[\n<div\n[a]: /u\n",
        "-----BEGIN PRIVATE KEY-----\n\t`` ` ```` \u202e\u200b\x1b[31m",
    ):
        for kind in b"\0\1\2\3":
            yield bytes([kind]) + text.encode() + b"\x00\xffIs `it` <ok>?"
