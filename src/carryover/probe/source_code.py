"""Finds the function at the place of an edit, with tree-sitter. Works on bytes in memory.

Each grammar of `GRAMMARS` is a separate package (13 MB together), loaded on first use; more languages are read where
the extra `carryoverd[languages]` is installed. Without a usable grammar, the function is unknown.
"""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from carryover.text.pattern import later

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Tree

LANGUAGES = {
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
PACKED = {
    ".php": "php",
    ".cs": "csharp",
    **dict.fromkeys((".kt", ".kts"), "kotlin"),
    ".swift": "swift",
    ".scala": "scala",
    ".lua": "lua",
    **dict.fromkeys((".sh", ".bash"), "bash"),
    **dict.fromkeys((".pl", ".pm"), "perl"),
    ".sol": "solidity",
}
"""Languages of tree-sitter-language-pack (0.13), whose definitions are told apart by the names of their nodes alone."""
_NAMED = {"Rakefile": "ruby", "Gemfile": "ruby"}

_CHUNK = 65_536


def language_of(path: str) -> str | None:
    """Returns the language of a file by its name; None if no grammar is known for it. `.h` is read as C++."""
    name = PurePosixPath(path.replace("\\", "/"))
    suffix = name.suffix.lower()
    return LANGUAGES.get(suffix) or _NAMED.get(name.name) or PACKED.get(suffix)


_DEEPEST: Final = 50
"""How far into a line's nodes definitions are looked for, and how many around one are named."""
_LONGEST_NAME: Final = 400


class Effort:
    """How much may still be parsed, in steps that the parser itself counts (100 of its operations each, about 25 µs),
    so that parsing ends at the same place on a slow machine as on a fast one."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> bool:
        """Returns whether so many more steps may be taken, and takes them."""
        self.left -= steps
        return self.left >= 0


def symbol_at(source: bytes, language: str, line: int, effort: Effort) -> str | None:
    """Returns the qualified name around a 1-based line, such as `Cart.discount` or `cart::Cart::total`; None outside of
    definitions, without a grammar for the language, and where the effort ends."""
    lines = source.split(b"\n", line)
    if not 0 < line <= len(lines):
        return None
    text = lines[line - 1]
    start = len(text) - len(text.lstrip())
    end = max(start, len(text.rstrip()) - 1)
    try:
        root = _tree(source, language, effort).root_node
    except TimeoutError:
        return None
    innermost = root.named_descendant_for_point_range((line - 1, start), (line - 1, end))
    if innermost is None:
        return None
    names = _names_beginning_at(innermost, source, line - 1, language)
    for node in _around(root, innermost):
        if _defines(node, language) and (name := _name_of(node, source)):
            names.append(name)
        elif node.type == "decorated_definition" and not names:  # an edit of a decorator is one of what it decorates
            definition = node.child_by_field_name("definition")
            names += [name] if definition is not None and (name := _name_of(definition, source)) else []
    return _SEPARATORS.get(language, ".").join(reversed(names[:_DEEPEST])) or None


def _tree(source: bytes, language: str, effort: Effort) -> Tree:
    """Returns the syntax tree of a file, whose nodes must not be asked for their `text` (see `_text`)."""
    from tree_sitter import Parser

    known = grammar(language)
    if known is None or not effort.spend():
        raise TimeoutError("no grammar is installed, or nothing more may be parsed")
    # tree-sitter 0.26.1 never frees what this returns, so it is one buffer, which is emptied in the end.
    buffer = bytearray()

    def chunk(offset: int, _point: object) -> bytearray:
        buffer[:] = source[offset : offset + _CHUNK]
        return buffer

    try:
        # The callback lets other threads run: a plain parse holds the interpreter lock until it is done.
        return Parser(known).parse(chunk, progress_callback=lambda _offset, _error: not effort.spend())
    except ValueError as error:
        raise TimeoutError("the parse was given up") from error
    finally:
        buffer.clear()


_ECMASCRIPT = frozenset(
    "function_declaration generator_function_declaration function_expression class_declaration class method_definition"
    " abstract_class_declaration interface_declaration enum_declaration type_alias_declaration internal_module"
    " variable_declarator public_field_definition field_definition pair".split()
)
_C = frozenset(
    "function_definition struct_specifier union_specifier enum_specifier class_specifier namespace_definition".split()
)
_DEFINITIONS = {
    "python": frozenset(("function_definition", "class_definition")),
    "javascript": _ECMASCRIPT,
    "typescript": _ECMASCRIPT,
    "tsx": _ECMASCRIPT,
    "go": frozenset(("function_declaration", "method_declaration", "type_spec")),
    "rust": frozenset(
        "function_item impl_item struct_item enum_item trait_item union_item mod_item macro_definition"
        " function_signature_item".split()
    ),
    "java": frozenset(
        "class_declaration interface_declaration enum_declaration record_declaration method_declaration"
        " constructor_declaration annotation_type_declaration".split()
    ),
    "c": _C,
    "cpp": _C,
    "ruby": frozenset(("method", "singleton_method", "class", "module")),
}
_DEFINES = later(
    r"(?:\w+_)?(?:class|constructor|contract|enum|function|interface|method|namespace|object|package|protocol|struct|"
    r"subroutine|trait)_(?:declaration|definition)(?:_statement)?"
)
_ONLY_WITH_A_FUNCTION = {"variable_declarator", "public_field_definition", "field_definition", "pair"}
_ONLY_WITH_A_BODY = {"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"}
_FUNCTIONS = {"arrow_function", "function_expression", "generator_function", "function", "class"}
_SEPARATORS = {"rust": "::", "cpp": "::", "c": "::", "ruby": "::"}


def _defines(node: Node, language: str) -> bool:
    own = _DEFINITIONS.get(language)
    return node.type in own if own is not None else _DEFINES.fullmatch(node.type) is not None


def _around(root: Node, node: Node) -> list[Node]:
    """Returns a node and those around it, innermost first. `Node.parent` looks for each from the root again, which
    takes minutes in a file of nothing but brackets."""
    path = [root]
    while path[-1] != node and (inner := path[-1].child_with_descendant(node)) is not None:
        path.append(inner)
    return path[::-1]


def _names_beginning_at(node: Node, source: bytes, row: int, language: str, depth: int = _DEEPEST) -> list[str]:
    """Returns the definitions below `node` that begin in its row, innermost first."""
    for child in node.named_children if depth else ():
        if child.start_point.row > row:
            break
        if child.start_point.row == row:
            inner = _names_beginning_at(child, source, row, language, depth - 1)
            name = _name_of(child, source) if _defines(child, language) else None
            if inner or name:
                return [*inner, name] if name else inner
    return []


def _name_of(node: Node, source: bytes) -> str | None:
    if node.type in _ONLY_WITH_A_FUNCTION:
        value = node.child_by_field_name("value")
        if value is None or value.type not in _FUNCTIONS:
            return None
    if node.type in _ONLY_WITH_A_BODY and node.child_by_field_name("body") is None:
        return None  # `struct cart *c` only mentions it
    if node.type == "function_expression" and node.parent is not None and node.parent.type in _ONLY_WITH_A_FUNCTION:
        return None
    name = _text(_first_field(node, "name", "property", "key", "declarator", "type"), source)
    if node.type == "method_declaration" and (receiver := node.child_by_field_name("receiver")) is not None:
        # Of a long one only the end: the pattern tries each place of a name.
        end = source[max(receiver.start_byte, receiver.end_byte - _LONGEST_NAME) : receiver.end_byte]
        owner = re.search(r"(\w+)(?:\[[^\]]*\])?\s*\)$", end.decode("utf-8", "replace"))
        return f"{owner[1]}.{name}" if owner else name
    if node.type == "impl_item":
        return re.sub(r"<.*", "", name or "", flags=re.DOTALL) or None
    return name


def _first_field(node: Node, *fields: str) -> Node | None:
    """Returns the first of `fields` that exists; for a C declarator, the name inside it. Kotlin's have no fields."""
    found = next(filter(None, map(node.child_by_field_name, fields)), None)
    if found is None:
        return next((child for child in node.named_children if child.type.endswith("identifier")), None)
    return _declared(found)


def _declared(declarator: Node) -> Node:
    while (inner := declarator.child_by_field_name("declarator")) is not None:
        declarator = inner
    if declarator.type == "reference_declarator":  # its inner declarator has no field name
        function = next((child for child in declarator.children if child.type == "function_declarator"), None)
        if function is not None:
            return function.child_by_field_name("declarator") or declarator
    return declarator


def _text(node: Node | None, source: bytes) -> str | None:
    # Not `node.text`: after a parse that reads by callback, tree-sitter 0.26.1 never frees what it read for it.
    # Of each only so much: a computed name, `[class { … }]`, may hold all definitions within it.
    if node is None:
        return None
    return source[node.start_byte : min(node.end_byte, node.start_byte + _LONGEST_NAME)].decode("utf-8", "replace")


GRAMMARS: Final = {
    **{name: (f"tree_sitter_{name}", "language") for name in "c cpp go java javascript python ruby rust".split()},
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
"""Language → the module of its package and the function in it that returns the grammar."""


def grammar(language: str) -> Language | None:
    """Returns the grammar of a language; None if its package is not installed or not usable."""
    # Not installed, or built for another version of tree-sitter.
    with suppress(ImportError, AttributeError, TypeError, ValueError, LookupError):
        from tree_sitter import Language

        if language not in GRAMMARS:
            return Language(import_module("tree_sitter_language_pack").get_binding(language))
        module, function = GRAMMARS[language]
        return Language(getattr(import_module(module), function)())
    return None
