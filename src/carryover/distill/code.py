"""What a source file says at the place of an edit: its function, its notes, and whether it parses.

Grammars come with tree-sitter-language-pack below 1.0; later ones fetch them over the network. They are loaded on
first use. Everything works on bytes in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from carryover.distill.facts import FileFacts, Marker

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

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

_CLASSES_OF_ECMASCRIPT = {
    "function_declaration", "generator_function_declaration", "class_declaration", "abstract_class_declaration", "class",
    "method_definition", "interface_declaration", "enum_declaration", "type_alias_declaration", "internal_module",
    "variable_declarator", "public_field_definition", "field_definition", "pair",
}  # fmt: skip
_DEFINITIONS: dict[str, set[str]] = {
    "python": {"function_definition", "class_definition"},
    **dict.fromkeys(("javascript", "typescript", "tsx"), _CLASSES_OF_ECMASCRIPT),
    "go": {"function_declaration", "method_declaration", "type_spec"},
    "rust": {
        "function_item", "impl_item", "struct_item", "enum_item", "trait_item", "union_item", "mod_item",
        "macro_definition", "function_signature_item",
    },
    "java": {
        "class_declaration", "interface_declaration", "enum_declaration", "record_declaration", "method_declaration",
        "constructor_declaration", "annotation_type_declaration",
    },
    **dict.fromkeys(("c", "cpp"), {
        "function_definition", "struct_specifier", "union_specifier", "enum_specifier", "class_specifier",
        "namespace_definition",
    }),
    "ruby": {"method", "singleton_method", "class", "module"},
}  # fmt: skip
_ONLY_WITH_A_FUNCTION = {"variable_declarator", "public_field_definition", "field_definition", "pair"}
_FUNCTIONS = {"arrow_function", "function_expression", "generator_function", "function", "class"}
_SEPARATORS = {"rust": "::", "cpp": "::", "c": "::", "ruby": "::"}

_MARKER = re.compile(rb"\b(?:TODO|FIXME|XXX|HACK)\b[^\r\n]*")
_COMMENT_END = re.compile(r"\s*(?:\*+/|-->|=+end)?\s*\}?\s*$")
_LONGEST_MARKER = 200
_MOST_CANDIDATES = 200
_CHUNK = 65_536


def language_of(path: str) -> str | None:
    """The language of a file by its name, or None where no grammar is at hand. `.h` is read as C++."""
    name = PurePosixPath(path.replace("\\", "/"))
    return _LANGUAGES.get(name.suffix.lower()) or _NAMED.get(name.name)


def examine(
    source: bytes, language: str, line: int | None, *, give_up: Callable[[], bool] = lambda: False
) -> FileFacts:
    """All facts of a file in one parse. `line` is 1-based.

    `give_up` is asked every few microseconds of work (other threads run meanwhile); once it says yes, what a parse
    would tell stays unknown.
    """
    try:
        tree = _tree(source, language, give_up)
    except TimeoutError:
        return FileFacts(exists=True)
    return FileFacts(
        exists=True,
        parses=_is_whole(tree, language),
        symbol=_symbol(tree, source, language, line) if line is not None else None,
        markers=_markers(tree, source, 5),
    )


def markers(source: bytes, language: str, *, limit: int = 5) -> tuple[Marker, ...]:
    """The first TODO, FIXME, XXX and HACK notes that stand in comments; a string or a name is none."""
    return _markers(_tree(source, language), source, limit)


def symbol_at(source: bytes, language: str, line: int) -> str | None:
    """Qualified name of the function, method or class around a 1-based line: `Cart.discount`, `cart::Cart::total`."""
    return _symbol(_tree(source, language), source, language, line)


def parses(source: bytes, language: str) -> bool:
    """Whether the file is whole. C and C++ count as broken only by their brackets: macros hide grammar from a parser."""
    return _is_whole(_tree(source, language), language)


def _tree(source: bytes, language: str, give_up: Callable[[], bool] = lambda: False) -> Tree:
    from tree_sitter import Parser
    from tree_sitter_language_pack import get_language

    def chunk(offset: int, _point: object) -> bytes:
        return source[offset : offset + _CHUNK]

    try:
        # The callback is what lets other threads run: a plain parse holds the interpreter for its whole length.
        return Parser(get_language(language)).parse(chunk, progress_callback=lambda _offset, _error: give_up())  # type: ignore[arg-type]
    except ValueError as error:
        raise TimeoutError("the parse was given up") from error


def _is_whole(tree: Tree, language: str) -> bool:
    if not tree.root_node.has_error:
        return True
    return language in ("c", "cpp") and _brackets_match(tree.root_node)


def _brackets_match(root: Node) -> bool:
    balance = {"{": 0, "(": 0, "[": 0}
    opens = {"}": "{", ")": "(", "]": "["}
    for node in _walk(root):
        if node.is_missing:
            return False
        if node.type in balance:
            balance[node.type] += 1
        elif node.type in opens:
            balance[opens[node.type]] -= 1
    return not any(balance.values())


def _walk(root: Node) -> Iterator[Node]:
    cursor = root.walk()
    while True:
        node = cursor.node
        if node is not None:
            yield node
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _markers(tree: Tree, source: bytes, limit: int) -> tuple[Marker, ...]:
    found: list[Marker] = []
    for candidate, _ in zip(_MARKER.finditer(source), range(_MOST_CANDIDATES), strict=False):
        if len(found) == limit:
            break
        comment = _comment_at(tree.root_node, candidate.start())
        if comment is not None:
            end = min(candidate.end(), comment.end_byte)
            text = source[candidate.start() : end].decode("utf-8", "replace")
            line = source.count(b"\n", 0, candidate.start()) + 1
            found.append(Marker(line, _COMMENT_END.sub("", text)[:_LONGEST_MARKER]))
    return tuple(found)


def _comment_at(root: Node, offset: int) -> Node | None:
    node = root.descendant_for_byte_range(offset, offset + 3)
    outermost = None
    while node is not None and node.parent is not None:
        if "comment" in node.type:
            outermost = node
        node = node.parent
    return outermost


def _symbol(tree: Tree, source: bytes, language: str, line: int) -> str | None:
    lines = source.split(b"\n", line)
    if not 0 < line <= len(lines):
        return None
    text = lines[line - 1]
    start = len(text) - len(text.lstrip())
    end = max(start, len(text.rstrip()) - 1)
    node = tree.root_node.named_descendant_for_point_range((line - 1, start), (line - 1, end))
    names: list[str] = []
    while node is not None:
        if node.type in _DEFINITIONS[language] and (name := _name_of(node)):
            names.append(name)
        elif node.type == "decorated_definition" and not names:
            names += _decorated(node)
        node = node.parent
    return _SEPARATORS.get(language, ".").join(reversed(names)) or None


def _decorated(node: Node) -> list[str]:
    """An edit of a decorator is one of what it decorates."""
    definition = node.child_by_field_name("definition")
    name = _name_of(definition) if definition is not None else None
    return [name] if name else []


def _name_of(node: Node) -> str | None:
    if node.type in _ONLY_WITH_A_FUNCTION:
        value = node.child_by_field_name("value")
        if value is None or value.type not in _FUNCTIONS:
            return None
    name = _text(_first_field(node, "name", "property", "key", "type", "declarator"))
    if node.type == "method_declaration" and (receiver := node.child_by_field_name("receiver")) is not None:
        owner = re.search(r"(\w+)(?:\[[^\]]*\])?\s*\)$", _text(receiver) or "")
        return f"{owner[1]}.{name}" if owner else name
    if node.type == "impl_item":
        return re.sub(r"<.*", "", name or "", flags=re.DOTALL) or None
    return name


def _first_field(node: Node, *fields: str) -> Node | None:
    """The first of `fields` that is there; a C declarator is followed to the name inside it."""
    found = next((child for field in fields if (child := node.child_by_field_name(field)) is not None), None)
    while found is not None and (inner := found.child_by_field_name("declarator")) is not None:
        found = inner
    if found is not None and found.type == "reference_declarator":
        function = next((child for child in found.children if child.type == "function_declarator"), None)
        return function.child_by_field_name("declarator") if function is not None else found
    return found


def _text(node: Node | None) -> str | None:
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else None
