"""Adds a string to a top-level list of a YAML file, and takes it out again with every other byte as it was. Pure.

Only what is certain is edited: block mappings whose lines are understood one by one. Everything else is refused.
A new entry comes last, but first where a single value becomes a list, so that it can become a single value again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from carryover.edits.encoding import EditRefused, newline_of
from carryover.edits.text_block import find_lines, whole_file, with_lines, without_span

_KEY: Final = re.compile(r"(?P<key>[A-Za-z0-9_][A-Za-z0-9_.-]*)[ ]*:(?P<value>[ ].*|)")
_ITEM: Final = re.compile(r"(?P<indent> *)- +(?P<value>\S.*)")
_NOTHING: Final = re.compile(r" *(?:#.*)?")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*$")
_PLAIN: Final = re.compile(r"[^\s\"'\[\]{}>|*&!%#`@,?:-][^\[\]{},#:\"'\t]*")
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")
_NULLS: Final = ("~", "null")
_OUR_COMMENT: Final = b"# Carryover (auto-added)"


@dataclass(frozen=True, slots=True)
class _List:
    """Where the list is. Line numbers count from 0.

    `form`: `none`, `empty` (a key without a value), `single`, `flow`, `block`. `start` and `end` bound the value in its
    line, without blanks and comment; `last` is the line of the last item of a block, else that of the key.
    """

    form: str
    line: int = 0
    start: int = 0
    end: int = 0
    last: int = 0
    indent: str = "  "


def quoted(entry: str) -> str:
    """The entry as it is written in the file. Raises EditRefused for one that YAML cannot hold in one line."""
    if not entry.isprintable():
        raise EditRefused("the path of the handoff has characters that it cannot hold")
    return json.dumps(entry, ensure_ascii=False)


def new_file(key: str, entry: str) -> bytes:
    """A file with nothing but the list."""
    return whole_file(_block(key, entry))


def is_new_file(data: bytes, key: str, entry: str) -> bool:
    """Whether the file holds nothing but the list with the entry."""
    return data in (whole_file(_block(key, entry)), whole_file(_block(key, entry), b"\r\n"))


def has_list(data: bytes, key: str) -> bool:
    """Whether the file has the list, if only an empty one. Raises EditRefused for what is not understood."""
    return _find(_text(data), key).form != "none"


def has_entry(data: bytes, key: str, entry: str) -> bool:
    """Whether the list has the entry, in whatever quotes. Raises EditRefused for what is not understood."""
    text = _text(data)
    found = _find(text, key)
    lines = text.split("\n")
    values = [lines[found.line][found.start : found.end]] if found.form in ("single", "flow") else []
    if found.form == "block":
        values = [item["value"] for line in lines[found.line + 1 : found.last + 1] if (item := _ITEM.match(line))]
    return any(spelled in value for value in values for spelled in (quoted(entry), f"'{entry}'")) or any(
        entry in re.split(r"[\s,\[\]]+", value) for value in values
    )


def with_entry(data: bytes, key: str, entry: str) -> bytes:
    """The text with the entry in the list; unchanged where it is there. Raises EditRefused."""
    if has_entry(data, key, entry):
        return data
    text = _text(data)
    found = _find(text, key)
    name = quoted(entry)
    lines = text.split("\n")
    line = lines[found.line] if lines else ""
    match found.form:
        case "none":
            return with_lines(data, _block(key, entry))
        case "single":
            lines[found.line] = f"{line[: found.start]}[{name}, {line[found.start : found.end]}]{line[found.end :]}"
        case "flow":
            lines[found.line] = _in_flow(line, found, name)
        case _:
            after = lines[found.last]
            cr = "\r" if newline_of(data) == b"\r\n" else ""
            if found.last == len(lines) - 1:  # the file has no newline at its end
                lines[found.last] = after + cr
                lines.append(f"{found.indent}- {name}")
            else:
                lines.insert(found.last + 1, f"{found.indent}- {name}{cr}")
    return "\n".join(lines).encode()


def without_entry(data: bytes, key: str, entry: str) -> bytes:
    """The text without the entry, exactly as it was before `with_entry`. Raises EditRefused."""
    span = find_lines(data, _block(key, entry))
    if span is not None:
        return without_span(data, span)
    text = _text(data)
    found = _find(text, key)
    name = quoted(entry)
    lines = text.split("\n")
    if found.form == "flow":
        line = lines[found.line]
        lines[found.line] = line[: found.start] + _out_of_flow(line[found.start : found.end], name) + line[found.end :]
    elif found.form == "block":
        at = next((n for n in range(found.line + 1, found.last + 1) if lines[n].strip() == f"- {name}"), None)
        if at is None:
            return data
        if at == len(lines) - 1:
            lines[at - 1] = lines[at - 1].removesuffix("\r")
        del lines[at]
    return "\n".join(lines).encode()


def entries_ending(data: bytes, key: str, end: str) -> list[str]:
    """The entries in double quotes that end in `end`. Raises EditRefused for what is not understood."""
    text = _text(data)
    found = _find(text, key)
    part = "\n".join(text.split("\n")[found.line : found.last + 1]) if found.form != "none" else ""
    entries = []
    for match in re.finditer(r"\"(?:[^\"\\]|\\.)*\"", part):
        try:
            value = json.loads(match[0])
        except ValueError:
            continue
        if isinstance(value, str) and value.endswith(end):
            entries.append(value)
    return entries


def _block(key: str, entry: str) -> tuple[bytes, bytes]:
    return _OUR_COMMENT, f"{key}: [{quoted(entry)}]".encode()


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise EditRefused("it is not UTF-8 text") from error
    if "\0" in text or text.startswith("\ufeff") or "\r" in text.replace("\r\n", ""):
        raise EditRefused("it is not plain text")
    return text


def _find(text: str, key: str) -> _List:
    """Where the list is in a file whose every top-level line is understood."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    at: int | None = None
    begun = False
    for number, line in enumerate(lines):
        if re.match(r" *\t", line):
            raise EditRefused(f"line {number + 1} is indented with a tab")
        if _NOTHING.fullmatch(line) or (line.startswith(" ") and begun):
            continue
        if line.startswith("---") and not begun and at is None and line.rstrip() == "---":
            if any(not _NOTHING.fullmatch(other) for other in lines[:number]):
                raise EditRefused("it holds more than one document")
            continue
        found = _KEY.fullmatch(line)
        if found is None and not (begun and line.startswith("- ")):
            raise EditRefused(f"line {number + 1} is not understood")
        begun = True
        if found is not None and found["key"] == key:
            if at is not None:
                raise EditRefused(f"`{key}` is in it twice")
            at = number
    return _List("none") if at is None else _value(lines, at, key)


def _value(lines: list[str], at: int, key: str) -> _List:
    line = lines[at]
    start = line.index(":", len(key)) + 1
    value = line[start:]
    start += len(value) - len(value.lstrip())
    rest = line[start:]
    if not rest or rest.startswith("#"):
        return _items(lines, at)
    following = next((other for other in lines[at + 1 :] if not _NOTHING.fullmatch(other)), "")
    if following.startswith((" ", "- ")):
        raise EditRefused(f"the value of `{key}` goes over several lines")
    if rest.startswith("["):
        return _List("flow", at, start, start + _flow_end(rest, key), at)
    whole = _QUOTED.match(rest) or re.match(r"[^#\s](?:[^#]|(?<=\S)#)*", rest)
    end = len(whole[0].rstrip()) if whole else 0
    single = rest[:end]
    if (
        single.lower() in _NULLS
        or not (_QUOTED.fullmatch(single) or _PLAIN.fullmatch(single))
        or not _NOTHING.fullmatch(rest[end:])
    ):
        raise EditRefused(f"the value of `{key}` is not understood")
    return _List("single", at, start, start + end, at)


def _items(lines: list[str], at: int) -> _List:
    """The items of a block below the key; none make an empty value."""
    indent: str | None = None
    last = at
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if _NOTHING.fullmatch(line):
            continue
        if not line.startswith((" ", "- ")):
            break
        item = _ITEM.fullmatch(line)
        if item is None or (indent is not None and item["indent"] != indent):
            raise EditRefused(f"line {number + 1} is not understood")
        value = item["value"]
        whole = _QUOTED.match(value) or _PLAIN.match(value)
        if whole is None or not _NOTHING.fullmatch(value[len(whole[0].rstrip()) :]):
            raise EditRefused(f"line {number + 1} is not understood")
        indent, last = item["indent"], number
    return _List("empty" if indent is None else "block", at, last=last, indent="  " if indent is None else indent)


def _flow_end(rest: str, key: str) -> int:
    """The length of a list in brackets, all in one line."""
    at = 1
    wanted = True
    while at < len(rest):
        char = rest[at]
        if char == "]":
            if not _NOTHING.fullmatch(rest[at + 1 :]) or rest[at + 1 : at + 2] == "#":
                break
            return at + 1
        if char == ",":
            wanted = True
            at += 1
        elif char == " ":
            at += 1
        else:
            item = _QUOTED.match(rest, at) or _PLAIN.match(rest, at)
            if item is None or not wanted:
                break
            wanted = False
            at = item.end()
    raise EditRefused(f"the value of `{key}` is not understood")


def _in_flow(line: str, found: _List, name: str) -> str:
    inside = line[found.start + 1 : found.end - 1]
    kept = inside.rstrip()
    if not kept:
        return f"{line[: found.start]}[{name}{inside}{line[found.end - 1 :]}"
    comma = kept.removesuffix(",")
    return f"{line[: found.start]}[{comma}, {name}{inside[len(comma) :]}{line[found.end - 1 :]}"


def _out_of_flow(value: str, name: str) -> str:
    inside = value[1:-1]
    if f", {name}" in inside:
        return f"[{inside.replace(f', {name}', '', 1)}]"
    if inside.startswith(f"{name}, "):
        rest = inside.removeprefix(f"{name}, ")
        single = _QUOTED.fullmatch(rest) or _PLAIN.fullmatch(rest)
        return rest if single else f"[{rest}]"
    return f"[{inside.removeprefix(name)}]" if inside.startswith(name) else value
