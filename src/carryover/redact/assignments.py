"""Reads a value assigned to a name, in any notation: `DB_PASSWORD=…`, `"apiKey": "…"`, `--token …`, a table's cells."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from carryover.redact.values import LINE_NUMBER, NEXT_LINE, end_of, is_scrambled, is_strong
from carryover.text.pattern import later

_SUFFIX = r"(?:[_-]?(?:\d{1,2}|base|prod|production|dev|staging|test|live|value|string|hex|old|new))?"
# What links a name to its value, by the group that it is found in. `{"name": "TOKEN", "value": "…"}` and the like of
# Kubernetes, Hadoop and .NET name both in fields of their own.
_FIELDS = (
    rf"(?:,(?:{NEXT_LINE}-?|[ \t]|\\n){{0,40}}"
    r"\\{0,7}\"\w{1,24}\\{0,7}\": ?(?:true|false|null))?"  # Azure: `"slotSetting": false`
    rf",?(?:{NEXT_LINE}-?|[ \t]|\\n){{0,40}}"
    r"(?:\\{0,7}[\"'])?\b(?:parameter)?value(?:\\{0,7}[\"'])?[ \t]{0,4}[:=](?![:=>])"
    # Terraform: `variable "db_password" { default = "..." }`, and what `terraform output -json` prints.
    r"|:? ?\{[^{}]{0,160}?\b(?:value|default)(?:\\{0,7}[\"'])?[ \t]{0,8}[:=](?![:=>])"
    r"|\{ ?get;[ \w;]{0,20}\} ?=|:-(?=[^\s}\-:|])|as[ \t]string[ \t]{0,4}=(?=[ \t]{0,4}\")"  # C#'s, Basic's
    r"|</(?:key|name)>\s{0,40}<(?:string|value)>"
    r"|(?<=[ \t])(?:[\w:-]{1,30}=\\{0,7}[\"'][^\"'<>\n]{0,200}[\"'][ \t]{0,4}){1,4}>"
)
_CELLS = r"(?:</code>)?</t[dh]>\s{0,40}<td[^<>]{0,80}>(?:<code>)?|[|;│┃](?![|;│┃])"
_DEFAULT = r"[\])]{0,2}[ \t]{0,4}(?:\|\||\?\?|\?:|\bor\b)(?=[ \t]{0,4}[\"'`])"
_WANTED = r"(?:(?:should|must|will|shall) be|soll|sea|será|debe ser|doit être|deve ser|seja|должен быть)(?: est[ae])?"
_WORDS_BETWEEN = (
    rf"(?<=[\"'`]),(?:(?:{NEXT_LINE}|\\n)(?:{NEXT_LINE}|[ \t]|\\n){{0,40}}(?=\\{{0,7}}[\"']))?|,(?=[\w+/=-]{{16}})"
    r"|\(\s{0,40}(?:(?:like|now|currently|default:?|e\.g\.,?|i\.e\.,?|z\.B\.)[ \t])?(?=n?[\"'`])"
    r"|是|为|は|[은는](?=[ \t])"
    r"|(?<=[ \t])(?:(?:for|of|on|in|at|für|del|de la)[ \t][^\n:=\"'`|]{1,40}?"
    r"(?:[ \t](?:is|to|lautet|ist|es)|:)(?=[ \t])"
    r"|(?:for|of|in|at)[ \t][^\n:=\"'`|]{0,24}`[^`\n]{1,40}`(?:[ \t](?:is|to)|:)(?=[ \t][\"'`])"
    rf"|(?:(?:is|was|to|ist|lautet|est|es|é|è|là|{_WANTED}|[—–](?![ \t]*`)):?(?=[ \t]))?)"
)
_SEPARATOR = (
    r"(?P<close>\\{0,7}[\"'`]?\]?[*_]{0,2})[ \t]{0,24}"
    rf"(?P<separator>(?P<fields>{_FIELDS})|=>|:=|\?=|%3d|=(?![=>]|~(?:[\s/^(\"'$\[]|(?:[msy]|qr|tr)[/{{|]))|[:：](?![:=])|>|(?P<cells>{_CELLS})|(?P<default>{_DEFAULT})"
    rf"|(?P<compared>[!=]==?(?=[ \t]{{0,4}}[\"'`]))|(?P<words>{_WORDS_BETWEEN})|(?P<heading>(?=\r?\n)))"
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
    """The sign between them, or `words`, `cells` of a table, `compared` with each other, or `default` if the name
    stands for another value."""
    quoted: bool = False
    glued: bool = False
    """Whether it is written `NAME=value` without spaces, as in shells, .env files and query strings."""
    own_line: bool = False
    """Whether nothing else is on its line or between its quotes."""
    in_words: bool = False
    """Whether words, a comma, a space or the end of a line link the two: `the password is abc`, `authtoken abc`."""
    code: bool = False
    """Whether the value is a call, an index or an attribute: `get_token()`, `tokens[0]`, `self.token`."""


_DIGIT_SOON = later(r"[ \t]{0,8}\S{0,64}?\d")
_SETTER = later(r"(?:define|setenv|putenv|setdefault)\([ \t]?[\"']\Z")
_OPEN = later(r"[ \t]{0,8}(?:\*{1,2}[ \t]?)?[fFbBrRuUlLnN]{0,2}(\\{0,7})(\"\"\"|'''|[\"'`])")
_ANNOTATION = later(r"[ \t]?[&\w.|\[\]' ]{1,40}=[ \t]{0,8}(?=[fFbBrRuU]{0,2}[\"'])")
_WRAPPED = later(
    rf"(?:[ \t]{{0,8}}[(\\]?{NEXT_LINE}[ \t]{{1,40}}"
    r"|\s{1,40}string\(\d{1,6}\) "
    r"|\s{0,40}(?:(?:Some|Optional|String::from|Secret(?:Str|String)?(?:::(?:new|from))?)\(\s{0,40}){1,3})"
    r"(?=[fFbBrRuU]{0,2}(?:\"[^\s\"]{3,512}\"|'[^\s']{3,512}'))"
)
"""Before a text without blanks: formatters put a long one on the next line, Rust, Swift and Pydantic in a type, PHP
prints its length. A text with blanks is a sentence there, as is a docstring."""
_BELOW = later(
    rf"[*_]{{0,2}}[ \t]{{0,8}}(?:{NEXT_LINE}[ \t>]{{0,8}}){{1,2}}"
    r"(?:```\w{0,12}\r?\n[ \t]{0,8})?[`\"']?"
    r"(?=(?!\w+[=:][^=\s])[^\s`\"'|>-]\S{5,63}(?<!:)[`\"']?[ \t]{0,8}(?:\r?\n|\Z))"
)
"""Before a word that has the next line to itself, as in a list of what to log in with, also as code or in a quotation,
and is not itself a name with a value (`NAME=value`)."""
_HEADING = later(r"(?:> ?)?#{2,6}[ \t][^\n:]{0,40}")
"""Before a name at the end of a heading. One `#` begins a comment."""
_BLANK = later(rf"[ \t]{{0,8}}(?:\*{{1,2}}[ \t])?(?:[|>][+-]?{NEXT_LINE}[ \t]{{1,40}}|\\{NEXT_LINE}[ \t]{{0,40}})?")
"""Before a value without quotes; it may be on the next line, in YAML behind `|` or `>`, else behind a backslash."""
_SHELL_WORD = later(r"(?:[^\s\\]|\\[^nrt\"'\s]|\\ (?=\S))+")
_WORDS = later(r"[\w'-]{1,64}(?: [\w'-]{1,64}){2,23}(?=[ \t\r]*(?:\Z|\n))")
"""A phrase of three words or more, up to the end of its line."""
_WORD = later(r"[^\s\"'`,;&<>(){}\[\]|\\]+")
_UP_TO_BLANK = later(r"(?:[^\s\"'`\\]|\\(?![nrt]))+")
_UP_TO_SEMICOLON = later(r"[^\s\"'`;\\]+")
_LONGEST_STRONG = 128
_NAMING_ATTRIBUTES = ("name=", "key=", "id=")
_NAMESPACE = later(r"<\w{1,32}:\Z")
_XML_TEXT = later(r"(?P<value>[^<\n]{0,256}|[^<>\n]*)(?:\n\s{0,40})?(?=</)")
_XML_BEGIN = later(r"\s{0,40}(?:<!\[CDATA\[)?")
_CDATA = later(r"(?<=\[CDATA\[)(?P<value>[^\n]{0,256}?)\]\]>\s{0,40}(?=</)")
_CALL = later(r"(?:await |new )?[A-Za-z_][\w.:]*(?:!?\([^\n]{0,200}\)|\[[\w\"'])")
_ATTRIBUTE = later(r"[A-Za-z_]\w*(?:\??\.[A-Za-z_]\w*)+")
_SIGNS = (":", "=", ":=", "=>")
_LINE_HEAD = later(rf"[\s+\->#*|]*{LINE_NUMBER}?\s*(?:export |set |setx |ENV |ARG |local |readonly |- )?\s*[\"']?")
_LINE_TAIL = later(r"[ \t\r]*(?:\Z|\n|#|\\[nr])")
QUOTES = "\"'`"
_ENDS = {quote: later(rf"(?<!\\)(\\*){quote}|\n") for quote in QUOTES}
_LONGEST_NAME = 64
_LONGEST_VALUE = 64 * 1024
LONGEST_IN_WORDS = 256


def read_assignment(text: str, word: re.Match[str], most: int = sys.maxsize) -> Assignment | None:
    """Returns the assignment whose name ends with `word` (a match of `after_word`); None if there is none. Of a value
    without quotes, it reads at most `most` characters."""
    sort, linked = _link(word)
    begin = _name_start(text, word.start())
    name = text[begin : word.start("close")]
    at = word.end()
    below = _below(text, begin, name, at, sort)
    if sort == "heading" and below is None:
        return None
    is_prose = linked in ("is", "was", "to") or (linked == "" and below is None)
    if is_prose and not name.startswith("-") and not _DIGIT_SOON.match(text, at):
        return None  # no assignment
    if linked == "" and text[begin : begin + 1] == "$" and not text.endswith("set ", 0, begin):
        return None  # a variable and the word after it: `"$GITHUB_PAT" "..."`; nginx sets one so (`set $api_key "..."`)
    if linked == "," and at - word.start("separator") > 1 and not name.startswith("-"):
        return None  # the next of a list; of arguments, one to a line, it belongs to the option before it
    if linked.endswith(">") and linked != "=>":
        return _in_element(text, name, begin, at, linked)
    if sort == ":" and (annotation := _ANNOTATION.match(text, at)):
        at = annotation.end()
    elif sort in _SIGNS and (wrapped := _WRAPPED.match(text, at)):
        at = wrapped.end()
    whole = begin - (text[begin - 1 : begin] == "^")  # of a pattern: `grep '^API_KEY=' .env`
    outer = text[whole - 1 : whole]
    if outer == ":" == linked:
        return None  # a part of an identifier: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db`
    if outer and outer in _ENDS and not word["close"] and sort != "words":
        return _in_quotes_with_its_name(text, name, whole, at, sort)
    in_words = below is not None or (sort == "words" and _is_linked_by_words(text, begin, name, linked))
    if opened := _OPEN.match(text, at):
        start = opened.end()
        longest = LONGEST_IN_WORDS if sort == "words" else _LONGEST_VALUE
        end = _closing(text, start, len(opened[1]), opened[2][0], longest=longest)
        glued = sort == "=" and opened.start(2) == word.end()
        return Assignment(name, text[start:end], start, end, sort, quoted=True, glued=glued, in_words=in_words)
    if linked in (",", "("):
        return None
    return _bare(text, name, begin, below.end() if below is not None else at, sort, most, in_words=in_words)


def _link(word: re.Match[str]) -> tuple[str, str]:
    """Returns the sort of link between a name and its value, and the link."""
    linked = word["separator"].strip()
    for sort in ("words", "cells", "default", "compared", "heading"):
        if word[sort] is not None:
            return sort, linked
    return ":" if word["fields"] else "=" if linked == "%3d" else linked, linked


def _below(text: str, begin: int, name: str, at: int, sort: str) -> re.Match[str] | None:
    """Returns what stands between a name with a colon, or in a heading, and a value on a line of its own."""
    is_list = name.endswith(("s", "S")) and not name.lower().endswith("pass")
    below = _BELOW.match(text, at) if sort in (":", "：", "heading") and not is_list else None
    if below is None or sort != "heading":
        return below
    line = text.rfind("\n", max(0, begin - _LONGEST_NAME), begin) + 1
    return below if _HEADING.fullmatch(text, line, begin) is not None else None


def _in_element(text: str, name: str, begin: int, at: int, linked: str) -> Assignment | None:
    """Handles `<token>abc</token>`, `<ns:token type="a">abc</ns:token>`, `<string name="token">abc</string>`
    and `<key>token</key><string>abc</string>`; the text may be CDATA, or on a line of its own."""
    inside = end_of(_XML_BEGIN, text, at)
    found = _CDATA.match(text, inside) or _XML_TEXT.match(text, inside)
    if found is None:
        return None
    start, end = found.span("value")
    end = start + len(text[start:end].rstrip().removesuffix("]]>"))
    is_tag = text[begin - 1 : begin] == "<" or _NAMESPACE.search(text, max(0, begin - 33), begin) is not None
    if is_tag or linked.startswith("</"):
        return Assignment(name, text[start:end], start, end, ">", quoted=True)
    is_attribute = text.endswith(_NAMING_ATTRIBUTES, 0, begin - 1)
    return Assignment(name, text[start:end], start, end, "default", quoted=True) if is_attribute else None


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
    if text[begin] in "nrt" and text[begin - 1 : begin] == "\\":
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
    if glued and "phrase" in name.lower() and (phrase := _WORDS.match(text, start, limit)) is not None:
        end, code = phrase.end(), False
    elif glued and name.isupper():
        end = end_of(_SHELL_WORD, text, start, limit)
        while end > start and text[end - 1] in "\"'`,;)]}":
            end -= 1
        code = _CALL.match(text, start) is not None
    else:
        end = _end_of_bare(text, begin, start, limit, glued=glued)
        code = text[end : end + 1] in ("(", "[", "{") or text.startswith("->", end - 1)
    while in_words and separator == "words" and end > start and text[end - 1] in ".!?:":
        end -= 1
    value = text[start:end]
    attribute = _ATTRIBUTE.fullmatch(value) is not None and not is_scrambled(value, 16)
    code = code or attribute or (text[end : end + 1] == "<" and value.isidentifier())
    own_line = _starts_line(text, begin) and _LINE_TAIL.match(text, end) is not None
    return Assignment(name, value, start, end, separator, glued=glued, own_line=own_line, in_words=in_words, code=code)


def _end_of_bare(text: str, begin: int, start: int, limit: int, *, glued: bool) -> int:
    """Returns the end of a value without quotes: of a word or, if that is no code but what a password manager makes, of
    all up to the next blank, or `;` in a connection string."""
    end = end_of(_WORD, text, start, limit)
    in_string = glued and text[begin - 1 : begin] == ";"
    if not in_string and not _starts_line(text, begin):
        return end
    whole = end_of(_UP_TO_SEMICOLON if in_string else _UP_TO_BLANK, text, start, min(limit, start + _LONGEST_STRONG))
    while whole > end and text[whole - 1] in "\"'`,;)]}":
        whole -= 1
    is_whole = in_string or _LINE_TAIL.match(text, whole) is not None
    is_code = _CALL.match(text, start, whole) is not None or text.find("->", start, whole) >= 0
    return whole if whole > end and is_whole and is_strong(text[start:whole]) and not is_code else end


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
