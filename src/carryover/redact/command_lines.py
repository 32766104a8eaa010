"""Passwords on command lines and in the files that such programs read, where only the place gives them away."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from carryover.redact.dummy_values import is_dummy, is_filler
from carryover.redact.names import NAMES
from carryover.redact.redaction_marks import Span, insert_marks


class _Place(NamedTuple):
    hint: str
    """Without it in the text the pattern cannot match."""
    pattern: re.Pattern[str]
    """Its group `value` is the password, in quotes or not."""
    least: int = 4
    """Shorter values are not taken for passwords."""
    part: re.Pattern[str] | None = None
    """Matches a part of whatever `pattern` matches, and is quicker to search for."""
    is_option: bool = True
    """Whatever `pattern` matches holds what `_OPTION` matches."""


_VALUE: Final = r"(?P<value>'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|[^\s'\"`;&|<>()]{1,400})"
# What may come between a program and its option: words and other options on the same line, in bounded length.
_OPTIONS: Final = r"(?:[ \t]+[^\n;&|]{0,200}?)?[ \t]+"


def _after(program: str, option: str, value: str = _VALUE, *, more: str = "") -> re.Pattern[str]:
    """`more`: what may follow the program's name as part of it. Literal letters first, so that the search is quick."""
    return re.compile(rf"{program}(?<![\w-]{program}){more}(?![\w-]){_OPTIONS}{option}{value}")


_USER: Final = r"['\"]?[^\s:'\"]{1,80}:(?!//)"
_GLUED: Final = r"(?P<value>'[^'\n]{1,200}'|[^\s'\"]{1,200})"
_PLACES: Final = (
    _Place("curl", _after("curl", rf"(?:-u[ \t]*|--(?:proxy-)?user[ \t=]){_USER}", r"(?P<value>[^\s'\"]{1,200})")),
    _Place("wget", _after("wget", r"--(?:http-|ftp-|proxy-)?password[ \t=]")),
    _Place("mysql", _after("mysql", "-p", _GLUED, more="(?:dump|admin|import|sh)?"), 5),
    _Place("mariadb", _after("mariadb", "-p", _GLUED, more=r"(?:-\w+)?"), 5),
    _Place("sshpass", _after("sshpass", r"-p[ \t]*")),
    *(
        _Place(f"{program} login", _after(f"{program} login", r"(?:-p|--password)[ \t=]+"))
        for program in ("docker", "podman", "nerdctl", "helm registry", "crane auth", "oras", "buildah", "az")
    ),
    _Place("gh secret", _after("gh secret set", r"(?:-b|--body)[ \t=]+")),
    *(
        _Place(name, re.compile(rf"aws configure set [\w.]*{name}[ \t]+{_VALUE}"), is_option=False)
        for name in ("secret_access_key", "session_token")
    ),
    _Place("pass:", re.compile(rf"(?<=[ \t])-pass(?:in|out)?[ \t]+pass:{_VALUE}")),
    _Place("redis-cli", _after("redis-cli", r"(?:-a|--pass)[ \t]+")),
    _Place("htpasswd", re.compile(rf"htpasswd[ \t]+-\w*b\w*[ \t]+\S+[ \t]+\S+[ \t]+{_VALUE}")),
    _Place("smbclient", _after("smbclient", r"(?:-U|--user)[ \t=]*['\"]?[^\s%'\"]+%", r"(?P<value>[^\s'\"]{1,200})")),
    _Place("sqlcmd", _after("sqlcmd", r"-P[ \t]*")),
    _Place("lftp", _after("lftp", r"-u[ \t]+[^\s,]+,")),
    _Place(  # .netrc
        "password", re.compile(r"login\s+\S{1,80}\s+password\s+(?P<value>\S{1,200})"), is_option=False
    ),
    _Place(  # .npmrc
        "_auth",
        re.compile(rf"(?:^|[\s:])_auth[ \t]*=[ \t]*{_VALUE}"),
        part=re.compile(r"_auth[ \t]*="),
        is_option=False,
    ),
    _Place(  # docker's config.json
        'auth"', re.compile(r"\"auth\"[ \t]*:[ \t]*\"(?P<value>[A-Za-z0-9+/]{12,}={0,2})\""), is_option=False
    ),
    _Place(
        'key="',
        re.compile(
            r"key=\"[\w.:-]{0,60}(?i:password|api_?key|secret|token)\"[ \t]+value=\"(?P<value>[^\"\n]{6,400})\""
        ),
        is_option=False,
    ),
    _Place(  # .pgpass
        ":",
        re.compile(
            r"^(?:[a-z*][\w.*-]{0,199}):(?:\d\d{3,4}|\*):[^\s:]{1,64}:[^\s:]{1,64}:"
            r"(?P<value>(?=\S{0,200}\d)(?=\S{0,200}[A-Za-z])\S{6,200})$",
            re.MULTILINE,
        ),
        part=re.compile(r":(?:\d\d{3,4}|\*):[^\s:]"),
        is_option=False,
    ),
)


_OPTION: Final = re.compile(r"-(?<=[ \t]-)(?:[uUpPab-]|\w*b)")
_COMMON: Final = ("login", "pass", "sql", "auth", "secret", "token", "key", "")
"""What several hints hold. Without it in a text, none of them need be searched for."""


def _by_common_part(places: Iterable[_Place]) -> dict[str, list[_Place]]:
    found: dict[str, list[_Place]] = {}
    for place in places:
        found.setdefault(next(part for part in _COMMON if part in place.hint), []).append(place)
    return found


_OPTIONS_BY_PART: Final = _by_common_part(place for place in _PLACES if place.is_option)
_OTHERS_BY_PART: Final = _by_common_part(place for place in _PLACES if not place.is_option)


def hide_on_command_lines(text: str, names: Container[str], counts: dict[str, int]) -> str:
    """Replaces passwords that are given to programs or are in their files of logins. `names`: see `names_in`."""
    spans = _spans_of(text, names, _OTHERS_BY_PART)
    if _OPTION.search(text):
        spans += _spans_of(text, names, _OPTIONS_BY_PART)
    return insert_marks(text, spans, counts)


def _spans_of(text: str, names: Container[str], places_by_part: Mapping[str, Iterable[_Place]]) -> list[Span]:
    return [
        span
        for part, places in places_by_part.items()
        if (part in names if part in NAMES else part in text)
        for place in places
        if place.hint in text and (place.part is None or place.part.search(text))
        for span in _spans(text, place)
    ]


def _spans(text: str, place: _Place) -> Iterator[Span]:
    for match in place.pattern.finditer(text):
        start, end = match.span("value")
        if end - start >= 2 and text[start] in "'\"" and text[end - 1] == text[start]:
            start, end = start + 1, end - 1
        value = text[start:end]
        if len(value) >= place.least and not is_dummy(value) and not is_filler(value) and not value.startswith("-"):
            yield start, end, "password"
