"""git is started in one place, with every guard: a command made anywhere else could run what a repository brings."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import carryover

SOURCE = Path(carryover.__file__).parent
STARTS_GIT = {
    "probe/git_command.py",
    "cli/demo/replay.py",  # makes the repository that it commits to
    "views/git_python.py",  # has the above run what GitPython asks
}
STARTS_PROGRAMS = re.compile(r"subprocess|\bos\.(?:system|popen|exec|spawn|posix_spawn)")
LIBRARY = re.compile(r"^\s*(?:import|from) (?:git|pygit2|dulwich)\b", re.MULTILINE)
GIT = re.compile(r"(?:.*/)?git(?: .*)?", re.DOTALL)


def starts_git(source: str) -> bool:
    """Whether a module that starts programs has a command line that begins with `git`, or it imports a library."""
    if LIBRARY.search(source):
        return True
    return STARTS_PROGRAMS.search(source) is not None and any(map(_begins_with_git, ast.walk(ast.parse(source))))


def _begins_with_git(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="which")):
            return False
        case (
            ast.List(elts=[ast.Constant(value=str(word)), *_])
            | ast.Tuple(elts=[ast.Constant(value=str(word)), *_])
            | ast.Call(args=[ast.Constant(value=str(word)), *_])
        ):
            return GIT.fullmatch(word) is not None
    return False


def test_git_is_started_in_one_place() -> None:
    paths = sorted(SOURCE.rglob("*.py"))

    assert {str(path.relative_to(SOURCE)) for path in paths if starts_git(path.read_text("utf-8"))} == STARTS_GIT


def test_what_starts_git_is_found() -> None:
    assert starts_git("import subprocess\ncommand = ['/usr/bin/git', *rest]\nsubprocess.run(command)\n")
    assert starts_git("subprocess.run(('git', 'status'))")
    assert starts_git("os.system('git status')")
    assert starts_git("await asyncio.create_subprocess_exec('git', 'status')")
    assert starts_git("def run():\n    from git import Repo\n")
    assert not starts_git("import subprocess, gitignore\nshutil.which('git')\nsubprocess.run(['tig'])\n")
