"""Finds the function, method or class around a line of a source file in its syntax tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

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


def symbol_at(tree: Tree, source: bytes, language: str, line: int) -> str | None:
    """Returns the qualified name of the function, method or class around a 1-based line.

    For example `Cart.discount` or `cart::Cart::total`.
    """
    lines = source.split(b"\n", line)
    if not 0 < line <= len(lines):
        return None
    text = lines[line - 1]
    start = len(text) - len(text.lstrip())
    end = max(start, len(text.rstrip()) - 1)
    node = tree.root_node.named_descendant_for_point_range((line - 1, start), (line - 1, end))
    names = _names_beginning_at(node, source, line - 1, language) if node is not None else []
    while node is not None:
        if node.type in _DEFINITIONS[language] and (name := _name_of(node, source)):
            names.append(name)
        elif node.type == "decorated_definition" and not names:  # an edit of a decorator is one of what it decorates
            definition = node.child_by_field_name("definition")
            names += [name] if definition is not None and (name := _name_of(definition, source)) else []
        node = node.parent
    return _SEPARATORS.get(language, ".").join(reversed(names)) or None


def _names_beginning_at(node: Node, source: bytes, row: int, language: str) -> list[str]:
    """Returns the definitions below `node` that begin in its row, innermost first: `export class Cart {`."""
    for child in node.named_children:
        if child.start_point.row > row:
            break
        if child.start_point.row == row:
            inner = _names_beginning_at(child, source, row, language)
            name = _name_of(child, source) if child.type in _DEFINITIONS[language] else None
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
        owner = re.search(r"(\w+)(?:\[[^\]]*\])?\s*\)$", _text(receiver, source) or "")
        return f"{owner[1]}.{name}" if owner else name
    if node.type == "impl_item":
        return re.sub(r"<.*", "", name or "", flags=re.DOTALL) or None
    return name


def _first_field(node: Node, *fields: str) -> Node | None:
    """Returns the first of `fields` that exists; for a C declarator, the name inside it."""
    found = next((child for field in fields if (child := node.child_by_field_name(field)) is not None), None)
    while found is not None and (inner := found.child_by_field_name("declarator")) is not None:
        found = inner
    if found is not None and found.type == "reference_declarator":
        function = next((child for child in found.children if child.type == "function_declarator"), None)
        return function.child_by_field_name("declarator") if function is not None else found
    return found


def _text(node: Node | None, source: bytes) -> str | None:
    # Not `node.text`: after a parse that reads by callback, tree-sitter 0.26.1 never frees what it read for it.
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace") if node is not None else None
