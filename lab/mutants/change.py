"""Small changes of a program that some test should notice. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_OTHER_WAY: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OTHER_SIGN: Final[dict[type[ast.operator], type[ast.operator]]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}
_OTHER_WORD: Final[dict[type[ast.boolop], type[ast.boolop]]] = {ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of one place within a function. `at`: the number of its node in the order of `ast.walk`."""

    path: str
    line: int
    at: int
    what: str
    functions: tuple[str, ...]
    """The functions and classes around it, from the outside."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line} in {'.'.join(self.functions)}: {self.what}"


def mutants_of(path: str, source: str) -> Iterator[Mutant]:
    """Yields a mutant for each place within a function that can be changed."""
    tree = ast.parse(source)
    around = dict(_functions(tree, ()))
    for at, node in enumerate(ast.walk(tree)):
        what = _change(node)
        if what and around.get(node):
            yield Mutant(path, getattr(node, "lineno", 0), at, what, around[node])


def changed(source: str, mutant: Mutant) -> ast.Module:
    """Returns the program with the change in it."""
    tree = ast.parse(source)
    for at, node in enumerate(ast.walk(tree)):
        if at == mutant.at:
            _change(node, apply=True)
            break
    return ast.fix_missing_locations(tree)


def _functions(
    node: ast.AST, around: tuple[str, ...], is_in: bool = False
) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
    """Yields what is within functions with the names around it; not their heads, nor what a type checker reads."""
    for name, children in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args", "type_params"):
            continue
        for child in children if isinstance(children, list) else [children]:
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from _functions(child, (*around, child.name), is_in=True)
            elif isinstance(child, ast.ClassDef):
                yield from _functions(child, (*around, child.name))
            elif isinstance(child, ast.AST):
                if is_in:
                    yield child, around
                yield from _functions(child, around, is_in)


def _change(node: ast.AST, *, apply: bool = False) -> str:
    """Says how a node can be changed, and changes it; an empty text if it can't."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _OTHER_WAY:
            other = _OTHER_WAY[type(op)]
            if apply:
                node.ops = [other()]
            return f"{type(op).__name__} is {other.__name__}"
        case ast.BoolOp(op=op):
            if apply:
                node.op = _OTHER_WORD[type(op)]()
            return f"{type(op).__name__} is {_OTHER_WORD[type(op)].__name__}"
        case ast.BinOp(op=op) if type(op) in _OTHER_SIGN:
            if apply:
                node.op = _OTHER_SIGN[type(op)]()
            return f"{type(op).__name__} is {_OTHER_SIGN[type(op)].__name__}"
        case ast.If() | ast.IfExp() | ast.While():
            if apply:
                node.test = ast.UnaryOp(ast.Not(), node.test)
            return "the condition is turned round"
        case ast.comprehension(ifs=[_, *_]):
            if apply:
                node.ifs = []
            return "the condition is left out"
        case ast.Constant(value=bool() as value):
            if apply:
                node.value = not value
            return f"{value} is {not value}"
        case ast.Constant(value=int() as value):
            if apply:
                node.value = value + 1
            return f"{value} is {value + 1}"
        case ast.Return(value=value) if value is not None and not _is_none(value):
            if apply:
                node.value = ast.Constant(None)
            return "it returns None"
    return ""


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
