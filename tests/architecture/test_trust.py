"""SECURITY.md says of everything that is read from outside who may have written it; no module reads without a row."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import carryover

SOURCE = Path(carryover.__file__).parent
SECURITY = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
HEADING = "### What is read from outside"

FILES = {
    *(
        "open",
        "fdopen",
        "open_regular",
        "read_text",
        "read_bytes",
        "read_bytes_bounded",
        "read_if_there",
        "read_beginning",
        "named_in",
    ),
    *("readlink", "scandir", "iterdir"),
}
GIT = {"ask", "ask_one", "in_store"}
PROGRAMS = {"Popen", "create_subprocess_exec", "check_output"}
SOCKETS = {"recv", "readexactly", "iter_chunked", "read_body", "connect", "getresponse"}
OF_SUBPROCESS = {"run"}
HINTS = re.compile(rf"\.stdin\b|subprocess\.|\b(?:{'|'.join({*FILES, *GIT, *PROGRAMS, *SOCKETS, 'input'})})\(")
OWN = ("fsio.py", "paths.py", "probe/looks.py")
"""By which the others read; they know of no place outside."""


class Row(NamedTuple):
    what: str
    readers: list[str]


def rows(document: str) -> list[Row]:
    """The table: what is read, and its readers, each a module or a folder of modules below `src/carryover`."""
    table = document.partition(HEADING)[2].split("\n\n")[1].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
    return [Row(cell[0], [name.strip("`") for name in cell[3].split(", ")]) for cell in cells]


def reads(source: str) -> bool:
    return HINTS.search(source) is not None and any(map(_is_reading, ast.walk(ast.parse(source))))


def _is_reading(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr="stdin"):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="subprocess"), attr=name)):
            return name in PROGRAMS | OF_SUBPROCESS
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in FILES | GIT | PROGRAMS | SOCKETS | {"input"}
    return False


def covers(reader: str, module: str) -> bool:
    return module == reader or (reader.endswith("/") and module.startswith(reader))


def test_every_module_that_reads_from_outside_has_a_row() -> None:
    modules = {str(path.relative_to(SOURCE)): path.read_text("utf-8") for path in sorted(SOURCE.rglob("*.py"))}
    reading = [name for name, source in modules.items() if reads(source) and name not in OWN]
    named = [reader for row in rows(SECURITY) for reader in row.readers]

    assert [name for name in reading if not any(covers(reader, name) for reader in named)] == []
    assert [reader for reader in named if not any(covers(reader, name) for name in reading)] == []
