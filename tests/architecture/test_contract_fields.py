"""The contract between agents and the rest knows no single guest: what one agent alone sets is listed with a reason."""

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

ONE_AGENT = {
    "Agent.last_input": "histories inside projects: any agent that keeps its own there (Crush does) needs the proof",
    "AgentSpec.folder_must_exist": "how a client takes its own variable; only `doctor` and `install` ask",
    "AgentSpec.read_list": "the project's counterpart of `handoff_entry`; gptme has such a list, in TOML",
    "AgentSpec.retention": "after how long transcripts are deleted; the others keep theirs, or it is unknown",
    "HookEntry.matcher": "a part of the settings' form that all agents with Claude Code's hooks have",
    "HookFileRules.handler_types": "what makes a client drop the whole file; asked before each write",
    "HookFileRules.known_events_only": "what makes a client drop the whole file; asked before each write",
    "HookFileRules.root_keys": "what makes a client drop the whole file; asked before each write",
    "HookProtocol.drops": "whether the answer to a start is taken; a fact of each protocol",
    "HookProtocol.lost": "whether a compaction is announced; a fact of each protocol",
    "HookSpec.review": "hooks that wait for the user; what the record looks like is in the agent's folder",
    "HookSpec.spooled": "agents without a readable record (conversations that are encrypted or in a cloud)",
    "HookSpec.tables": "hooks in TOML: another layout beside `form`",
    "InstructionFile.limit": "how much of AGENTS.md is read; the pointer's place depends on it",
    "LocalFile.beside": "a local file that hides AGENTS.md; the rule of whoever has one",
}


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


GIVEN_BY_OTHERS = {"Source", "Batch", "Record", "FileStat", "Parsed", "Reemitted", "InstalledHook", "HookEvent"}
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


def test_what_one_agent_alone_sets_has_a_reason_to_be_general(set_by: dict[str, set[str]]) -> None:
    """A type that one agent alone makes is counted once, by the field that holds it."""
    alone = {field for field, by in set_by.items() if len(by) == 1 and SHARED not in by}
    makers: dict[str, set[str]] = {}
    for field, by in set_by.items():
        makers.setdefault(field.partition(".")[0], set()).update(by)
    of_one = {name for name, by in makers.items() if len(by) == 1}

    assert {field for field in alone if field.partition(".")[0] not in of_one} == set(ONE_AGENT)


def test_what_is_set_is_found() -> None:
    classes = {"Place": ("path", "env"), "Spec": ("id",)}

    assert [*given("x = spec.Place('a', env='B')\nSpec(**y)\nOther(id=1)", classes)] == ["Place.path", "Place.env"]
