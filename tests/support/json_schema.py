"""Validates JSON against the keywords of JSON Schema 2020-12 that our schemas use; any other keyword is an error."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SAYS_NOTHING: Final = frozenset(("$schema", "$id", "$defs", "title", "description"))


def violations(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "") -> Iterator[str]:
    """Yields where `value` differs from the schema, and by which keyword. `root` resolves references."""
    root = schema if root is None else root
    for keyword, wanted in schema.items():
        if keyword in _SAYS_NOTHING:
            continue
        if keyword == "$ref":
            yield from violations(value, _found(root, wanted), root, at)
        elif keyword == "properties":
            for name, inner in wanted.items() if isinstance(value, dict) else ():
                if name in value:
                    yield from violations(value[name], inner, root, f"{at}/{name}")
        elif keyword == "items":
            for number, item in enumerate(value if isinstance(value, list) else ()):
                yield from violations(item, wanted, root, f"{at}/{number}")
        elif keyword == "anyOf":
            if all([*violations(value, one, root, at)] for one in wanted):
                yield f"{at}: anyOf"
        elif not _holds(keyword, wanted, value, schema):
            yield f"{at}: {keyword}"


def _found(root: dict[str, Any], reference: str) -> dict[str, Any]:
    found = root
    for name in reference.removeprefix("#").split("/")[1:]:
        found = found[name]
    return found


def _holds(keyword: str, wanted: Any, value: Any, schema: dict[str, Any]) -> bool:
    match keyword:
        case "type":
            return any(_is(name, value) for name in ([wanted] if isinstance(wanted, str) else wanted))
        case "enum":
            return value in wanted
        case "required":
            return not isinstance(value, dict) or all(name in value for name in wanted)
        case "additionalProperties":
            assert wanted is False
            return not isinstance(value, dict) or set(value) <= set(schema["properties"])
        case "pattern":
            return not isinstance(value, str) or re.search(wanted, value) is not None
        case "minLength" | "minItems":
            return not isinstance(value, str | list) or len(value) >= wanted
        case "maxLength" | "maxItems":
            return not isinstance(value, str | list) or len(value) <= wanted
        case "minimum":
            return not isinstance(value, int | float) or value >= wanted
    raise AssertionError(f"{keyword} is not a keyword that this validator knows")


def _is(name: str, value: Any) -> bool:
    return isinstance(value, _TYPES[name]) and not (isinstance(value, bool) and name != "boolean")


ATIF: Final[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "fixtures" / "atif-1.7.schema.json").read_text())
_OF_AGENTS: Final = ("model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics")


def atif_violations(document: dict[str, Any]) -> list[str]:
    """Returns what in a trajectory is not as ATIF 1.7 asks, by its schema and by what holds across fields."""
    return [*violations(document, ATIF), *_across(document)]


def _across(document: dict[str, Any]) -> Iterator[str]:
    for number, step in enumerate(document["steps"], 1):
        if step["step_id"] != number:
            yield f"step {number}: not numbered so"
        if step["source"] != "agent":
            yield from (f"step {number}: {name} of no agent" for name in _OF_AGENTS if name in step)
        calls = [call["tool_call_id"] for call in step.get("tool_calls", ())]
        for result in step.get("observation", {}).get("results", ()):
            if result.get("source_call_id") is not None and calls and result["source_call_id"] not in calls:
                yield f"step {number}: a result of no call"
    inner = document.get("subagent_trajectories", [])
    names = [one.get("trajectory_id") for one in inner]
    if None in names or len({*names}) < len(names):
        yield "sub-agents without an id of their own"
    for one in inner:
        yield from _across(one)
