"""Functions without their body, which some test should miss. Pure.

A hollow function returns a value of its type at once: an empty one, and a second one where the real answer may be the
empty one. A function is lost without notice if no test fails with any of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_VALUES: Final = {
    "None": ("None",),
    "bool": ("False", "True"),
    "int": ("0", "1"),
    "float": ("0.0", "1.0"),
    "str": ("''", "'hollow'"),
    "bytes": ("b''", "b'hollow'"),
    "list": ("[]",),
    "dict": ("{}",),
    "Mapping": ("{}",),
    "set": ("set()",),
    "frozenset": ("frozenset()",),
    "tuple": ("()",),
    "Sequence": ("()",),
    "Collection": ("()",),
    "Iterable": ("()",),
    "Iterator": ("iter(())",),
}
"""By the first name of a type, what a hollow function of that type returns instead."""
_NO_ANSWER: Final = frozenset({"Never", "NoReturn"})
_NO_BODY: Final = frozenset({"overload", "abstractmethod"})

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, order=True)
class Hollow:
    """A function that returns at once. `returns`: the value as source; empty for a generator, which yields nothing."""

    path: str
    line: int
    functions: tuple[str, ...]
    """The function itself at the end, after the functions and classes around it."""
    returns: str

    @property
    def name(self) -> str:
        """The function, with its place."""
        return f"{self.path}:{self.line} {'.'.join(self.functions)}"


def hollows_of(path: str, source: str) -> Iterator[Hollow]:
    """Yields each function of a program with each value that it can return at once, but not those that do nothing."""
    for functions, node in _functions(ast.parse(source), ()):
        if not _does_nothing(node):
            for value in _values(node):
                yield Hollow(path, node.lineno, functions, value)


def hollowed(source: str, hollow: Hollow) -> ast.Module:
    """Returns the program with that function hollow. What it did stays behind the return, which keeps its variables."""
    tree = ast.parse(source)
    for functions, node in _functions(tree, ()):
        if (functions, node.lineno) == (hollow.functions, hollow.line):
            node.body[:0] = ast.parse(f"return {hollow.returns}").body
    return ast.fix_missing_locations(tree)


def counted(source: str, count: str) -> tuple[ast.Module, list[tuple[int, tuple[str, ...]]]]:
    """Returns the program whose functions call `count` with their number, and line and names of each by number."""
    tree = ast.parse(source)
    places = []
    for number, (functions, node) in enumerate(_functions(tree, ())):
        places.append((node.lineno, functions))
        node.body[:0] = ast.parse(f"{count}({number})").body
    return ast.fix_missing_locations(tree), places


def _functions(node: ast.AST, around: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], AnyFunction]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, AnyFunction):
            yield (*around, child.name), child
        if isinstance(child, AnyFunction | ast.ClassDef):
            yield from _functions(child, (*around, child.name))
        else:
            yield from _functions(child, around)


def _does_nothing(node: AnyFunction) -> bool:
    """Whether there is nothing to lose: a declaration, or one that only raises."""
    if any(ast.unparse(each).rpartition(".")[2] in _NO_BODY for each in node.decorator_list):
        return True
    body = [each for each in node.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    return all(isinstance(each, ast.Pass | ast.Raise) for each in body)


def _values(node: AnyFunction) -> list[str]:
    if _is_generator(node):
        return [""]
    if node.returns is None:
        return ["None"]
    if ast.unparse(node.returns).strip("'\"") in _NO_ANSWER:
        return []
    values = [value for kind in _kinds(node.returns) for value in _VALUES.get(kind, ())]
    given = [each.arg for each in node.args.args if _is_same_type(each, node)]
    real = {ast.unparse(each.value) for each in node.body if isinstance(each, ast.Return) and each.value is not None}
    found = [value for value in dict.fromkeys((*values, *given)) if len(node.body) > 1 or value not in real]
    return found or ([] if real & {*values, *given} else ["None"])


def _is_same_type(argument: ast.arg, node: AnyFunction) -> bool:
    """Whether the answer has the argument's type: a change of a text that is not made returns the text."""
    if argument.annotation is None or node.returns is None:
        return False
    return ast.unparse(argument.annotation) == ast.unparse(node.returns) and ast.unparse(node.returns) != "bool"


def _kinds(annotation: ast.expr) -> Iterator[str]:
    """Yields the first name of each type of a union."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _kinds(right)
            yield from _kinds(left)
        case ast.Subscript(value=value):
            yield from _kinds(value)
        case ast.Constant(value=None):
            yield "None"
        case ast.Constant(value=str() as text):
            yield from _kinds(ast.parse(text, mode="eval").body)
        case _:
            yield ast.unparse(annotation).rpartition(".")[2]


def _is_generator(node: AnyFunction) -> bool:
    inner = list(ast.iter_child_nodes(node))
    while inner:
        each = inner.pop()
        if isinstance(each, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(each, AnyFunction | ast.Lambda | ast.ClassDef):
            inner.extend(ast.iter_child_nodes(each))
    return False
