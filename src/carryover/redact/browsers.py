"""Patterns for passwords that drivers of browsers type: in code, in calls of Playwright's MCP server, in snapshots."""

from __future__ import annotations

from typing import Final

from carryover.redact.databases import A_TEXT
from carryover.redact.options import VALUE

_MORE_FIELDS: Final = (
    r"\s{0,40}(?:\\{0,7}\"(?:ref|type|target|selector)\\{0,7}\": ?\\{0,7}\"[^\"\n]{0,120}\",\s{0,40}){0,3}"
)
OF_BROWSERS: Final = (
    *(
        (f".{does}(", rf"assword[\w -]{{0,24}}[\"'`]?[\])}}\"' ]{{0,8}}\.{does}\([ \t]?{A_TEXT}")
        for does in ("fill", "type", "send_keys", "sendKeys", "pressSequentially")
    ),
    (
        "element",
        r"element\\{0,7}\": ?\\{0,7}\"[^\"\n]{0,80}assword[^\"\n]{0,40}\","
        rf"{_MORE_FIELDS}\\{{0,7}}\"text\\{{0,7}}\": ?\\{{0,7}}\"(?P<value>[^\"\\\n]{{4,200}})",
    ),
    (
        "textbox",
        r"name\\{0,7}\": ?\\{0,7}\"[^\"\n]{0,80}assword[^\"\n]{0,40}\","
        rf"{_MORE_FIELDS}\\{{0,7}}\"value\\{{0,7}}\": ?\\{{0,7}}\"(?P<value>[^\"\\\n]{{4,200}})",
    ),
    ("textbox", rf"textbox \"[^\"\n]{{0,80}}assword[^\"\n]{{0,40}}\"(?: \[[^\]\n]{{1,40}}\]){{0,6}}: {VALUE}"),
)
"""Hints and patterns, as in `places.py`."""
