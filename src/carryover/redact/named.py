"""Hides values whose name marks them as secret, in any notation: `DB_PASSWORD=…`, `"apiKey": "…"`, `--token …`. In
quotes or after an upper-case name any value but a dummy one counts; bare, in what may be code or a sentence, it must
look random. `changeme` and the like count, since they are in use."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from carryover.redact import values
from carryover.redact.values import Span, end_of, insert_marks, is_in_use, is_name_of_a_secret, is_random, is_scrambled

_SUFFIX = r"(?:[_-]?\d{1,2}|[_-](?:base|prod|production|dev|staging|test|live|value|string|hex|old|new))?"
_SEPARATOR = (
    r"(?P<close>\\{0,7}[\"'`]?\]?[*_]{0,2})[ \t]{0,8}"
    r"(?P<separator>=>|:=|\?=|=(?![=~>])|:(?![:=])|>|[|;](?![|;])|(?<=[\"'`]),"
    r"|(?<=[ \t])(?:(?:is|was):?(?=[ \t]))?)"
)


def after_word(word: str) -> re.Pattern[str]:
    """Returns a pattern for the end of a name, from the literal letters of `word` to its separator."""
    return re.compile(rf"{word}{_SUFFIX}{_SEPARATOR}")


class Assignment(NamedTuple):
    """A name and the value assigned to it, at `start:end`."""

    name: str
    value: str
    start: int
    end: int
    separator: str
    quoted: bool = False
    glued: bool = False
    """Whether it is written `NAME=value` without spaces, as in shells, .env files and query strings."""
    own_line: bool = False
    """Whether nothing else is on its line or between its quotes."""
    in_words: bool = False
    """Whether only words, a comma or a space link the two: `the password is abc`, `authtoken abc`."""
    code: bool = False
    """Whether the value is a call, an index or an attribute: `get_token()`, `tokens[0]`, `self.token`."""


_LINKS = {"", ",", "is", "is:", "was", "was:"}
_DIGIT_SOON = re.compile(r"[ \t]{0,8}\S{0,64}?\d")
_SETTER = re.compile(r"(?:define|setenv|putenv|setdefault)\([ \t]?[\"']\Z")
_OPEN = re.compile(r"[ \t]{0,8}(?:\*{1,2}[ \t]?)?[fFbBrRuUlL]{0,2}(\\{0,7})(\"\"\"|'''|[\"'`])")
_ANNOTATION = re.compile(r"[ \t]?[&\w.|\[\]' ]{1,40}=[ \t]{0,8}(?=[fFbBrRuU]{0,2}[\"'])")
_BLANK = re.compile(r"[ \t]{0,8}(?:\*{1,2}[ \t])?")
_SHELL_WORD = re.compile(r"(?:[^\s\\]|\\[^nrt\"'\s])+")
_WORD = re.compile(r"[^\s\"'`,;&<>(){}\[\]|\\]+")
_XML_TEXT = re.compile(r"[^<\n]*")
_CALL = re.compile(r"(?:await |new )?[A-Za-z_][\w.:]*(?:!?\([^\n]{0,200}\)|\[[\w\"'])")
_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(?:\??\.[A-Za-z_]\w*)+")
_LINE_HEAD = re.compile(
    r"[\s+\->#*|]*(?:\d{1,6}(?:→|[:\t]))?\s*(?:export |set |setx |ENV |ARG |local |readonly |- )?\s*[\"']?"
)
_LINE_TAIL = re.compile(r"[ \t\r]*(?:\Z|\n|#|\\[nr])")
_ENDS = {quote: re.compile(rf"(?<!\\)(\\*){quote}|\n") for quote in "\"'`"}
_LONGEST_NAME = 64
_LONGEST_VALUE = 64 * 1024
_LONGEST_IN_WORDS = 256


def read_assignment(text: str, word: re.Match[str], longest: int = sys.maxsize) -> Assignment | None:
    """Returns the assignment whose name ends with `word` (a match of `after_word`); None if there is none. Of a value
    without quotes, it reads at most `longest` characters."""
    separator = word["separator"]
    begin = _name_start(text, word.start())
    if separator in _LINKS and text[begin : begin + 1] != "-" and not _DIGIT_SOON.match(text, word.end()):
        return None  # prose, which has no assignments
    name = text[begin : word.start("close")]
    at = word.end()
    if separator == ">":
        body = _XML_TEXT.match(text, at)
        if text[begin - 1 : begin] != "<" or body is None or not text.startswith("</", body.end()):
            return None
        return Assignment(name, body[0], at, body.end(), ">", quoted=True)
    if separator == ":" and (annotation := _ANNOTATION.match(text, at)):
        at = annotation.end()
    outer = text[begin - 1 : begin]
    if outer == ":" == separator:
        return None  # a part of an identifier: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db`
    if outer and outer in _ENDS and not word["close"] and separator not in _LINKS:
        return _in_quotes_with_its_name(text, name, begin, at, separator)
    if opened := _OPEN.match(text, at):
        start = opened.end()
        longest = _LONGEST_IN_WORDS if separator in _LINKS else _LONGEST_VALUE
        end = _closing(text, start, len(opened[1]), opened[2][0], longest=longest)
        glued = separator == "=" and opened.start(2) == word.end()
        linked = _is_linked_by_words(text, begin, name, separator)
        return Assignment(name, text[start:end], start, end, separator, quoted=True, glued=glued, in_words=linked)
    return None if separator == "," else _bare(text, name, begin, at, separator, longest)


def _is_linked_by_words(text: str, begin: int, name: str, separator: str) -> bool:
    if separator not in _LINKS or (separator == "" and name.startswith("-")):
        return False
    if separator == ",":
        return _SETTER.search(text, max(0, begin - 16), begin) is None
    return separator != "" or name != "PASSWORD"  # SQL: `ALTER USER app WITH PASSWORD 'abc'`


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


def _bare(text: str, name: str, begin: int, at: int, separator: str, longest: int) -> Assignment:
    start = end_of(_BLANK, text, at)
    limit = min(len(text), start + longest)
    glued = separator == "=" and start == at and text[at - 2 : at - 1] not in (" ", "\t")
    if glued and name.isupper():
        end = end_of(_SHELL_WORD, text, start, limit)
        while end > start and text[end - 1] in "\"'`,;)]}":
            end -= 1
        code = _CALL.match(text, start) is not None
    else:
        end = end_of(_WORD, text, start, limit)
        code = text[end : end + 1] in ("(", "[", "{") or text.startswith("->", end - 1)
    in_words = _is_linked_by_words(text, begin, name, separator)
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
# `pass` and `pat` have several meanings: `db_pass` and `gh_pat` count, `pass` and `pat` do not.
_WORDS = {
    "pass": after_word("pass(?:(?=w|p|c)|(?<=[a-z_-]pass))(?:word|wd|phrase|code)?s?"),
    "pwd": after_word("pwd"),
    "secret": after_word("secrets?"),
    "token": after_word("tokens?(?:-[a-z0-9]{5}(?=:))?"),
    "credential": after_word("credentials?"),
    "key": after_word("keys?"),
    "oauth": after_word("oauth"),
    "_pat": after_word("_pat"),
    _BEARER_TOKEN: after_word(r"bearer_token_\w{1,30}"),
}
_KINDS = {"pass": "password", "pwd": "password", "token": "token", "_pat": "token", _BEARER_TOKEN: "token"}
_SECRET_KEYS = tuple(
    "api access private secret auth account app master admin consumer subscription encryption encrypt signing hmac jwt"
    " webhook license deploy".split()
)
_PUBLIC_KEYS = frozenset(
    "cache public pub ssh primary foreign partition sort range idempotency hash host object row site storage kms dedup"
    " group index query file content message s3".split()
)
_NEAR = 48
_TELLING = 512  # what tells is at a value's beginning, and the rest may hold many more names
_LONG_VALUE = re.compile(r"[^\n=]{0,40}?[^\s\"'`(){}<>]{20}")
_OWNERS_OF_A_PASS = ("db", "user", "store", "key")
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_AWS_NAME = re.compile("aws|secret")
_AWS_SECRET = re.compile(r"[A-Za-z0-9/+]{40}")
_NUMBER = re.compile(r"[\d_.,:+\-]+(?:[smhd]|ms|px|[kmg]i?b?)?", re.IGNORECASE)
_SIGN = re.compile(r"[^a-z0-9]")
_WORKING_DIRECTORIES = {"PWD", "OLDPWD", "pwd"}


def hide_named(text: str, counts: dict[str, int]) -> str:
    """Replaces the values of secret names and keeps the names."""
    lower = values.lowered(text)
    spans = [span for word in _WORDS if word in lower for span in _spans(text, lower, word)]
    return insert_marks(text, spans, counts)


def _spans(text: str, lower: str, word: str) -> Iterator[Span]:
    done = 0
    for match in _WORDS[word].finditer(lower):
        if match.start() < done or (word == "pass" and not _means_a_password(text, lower, match)):
            continue
        # `api_key` names a secret, `key` does not.
        sure = word != "key" or lower[max(0, match.start() - 14) : match.start()].rstrip("_-. ").endswith(_SECRET_KEYS)
        if not sure and not _LONG_VALUE.match(text, match.end()):
            continue
        if not sure and not _is_key(read_assignment(text, match, _TELLING), text):
            continue
        found = read_assignment(text, match)
        if found is None:
            continue
        if not found.in_words:
            done = found.end  # examined only once: linear on any input
        if _AWS_NAME.search(found.name.lower()) and _AWS_SECRET.fullmatch(found.value):
            yield found.start, found.end, "aws"
        elif _is_secret(found, word):
            yield found.start, found.end, _KINDS.get(word, "secret")


def _means_a_password(text: str, lower: str, match: re.Match[str]) -> bool:
    """Whether `pass` in a name means a password: in `db_pass`, `smtpPass`, `dbpass`, `storepass`, not in `bypass`."""
    at = match.start()
    if match.start("close") - at > len("pass") + 1 or lower[at - 1 : at] in ("_", "-"):
        return True
    return (text[at] == "P" and text[at - 1].islower()) or lower[max(0, at - 5) : at].endswith(_OWNERS_OF_A_PASS)


def _is_key(found: Assignment | None, text: str) -> bool:
    """Whether the value shows that a key is secret although its name does not, such as `TRACKING_KEY`."""
    if found is None:
        return False
    before = text[max(0, found.start - _NEAR) : found.start]
    parts = [part.lower() for part in _PART.findall(before if found.in_words else found.name)]
    bare = len(parts) < 2 and not before.endswith(("?key=", "&key="))
    many = found.name.lower().endswith("s")  # `--recv-keys` and the like name keys, which are public
    return not (bare or many or found.code or _PUBLIC_KEYS.intersection(parts)) and is_scrambled(found.value, 20)


_HARMLESS = (values.is_dummy, values.is_filler, values.is_path, values.is_type_or_state)


def _is_secret(found: Assignment, word: str) -> bool:
    value = found.value.strip()
    if any(harmless(value) for harmless in _HARMLESS) or _repeats_name(found):
        return False
    if found.in_words or word == "oauth":
        return is_scrambled(value, 16 if word == "oauth" else 8) and not found.code and not is_name_of_a_secret(value)
    if found.separator in ("|", ";"):  # cells of a table, which describe more often than they hold a secret
        return is_random(value, 16) and not any(sign.isspace() for sign in value)
    if _NUMBER.fullmatch(value) and len(value) < 16:
        return value.isdigit() and len(value) >= 4 and found.name.lower().endswith(("word", "passwd", "pwd"))
    if any(character.isspace() for character in value[:256]):
        if (found.quoted and found.glued and found.name.isupper()) or "phrase" in found.name.lower():
            return True
        return any(is_random(part.strip(".,:;?!"), 6) for part in value[:256].split())
    if found.quoted:
        return _is_quoted_secret(found, value, word)
    if found.code or (found.name in _WORKING_DIRECTORIES and not is_scrambled(value, 8)):
        return False
    if is_in_use(value) and found.own_line:
        return True
    if not found.name.isupper():
        return _is_bare_secret(found, value, word)
    if found.glued:
        return len(value) >= 3
    return is_random(value, 4) or (found.own_line and found.separator == ":" and len(value) >= 4)


def _repeats_name(found: Assignment) -> bool:
    """Whether the value is only the name of a field or variable: `API_KEY = "x-api-key"`, `password=password`."""
    name, value = (_SIGN.sub("", part[:80].lower()) for part in (found.name, found.value))
    return value in (name, f"x{name}")


def _is_quoted_secret(found: Assignment, value: str, word: str) -> bool:
    if word == "credential":  # `credentials: "same-origin"` is an option of fetch()
        return is_random(value, 8)
    if word == "token" and not found.name.isupper():  # parsers are full of `token = "identifier"`
        return is_random(value, 6) or len(value) >= 16 or is_in_use(value)
    return len(value) >= (3 if word in ("pass", "pwd") or found.name.isupper() else 4 if word == "secret" else 6)


def _is_bare_secret(found: Assignment, value: str, word: str) -> bool:
    if found.name.startswith("-"):  # an option of a command
        if word not in ("pass", "pwd") and is_name_of_a_secret(value):
            return False
        return is_random(value, 4) or len(value) >= (4 if found.glued else 14)
    if found.glued:
        return is_random(value, 6) or (found.own_line and len(value) >= 6)
    if found.name.lower().startswith("x-"):
        return is_random(value, 6) or (found.own_line and len(value) >= 8)
    if is_random(value, 10 if word == "token" else 6):
        return not (found.separator == "=" and value.lower().startswith(found.name.lower()))
    return word in ("pass", "pwd") and found.own_line and found.separator == ":" and value.islower() and len(value) >= 6
