"""The contract between agents and the rest knows no single guest: each field is set by two agents, or is none."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

import carryover
from carryover.adapter import contract, spec

SOURCE = Path(carryover.__file__).parent
SHARED = "shared"
"""Stands for helpers and readers that several agents use."""


def contract_classes() -> dict[str, tuple[str, ...]]:
    """The types whose values an agent's folder gives, with their fields."""
    return {
        name: fields for module in (contract, spec) for name, fields in defined(module) if name not in GIVEN_BY_OTHERS
    }


def defined(module: ModuleType) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, each in vars(module).items():
        if not inspect.isclass(each) or each.__module__ != module.__name__:
            continue
        if issubclass(each, msgspec.Struct):
            yield name, each.__struct_fields__
        elif is_dataclass(each):
            yield name, tuple(field.name for field in dataclass_fields(each))


GIVEN_BY_OTHERS = {
    *("Source", "Batch", "Record", "FileStat", "Parsed", "Reemitted", "HookEvent"),
    *("InstalledHook", "OnMachine"),
}
"""What readers, parsers and the rest exchange while they run; the contract suite covers it."""


def givers() -> Iterator[tuple[str, Path]]:
    """The modules that may set a field, each with its agent, or SHARED."""
    for folder in (*(SOURCE / "agents").glob("*/"), *SOURCE.parent.glob("carryover_*/")):
        yield from ((folder.name, path) for path in sorted(folder.rglob("*.py")))
    for room in ("adapter", "transcript"):
        yield from ((SHARED, path) for path in sorted((SOURCE / room).rglob("*.py")))


def given(source: str, classes: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The fields that a module sets, as `Class.field`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in classes:
                by_place = (field for field, _ in zip(classes[name], node.args, strict=False))
                by_name = (keyword.arg for keyword in node.keywords if keyword.arg is not None)
                yield from (f"{name}.{field}" for field in (*by_place, *by_name))


@pytest.fixture(scope="module")
def set_by() -> dict[str, set[str]]:
    classes = contract_classes()
    found: dict[str, set[str]] = {f"{name}.{field}": set() for name, names in classes.items() for field in names}
    for giver, path in givers():
        for field in given(path.read_text("utf-8"), classes):
            found[field].add(giver)
    return found


def test_no_field_is_there_for_nobody(set_by: dict[str, set[str]]) -> None:
    assert [field for field, by in set_by.items() if not by] == []


def test_no_field_is_there_for_one_agent(set_by: dict[str, set[str]]) -> None:
    """What one agent alone needs is in its own folder, and answers a question that the rest asks of any agent."""
    assert {field: by for field, by in set_by.items() if len(by) == 1 and SHARED not in by} == {}
