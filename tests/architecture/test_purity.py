"""The core takes values and `now`: what import rules cannot see of that, builtins and methods, is looked for here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import carryover

SOURCE = Path(carryover.__file__).parent
READS_OR_WRITES = {"open", "print", "input", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir"}
ASKS_THE_SURROUNDINGS = {
    "now",
    "utcnow",
    "today",
    "environ",
    "getenv",
    "getcwd",
    "cwd",
    "home",
    "expanduser",
}
LOOKS_AT_THE_DISK = {"exists", "is_file", "is_dir", "stat", "lstat", "iterdir", "glob", "rglob", "scandir", "walk"}


def modules(*parts: str) -> list[Path]:
    paths = [SOURCE / part for part in parts]
    return [module for path in paths for module in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]


def named(path: Path, forbidden: set[str]) -> list[str]:
    """Calls of `forbidden` names in the module, each as `file:line name`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) | ast.Attribute(attr="environ" as name):
                if name in forbidden:
                    found.append((node.lineno, name))
    return [f"{path.relative_to(SOURCE)}:{line} {name}" for line, name in sorted(found)]


def test_the_core_neither_reads_nor_asks_anything() -> None:
    core = modules("model.py", "facts.py", "adapter", "distill", "export", "records", "redact", "text")
    forbidden = READS_OR_WRITES | ASKS_THE_SURROUNDINGS | LOOKS_AT_THE_DISK

    assert len(core) > 50
    assert [found for path in core for found in named(path, forbidden)] == []


def test_agents_do_no_more_than_look_at_folders() -> None:
    agents = modules("agents")

    assert len(agents) > 50
    assert [found for path in agents for found in named(path, READS_OR_WRITES | ASKS_THE_SURROUNDINGS)] == []


def test_what_reads_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.SOURCE", tmp_path)
    module = tmp_path / "m.py"
    module.write_text("import os, time\nopen('x')\nos.environ['A']\nPath(p).read_text()\nself.now()\nfacts.exists\n")

    assert named(module, READS_OR_WRITES | ASKS_THE_SURROUNDINGS) == [
        "m.py:2 open",
        "m.py:3 environ",
        "m.py:4 read_text",
        "m.py:5 now",
    ]
