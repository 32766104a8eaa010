"""What a project's own settings file says: `.carryover.toml`, which may come with the repository, from strangers."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from carryover.errors import visible
from carryover.fsio import read_bytes_bounded
from carryover.text.toml_lines import parsed_toml

PROJECT_FILE: Final = ".carryover.toml"
_LIMIT_BYTES: Final = 4 << 10
"""A few lines are all it can say; a key of thousands of parts takes seconds to read."""

FORMER_POINTERS: Final[Mapping[str, str]] = {"private": "local"}
"""Answers of trial versions to `publish.pointers`, with what they are read as."""

_Choice = TypeVar("_Choice", bound=str)

_MAY_SET: Final[Mapping[str, tuple[str, ...]]] = {"resume": ("mode", "depth"), "publish": ("pointers",), "exclude": ()}
"""The keys of the file, and those of each that is a table. Values are checked one by one, so that a mistake affects
only its key."""


def read_project_file(root: Path) -> tuple[dict[str, Any], list[str]]:
    """Returns what the project's own file says, and notes on why it says nothing if it can't be used."""
    try:
        text = read_bytes_bounded(root / PROJECT_FILE, _LIMIT_BYTES, follow=False).decode("utf-8-sig")
        return with_present_pointers(parsed_toml(text)), []
    except (FileNotFoundError, NotADirectoryError):
        return {}, []
    except OSError as error:
        reason = "it is a symlink" if error.errno == errno.ELOOP else error.strerror
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except ValueError as error:  # TOMLDecodeError
        reason = f"it is not valid TOML: {error}"
    return {}, [f"{PROJECT_FILE} is ignored, and your own settings hold: {reason}"]


def misplaced(own: Mapping[str, Any]) -> Iterator[str]:
    """Yields a note on each key of a project's file that has no meaning there, whatever its value."""
    for key in _unknown(own):
        yield f"{PROJECT_FILE}: {visible(key)} is not something a project may set; it is ignored"
    for table, keys in _MAY_SET.items():
        if keys and not isinstance(own.get(table, {}), dict):
            yield f"{PROJECT_FILE}: {table} must be a table; it is ignored"
    if not isinstance(own.get("exclude", False), bool):
        yield f"{PROJECT_FILE}: exclude must be true or false; it is ignored, and false holds"


def _unknown(own: Mapping[str, Any]) -> Iterator[str]:
    for key, value in own.items():
        if key not in _MAY_SET:
            yield key
        elif _MAY_SET[key] and isinstance(value, dict):
            yield from (f"{key}.{name}" for name in value if name not in _MAY_SET[key])


def choice(
    data: Mapping[str, Any], path: tuple[str, str], choices: tuple[_Choice, ...], held: _Choice, notes: list[str]
) -> _Choice | None:
    """Returns what the project asks for; None if nothing, or nothing known: then `held` holds, as a note says."""
    table, key = path
    value = own_value(data, table, key)
    if value is None:
        return None
    for choice in choices:
        if value == choice:
            return choice
    must = f"{table}.{key} must be one of {', '.join(choices)}"
    notes.append(f"{PROJECT_FILE}: {must}; it is ignored, and {held} holds")
    return None


def with_present_pointers(data: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings with the answers of trial versions to `pointers` as what they are now."""
    publish = data.get("publish")
    if not isinstance(publish, dict):
        return dict(data)

    def present(value: Any) -> Any:
        return FORMER_POINTERS.get(value, value) if isinstance(value, str) else value

    read = {key: present(value) if key == "pointers" else value for key, value in publish.items()}
    if isinstance(projects := publish.get("projects"), dict):
        read["projects"] = {pattern: present(value) for pattern, value in projects.items()}
    return {**data, "publish": read}


def own_value(data: Mapping[str, Any], table: str, key: str) -> Any:
    """Returns the value of a key in a table; None if either is missing."""
    section = data.get(table)
    return section.get(key) if isinstance(section, dict) else None


def unknown_keys(
    data: Mapping[str, Any], schema: type[msgspec.Struct], prefix: str = "", without: Collection[str] = ()
) -> Iterator[str]:
    """Yields the keys of a settings file that `schema`, less its fields `without`, does not have."""
    if not data:  # as in most projects, and the schema's fields take long to list
        return
    known = {field.name: field.type for field in msgspec.structs.fields(schema) if field.name not in without}
    for key, value in data.items():
        if key not in known:
            yield prefix + key
        elif isinstance(value, dict) and isinstance(known[key], type) and issubclass(known[key], msgspec.Struct):
            yield from unknown_keys(value, known[key], f"{prefix}{key}.")
