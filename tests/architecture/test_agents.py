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


def marks(spec: AgentSpec) -> tuple[re.Pattern[str], set[str]]:
    """Everything that is an agent's own: ids, names, variables, folders, files in a project; and what is its own only
    where it stands by itself: also its commands."""
    places = (*spec.folders, *spec.other_folders, *spec.binary_folders, *spec.transcripts, *spec.hooks.config_files)
    hidden = {part for place in places for part in Path(place.path).parts if part.startswith(".")}
    files = {name for file in spec.instructions for name in (file.name, *file.hidden_by)}
    variables = {name for name in spec.variables if not name.startswith("XDG_")}
    # A database and a reader have cursors too, so of that word only a text by itself counts.
    # A sentence begins with the name of another.
    words = {spec.id, spec.name, spec.short_name or spec.name} - {"cursor", "Continue"}
    anywhere = (*words, *variables, *hidden - {".config", ".local"}, *files - {AGENTS_MD})
    either = "|".join(map(re.escape, anywhere))
    return re.compile(rf"(?<![\w-])(?:{either})(?![\w-])"), {spec.id, *spec.aliases, *spec.binaries}


@cache
def texts_and_names(path: Path) -> tuple[tuple[tuple[int, str], ...], frozenset[str]]:
    """The string constants of a module with their lines, but for docstrings and what `--help` shows; and the names that
    it defines, imports and uses."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    skipped: set[ast.AST] = set()
    names: set[str] = set()
    for node in nodes:
        match node:
            case ast.Expr(value=ast.Constant() as value):
                skipped.add(value)
            case ast.keyword(arg=name, value=value) if name in SHOWN_TO_PEOPLE:
                skipped.update(ast.walk(value))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name.endswith(SHOWN_TO_PEOPLE):
                skipped.update(ast.walk(value))
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
                names.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ImportFrom(module=str(name)):
                names.update(name.split("."))
    constants = (node for node in nodes if isinstance(node, ast.Constant) and node not in skipped)
    return tuple((node.lineno, node.value) for node in constants if isinstance(node.value, str)), frozenset(names)


@cache
def texts(path: Path) -> tuple[tuple[int, str], ...]:
    """The lines of a file; of a module its texts."""
    if path.suffix == ".py":
        return texts_and_names(path)[0]
    return tuple(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))


def spelled(spec: AgentSpec, *paths: Path) -> list[str]:
    """Where files spell something of the agent's, each as `file:line text`."""
    anywhere, alone = marks(spec)
    found = (
        (path.name, line, text)
        for path in paths
        for line, text in texts(path)
        if text in alone or anywhere.search(text)
    )
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


def after_agents(names: set[str]) -> set[str]:
    """Those of `names` that hold an agent's id, or one of its other names."""
    own = {word for spec in specs() for word in (spec.id, *spec.aliases, *spec.binaries)} - {"cursor"}
    wholes = [set(words_of(word)) for word in own]
    parts = {name: set(words_of(name)) for name in names}
    return {name for name, words in parts.items() if any(whole <= words for whole in wholes)}


def test_nothing_outside_its_folder_is_named_for_an_agent() -> None:
    paths = [path for path in outside() if path.suffix == ".py"]
    modules = {path.stem for path in paths} | {path.parent.name for path in paths}
    found = after_agents(modules.union(*(texts_and_names(path)[1] for path in paths)))

    assert found == set()
    _, names = texts_and_names(SOURCE / "agents" / "codex" / "adapter.py")
    assert after_agents(set(names)) != set()
