"""Adds a string to a top-level list of a YAML file, and removes it again with every other byte unchanged. Pure.

PyYAML locates the list; the edit itself works on the text. It is refused unless the file then means what it should, and
is unchanged after removing the entry. A new entry comes last, or first if a single value becomes a list, so that it can
become a single value again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from carryover.text.user_text import EditRefused, find_lines, newline_of, whole_file, with_lines, without_span

if TYPE_CHECKING:
    from yaml import Node, ScalarNode

_OUR_COMMENT: Final = b"# Carryover (auto-added)"
_NULL: Final = "tag:yaml.org,2002:null"


class YamlList(msgspec.Struct, frozen=True):
    """The list below the top-level `key` of a settings file in a project: files that an agent puts before its model."""

    name: str
    """Name of the settings file."""
    key: str
    user_file: str
    """Path below the home folder of the user's settings for all projects, whose list counts only if the project's file
    has none."""

    def new_file(self, entry: str) -> bytes:
        """Returns a file that contains only the list."""
        return whole_file(_block(self.key, entry))

    def is_new_file(self, data: bytes, entry: str) -> bool:
        """Whether the file contains only the list with the entry."""
        return data in (whole_file(_block(self.key, entry)), whole_file(_block(self.key, entry), b"\r\n"))

    def has_list(self, data: bytes) -> bool:
        """Whether the file has the list, even an empty one. Raises EditRefused if the file is not understood."""
        return _value(_text(data), self.key) is not None

    def has_entry(self, data: bytes, entry: str) -> bool:
        """Whether the list has the entry, in any quotes. Raises EditRefused if the file is not understood."""
        return any(item.value == entry for item in _items(_text(data), self.key))

    def entries_ending(self, data: bytes, end: str) -> list[str]:
        """Returns the entries in double quotes that end in `end`. Raises EditRefused if the file is not understood."""
        return [item.value for item in _items(_text(data), self.key) if item.style == '"' and item.value.endswith(end)]

    def with_entry(self, data: bytes, entry: str) -> bytes:
        """Returns the text with the entry in the list; unchanged if it is there already. Raises EditRefused."""
        if self.has_entry(data, entry):
            return data
        text = _text(data)
        value = _value(text, self.key)
        if _has_aliases(text):  # a list of two aliases of one of two has no end when it is compared
            raise EditRefused("a part of it stands for another (`*`)")
        if value is None:
            after = with_lines(data, _block(self.key, entry))
        else:
            after = _added(text, value, _quoted(entry)).encode()
        wanted = _read(text, "load", "BaseLoader") or {}
        wanted[self.key] = [*(item.value for item in _items(text, self.key)), entry]
        found = _read(_text(after), "load", "BaseLoader")
        for loaded in (found, wanted):
            loaded[self.key] = sorted(loaded[self.key], key=repr)  # what looks like a number is one in `found`
        if found != wanted:
            raise EditRefused(f"the value of `{self.key}` is not understood")
        if self.without_entry(after, entry) != data:
            raise EditRefused(f"`{self.key}` is written in a form that can't be edited without touching the rest")
        return after

    def without_entry(self, data: bytes, entry: str) -> bytes:
        """Returns the text without the entry, exactly as it was before `with_entry`. Raises EditRefused."""
        span = find_lines(data, _block(self.key, entry))
        if span is not None:
            return without_span(data, span)
        text = _text(data)
        value = _value(text, self.key)
        ours = next((item for item in _items(text, self.key) if item.style == '"' and item.value == entry), None)
        if value is None or ours is None or ours is value:
            return data
        if text[value.start_mark.index] == "[":
            start = value.start_mark.index
            end = value.end_mark.index
            without = _out_of_flow(text[start:end], _quoted(entry), len(value.value))
            return (text[:start] + without + text[end:]).encode()
        lines = text.split("\n")
        at = ours.start_mark.line
        if at == len(lines) - 1:
            lines[at - 1] = lines[at - 1].removesuffix("\r")
        del lines[at]
        return "\n".join(lines).encode()


def _quoted(entry: str) -> str:
    """Returns the entry as written in the file. Raises EditRefused if YAML can't express it on one line."""
    if not entry.isprintable():
        raise EditRefused("the path of the handoff has characters that it cannot hold")
    import json  # not at the top: every list of the agents loads this module

    return json.dumps(entry, ensure_ascii=False)


def _block(key: str, entry: str) -> tuple[bytes, bytes]:
    return _OUR_COMMENT, f"{key}: [{_quoted(entry)}]".encode()


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise EditRefused("it is not UTF-8 text") from error
    if "\0" in text or text.startswith("\ufeff") or "\r" in text.replace("\r\n", ""):
        raise EditRefused("it is not plain text")
    return text


@lru_cache(maxsize=4)  # one edit asks several times of the same text
def _value(text: str, key: str) -> Node | None:
    """Returns the node of a top-level key's value, with its position in the text; None if there is no such key."""
    import yaml

    root = _read(text, "compose", "SafeLoader")
    if root is None:
        return None
    if not isinstance(root, yaml.MappingNode) or root.flow_style or root.start_mark.column:
        raise EditRefused("it is something other than a list of settings")
    found: list[tuple[Node, Node]] = [(name, value) for name, value in root.value if name.value == key]
    if len(found) > 1:
        raise EditRefused(f"`{key}` is in it twice")
    if not found:
        return None
    [(name, value)] = found
    start = value.start_mark.index
    is_sequence = isinstance(value, yaml.SequenceNode)
    is_list = is_sequence and all(isinstance(item, yaml.ScalarNode) for item in value.value)
    is_single = value.tag != _NULL and getattr(value, "style", "|") in (None, '"', "'")
    is_alias = start < name.end_mark.index
    if is_alias or text.startswith(("&", "!"), start) or not (is_list or is_single or _is_empty(value)):
        raise EditRefused(f"the value of `{key}` is not understood")
    return value


def _has_aliases(text: str) -> bool:
    """Whether a valid text has a part that stands for another."""
    import yaml

    return "*" in text and any(isinstance(each, yaml.AliasToken) for each in yaml.scan(text, Loader=yaml.SafeLoader))


def _is_empty(value: Node) -> bool:
    return value.tag == _NULL and value.start_mark.index == value.end_mark.index


def _items(text: str, key: str) -> list[ScalarNode]:
    value: Any = _value(text, key)
    if value is None or _is_empty(value):
        return []
    return value.value if isinstance(value.value, list) else [value]


def _read(text: str, function: str, loader: str) -> Any:
    """Returns what a function of PyYAML makes of a text. Raises EditRefused."""
    import yaml  # most projects have no such file

    try:
        return getattr(yaml, function)(text, Loader=getattr(yaml, loader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise EditRefused("it is not valid YAML" + (f" (line {mark.line + 1})" if mark else "")) from error


def _added(text: str, value: Node, name: str) -> str:
    start = value.start_mark.index
    end = value.end_mark.index
    if text.startswith("[", start):
        kept = text[start + 1 : end - 1].rstrip().removesuffix(",")
        at = start + 1 + len(kept)
        return text[:at] + (f", {name}" if kept else name) + text[at:]
    if _is_empty(value):
        return _with_item_below(text, value.end_mark.line, f"  - {name}")
    if not isinstance(value.value, list):
        return f"{text[:start]}[{name}, {text[start:end]}]{text[end:]}"
    indent = " " * value.start_mark.column
    return _with_item_below(text, value.value[-1].end_mark.line, f"{indent}- {name}")


def _with_item_below(text: str, at: int, item: str) -> str:
    """Returns the text with the line `item` below line `at`, the last one of which may have no line end."""
    lines = text.split("\n")
    cr = "\r" if newline_of(text) == "\r\n" else ""
    if at == len(lines) - 1:
        return f"{text}{cr}\n{item}"
    lines.insert(at + 1, f"{item}{cr}")
    return "\n".join(lines)


def _out_of_flow(value: str, name: str, number: int) -> str:
    inside = value[1:-1]
    if f", {name}" in inside:
        return f"[{inside.replace(f', {name}', '', 1)}]"
    if inside.startswith(f"{name}, "):
        rest = inside.removeprefix(f"{name}, ")
        return rest if number == 2 and "," not in rest else f"[{rest}]"
    return f"[{inside.removeprefix(name)}]" if inside.startswith(name) else value
