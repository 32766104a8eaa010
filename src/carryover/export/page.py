"""The frame of each exported web page: no script, no request to anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from carryover.export.session_parts import local_time
from carryover.records.fields import iso_utc

GENERATOR: Final = '<meta name="generator" content="Carryover">'
_POLICY: Final = "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def page(title: str, body: Iterable[str], style: str) -> Iterator[str]:
    """The page in pieces, each with its line ends. `title` is text, `body` markup, `style` the style sheet."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = escape(_POLICY.format(digest=digest), quote=True)
    shown = escape(title)
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n{GENERATOR}\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{shown}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )
    yield from body
    yield "</body>\n</html>\n"


def moment(at_ms: int, shown: str | None = None) -> str:
    """Returns a time, for people and for programs. `shown`: what people see, if not the whole time."""
    return f'<time datetime="{iso_utc(at_ms)}">{escape(local_time(at_ms) if shown is None else shown)}</time>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values above a page; those without a value are left out."""
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs if value)
    return f"<dl>{''.join(rows)}</dl>\n"
