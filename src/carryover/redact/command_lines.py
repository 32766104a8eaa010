"""Hides passwords on command lines and in the files that such programs read: only their position shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from carryover.redact.dummy_values import is_dummy, is_filler, is_scrambled
from carryover.redact.redaction_marks import Span, insert_marks


class _Place(NamedTuple):
    hint: str
    """A text without it can't match the pattern."""
    pattern: re.Pattern[str]
    """Its group `value` is the password, with or without quotes."""
    least: int = 4
    """The shortest value that counts as a password."""
    part: re.Pattern[str] | None = None
    """Matches a part of every match of `pattern` and is quicker to search for."""
    scrambled: bool = False
    """The position proves little, so the value must also look random."""


_VALUE: Final = r"(?P<value>'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|[^\s'\"`;&|<>()]{1,400})"
# What may come between a program and its option: words and other options on the same line, in bounded length.
_OPTIONS: Final = r"(?:[ \t]+[^\n;&|]{0,200}?)?[ \t]+"


def _after(program: str, option: str, value: str = _VALUE, *, more: str = "") -> re.Pattern[str]:
    """Returns a pattern for the value of a program's option.

    `more`: what may follow the program's name as part of it. Literal letters come first, so that the search is fast.
    """
    return re.compile(rf"{program}(?<![\w-]{program}){more}(?![\w-]){_OPTIONS}{option}{value}")


_USER: Final = r"['\"]?[^\s:'\"]{1,80}:(?!//)"
_GLUED: Final = r"(?P<value>'[^'\n]{1,200}'|[^\s'\"]{1,200})"
_VALUE_AND_USER: Final = r"(?P<quote>\\?['\"]?)(?:[a-z_][\w-]{0,31}:)?(?P<value>[^\s'\"`;&|<>()\\]{1,400})(?P=quote)"
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
        _Place(name, re.compile(rf"aws configure set [\w.]*{name}[ \t]+{_VALUE}"))
        for name in ("secret_access_key", "session_token")
    ),
    _Place("pass:", re.compile(rf"(?<=[ \t])-pass(?:in|out)?[ \t]+pass:{_VALUE}")),
    _Place("redis-cli", _after("redis-cli", r"(?:-a|--pass)[ \t]+")),
    _Place("htpasswd", re.compile(rf"htpasswd[ \t]+-\w*b\w*[ \t]+\S+[ \t]+\S+[ \t]+{_VALUE}")),
    _Place("smbclient", _after("smbclient", r"(?:-U|--user)[ \t=]*['\"]?[^\s%'\"]+%", r"(?P<value>[^\s'\"]{1,200})")),
    _Place("sqlcmd", _after("sqlcmd", r"-P[ \t]*")),
    _Place(  # of any program: mongosh, cqlsh, twine, unzip, 7z, ssh-keygen, ldapsearch, ...
        "-",
        re.compile(
            r"-(?<=[ \t]-)[pPwN][ \t]*(?P<value>'[^'\n]{8,200}'|\"[^\"\n]{8,200}\"|[\w!@#$%^&*+=~]{8,200})(?![\w./:-])"
        ),
        8,
        scrambled=True,
    ),
    _Place(
        "http",
        re.compile(rf"https?(?<![\w./-]http)(?<![\w./-]https){_OPTIONS}(?:-a[ \t]*|--auth[ \t=]){_USER}{_GLUED}"),
    ),
    _Place(
        "sqlplus",
        re.compile(r"sqlplus[ \t]+(?:-\w+[ \t]+){0,4}[\w$#]{1,64}/(?P<value>[^\s@'\"]{1,200})"),
    ),
    _Place("login ", re.compile(rf"login[ \t]+{_VALUE}"), 16, scrambled=True),
    _Place("IDENTIFIED", re.compile(r"IDENTIFIED[ \t]+BY[ \t]+'(?P<value>[^'\n]{1,200})'")),
    _Place(
        "echo",
        re.compile(
            rf"echo(?:[ \t]+-n)?[ \t]+(?:{_VALUE_AND_USER})[ \t]*\|[^\n|]{{0,200}}(?:sudo -S|password-stdin|chpasswd)"
        ),
    ),
    _Place("lftp", _after("lftp", r"-u[ \t]+[^\s,]+,")),
    _Place(  # .netrc
        "password", re.compile(r"login\s+\S{1,80}\s+password\s+(?P<value>\S{1,200})")
    ),
    _Place(  # .npmrc
        "_auth",
        re.compile(rf"(?:^|[\s:])_auth[ \t]*=[ \t]*{_VALUE}"),
        part=re.compile(r"_auth[ \t]*="),
    ),
    _Place(  # docker's config.json
        'auth"', re.compile(r"\"auth\"[ \t]*:[ \t]*\"(?P<value>[A-Za-z0-9+/]{12,}={0,2})\"")
    ),
    _Place(
        'key="',
        re.compile(
            r"key=\"[\w.:-]{0,60}(?i:password|api_?key|secret|token)\"[ \t]+value=\"(?P<value>[^\"\n]{6,400})\""
        ),
    ),
    _Place(  # .pgpass
        ":",
        re.compile(
            r"^(?:[a-z*][\w.*-]{0,199}):(?:\d\d{3,4}|\*):[^\s:]{1,64}:[^\s:]{1,64}:"
            r"(?P<value>(?=\S{0,200}\d)(?=\S{0,200}[A-Za-z])\S{6,200})$",
            re.MULTILINE,
        ),
        part=re.compile(r":(?:\d\d{3,4}|\*):[^\s:]"),
    ),
)


def hide_on_command_lines(text: str, counts: dict[str, int]) -> str:
    """Replaces passwords that are passed to programs or stored in their login files."""
    places = (place for place in _PLACES if place.hint in text and (place.part is None or place.part.search(text)))
    return insert_marks(text, [span for place in places for span in _spans(text, place)], counts)


def _spans(text: str, place: _Place) -> Iterator[Span]:
    for match in place.pattern.finditer(text):
        start, end = match.span("value")
        if end - start >= 2 and text[start] in "'\"" and text[end - 1] == text[start]:
            start, end = start + 1, end - 1
        value = text[start:end]
        if place.scrambled and not is_scrambled(value, place.least):
            continue
        if len(value) >= place.least and not is_dummy(value) and not is_filler(value) and not value.startswith("-"):
            yield start, end, "password"
