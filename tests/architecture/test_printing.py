"""All that is printed goes through `carryover.terminal`, which lets no text act on the terminal."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import carryover

SOURCE = Path(carryover.__file__).parent
OUTPUT = "terminal/output.py"
STREAMS = {
    "terminal/streams.py",
    OUTPUT,
    "terminal/screen.py",  # draws in place, through an output that leaves out what is not seen
}
"""The only modules that touch a standard stream."""
DRAWS = {
    "faces/cli/install.py",
    "faces/cli/resume.py",
}
"""What prompt_toolkit and questionary draw is drawn in `carryover.terminal.screen.drawing`."""
OTHER_WRITERS = {
    "daemon/hooks/without_daemon.py",  # a hook's answer, for the agent
    "faces/mcp/server.py",  # messages of a protocol, for a program
    "faces/cli/completions.py",  # argcomplete writes names of files to the shell, which needs them exactly
    "faces/cli/help.py",  # has it make the script that a shell runs
}
INHERITED = {
    "install/background.py",  # our own script that starts the daemon
    "actions/start_agent.py",  # the agent takes the place of this process
    "terminal/streams.py",  # the command itself, again, in UTF-8
}
"""Modules that start a program on this terminal."""

STANDARD = {"stdout", "stderr", "__stdout__", "__stderr__", "displayhook", "excepthook"}
NAMES = {"print", "input", "breakpoint"}
PRINTS = {"print_exc", "print_exception", "print_tb", "print_stack", "print_last", "print_help", "print_usage"} | {
    *("basicConfig", "StreamHandler", "showwarning", "lastResort", "pprint", "getpass", "print_formatted_text"),
    *("cprint", "dump_traceback", "set_title", "write_raw"),
}
LIBRARIES = {"rich", "questionary", "prompt_toolkit", "click", "curses", "readline", "getpass", "argcomplete"}
STARTS = {
    "subprocess": {"Popen", "run", "call", "check_call"},
    "asyncio": {"create_subprocess_exec", "create_subprocess_shell"},
    "os": {"execv", "execve", "execvp", "posix_spawn", "system", "popen"},
}
DEVICES = ("/dev/tty", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/1", "/proc/self/fd/2")
TELLING = (ast.Name, ast.Attribute, ast.Import, ast.ImportFrom, ast.Call, ast.Constant)
STARTERS = re.compile(r"subprocess|\bos\.(?:exec|posix_spawn|system|popen)")
_WORDS = "|".join(sorted({*STANDARD, *NAMES, *PRINTS, *LIBRARIES, "builtins"}))
HINTS = re.compile(rf"\b(?:{_WORDS})\b|getattr\(sys|os\.write|open\(\d|/dev/|/proc/self/fd")


def prints(source: str) -> list[str]:
    """What in a module could print past `carryover.terminal`, each as `line what`."""
    if not HINTS.search(source):
        return []
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, TELLING))
    return [f"{line} {what}" for line, what in sorted({found for node in nodes for found in _found(node)})]


def _found(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield node.lineno, name
        case ast.Attribute(value=ast.Name(id="sys"), attr=name) if name in STANDARD:
            yield node.lineno, f"sys.{name}"
        case ast.Attribute(attr=name) if name in PRINTS:
            yield node.lineno, name
        case ast.ImportFrom(module=module, names=names):
            for name in (name.name for name in names):
                if (module == "sys" and name in STANDARD) or name in PRINTS or (module == "builtins" and name in NAMES):
                    yield node.lineno, f"{module}.{name}"
            if (module or "").partition(".")[0] in LIBRARIES:
                yield node.lineno, str(module)
        case ast.Import(names=names):
            for name in (name.name for name in names):
                if name.partition(".")[0] in {*LIBRARIES, "builtins"}:
                    yield node.lineno, name
        case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id="sys"), *_]):
            yield node.lineno, "getattr(sys"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr="write"), args=[ast.Constant(), *_]):
            yield node.lineno, "os.write to a number"
        case (
            ast.Call(func=ast.Name(id="open"), args=[ast.Constant(value=int()), *_])
            | ast.Call(func=ast.Attribute(attr="open" | "fdopen"), args=[ast.Constant(value=int()), *_])
        ):
            yield node.lineno, "open of a number"
        case ast.Constant(value=str(text)) if text.startswith(DEVICES):
            yield node.lineno, text


def starts_here(source: str) -> bool:
    """Whether a module starts a program without saying where its output goes."""
    for node in ast.walk(ast.parse(source)) if STARTERS.search(source) else ():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name), keywords=given) if (
                name in STARTS.get(module, ())
            ):
                if not {"stdout", "capture_output"} & {each.arg for each in given}:
                    return True
    return False


@cache
def modules() -> dict[str, str]:
    return {str(path.relative_to(SOURCE)): path.read_text("utf-8") for path in sorted(SOURCE.rglob("*.py"))}


def test_all_that_is_printed_goes_one_way() -> None:
    found = {name: prints(source) for name, source in modules().items() if name not in STREAMS}

    assert {name: what for name, what in found.items() if what and name not in DRAWS | OTHER_WRITERS} == {}
    for name in DRAWS:
        libraries = {what.partition(" ")[2].partition(".")[0] for what in found[name]}
        assert libraries <= {"prompt_toolkit", "questionary"}, name
        assert "with drawing():" in modules()[name], name


def test_a_program_on_this_terminal_is_started_in_few_places() -> None:
    assert {name for name, source in modules().items() if starts_here(source)} == INHERITED
