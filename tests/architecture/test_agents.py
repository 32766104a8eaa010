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
EXEMPT = {
    "cli/demo": "replays a session that one agent recorded",
}
SHOWN_TO_PEOPLE = ("EXAMPLES", "help")
"""Ends of the names of variables, and names of arguments, with examples for `--help`."""


def marks(spec: AgentSpec) -> re.Pattern[str]:
    """Everything that is an agent's own: ids, names, variables, folders, commands, files in a project."""
    places = (*spec.folders, *spec.other_folders, *spec.binary_folders, *spec.transcripts, *spec.hooks.places)
    hidden = {part for place in places for part in Path(place.path).parts if part.startswith(".")}
    files = {name for file in spec.instructions for name in (file.name, *file.hidden_by)}
    variables = {name for name in spec.variables if not name.startswith("XDG_")}
    # A database and a reader have cursors too, so of that word only a text by itself counts.
    words = {spec.id, spec.name, spec.short_name or spec.name} - {"cursor"}
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


def spelled(path: Path, spec: AgentSpec) -> list[str]:
    """Where a file spells something of the agent's, each as `file:line text`."""
    pattern = marks(spec)
    return [f"{path.name}:{line} {text.strip()[:80]}" for line, text in texts(path) if pattern.search(text)]


def outside() -> list[Path]:
    files = (path for suffix in ("py", "sh", "service", "plist") for path in SOURCE.rglob(f"*.{suffix}"))
    exempt = [SOURCE / "agents", *(SOURCE / name for name in EXEMPT)]
    return [path for path in files if not any(path.is_relative_to(other) for other in exempt)]


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.id)
def test_nothing_outside_its_folder_spells_what_is_an_agents_own(spec: AgentSpec) -> None:
    assert [found for path in outside() for found in spelled(path, spec)] == []


@pytest.mark.parametrize("name", EXEMPT)
def test_each_exemption_is_still_needed(name: str) -> None:
    path = SOURCE / name
    files = path.rglob("*.py") if path.is_dir() else [path]

    assert any(spelled(file, spec) for file in files for spec in specs())


@pytest.mark.parametrize(
    "text",
    [
        '"codex"',
        '"~/.codex/x"',
        'f"{home}/.codex"',
        '"CODEX_HOME"',
        '"for Codex."',
        '"AGENTS.override.md"',
        '{"codex": 1}',
    ],
)
def test_what_is_an_agents_own_is_found(text: str, tmp_path: Path) -> None:
    module = tmp_path / "m.py"
    module.write_text(f'"""Codex wrote it."""\nother = "codexes, a codec and AGENTS.md"\nspelled = {text}\n')
    codex = next(spec for spec in specs() if spec.id == "codex")

    assert [found.split()[0] for found in spelled(module, codex)] == ["m.py:3"]
