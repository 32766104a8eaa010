"""What a source file says at the place of an edit: its function, and whether it parses.

Everything works on bytes in memory.
"""

from __future__ import annotations

import re
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
_C_TOKEN = re.compile(
    rb"""(?xs)
      //[^\n]* | /\*.*?(?:\*/|\Z) | R"(?P<tag>[^()\s"]{0,16})\(.*?(?:\)(?P=tag)"|\Z)
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.){1,8}'
    | ^[ \t]*\#[ \t]*(?:(?P<directive>if(?:n?def)?|el\w+|endif)\b)?(?:[^\n\\]|\\.)*
    | (?P<bracket>[{}()\[\]])
    """,
    re.MULTILINE,
)
_CLOSED_BY = {b"{": b"}", b"(": b")", b"[": b"]"}


def language_of(path: str) -> str | None:
    """The language of a file by its name, or None where no grammar is at hand. `.h` is read as C++."""
    name = PurePosixPath(path.replace("\\", "/"))
    return _LANGUAGES.get(name.suffix.lower()) or _NAMED.get(name.name)


def examine(
    source: bytes, language: str, line: int | None, *, give_up: Callable[[], bool] = lambda: False
) -> FileFacts:
    """All facts of a file in one parse. `line` is 1-based.

    `give_up` is asked every few microseconds of work (other threads run meanwhile); once it says yes, what a parse
    would show stays unknown. So it does where no grammar of the language is installed.
    """
    try:
        tree = _tree(source, language, give_up)
    except TimeoutError:
        return FileFacts(exists=True)
    return FileFacts(
        exists=True,
        parses=_is_whole(tree, source, language),
        symbol=symbol_at(tree, source, language, line) if line is not None else None,
    )


def _tree(source: bytes, language: str, give_up: Callable[[], bool]) -> Tree:
    from tree_sitter import Parser

    def chunk(offset: int, _point: object) -> bytes:
        return source[offset : offset + _CHUNK]

    known = grammar(language)
    if known is None:
        raise TimeoutError("no grammar is installed")
    if give_up():
        raise TimeoutError("no time for a parse")
    try:
        # The callback is what lets other threads run: a plain parse holds the interpreter for its whole length.
        return Parser(known).parse(chunk, progress_callback=lambda _offset, _error: give_up())
    except ValueError as error:
        raise TimeoutError("the parse was given up") from error


def _is_whole(tree: Tree, source: bytes, language: str) -> bool:
    """Macros hide C and C++ from a parser: they count as broken only by their brackets."""
    return not tree.root_node.has_error or (language in ("c", "cpp") and _brackets_pair(source))


def _brackets_pair(source: bytes) -> bool:
    """Whether every bracket of a C or C++ file is closed, in the first branch of each `#if`."""
    open_brackets: list[bytes] = []
    branches: list[bool] = []  # for each `#if` we are in: whether it is past its first branch
    for token in _C_TOKEN.finditer(source):
        directive, bracket = token["directive"], token["bracket"]
        if directive is not None:
            if directive.startswith(b"if"):
                branches.append(False)
            elif directive == b"endif":
                del branches[-1:]
            elif branches:
                branches[-1] = True
        elif bracket is not None and not any(branches):
            if bracket in _CLOSED_BY:
                open_brackets.append(_CLOSED_BY[bracket])
            elif not open_brackets or open_brackets.pop() != bracket:
                return False
    return not open_brackets
