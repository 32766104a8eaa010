"""Finds secrets in tables whose first line names the columns (of a database's client, of Markdown, of CSV and TSV), and
in what SQL inserts into such columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from carryover.redact.values import (
    LINE_NUMBER,
    PASSWORDS,
    Span,
    end_of,
    is_address,
    is_dummy,
    is_filler,
    is_path,
    is_said_password,
    is_scrambled,
    is_strong,
)
from carryover.text.pattern import later

_SIGNS: Final = "|│\t,;"
_QUOTES: Final = "\"'`*"
_ENDS: Final = rf"[{_QUOTES}]{{0,2}} {{0,60}}(?:[{_SIGNS}]|\r?\n)"
_WORDS: Final = ("mot de passe", *PASSWORDS)
_HINTS: Final = {"passw": "passw(?:or[dt]|d)", **{word: word for word in (*_WORDS, "secret", "token", "_key")}}
_PART_OF: Final = {"passw": "pass", "mot de passe": "pass", "_key": "key"}
_NAMES: Final = {hint: later(f"{name}{_ENDS}") for hint, name in _HINTS.items()}
"""What ends a cell that names a secret. Each pattern begins with plain letters, which are found in no time."""
_NAMED: Final = later(
    rf"[{_QUOTES} ]*(?:(?:[a-z0-9]{{1,20}}[_ ]){{0,2}}[\u3040-\u30ff\u4e00-\u9fff]{{0,8}}?"
    rf"(?P<password>passwor[dt]|passwd|{'|'.join(_WORDS)})|(?:[a-z0-9]{{1,20}}_){{0,2}}(?:secret|token|(?:api|secret)_key))"
    rf"[{_QUOTES} \r]*"
)
_ESCAPED_NAMES: Final = {
    hint: later(rf"{name}(?:\\+\"|[`* ]){{0,60}}(?:[,;](?=[\w\\])|\||\\+[nrt])") for hint, name in _HINTS.items()
}
"""The same in lines that are escaped."""
_BESIDE: Final = later(r"[,;|\t][ \w\\\"*`]{0,24}\Z|\\t\Z")
_TITLE: Final = later(rf"[ {_QUOTES}]*[^\W\d][\w\u0900-\u0dff .-]{{0,40}}[ {_QUOTES}]*\r?|[ \r]*")
_LINE: Final = later(r"[^\n]{0,2000}(?:\n|\Z)")
_RULE: Final = later(r"[ \t|+:│├┼┤]*[-─=][ \t|+:│├┼┤─=-]*\r?\n?")
_MOST_ROWS: Final = 200
_NUMBER: Final = later(rf"[ \t]*{LINE_NUMBER}")
_ESCAPE: Final = later(r":[ \t]?\\*\"|(?<!\\)(?:\\*\"|\\+[nrt])")
_MEANT: Final = {'"': "'", "n": "\n", "r": " ", "t": "\t"}
_SITE: Final = later(
    r"http(?<=[,\"]http)s?://[^\s,\"]{1,300}\\?\"?,\\?\"?(?P<user>[^\s,\"\\]{1,100})\\?\"?,\\?\"?"
    r"(?P<value>[^\s,\"\\]{6,100})\\?\"?(?=[,\s\\]|\Z)"
)
_RARE_SIGN: Final = later(r"[!#$%^&*?~+]")
"""A sign that ids, names of files and times do not have."""
_INSERT: Final = later(
    r"insert into [ \t]{0,8}[^\s()]{1,120}\s{0,40}\((?P<columns>[^()]{1,2000})\)\s{0,40}values\s{0,40}(?=\()"
)
_CELL: Final = later(r"\s{0,40}(?:'(?P<value>[^'\n]{0,400})'|[^,'()]{0,200}(?:\([^()]{0,80}\))?)\s{0,40}(?P<end>[,)])")
_NEXT_ROW: Final = later(r"\s{0,40},?\s{0,40}\(")


def values_in_inserts(text: str, lower: str) -> Iterator[Span]:
    """Yields what SQL inserts into a column with the name of a secret."""
    for insert in _INSERT.finditer(lower):
        names = [_NAMED.fullmatch(name.strip()) for name in insert["columns"].split(",")]
        row = _NEXT_ROW.match(text, insert.end())
        for _ in range(_MOST_ROWS if any(names) else 0):
            cells = _cells(text, row.end(), len(names)) if row is not None else []
            for name, cell in zip(names, cells, strict=False):
                is_password = name is not None and name["password"] is not None
                if name is not None and cell["value"] and _is_secret(cell["value"], is_password):
                    yield *cell.span("value"), "password" if is_password else "secret"
            if not cells:
                break
            row = _NEXT_ROW.match(text, cells[-1].end())


def _cells(text: str, at: int, count: int) -> list[re.Match[str]]:
    """Returns the cells of a row of values that begins at a place; none if there are not as many as `count`."""
    cells: list[re.Match[str]] = []
    while len(cells) < count and (cell := _CELL.match(text, cells[-1].end() if cells else at)) is not None:
        cells.append(cell)
        if cell["end"] == ")":
            break
    return cells if len(cells) == count and cells[-1]["end"] == ")" else []


def values_in_columns(text: str, lower: str, words: Collection[str]) -> Iterator[Span]:
    """Yields the cells below the name of a secret. `lower` is `text` in lower case, and `words` are those of the words
    for secrets that are in it. The lines may be escaped, as in JSON, or numbered, as tools that read files do."""
    hints = [hint for hint in _NAMES if _PART_OF.get(hint, hint) in words and hint in lower]
    if "\n" in text:
        yield from _in_columns(text, lower, hints)
    escaped = (name for hint in hints for name in _ESCAPED_NAMES[hint].finditer(lower))
    if "\\n" in text and any(_is_column(lower, name) for name in escaped):
        yield from _in_columns(_ESCAPE.sub(_meant, text), _ESCAPE.sub(_meant, lower), hints)


def _is_column(lower: str, name: re.Match[str]) -> bool:
    """Whether other columns stand beside a name in a line that is escaped."""
    begin = name.start()
    return name[0][-1] not in "nrt" or _BESIDE.search(lower, max(0, begin - 32), begin) is not None


def _meant(escape: re.Match[str]) -> str:
    """Returns what JSON means by an escape, padded with spaces so that all else stays in place. A string's beginning
    and end become those of a line; of a string inside a string only the beginning is known, by the colon before it."""
    written = escape[0]
    meant = "\n" if written == '"' or written[0] == ":" else _MEANT[written[-1]]
    return meant.ljust(len(written)) if meant == "'" else meant.rjust(len(written))


def _in_columns(text: str, lower: str, hints: Collection[str]) -> Iterator[Span]:
    here = (_NAMES[hint].finditer(lower) for hint in hints)
    done = 0
    for named in sorted((found for each in here for found in each), key=re.Match.start):
        begin = lower.rfind("\n", max(0, done - 1, named.start() - 2000), named.start()) + 1
        number = _NUMBER.match(lower, begin, named.start())
        if begin < done or (number is None and lower[begin].isspace() and named[0][-1] in ",;"):  # arguments in code
            continue
        head = _LINE.match(lower, begin)
        if head is None or head.end() <= named.start():  # a line too long for that of a table
            done = lower.find("\n", named.start()) + 1 or len(lower)
            continue
        line = head[0][number.end() - begin :] if number is not None else head[0]
        sign = next((sign for sign in _SIGNS if sign in line), "")
        if not sign:
            continue
        done = head.end()
        titles = line.removesuffix("\n").split(sign)
        if not all(map(_TITLE.fullmatch, titles)):
            continue
        named_at = {at: found for at, title in enumerate(titles) if (found := _NAMED.fullmatch(title))}
        columns = {at: found["password"] is not None for at, found in named_at.items()}
        for _ in range(_MOST_ROWS if columns else 0):  # else the next line may name some
            row = _LINE.match(text, done)
            if row is None or not row[0]:
                break
            at = end_of(_NUMBER, text, done) if number is not None else done
            cells = text[at : row.end()].removesuffix("\n").split(sign)
            if _RULE.fullmatch(text, at, row.end()) is None:
                if len(cells) != len(titles):
                    break
                yield from _secrets(cells, at, columns)
            done = row.end()


def values_in_rows(text: str, _lower: str) -> Iterator[Span]:
    """Yields the password of a row that a browser exported, `name,https://…,user,password,note`, whose head was not
    read."""
    for row in _SITE.finditer(text):
        value = row["value"]
        is_one = is_strong(value) and _RARE_SIGN.search(value) is not None
        is_one = is_one or (is_address(row["user"]) and is_said_password(value))
        if is_one and not (is_dummy(value) or is_filler(value) or is_path(value)):
            yield *row.span("value"), "password"


def _secrets(cells: list[str], start: int, columns: dict[int, bool]) -> Iterator[Span]:
    for at, cell in enumerate(cells):
        value = cell.strip(f" \t\r{_QUOTES}")
        if at in columns and _is_secret(value, columns[at]):
            begin = start + cell.index(value)
            yield begin, begin + len(value), "password" if columns[at] else "secret"
        start += len(cell) + 1


def _is_secret(value: str, is_password: bool) -> bool:
    if any(sign.isspace() for sign in value) or is_dummy(value) or is_filler(value) or is_path(value):
        return False
    if not is_password:
        return is_scrambled(value, 12)
    return is_said_password(value) or is_strong(value) or is_scrambled(value, 8) or value.startswith(("$2", "$argon"))
