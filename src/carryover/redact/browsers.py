"""Patterns for passwords that drivers of browsers type, in code, in calls of Playwright's MCP server and in snapshots;
and for those in forms that are sent, in messages of SOAP and in the QR code of a network."""

from __future__ import annotations

from typing import Final

from carryover.redact.databases import A_TEXT
from carryover.redact.options import VALUE

_WORDS: Final = (
    *("asswort", "ontraseña", "ot de passe", "senha", "wachtwoord", "hasło", "şifre", "пароль", "Пароль"),
    *("密码", "密碼", "パスワード", "비밀번호"),
)
"""Names and labels of a field for a password. The first letter may be large."""
_FIELD: Final = rf"(?:{'|'.join(('assword', *_WORDS))})"
_DOES: Final = ("fill", "type", "send_keys", "sendKeys", "pressSequentially")
_MORE_FIELDS: Final = (
    r"\s{0,40}(?:\\{0,7}\"(?:ref|type|target|selector)\\{0,7}\": ?\\{0,7}\"[^\"\n]{0,120}\",\s{0,40}){0,3}"
)
OF_BROWSERS: Final = (
    *(
        (hint, rf"{word}[\w -]{{0,24}}[\"'`]?[\])}}\"' ]{{0,8}}\.{does}\([ \t]?{A_TEXT}")
        for hint, word, does in (
            *((f".{does}(", "assword", does) for does in _DOES),
            *((word, word, f"(?:{'|'.join(_DOES)})") for word in _WORDS),
        )
    ),
    *(  # `fill(getByLabelText("Password"), "…")`
        (f".{does}(", rf"\.{does}\([^\n,]{{0,80}}{_FIELD}[\w -]{{0,24}}[\"'`\])]{{1,6}},[ \t]?{A_TEXT}")
        for does in _DOES[:2]
    ),
    (
        "element",
        rf"element\\{{0,7}}\": ?\\{{0,7}}\"[^\"\n]{{0,80}}{_FIELD}[^\"\n]{{0,40}}\","
        rf"{_MORE_FIELDS}\\{{0,7}}\"text\\{{0,7}}\": ?\\{{0,7}}\"(?P<value>[^\"\\\n]{{4,200}})",
    ),
    (
        "textbox",
        rf"name\\{{0,7}}\": ?\\{{0,7}}\"[^\"\n]{{0,80}}{_FIELD}[^\"\n]{{0,40}}\"[}}\]]{{0,2}},"
        rf"{_MORE_FIELDS}\\{{0,7}}\"(?:value|text)\\{{0,7}}\": ?\\{{0,7}}\"(?P<value>[^\"\\\n]{{4,200}})",
    ),
    ("textbox", rf"textbox \"[^\"\n]{{0,80}}{_FIELD}[^\"\n]{{0,40}}\"(?: \[[^\]\n]{{1,40}}\]){{0,6}}: {VALUE}"),
    ("WIFI:", r"WIFI:(?:[TSHR]:[^;\n]{0,64};){1,4}P:(?P<value>(?:[^;\n\\]|\\.){4,64});"),
    (
        "form-data",
        r"form-data; name=\\{0,7}[\"'][\w.-]{0,40}(?:[Pp]assword|[Ss]ecret|[Tt]oken|[Aa]pi_?[Kk]ey)\\{0,7}[\"']"
        r"(?:(?:\r?\n|(?:\\r)?\\n)Content-[^\\\n]{1,100}?)?(?:\r?\n|(?:\\r)?\\n){2}(?P<value>[^\s\"\\]{3,400})",
    ),
)
"""Hints and patterns, as in `places.py`."""
