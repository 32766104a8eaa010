"""Finds the function at the place of an edit, and whether the file parses.

Everything works on bytes in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from carryover.facts import FileFacts
from carryover.probe.grammars import grammar
from carryover.probe.symbols import symbol_at

if TYPE_CHECKING:
    from tree_sitter import Tree

_LANGUAGES = {
    **dict.fromkeys((".py", ".pyi"), "python"),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs"), "javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    ".tsx": "tsx",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
    ".c": "c",
    **dict.fromkeys((".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), "cpp"),
    **dict.fromkeys((".rb", ".rake", ".gemspec"), "ruby"),
}
_NAMED = {"Rakefile": "ruby", "Gemfile": "ruby"}

_CHUNK = 65_536
_HAS_MACROS = ("c", "cpp")


def language_of(path: str) -> str | None:
    """Returns the language of a file by its name; None if there is no grammar for it. `.h` is read as C++."""
    name = PurePosixPath(path.replace("\\", "/"))
    return _LANGUAGES.get(name.suffix.lower()) or _NAMED.get(name.name)


def examine(
    source: bytes, language: str, line: int | None, *, give_up: Callable[[], bool] = lambda: False
) -> FileFacts:
    """Returns all facts about a file from a single parse. `line` is 1-based.

    `give_up` is called every few microseconds of work, while other threads run. Once it returns True, what the parse
    would show stays unknown, as it does without a grammar for the language.
    """
    try:
        tree = _tree(source, language, give_up)
    except TimeoutError:
        return FileFacts(exists=True)
    return FileFacts(
        exists=True,
        parses=_parses(tree, language),
        symbol=symbol_at(tree, source, language, line) if line is not None else None,
    )


def _tree(source: bytes, language: str, give_up: Callable[[], bool]) -> Tree:
    """Returns the syntax tree of a file, whose nodes must not be asked for their `text` (see `symbols._text`)."""
    from tree_sitter import Parser

    # tree-sitter 0.26.1 never frees what this returns, so it is one buffer, which is emptied in the end.
    buffer = bytearray()

    def chunk(offset: int, _point: object) -> bytearray:
        buffer[:] = source[offset : offset + _CHUNK]
        return buffer

    known = grammar(language)
    if known is None:
        raise TimeoutError("no grammar is installed")
    if give_up():
        raise TimeoutError("no time for a parse")
    try:
        # The callback lets other threads run: a plain parse holds the interpreter lock until it is done.
        return Parser(known).parse(chunk, progress_callback=lambda _offset, _error: give_up())
    except ValueError as error:
        raise TimeoutError("the parse was given up") from error
    finally:
        buffer.clear()


def _parses(tree: Tree, language: str) -> bool | None:
    """Whether a file parses; None for errors in C and C++, which macros hide from a parser."""
    return not tree.root_node.has_error or (None if language in _HAS_MACROS else False)
