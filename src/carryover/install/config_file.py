"""Edits `config.toml`: sets the keys that install decides, and keeps the user's comments and order."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import tomlkit
from tomlkit.items import Array, InlineTable, Table

from carryover.outside.apply import Edit, Text, plan_edit
from carryover.paths import StateDir
from carryover.text.toml_lines import parsed_toml
from carryover.text.user_text import EditRefused, decode

_REMEDY: Final = "Fix that, or move the file away, then run this again."


Values = Mapping[Any, Any]
"""Settings by their path in the file, such as `("agents", "claude-code", "roots")`; a None value removes one. A value
may be a function of what is there, which another command may have changed since it was read."""


def plan_config(state: StateDir, values: Values) -> Edit:
    """Plans the edit of `config.toml`, for `carryover.outside.apply.apply`."""
    put = partial(with_settings, values=values, now=datetime.now(UTC))
    return plan_edit(Text(path=state.config, what="your settings", put=put, remedy=_REMEDY))


def with_settings(data: bytes | None, values: Values, now: datetime) -> bytes | None:
    """Returns `config.toml` with these settings; unchanged if it has them already. None means no file.

    If they turn on sharing, `now` is recorded as `[publish] shared_since`. If they say what is written into projects,
    the folder that a trial version wrote to instead is not set any more. Raises EditRefused if it is not TOML in
    UTF-8, or can't be edited without touching the rest.
    """
    bom, body = decode(data or b"")
    try:
        wanted = parsed_toml(body)
    except ValueError as error:
        raise EditRefused(f"it is not valid TOML: {error}") from error
    document = tomlkit.parse(body)
    values = {path: new(_found(wanted, path)) if callable(new) else new for path, new in values.items()}
    dropped = False
    former = {("publish", "folder"): None} if ("publish", "pointers") in values else {}
    values = {**values, **former, **_agreement(wanted, values, now)}
    for path, value in values.items():
        try:
            _set(document, path, value)
            _set(wanted, path, value)
            if value is None:
                dropped |= _drop_empty(document, wanted, path[:-1])
        except (TypeError, AttributeError, tomlkit.exceptions.TOMLKitError) as error:
            raise EditRefused(f"`{'.'.join(path[:-1])}` is something other than a table in it") from error
    result = tomlkit.dumps(document)
    if dropped and not body.endswith(("\n\n", "\n\r\n")):
        result = re.sub(r"(\S[^\S\n]*\n)\r?\n\Z", r"\1", result)  # without the blank line that came with the table
    if tomllib.loads(body) == wanted:
        return data
    if "\r\n" in body and not re.search(r"(?<!\r)\n", body):
        result = re.sub(r"(?<!\r)\n", "\r\n", result)
    _check(result, wanted)
    return bom + result.encode()


def _check(text: str, wanted: dict[str, Any]) -> None:
    """Raises EditRefused if tomlkit got it wrong, as with tables out of order; the user has to edit such a file."""
    try:
        if tomllib.loads(text) == wanted:
            return
    except tomllib.TOMLDecodeError:
        pass
    raise EditRefused("its tables are in an order that can't be edited safely")


def _agreement(before: Mapping[str, Any], values: Values, now: datetime) -> dict[tuple[str, ...], Any]:
    shared, since = _is_shared(before, values), ("publish", "shared_since")
    if shared and not _is_shared(before, {}):
        return {since: now}
    return {since: None} if not shared and _found(before, since) is not None else {}


def _is_shared(document: Mapping[str, Any], changes: Values) -> bool:
    """Whether the settings, after `changes`, share what is written into projects."""
    publish = document.get("publish")
    recorded = publish.get("pointers") if isinstance(publish, Mapping) else None
    return bool(changes.get(("publish", "pointers"), recorded) == "shared")


def _set(document: Any, path: tuple[str, ...], value: Any) -> None:
    *tables, key = path
    table = document
    for name in tables:
        if name not in table:
            if value is None:
                return
            table[name] = tomlkit.table() if isinstance(document, tomlkit.TOMLDocument) else {}
        table = table[name]
    if value is None:
        table.pop(key, None)
    elif key not in table or table[key] != value:
        if isinstance(value, list) and isinstance(table.get(key), Array):
            _set_items(table[key], value)
        else:
            table[key] = _inline(value) if isinstance(value, dict) else value


def _drop_empty(document: Any, wanted: dict[str, Any], tables: tuple[str, ...]) -> bool:
    """Removes the innermost of the nested `tables` if it is empty, even of comments; then its parents likewise."""
    dropped = False
    while tables and (table := _found(document, tables)) is not None:
        if len(table) or (isinstance(table, Table | InlineTable) and table.as_string().strip()):
            break
        for top in (document, wanted):
            _found(top, tables[:-1]).pop(tables[-1])
        tables, dropped = tables[:-1], True
    return dropped


def _found(top: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(top, Mapping) or name not in top:
            return None
        top = top[name]
    return top


def _set_items(array: Array, wanted: list[str]) -> None:
    """Changes an array to `wanted`, keeping the comments of the items that stay."""
    for number in reversed(range(len(array))):
        if array[number] not in wanted:
            array.pop(number)
    for item in wanted:
        if item not in array:
            array.append(item)
    if list(array) != wanted:
        array.clear()
        array.extend(wanted)


def _inline(value: Mapping[str, str]) -> Any:
    table = tomlkit.inline_table()
    table.update(value)
    return table
