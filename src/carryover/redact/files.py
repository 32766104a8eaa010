"""Patterns for passwords that commands write to files or encode, and for those of logins in such files."""

from __future__ import annotations

from typing import Final

from carryover.redact.databases import A_TEXT
from carryover.redact.options import VALUE
from carryover.redact.values import LINE_NUMBER

_PRINTED: Final = r"(?:echo|printf)(?:[ \t]+(?:-\w|['\"]?%s(?:\\{1,2}n)?['\"]?))?[ \t]+"
_INTO: Final = r"(?:>{1,2}|\|[ \t]*(?:sudo )?tee(?: -a)?[ \t])"
_WORD: Final = r"['\"]?(?P<value>[^\s'\"`$|;&<>()]{4,400})['\"]?"
_FILES: Final = ("master.key", "vault_pass", "secrets/", "password.txt")
_BREAK: Final = rf"(?:\s|\\n){{1,24}}(?:[+-]|{LINE_NUMBER})?[ \t]{{0,8}}"
_USER: Final = r"login[ \t]{1,8}[^\s\\]{1,80}"
_LOGIN: Final = r"(?!data:)[^\s:\"'`$|]{1,80}:(?!//)(?P<value>[^\s\"'`$|{}]{4,200})"
_BASE64: Final = (
    r"(?:\\{0,7}[\"'])?(?:[ \t]{0,4}[=:]|[ \t])(?:\s|\\{1,7}[nrt]){0,8}"
    r"(?:\\{0,7}[\"'])?(?P<value>[A-Za-z0-9+/]{6,}+={0,2})(?![\w.(-])"
)
"""After a name: a login in base64, perhaps in quotes and in JSON inside JSON."""
ENCODING: Final = ("btoa(", "Buffer.from(", "b64encode(", "| base64")
"""Hints of places where a login is encoded, but also much else."""
OF_FILES: Final = (
    *(  # Rails', Ansible's, those of Docker Compose, and what anyone might call one
        (file, rf"{_PRINTED}{digit}{_WORD}[ \t]*{_INTO}[ \t]*['\"]?[^\s'\"]{{0,120}}{file.replace('.', '[.]')}")
        for file, digit in (*((file, "") for file in _FILES), ("token.txt", r"(?=[^\s\d]{0,80}\d)"))
    ),
    (  # asked for twice
        "passwd",
        r"(?:echo|printf)(?:[ \t]+-\w{1,3})?[ \t]+['\"](?P<value>(?P<once>[^\s'\"\\$`%]{4,64})\\n(?P=once))"
        r"(?:\\n)?['\"][ \t]*\|[ \t]*(?:sudo[ \t]+)?(?:smb)?passwd(?![\w-])",
    ),
    *(  # PowerShell's
        (
            f"{file}.txt",
            rf"Content[ \t]+(?:-\w{{1,16}}[ \t]+)?['\"]?[^\s'\"]{{0,120}}{file}[.]txt['\"]?[ \t]+(?:-Value[ \t]+)?"
            + A_TEXT,
        )
        for file in ("password", "token")
    ),
    *(
        (
            f"{file}.txt",
            rf"['\"]{digit}(?P<value>[^\s'\"`$]{{4,400}})['\"][ \t]*\|[ \t]*Out-File[ \t]+"
            rf"(?:-\w{{1,16}}[ \t]+(?:\w{{1,16}}[ \t]+)?){{0,3}}['\"]?[^\s'\"]{{0,120}}{file}[.]txt",
        )
        for file, digit in (("password", ""), ("token", r"(?=[^\s\d]{0,80}\d)"))
    ),
    (".pgpass", rf":(?:\d{{4,5}}|\*):[^\s:]{{1,64}}:[^\s:]{{1,64}}:{_WORD}[ \t]*>{{1,2}}[ \t]*\S{{0,80}}[.]pgpass"),
    *(  # .pgpass with a plain word: only as a whole line, with a port of PostgreSQL
        (hint, rf"(?m)^[^\s:/]{{1,200}}:{port}:[^\s:]{{1,64}}:[^\s:]{{1,64}}:(?P<value>[^\s:\"'`,;()]{{4,200}})\r?$")
        for hint, port in (("432:", "[56]432"), (":*:", r"\*"))
    ),
    *(  # .netrc, also in a diff, behind numbers of lines and in JSON; without a host, only as lines of its own
        (hint, rf"{before}{_BREAK}password[ \t]{{1,8}}(?P<value>[^\s\\\"']{{1,200}}){end}")
        for hint, before, end in (
            ("machine", rf"machine[ \t]{{1,8}}[\w.-]{{1,200}}{_BREAK}{_USER}", ""),
            ("machine", r"machine[ \t]{1,8}[\w-]{1,63}\.[\w.-]{1,200}", ""),
            ("default login", rf"default login(?<!\S default login){_USER[5:]}", ""),
            (
                "login",
                rf"login(?<!\S login){_USER[5:]}(?<=[\w.@-])(?=[ \t\r]{{0,8}}(?:\n|\\n))",
                r"(?=[ \t\r]{0,8}(?:\n|\\n|[\"'`]|\Z))",
            ),
        )
    ),
    ("_auth", rf"_auth(?<![^\s:]_auth)[ \t]*=[ \t]*{VALUE}"),  # .npmrc
    # npm's anywhere, yarn's, and docker's config.json
    ("auth", rf"auth(?:(?<=[\"']auth)|(?<=_auth)(?<![A-Za-z0-9]_auth)){_BASE64}"),
    ("__AUTH", rf"__AUTH{_BASE64}"),
    ("AuthIdent", rf"AuthIdent{_BASE64}"),
    *((call, rf"{call[:-1]}\([ \t]*[bf]?[\"'`]{_LOGIN}[\"'`]") for call in ENCODING[:3]),
    ("| base64", rf"{_PRINTED}['\"]?{_LOGIN}['\"]?[ \t]*\| base64(?![ \t]+-+[dD])"),
    (  # what a Secret is made of is secret whatever its name, except a user, a host and the like
        "create secret",
        r"create secret generic[ \t](?:[^\n;&|]|\\\r?\n){0,400}?from-literal[= ]['\"]?"
        r"(?!(?i:[\w.-]{0,40}(?:user|name|host|port|url|id|email))=)[\w.-]{1,64}=(?!\[redacted:)"
        r"(?P<value>[^\s'\"]{1,200})",
    ),
    *(  # a variable whose value comes before its name; in JSON, also in JSON inside JSON
        (
            f'"{first}',
            rf"\"{first}\\{{0,7}}\"[ \t]?:[ \t]?\\{{0,7}}\"{value}\\{{0,7}}\",(?:\s|\\n){{0,40}}"
            rf"\\{{0,7}}\"(?i:name|key)\\{{0,7}}\"[ \t]?:[ \t]?\\{{0,7}}\"[\w.-]{{0,80}}(?i:{name})\\{{0,7}}\"",
        )
        for first in ("value", "Value")
        for name, value in (
            ("passw(?:or)?d|passphrase", r"(?P<value>[^\s\"\\]{4,400})"),
            ("secret|token|(?:api|access|private|secret)_?key", r"(?P<value>(?=[^\s\"\\\d]{0,64}\d)[^\s\"\\]{12,400})"),
        )
    ),
    *(  # a text of several lines, of which the only one is the password
        (
            word,
            rf"{word}[\"'\]]{{0,3}}[ \t]{{0,4}}[:=][ \t]{{0,4}}(?P<open>\"\"\"|''')\\?\r?\n[ \t]{{0,40}}"
            r"(?P<value>[^\s\"'\\]{4,200})[ \t]{0,40}(?:\r?\n[ \t]{0,40})?(?P=open)",
        )
        for word in ("ssword", "SSWORD")
    ),
    (
        '"keyName',
        r"\"keyName\\{0,7}\"[^{}]{1,200}?value\\{0,7}\"[ \t]?:[ \t]?\\{0,7}\"(?P<value>[A-Za-z0-9+/]{40,}={0,2})",
    ),
    ('"key1', r"\"key[12]\\{0,7}\"[ \t]?:[ \t]?\\{0,7}\"(?P<value>[0-9A-Za-z+/]{32,88}={0,2})\\{0,7}\""),
)
"""Hints and patterns, as in `places.py`."""
