"""Reads `name = value` in any notation: shells, .env, YAML, JSON (also inside a string), code, XML."""

from __future__ import annotations

import re
from typing import NamedTuple

from carryover.redact.dummy_values import is_scrambled

_SUFFIX = r"(?:[_-]?\d{1,2}|[_-](?:base|prod|production|dev|staging|test|live|value|string|hex|old|new))?"
_SEPARATOR = (
    r"(?P<close>\\{0,7}[\"'`]?\]?[*_]{0,2})[ \t]{0,8}"
    r"(?P<separator>=>|:=|\?=|=(?![=~>])|:(?![:=])|>|[|;](?![|;])|(?<=[\"'`]),"
    r"|(?<=[ \t])(?:(?:is|was):?(?=[ \t]))?)"
)


def after_word(word: str) -> re.Pattern[str]:
    """Returns a pattern for the end of a name, from `word` to its separator.

    The pattern begins with the literal letters of `word`.
    """
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
    """Whether only words, a comma or a space link the two: `the password is abc`, `set("token", "abc")`, `authtoken
    abc`."""
    code: bool = False
    """Whether the value is a call, an index or an attribute: `get_token()`, `tokens[0]`, `self.token`."""

    @property
    def option(self) -> bool:
        """Whether the name is a command line option, such as `--password` or `-storepass`."""
        return self.name.startswith("-")


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


def read_assignment(text: str, word: re.Match[str]) -> Assignment | None:
    """Returns the assignment whose name ends with `word` (a match of `after_word`); None if there is none."""
    separator = word["separator"]
    begin = _name_start(text, word.start())
    if separator in _LINKS and text[begin : begin + 1] != "-" and not _DIGIT_SOON.match(text, word.end()):
        return None  # prose, which has no assignments
    name = text[begin : word.start("close")]
    if separator == ">":
        return _xml(text, name, begin, word.end())
    at = word.end()
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
    return None if separator == "," else _bare(text, name, begin, at, separator)


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


def _xml(text: str, name: str, begin: int, start: int) -> Assignment | None:
    body = _XML_TEXT.match(text, start)
    if text[begin - 1 : begin] != "<" or body is None or not text.startswith("</", body.end()):
        return None
    return Assignment(name, body[0], start, body.end(), ">", quoted=True)


def _in_quotes_with_its_name(text: str, name: str, begin: int, at: int, separator: str) -> Assignment:
    """Handles `"TOKEN=abc"` and `-H 'Private-Token: abc'`: the quote before the name also ends the value."""
    head = text[max(0, begin - 8) : begin - 1]
    start = _end(_BLANK, text, at)
    end = _closing(text, start, len(head) - len(head.rstrip("\\")), text[begin - 1])
    glued = separator == "=" and start == at
    value = text[start:end]
    code = _CALL.match(value) is not None or _ATTRIBUTE.fullmatch(value) is not None
    return Assignment(name, value, start, end, separator, glued=glued, own_line=True, code=code)


def _bare(text: str, name: str, begin: int, at: int, separator: str) -> Assignment:
    start = _end(_BLANK, text, at)
    glued = separator == "=" and start == at and text[at - 2 : at - 1] not in (" ", "\t")
    if glued and name.isupper():
        end = _end(_SHELL_WORD, text, start)
        while end > start and text[end - 1] in "\"'`,;)]}":
            end -= 1
        code = _CALL.match(text, start) is not None
    else:
        end = _end(_WORD, text, start)
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
    """Returns the end of the string that `escapes` backslashes and `quote` opened, or of the line if it is torn.

    In a string inside a string each backslash is doubled, so a quote closes the string if its own backslashes come in
    pairs.
    """
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


def _end(shape: re.Pattern[str], text: str, start: int) -> int:
    match = shape.match(text, start)
    return match.end() if match else start
