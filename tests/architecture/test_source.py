"""What the source must not do; for most of it, where alone it may."""

import ast
import re
from pathlib import Path

import carryover

SOURCE = Path(carryover.__file__).parent
STARTS_GIT = {"probe/git_command.py"}
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


def test_no_file_is_too_long_to_read() -> None:
    files = [*Path(carryover.__file__).parent.rglob("*.py"), *Path(__file__).parents[1].rglob("*.py")]

    assert [str(path) for path in files if len(path.read_text().splitlines()) > 450] == []


TYPED_DECODE = re.compile(r"json\.decode\([^\n]*\btype=")


def test_what_two_threads_may_decode_first_is_decoded_by_the_one_decoder_of_its_type() -> None:
    sources = Path(carryover.__file__).parent.rglob("*.py")

    assert TYPED_DECODE.search("msgspec.json.decode(read(path), type=Form)")
    assert [path.name for path in sources if TYPED_DECODE.search(path.read_text("utf-8"))] == []


RISKY = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+|\(\?>")


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Such a group keeps what its last, failed round has read (CPython gh-100061, gh-106052)."""
    sources = Path(carryover.__file__).parent.rglob("*.py")

    forms = ["(?:ab?c)++", "x(?:y(?:ab){1,3}+)?", "(?>ab?)c", "(?=(?:ab)*+)"]
    assert [form for form in forms if not RISKY.search(form)] == []
    assert [path.name for path in sources if RISKY.search(path.read_text("utf-8"))] == []


COMPILE_AT_ONCE = {"model.py", "facts.py"}
"""Below `text/pattern.py`."""


def compiles_when_loaded(source: str) -> bool:
    """Whether loading a module compiles patterns, outside all functions."""
    if "re.compile(" not in source:
        return False
    outside = (node for node in ast.parse(source).body if not isinstance(node, ast.FunctionDef | ast.ClassDef))
    return any("re.compile(" in ast.unparse(node) for node in outside)


def test_patterns_are_compiled_when_a_text_first_needs_them() -> None:
    paths = sorted(SOURCE.rglob("*.py"))

    compile_them = (path for path in paths if compiles_when_loaded(path.read_text("utf-8")))
    assert {str(path.relative_to(SOURCE)) for path in compile_them} == COMPILE_AT_ONCE


READS_OR_WRITES = {"open", "print", "input", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir"}
ASKS_THE_SURROUNDINGS = {
    "now",
    "utcnow",
    "today",
    "environ",
    "getenv",
    "getcwd",
    "cwd",
    "home",
    "expanduser",
}
LOOKS_AT_THE_DISK = {"exists", "is_file", "is_dir", "stat", "lstat", "iterdir", "glob", "rglob", "scandir", "walk"}


def modules(*parts: str) -> list[Path]:
    paths = [SOURCE / part for part in parts]
    return [module for path in paths for module in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]


def named(path: Path, forbidden: set[str]) -> list[str]:
    """Calls of `forbidden` names in the module, each as `file:line name`."""
    found = []
    source = path.read_text(encoding="utf-8")
    may_be_there = re.search(rf"\.environ\b|\b(?:{'|'.join(forbidden)})\(", source)
    for node in ast.walk(ast.parse(source)) if may_be_there else ():
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) | ast.Attribute(attr="environ" as name):
                if name in forbidden:
                    found.append((node.lineno, name))
    return [f"{path.relative_to(SOURCE)}:{line} {name}" for line, name in sorted(found)]


def test_the_core_neither_reads_nor_asks_anything() -> None:
    core = modules("model.py", "facts.py", "adapter", "distill", "export", "records", "redact", "text")
    forbidden = READS_OR_WRITES | ASKS_THE_SURROUNDINGS | LOOKS_AT_THE_DISK

    assert len(core) > 50
    assert [found for path in core for found in named(path, forbidden)] == []
    assert {found.split()[1] for found in named(SOURCE / "fsio.py", forbidden)} >= {"open", "unlink"}


def test_agents_do_no_more_than_look_at_folders() -> None:
    agents = modules("agents")

    assert len(agents) > 50
    assert [found for path in agents for found in named(path, READS_OR_WRITES | ASKS_THE_SURROUNDINGS)] == []
