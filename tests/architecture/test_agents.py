"""Whatever is special about an agent lives in its own folder: nothing outside `agents/` spells its names or places."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import carryover
from carryover.adapter.spec import AGENTS_MD, AgentSpec
from carryover.agents import specs

SOURCE = Path(carryover.__file__).parent
SHOWN_TO_PEOPLE = ("EXAMPLES", "help")
"""Ends of the names of variables, and names of arguments, with examples for `--help`."""


def marks(spec: AgentSpec) -> re.Pattern[str]:
    """Everything that is an agent's own: ids, names, variables, folders, commands, files in a project."""
    places = (*spec.folders, *spec.other_folders, *spec.binary_folders, *spec.transcripts, *spec.hooks.config_files)
    hidden = {part for place in places for part in Path(place.path).parts if part.startswith(".")}
    files = {name for file in spec.instructions for name in (file.name, *file.hidden_by)}
    variables = {name for name in spec.variables if not name.startswith("XDG_")}
    # A database and a reader have cursors too, so of that word only a text by itself counts.
    # A sentence begins with the name of another.
    words = {spec.id, spec.name, spec.short_name or spec.name} - {"cursor", "Continue"}
    anywhere = (*words, *variables, *hidden - {".config", ".local"}, *files - {AGENTS_MD})
    alone = (spec.id, *spec.aliases, *spec.binaries)
    patterns = [rf"(?<![\w-]){re.escape(word)}(?![\w-])" for word in anywhere]
    return re.compile("|".join((*patterns, *(rf"\A{word}\Z" for word in alone))))


@cache
def texts(path: Path) -> tuple[tuple[int, str], ...]:
    """The lines of a file; of a module its string constants, but for docstrings and what `--help` shows."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return tuple(enumerate(source.splitlines(), 1))
    nodes = list(ast.walk(ast.parse(source)))
    skipped: set[ast.AST] = set()
    for node in nodes:
        match node:
            case ast.Expr(value=ast.Constant() as value):
                skipped.add(value)
            case ast.keyword(arg=name, value=value) if name in SHOWN_TO_PEOPLE:
                skipped.update(ast.walk(value))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name.endswith(SHOWN_TO_PEOPLE):
                skipped.update(ast.walk(value))
    constants = (node for node in nodes if isinstance(node, ast.Constant) and node not in skipped)
    return tuple((node.lineno, node.value) for node in constants if isinstance(node.value, str))


def spelled(spec: AgentSpec, *paths: Path) -> list[str]:
    """Where files spell something of the agent's, each as `file:line text`."""
    pattern = marks(spec)
    found = ((path.name, line, text) for path in paths for line, text in texts(path) if pattern.search(text))
    return [f"{name}:{line} {text.strip()[:80]}" for name, line, text in found]


@cache
def outside() -> list[Path]:
    files = (path for suffix in ("py", "sh", "service", "plist") for path in SOURCE.rglob(f"*.{suffix}"))
    return [path for path in files if not path.is_relative_to(SOURCE / "agents")]


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.id)
def test_nothing_outside_its_folder_spells_what_is_an_agents_own(spec: AgentSpec) -> None:
    assert spelled(spec, *outside()) == []
    assert spelled(spec, *SOURCE.parent.glob("carryover*/**/__init__.py")) != []


def words_of(name: str) -> list[str]:
    """The words of a name in camel or snake case, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)]


def names_in(source: str) -> set[str]:
    """What a module defines, imports and uses by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
                found.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ImportFrom(module=str(name)):
                found.update(name.split("."))
    return found


def after_agents(names: set[str]) -> set[str]:
    """Those of `names` that hold an agent's id, or one of its other names."""
    own = {word for spec in specs() for word in (spec.id, *spec.aliases, *spec.binaries)} - {"cursor"}
    wholes = [set(words_of(word)) for word in own]
    parts = {name: set(words_of(name)) for name in names}
    return {name for name, words in parts.items() if any(whole <= words for whole in wholes)}


def test_nothing_outside_its_folder_is_named_for_an_agent() -> None:
    paths = [path for path in outside() if path.suffix == ".py"]
    modules = {path.stem for path in paths} | {path.parent.name for path in paths}
    found = after_agents(modules.union(*(names_in(path.read_text("utf-8")) for path in paths)))

    assert found == set()
    assert after_agents(names_in((SOURCE / "agents" / "codex" / "adapter.py").read_text("utf-8"))) != set()
