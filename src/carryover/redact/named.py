"""Hides values whose name marks them as secret, in any notation: `DB_PASSWORD=…`, `"apiKey": "…"`, `--token …`. In
quotes or after an upper-case name any value but a dummy one counts; bare, in what may be code or a sentence, it must
look random. `changeme` and the like count, since they are in use."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from carryover.redact import values
from carryover.redact.seed_phrases import seed_phrases
from carryover.redact.values import Span, end_of, insert_marks, is_in_use, is_name_of_a_secret, is_random, is_scrambled
from carryover.text.pattern import later

_SUFFIX = r"(?:[_-]?(?:\d{1,2}|base|prod|production|dev|staging|test|live|value|string|hex|old|new))?"
# What links a name to its value, by the group that it is found in. `{"name": "TOKEN", "value": "…"}` and the like of
# Kubernetes, Hadoop and .NET name both in fields of their own.
_FIELDS = (
    r",?(?:\s|\\n){0,40}(?:\\{0,7}[\"'])?\bvalue(?:\\{0,7}[\"'])?[ \t]{0,4}[:=](?![:=>])"
    r"|\{ ?get;[ \w;]{0,20}\} ?=|:-(?=[^\s}\-:|])"
    r"|</(?:key|name)>\s{0,40}<(?:string|value)>"
)
_CELLS = r"(?:</code>)?</t[dh]>\s{0,40}<td[^<>]{0,80}>(?:<code>)?|[|;](?![|;])"
_DEFAULT = r"[\])]{0,2}[ \t]{0,4}(?:\|\||\?\?|\?:|\bor\b)(?=[ \t]{0,4}[\"'`])"
_WORDS_BETWEEN = (
    r"(?<=[\"'`]),|,(?=[\w+/=-]{16})|\((?=n?[\"'`])|是|为"
    r"|(?<=[ \t])(?:(?:for|of|on|in|at)[ \t][^\n:=\"'`|]{1,40}?(?:[ \t]is|:)(?=[ \t])"
    r"|(?:(?:is|was|to|ist|lautet|est|es):?(?=[ \t]))?)"
)
_SEPARATOR = (
    r"(?P<close>\\{0,7}[\"'`]?\]?[*_]{0,2})[ \t]{0,24}"
    rf"(?P<separator>(?P<fields>{_FIELDS})|=>|:=|\?=|=(?![=~>])|[:：](?![:=])|>|(?P<cells>{_CELLS})|(?P<default>{_DEFAULT})"
    rf"|(?P<words>{_WORDS_BETWEEN}))"
)


def after_word(word: str) -> re.Pattern[str]:
    """Returns a pattern for the end of a name, from the literal letters of `word` to its separator."""
    return later(rf"{word}{_SUFFIX}{_SEPARATOR}")


class Assignment(NamedTuple):
    """A name and the value assigned to it, at `start:end`."""

    name: str
    value: str
    start: int
    end: int
    separator: str
    """The sign between them, or `words`, `cells` of a table, or `default` if the name stands for another value."""
    quoted: bool = False
    glued: bool = False
    """Whether it is written `NAME=value` without spaces, as in shells, .env files and query strings."""
    own_line: bool = False
    """Whether nothing else is on its line or between its quotes."""
    in_words: bool = False
    """Whether only words, a comma or a space link the two: `the password is abc`, `authtoken abc`."""
    code: bool = False
    """Whether the value is a call, an index or an attribute: `get_token()`, `tokens[0]`, `self.token`."""


_DIGIT_SOON = later(r"[ \t]{0,8}\S{0,64}?\d")
_SETTER = later(r"(?:define|setenv|putenv|setdefault)\([ \t]?[\"']\Z")
_OPEN = later(r"[ \t]{0,8}(?:\*{1,2}[ \t]?)?[fFbBrRuUlLnN]{0,2}(\\{0,7})(\"\"\"|'''|[\"'`])")
_ANNOTATION = later(r"[ \t]?[&\w.|\[\]' ]{1,40}=[ \t]{0,8}(?=[fFbBrRuU]{0,2}[\"'])")
_BLANK = later(r"[ \t]{0,8}(?:\*{1,2}[ \t])?")
_SHELL_WORD = later(r"(?:[^\s\\]|\\[^nrt\"'\s])+")
_WORD = later(r"[^\s\"'`,;&<>(){}\[\]|\\]+")
_NAMING_ATTRIBUTES = ("name=", "key=", "id=")
_XML_TEXT = later(r"(?:[^<\n]{0,256}|[^<>\n]*)(?=</)")
_CALL = later(r"(?:await |new )?[A-Za-z_][\w.:]*(?:!?\([^\n]{0,200}\)|\[[\w\"'])")
_ATTRIBUTE = later(r"[A-Za-z_]\w*(?:\??\.[A-Za-z_]\w*)+")
_LINE_HEAD = later(
    r"[\s+\->#*|]*(?:\d{1,6}(?:→|[:\t]))?\s*(?:export |set |setx |ENV |ARG |local |readonly |- )?\s*[\"']?"
)
_LINE_TAIL = later(r"[ \t\r]*(?:\Z|\n|#|\\[nr])")
_ENDS = {quote: later(rf"(?<!\\)(\\*){quote}|\n") for quote in "\"'`"}
_LONGEST_NAME = 64
_LONGEST_VALUE = 64 * 1024
_LONGEST_IN_WORDS = 256


def read_assignment(text: str, word: re.Match[str], most: int = sys.maxsize) -> Assignment | None:
    """Returns the assignment whose name ends with `word` (a match of `after_word`); None if there is none. Of a value
    without quotes, it reads at most `most` characters."""
    sort, linked = _link(word)
    begin = _name_start(text, word.start())
    if linked in ("", "is", "was", "to") and text[begin : begin + 1] != "-" and not _DIGIT_SOON.match(text, word.end()):
        return None  # prose, which has no assignments
    name = text[begin : word.start("close")]
    at = word.end()
    if linked.endswith(">") and linked != "=>":
        return _in_element(text, name, begin, at, sort)
    if sort == ":" and (annotation := _ANNOTATION.match(text, at)):
        at = annotation.end()
    outer = text[begin - 1 : begin]
    if outer == ":" == linked:
        return None  # a part of an identifier: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db`
    if outer and outer in _ENDS and not word["close"] and sort != "words":
        return _in_quotes_with_its_name(text, name, begin, at, sort)
    in_words = sort == "words" and _is_linked_by_words(text, begin, name, linked)
    if opened := _OPEN.match(text, at):
        start = opened.end()
        longest = _LONGEST_IN_WORDS if sort == "words" else _LONGEST_VALUE
        end = _closing(text, start, len(opened[1]), opened[2][0], longest=longest)
        glued = sort == "=" and opened.start(2) == word.end()
        return Assignment(name, text[start:end], start, end, sort, quoted=True, glued=glued, in_words=in_words)
    if linked in (",", "("):
        return None
    return _bare(text, name, begin, at, sort, most, in_words=in_words)


def _link(word: re.Match[str]) -> tuple[str, str]:
    """Returns the sort of link between a name and its value, and the link."""
    linked = word["separator"].strip()
    for sort in ("words", "cells", "default"):
        if word[sort] is not None:
            return sort, linked
    return (":" if word["fields"] else linked), linked


def _in_element(text: str, name: str, begin: int, at: int, sort: str) -> Assignment | None:
    """Handles `<token>abc</token>`, `<string name="token">abc</string>` and `<key>token</key><string>abc</string>`."""
    found = _XML_TEXT.match(text, at)
    if found is None:
        return None
    end = found.end()
    if sort == ">" and text[begin - 1 : begin] != "<":
        if not text.endswith(_NAMING_ATTRIBUTES, 0, begin - 1):
            return None
        sort = "default"
    return Assignment(name, text[at:end], at, end, sort, quoted=True)


def _is_linked_by_words(text: str, begin: int, name: str, linked: str) -> bool:
    if linked == "" and name.startswith("-"):
        return False
    if linked == ",":
        return _SETTER.search(text, max(0, begin - 16), begin) is None
    return linked != "" or name != "PASSWORD"  # SQL: `ALTER USER app WITH PASSWORD 'abc'`


def _name_start(text: str, at: int) -> int:
    begin = at
    while begin > max(0, at - _LONGEST_NAME) and (text[begin - 1].isalnum() or text[begin - 1] in "_.$-"):
        begin -= 1
    if begin < at and text[begin] in "nrt" and text[begin - 1 : begin] == "\\":
        begin += 1  # the `n` of a literal `\n` is not part of the name
    return begin


def _in_quotes_with_its_name(text: str, name: str, begin: int, at: int, separator: str) -> Assignment:
    """Handles `"TOKEN=abc"` and `-H 'Private-Token: abc'`: the quote before the name also ends the value."""
    head = text[max(0, begin - 8) : begin - 1]
    start = end_of(_BLANK, text, at)
    end = _closing(text, start, len(head) - len(head.rstrip("\\")), text[begin - 1])
    glued = separator == "=" and start == at
    value = text[start:end]
    code = _CALL.match(value) is not None or _ATTRIBUTE.fullmatch(value) is not None
    return Assignment(name, value, start, end, separator, glued=glued, own_line=True, code=code)


def _bare(text: str, name: str, begin: int, at: int, separator: str, most: int, *, in_words: bool) -> Assignment:
    start = end_of(_BLANK, text, at)
    limit = min(len(text), start + most)
    glued = separator == "=" and start == at and text[at - 2 : at - 1] not in (" ", "\t")
    if glued and name.isupper():
        end = end_of(_SHELL_WORD, text, start, limit)
        while end > start and text[end - 1] in "\"'`,;)]}":
            end -= 1
        code = _CALL.match(text, start) is not None
    else:
        end = end_of(_WORD, text, start, limit)
        code = text[end : end + 1] in ("(", "[", "{") or text.startswith("->", end - 1)
    while in_words and end > start and text[end - 1] in ".!?:":
        end -= 1
    value = text[start:end]
    attribute = _ATTRIBUTE.fullmatch(value) is not None and not is_scrambled(value, 16)
    code = code or attribute or (text[end : end + 1] == "<" and value.isidentifier())
    own_line = _starts_line(text, begin) and _LINE_TAIL.match(text, end) is not None
    return Assignment(name, value, start, end, separator, glued=glued, own_line=own_line, in_words=in_words, code=code)


def _starts_line(text: str, begin: int) -> bool:
    if text[max(0, begin - 2) : begin] in ("\\n", "\\r"):
        return True
    line = text.rfind("\n", max(0, begin - 60), begin) + 1
    return (line > 0 or begin <= 60) and _LINE_HEAD.fullmatch(text, line, begin) is not None


def _closing(text: str, start: int, escapes: int, quote: str, *, longest: int = _LONGEST_VALUE) -> int:
    """Returns the end of the string that `escapes` backslashes and `quote` opened, or of the line if it is torn. A
    quote closes a string inside a string if its own backslashes come in pairs."""
    limit = min(len(text), start + longest)
    for end in _ENDS[quote].finditer(text, start, limit):
        if end[0] == "\n":
            return end.start()
        run = len(end[1])
        if run < escapes:
            return end.start()
        if (run - escapes) // (escapes + 1) % 2 == 0:
            return end.end() - 1 - escapes
    return limit


_BEARER_TOKEN = "bearer_token_"
_PASSWORDS = ("pw", "psk", "contraseña", "пароль", "密码")
# `pass` and `pat` have several meanings: `db_pass` and `gh_pat` count, `pass` and `pat` do not.
_WORDS = {
    "pass": after_word("pass(?:(?=w|p|c)|(?<=[a-z_-]pass)|(?<=mot de pass))(?:wor[dt]|wd|phrase|code|e)?s?"),
    **{word: after_word("pwd?" if word == "pw" else word) for word in _PASSWORDS},
    "secret": after_word("secrets?"),
    "token": after_word("tokens?(?:-[a-z0-9]{5}(?=:))?"),
    "credential": after_word("credentials?"),
    "key": after_word("keys?"),
    "oauth": after_word("oauth"),
    "pat": after_word("pat(?![ht])"),
    _BEARER_TOKEN: after_word(r"bearer_token_\w{1,30}"),
}
_KINDS = {
    **dict.fromkeys(("pass", *_PASSWORDS), "password"),
    **dict.fromkeys(("token", "pat", _BEARER_TOKEN), "token"),
}
_SECRET_KEYS = tuple(
    "api access private secret auth account app master admin consumer subscription encryption encrypt signing hmac jwt"
    " webhook license deploy".split()
)
_PUBLIC_KEYS = frozenset(
    "cache public pub ssh primary foreign partition sort range idempotency hash host object row site kms dedup"
    " group index query file content message s3".split()
)
_LONG_RUN = later(r"[A-Za-z0-9_+/=-]{20}")
_OPAQUE = later(r"(?<![.@:])[A-Za-z0-9_+/=-]{20,256}+(?![\w./(\[])")
# What stands before a value that is not the one of the name: a mark, another name, a word for something public.
_OF_ANOTHER = later(
    r"(?i)\[redacted:|public|finger|sha\d|md5|hash|digest|commit|check|integrity|ssh|etag|nonce|[a-z]id\b|://"
    r"|(?<![\w-])(?!default|(?:parameter)?value|content|string|str|body|provided|field)\w+[\"']?[ \t]?[=:&]"
)
_EXPANSION = later(r"\$\{\w+:-[^{}]{1,200}\}\Z")
_NEAR = 48
_TELLING = 512  # what tells is at a value's beginning, and the rest may hold many more names
_LONG_VALUE = later(r"[^\s\"'`(){}<>]{20}")
_KEY_AFTER_WORD = later(r"[A-Za-z][A-Za-z&.]+ [Kk]ey: ")
_OWNERS_OF_A_PASS = ("db", "user", "store", "key", "mot de ")
_PART = later(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_AWS_NAME = later("aws|secret")
_AWS_SECRET = later(r"[A-Za-z0-9/+]{40}")
_SAID_PASSWORD = later(r"(?=\D{1,32}\d)(?=[^A-Za-z]{0,32}[A-Za-z])[^\s/_.:,;()\[\]{}<>=-]{6,32}")
_TECHNICAL = later(
    r"(?i)(?:base|sha|md|utf|aes|rsa|ascii|oauth|http|ipv|pbkdf|argon|bcrypt|scrypt|pkcs|hs|rs|es|ps|x|p|v|s|k|blake|rot"
    r"|crypt|des|tls|ssl|u?int|latin|iso|user|line|step|version|python|windows)-?\d"
)
_NUMBER = later(r"[\d_.,:+\-]+(?:[smhd]|ms|px|[kmg]i?b?)?", re.IGNORECASE)
_SIGN = later(r"[^a-z0-9]")
_WORKING_DIRECTORIES = {"PWD", "OLDPWD", "pwd"}


def hide_named(text: str, counts: dict[str, int]) -> str:
    """Replaces the values of secret names and keeps the names."""
    lower = values.lowered(text)
    spans = [span for word in _WORDS if word in lower for span in _spans(text, lower, word)]
    return insert_marks(text, [*spans, *seed_phrases(lower)], counts)


def _spans(text: str, lower: str, word: str) -> Iterator[Span]:
    done = 0
    for match in _WORDS[word].finditer(lower):
        if match.start() < done or not _has_that_meaning(word, text, lower, match):
            continue
        # `api_key` names a secret, `key` does not.
        sure = word != "key" or lower[max(0, match.start() - 14) : match.start()].rstrip("_-. ").endswith(_SECRET_KEYS)
        if not sure and not _LONG_VALUE.search(text, match.end(), match.end() + _NEAR + 20):
            continue
        if not sure and not _is_key(read_assignment(text, match, _TELLING), text):
            continue
        found = read_assignment(text, match)
        kind = None
        if found is not None:
            is_short = found.in_words and len(found.value) <= _LONGEST_IN_WORDS
            if not is_short and not _EXPANSION.match(found.value, 0, _LONGEST_IN_WORDS):
                done = found.end  # examined only once: linear on any input
            kind = _kind(found, word)
        if found is not None and kind is not None:
            yield found.start, found.end, kind
        elif sure and (near := _opaque_near(text, match)):
            yield *near, _KINDS.get(word, "secret")


def _kind(found: Assignment, word: str) -> str | None:
    if _AWS_NAME.search(found.name.lower()) and _AWS_SECRET.fullmatch(found.value):
        return "aws"
    return _KINDS.get(word, "secret") if _is_secret(found, word) else None


def _opaque_near(text: str, word: re.Match[str]) -> tuple[int, int] | None:
    """Returns the place of what can only be a generated value, close behind a name: `secret (v)`, `apiKey = @"v"`,
    `"--token", default="v"`."""
    begin = word.end("close")
    run = _LONG_RUN.search(text, begin, begin + _NEAR + 20)
    value = _OPAQUE.match(text, run.start()) if run else None
    if value is None or not values.is_opaque(value[0], or_hash=text[value.start() - 1] in _ENDS):
        return None
    between = text[begin : value.start()]
    if "\n" in between.strip(": \t\r\n") or between.count("\n") > 1 or _OF_ANOTHER.search(between):
        return None
    return value.span()


def _has_that_meaning(word: str, text: str, lower: str, match: re.Match[str]) -> bool:
    """Whether `pass` in a name means a password: in `db_pass`, `smtpPass`, `dbpass`, `storepass`, not in `bypass`; and
    `pat` a token: in `gh_pat`, `ghPat`, not in `pat`."""
    at = match.start()
    if word not in ("pass", "pat") or match.start("close") - at > len("pass") + 1 or lower[at - 1 : at] in ("_", "-"):
        return True
    if (text[at] == "P" and text[at - 1].islower()) or (word == "pat" and lower[at - 1 : at] == "."):
        return True
    return word == "pass" and lower[max(0, at - 7) : at].endswith(_OWNERS_OF_A_PASS)


def _is_key(found: Assignment | None, text: str) -> bool:
    """Whether the value shows that a key is secret although its name does not, such as `TRACKING_KEY`."""
    if found is None:
        return False
    before = text[max(0, found.start - _NEAR) : found.start]
    phrase = before[before.rfind("\n") + 1 :]
    in_phrase = found.in_words or _KEY_AFTER_WORD.search(phrase) is not None  # `my Mistral key: …`
    parts = [part.lower() for part in _PART.findall(phrase if in_phrase else found.name)]
    bare = len(parts) < 2 and not before.endswith(("?key=", "&key="))
    many = found.name.lower().endswith("s")  # `--recv-keys` and the like name keys, which are public
    return not (bare or many or found.code or _PUBLIC_KEYS.intersection(parts)) and is_scrambled(found.value, 20)


_HARMLESS = (values.is_dummy, values.is_filler, values.is_path, values.is_type_or_state)


def _is_secret(found: Assignment, word: str) -> bool:
    value = found.value.strip()
    if any(harmless(value) for harmless in _HARMLESS) or _repeats_name(found):
        return False
    is_password = _KINDS.get(word) == "password"
    if found.in_words or word == "oauth":
        scrambled = is_scrambled(value, 16 if word == "oauth" else 8) or (is_password and _is_said_password(value))
        return scrambled and not found.code and not is_name_of_a_secret(value)
    if found.separator == "cells":  # of a table, which describe more often than they hold a secret
        secret = is_random(value, 16) or (is_password and is_scrambled(value, 8))
        return secret and not any(sign.isspace() for sign in value)
    if found.separator == "default":
        return found.quoted and " " not in value and (is_random(value, 8) or is_in_use(value))
    if value.isdigit() and len(value) >= 4 and found.name.lower().endswith(("word", "passwd", "pwd")):
        return True
    if _NUMBER.fullmatch(value) and len(value) < 16:
        return False
    if any(character.isspace() for character in value[:256]):
        if (found.quoted and found.glued and found.name.isupper()) or "phrase" in found.name.lower():
            return True
        return any(is_random(part.strip(".,:;?!"), 6) for part in value[:256].split())
    if found.quoted:
        return _is_quoted_secret(found, value, "pass" if is_password else word)
    if found.code or (found.name in _WORKING_DIRECTORIES and not is_scrambled(value, 8)):
        return False
    if is_in_use(value) and found.own_line:
        return True
    if not found.name.isupper():
        return _is_bare_secret(found, value, "pass" if is_password else word)
    if found.glued:
        return len(value) >= 3
    return is_random(value, 4) or (found.own_line and found.separator == ":" and len(value) >= 4)


def _is_said_password(value: str) -> bool:
    """Whether a sentence gives `value` away: `the password is Sommer2024`, but not `the password is base64`."""
    return is_in_use(value) or (_SAID_PASSWORD.fullmatch(value) is not None and _TECHNICAL.match(value) is None)


def _repeats_name(found: Assignment) -> bool:
    """Whether the value is only the name of a field or variable: `API_KEY = "x-api-key"`, `password=password`."""
    name, value = (_SIGN.sub("", part[:80].lower()) for part in (found.name, found.value))
    return value in (name, f"x{name}")


def _is_quoted_secret(found: Assignment, value: str, word: str) -> bool:
    if word == "credential":  # `credentials: "same-origin"` is an option of fetch()
        return is_random(value, 8)
    if word == "token" and not found.name.isupper():  # parsers are full of `token = "identifier"`
        return is_random(value, 6) or len(value) >= 16 or is_in_use(value)
    return len(value) >= (3 if word == "pass" or found.name.isupper() else 4 if word == "secret" else 6)


def _is_bare_secret(found: Assignment, value: str, word: str) -> bool:
    if found.name.startswith("-"):  # an option of a command
        if word != "pass" and is_name_of_a_secret(value):
            return False
        return is_random(value, 4) or len(value) >= (4 if found.glued else 14)
    if found.glued:
        return is_random(value, 6) or (found.own_line and len(value) >= 6)
    if found.name.lower().startswith("x-"):
        return is_random(value, 6) or (found.own_line and len(value) >= 8)
    if is_random(value, 10 if word == "token" else 6):
        return not (found.separator == "=" and value.lower().startswith(found.name.lower()))
    return word == "pass" and found.own_line and found.separator == ":" and value.islower() and len(value) >= 6
