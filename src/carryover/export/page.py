"""The frame of each web page: no script, no request to anywhere, light and dark, from 380 pixels on."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from carryover.export.session_parts import local_time
from carryover.records.fields import iso_utc

GENERATOR: Final = '<meta name="generator" content="Carryover">'
_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1d1f23;--dim:#5c6470;--paper:#fff;--line:#d9dde3;--user:#eef4ff;
--code:#f5f6f8;--link:#1a56c4;--bad:#b3261e;--add:#1a7f37;--added:#e6f6ea;--removed:#fdecea}
@media(prefers-color-scheme:dark){:root{--ink:#e4e6ea;--dim:#9aa3af;--paper:#15171b;--line:#30353d;--user:#1b2536;
--code:#1d2026;--link:#8ab4f8;--bad:#ff8a80;--add:#7ee2a0;--added:#16291d;--removed:#331c1d}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:56rem;color:var(--ink);background:var(--paper);
font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.35rem;line-height:1.3;margin:.5rem 0 .8rem}
nav{font-size:.9rem}
a{color:var(--link)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.1rem .8rem;margin:0 0 1.5rem;color:var(--dim);font-size:.9rem}
dd{margin:0}
section{margin:1rem 0;padding:.7rem .9rem;border:1px solid var(--line);border-radius:.5rem}
section.user{background:var(--user)}
h2{font-size:.95rem;margin:0 0 .5rem;display:flex;flex-wrap:wrap;gap:.2rem .8rem;justify-content:space-between}
time{color:var(--dim);font-weight:400;font-size:.8rem}
.text{white-space:pre-wrap}
.said>:first-child{margin-top:0}
.said>:last-child{margin-bottom:0}
.said p,.said ul,.said ol,.said table,.said blockquote{margin:.6rem 0}
.said ul,.said ol{padding-left:1.4rem}
.said h3,.said h4,.said h5,.said h6{font-size:1rem;line-height:1.35;margin:1rem 0 .4rem}
.said blockquote{padding-left:.8rem;border-left:3px solid var(--line);color:var(--dim)}
.said hr{border:0;border-top:1px solid var(--line);margin:1rem 0}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.25rem .6rem;border:1px solid var(--line);text-align:left;vertical-align:top}
pre{margin:.5rem 0;padding:.6rem;background:var(--code);border-radius:.4rem;overflow-x:auto;
font:.85rem/1.45 ui-monospace,monospace;white-space:pre-wrap}
code{font:.85em ui-monospace,monospace}
:not(pre)>code{background:var(--code);border-radius:.25rem;padding:.05rem .25rem}
details,.happening{margin:.25rem 0;font-size:.9rem;color:var(--dim)}
summary{cursor:pointer;padding:.15rem 0}
summary code,.happening code{background:none;padding:0}
.work pre{color:var(--ink)}
.failed>summary,.failed{color:var(--bad)}
.undone{opacity:.55;text-decoration:line-through}
ins,del{text-decoration:none;display:block}
ins{background:var(--added);color:var(--add)}
del{background:var(--removed);color:var(--bad)}
.list{list-style:none;margin:0;padding:0}
.list li{padding:.6rem 0;border-top:1px solid var(--line)}
.list small,.url{color:var(--dim);font-size:.85rem}
.list small{display:block}
"""
_POLICY: Final = "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def page(title: str, body: Iterable[str]) -> Iterator[str]:
    """The page in pieces, each with its line ends. `title` is text, `body` markup."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = escape(_POLICY.format(digest=digest), quote=True)
    shown = escape(title)
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n{GENERATOR}\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{shown}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    yield from body
    yield "</body>\n</html>\n"


def moment(at_ms: int) -> str:
    """Returns a time, for people and for programs."""
    return f'<time datetime="{iso_utc(at_ms)}">{escape(local_time(at_ms))}</time>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values above a page; those without a value are left out."""
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs if value)
    return f"<dl>{''.join(rows)}</dl>\n"
