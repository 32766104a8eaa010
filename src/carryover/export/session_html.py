"""Renders a session as one self-contained web page: no scripts, no requests, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Final

from carryover.distill.relative_time import iso_utc
from carryover.export.session_parts import SECRETS_HIDDEN, Part, SessionHead
from carryover.redact import CleanText
from carryover.text.markdown import line_forms

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1d1f23;--dim:#5c6470;--paper:#fff;--line:#d9dde3;--user:#eef4ff;
--code:#f5f6f8;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e4e6ea;--dim:#9aa3af;--paper:#15171b;--line:#30353d;--user:#1b2536;
--code:#1d2026;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:52rem;color:var(--ink);background:var(--paper);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.3rem;margin:.5rem 0}
dl{display:grid;grid-template-columns:auto 1fr;gap:.1rem .8rem;margin:0 0 1.5rem;color:var(--dim);font-size:.9rem}
dd{margin:0}
section{margin:1rem 0;padding:.6rem .8rem;border:1px solid var(--line);border-radius:.5rem}
section.user{background:var(--user)}
h2{font-size:.95rem;margin:0 0 .4rem;display:flex;flex-wrap:wrap;gap:.2rem .8rem;justify-content:space-between}
time{color:var(--dim);font-weight:400;font-size:.8rem}
.text{white-space:pre-wrap}
pre{margin:.5rem 0;padding:.6rem;background:var(--code);border-radius:.4rem;overflow-x:auto;
font:.85rem/1.45 ui-monospace,monospace;white-space:pre-wrap}
details,.happening{margin:.25rem 0;font-size:.9rem;color:var(--dim)}
summary{cursor:pointer;padding:.15rem 0}
code{font:.85rem ui-monospace,monospace}
.failed>summary,.failed{color:var(--bad)}
.undone{opacity:.55;text-decoration:line-through}
"""
_POLICY: Final = "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def session_html(head: SessionHead, parts: Iterable[Part[CleanText]]) -> Iterator[str]:
    """Yields the page in pieces that include their line ends."""
    title = escape(head.title or f"Session {head.id}")
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = escape(_POLICY.format(digest=digest), quote=True)
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<dl>"
    )
    facts = (("Agent", head.agent), ("Model", head.model), ("Project", head.project), ("Branch", head.branch))
    times = ("Exported", f"{iso_utc(head.exported_ms)} by Carryover; {SECRETS_HIDDEN}")
    yield from (
        f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in (*facts, ("Session", head.id), times) if value
    )
    yield "</dl>\n<main>\n"
    yield from (_said(part) if part.kind in ("user", "agent") else _work(part) for part in parts)
    yield "</main>\n</body>\n</html>\n"


def _said(part: Part[CleanText]) -> str:
    undone = " undone" if part.undone else ""
    at = iso_utc(part.at_ms)
    heading = f'<h2><span>{escape(part.heading)}</span><time datetime="{at}">{at}</time></h2>'
    return f'<section class="{part.kind}{undone}">{heading}{"".join(_blocks(part.text))}</section>\n'


def _work(part: Part[CleanText]) -> str:
    marks = f"{' failed' if part.failed else ''}{' undone' if part.undone else ''}"
    line = f"{'✗' if part.failed else '·'} <code>{escape(part.heading)}</code>"
    if not part.text:
        return f'<div class="happening{marks}">{line}</div>\n'
    return f'<details class="work{marks}"><summary>{line}</summary><pre>{escape(part.text)}</pre></details>\n'


def _blocks(text: str) -> Iterator[str]:
    """Renders text as written, with code blocks set apart."""
    lines = text.split("\n")
    for is_code, some in groupby(zip(lines, line_forms(lines), strict=True), key=lambda pair: pair[1] != "text"):
        block = [line for line, form in some if form != "fence"]
        shown = escape("\n".join(block).strip("\n"))
        if shown:
            yield f"<pre>{shown}</pre>" if is_code else f'<div class="text">{shown}</div>'
