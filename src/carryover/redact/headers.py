"""Hides values of HTTP headers with logins: Authorization, Proxy-Authorization, Cookie, Set-Cookie; bare `Bearer`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from carryover.redact.dummy_values import is_dummy, is_random
from carryover.redact.redaction_marks import MARK, Span, insert_marks, lowered

_SCHEMES = {
    "bearer",
    "basic",
    "token",
    "apikey",
    "api-key",
    "negotiate",
    "ntlm",
    "key",
    "splunk",
    "geniekey",
    "bot",
    "ssws",
}
_SCHEMES_WITH_FIELDS = {"digest", "oauth", "hawk", "signature", "aws4-hmac-sha256", "mac"}
_FIELD = re.compile(r"[a-z_]{2,20}=\\{0,7}\"(?=[^\s\"\\])")
_WORDS_OF_PROSE = {"token", "auth", "authentication", "authorization", "header", "scheme", "required", "string"}

# Between a header's name and its value: `Name: v`, `"Name": "v"`, `["Name"] = 'v'`, `("Name", "v")`.
_SEPARATOR = r"\\{0,7}[\"'`\]]{0,2}[ \t]{0,4}(?::(?!:)|=(?![=>])|,|=>)[ \t]{0,4}"
_OPEN = r"(?:[fbr]{0,2}\\{0,7}[\"'`])?"
_AUTHORIZATION = re.compile(rf"authorization{_SEPARATOR}{_OPEN}(?:([a-z][a-z0-9-]{{1,20}})[ \t]{{1,2}})?")
_BEARER = re.compile(r"bearer[ \t]{1,2}(?=[a-z0-9])")
_COOKIE = re.compile(rf"cookie2?{_SEPARATOR}{_OPEN}(?=[^\s=;,\"'`\\(){{}}\[\]]{{1,128}}=)")
_ONE_WORD = re.compile(r"[^\s\"'`\\,;<>(){}]*")
_TO_QUOTE = {quote: re.compile(rf"(?:[^\n\r\\{quote}]|\\(?![nrt{quote}]))*") for quote in "\"'`"}
_TO_LINE_END = re.compile(r"(?:[^\n\r\\]|\\(?![nrt]))*")
_MORE_PROSE = re.compile(r"[ \t]+[A-Za-z]{2}")


_Value = tuple[int, int, bool]
"""Start and end of a header's value, and whether to hide it."""


def hide_headers(text: str, counts: dict[str, int]) -> str:
    """Replaces what follows such a header's name (and scheme)."""
    lower = lowered(text)
    spans: list[Span] = []
    if "authorization" in lower:
        spans += _spans(_AUTHORIZATION.finditer(lower), text, _credentials, "authorization")
    if "bearer" in lower:
        spans += _spans(_BEARER.finditer(lower), text, _bearer, "authorization")
    if "cookie" in lower:
        spans += _spans(_COOKIE.finditer(lower), text, _cookies, "cookie")
    return insert_marks(text, spans, counts)


def _spans(
    headers: Iterable[re.Match[str]], text: str, value_of: Callable[[str, re.Match[str]], _Value], kind: str
) -> Iterator[Span]:
    done = 0
    for header in headers:
        if header.start() >= done:  # nothing is examined twice: linear on any input
            start, end, hide = value_of(text, header)
            if hide and start < end:
                yield start, end, kind
            done = end


def _credentials(text: str, header: re.Match[str]) -> _Value:
    scheme, start = header[1], header.end()
    if scheme in _SCHEMES and (field := _FIELD.match(text, start)):  # `Token token="abc"`
        start = field.end()
    if scheme in _SCHEMES_WITH_FIELDS:
        end = _end_of_line(text, header, start)
        return start, end, not _is_dummy_at(text, start, end)
    if scheme is not None and scheme not in _SCHEMES:
        # `Authorization: <token>` without a scheme, or a sentence; a token is not followed by further words.
        start = header.start(1)
    end = _end(_ONE_WORD, text, start)
    value = text[start:end]
    prose = value.lower().strip(".:") in _WORDS_OF_PROSE or _MORE_PROSE.match(text, end) is not None
    secret = is_random(value, 6) or (scheme in _SCHEMES and len(value) >= 4 and not prose)
    return start, end, secret and not _is_dummy_at(text, start, end)


def _bearer(text: str, header: re.Match[str]) -> _Value:
    start = header.end()
    end = _end(_ONE_WORD, text, start)
    return start, end, is_random(text[start:end], 16) and not _is_dummy_at(text, start, end)


def _cookies(text: str, header: re.Match[str]) -> _Value:
    """Returns the whole value of a cookie header: it holds many cookies, and any of them may be the login."""
    start = header.end()
    end = _end_of_line(text, header, start)
    first = text.index("=", start) + 1
    return start, end, not _is_dummy_at(text, first, end)


def _end_of_line(text: str, header: re.Match[str], start: int) -> int:
    """Returns the end of the line, or of the string that began at the value or before the header's name."""
    name = header.start()
    while name > max(0, header.start() - 8) and (text[name - 1].isalpha() or text[name - 1] == "-"):
        name -= 1
    value = header.start(1) if header.re.groups and header[1] else start
    for opener in (text[value - 1 : value], text[name - 1 : name]):
        if opener and opener in _TO_QUOTE:
            return _end(_TO_QUOTE[opener], text, start)
    return _end(_TO_LINE_END, text, start)


def _end(shape: re.Pattern[str], text: str, start: int) -> int:
    match = shape.match(text, start)
    return match.end() if match else start


def _is_dummy_at(text: str, start: int, end: int) -> bool:
    return text.startswith(("{", "<", "$", MARK), start) or is_dummy(text[start:end].strip())
