"""What a source file says at the place of an edit: its function, its notes, and whether it parses.

Grammars come with tree-sitter-language-pack below 1.0; later ones fetch them over the network. They are loaded on
first use. Everything works on bytes in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
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
_ONLY_WITH_A_FUNCTION = {"variable_declarator", "public_field_definition", "field_definition", "pair"}
_ONLY_WITH_A_BODY = {"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"}
_FUNCTIONS = {"arrow_function", "function_expression", "generator_function", "function", "class"}
_SEPARATORS = {"rust": "::", "cpp": "::", "c": "::", "ruby": "::"}

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

_MARKER = re.compile(rb"\b(?:TODO|FIXME|XXX|HACK)\b")
_LINE_REST = re.compile(rb"[^\r\n]*")
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
        parses=_is_whole(tree, source, language),
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
    """Whether the file is whole. Macros hide C and C++ from a parser: they count as broken only by their brackets."""
    return _is_whole(_tree(source, language), source, language)


def _tree(source: bytes, language: str, give_up: Callable[[], bool] = lambda: False) -> Tree:
    from tree_sitter import Parser
    from tree_sitter_language_pack import get_language

    def chunk(offset: int, _point: object) -> bytes:
        return source[offset : offset + _CHUNK]

    if give_up():
        raise TimeoutError("no time for a parse")
    try:
        # The callback is what lets other threads run: a plain parse holds the interpreter for its whole length.
        return Parser(get_language(language)).parse(chunk, progress_callback=lambda _offset, _error: give_up())  # type: ignore[arg-type]
    except ValueError as error:
        raise TimeoutError("the parse was given up") from error


def _is_whole(tree: Tree, source: bytes, language: str) -> bool:
    if not tree.root_node.has_error:
        return True
    return language in ("c", "cpp") and _brackets_pair(source)


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


def _markers(tree: Tree, source: bytes, limit: int) -> tuple[Marker, ...]:
    found: list[Marker] = []
    for candidate in islice(_MARKER.finditer(source), _MOST_CANDIDATES):
        if len(found) == limit:
            break
        start = candidate.start()
        line = source.count(b"\n", 0, start) + 1
        comment = _comment_at(tree.root_node, start)
        if comment is not None and (not found or found[-1].line != line):
            rest = _LINE_REST.match(source, start, comment.end_byte)
            text = rest[0].decode("utf-8", "replace") if rest else ""
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
    names = _names_beginning_at(node, line - 1, language) if node is not None else []
    while node is not None:
        if node.type in _DEFINITIONS[language] and (name := _name_of(node)):
            names.append(name)
        elif node.type == "decorated_definition" and not names:  # an edit of a decorator is one of what it decorates
            definition = node.child_by_field_name("definition")
            names += [name] if definition is not None and (name := _name_of(definition)) else []
        node = node.parent
    return _SEPARATORS.get(language, ".").join(reversed(names)) or None


def _names_beginning_at(node: Node, row: int, language: str) -> list[str]:
    """Names of the definitions below `node` that begin in its row, innermost first: `export class Cart {`."""
    for child in node.named_children:
        if child.start_point.row > row:
            break
        if child.start_point.row == row:
            inner = _names_beginning_at(child, row, language)
            name = _name_of(child) if child.type in _DEFINITIONS[language] else None
            if inner or name:
                return [*inner, name] if name else inner
    return []


def _name_of(node: Node) -> str | None:
    if node.type in _ONLY_WITH_A_FUNCTION:
        value = node.child_by_field_name("value")
        if value is None or value.type not in _FUNCTIONS:
            return None
    if node.type in _ONLY_WITH_A_BODY and node.child_by_field_name("body") is None:
        return None  # `struct cart *c` only mentions it
    if node.type == "function_expression" and node.parent is not None and node.parent.type in _ONLY_WITH_A_FUNCTION:
        return None
    name = _text(_first_field(node, "name", "property", "key", "declarator", "type"))
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
