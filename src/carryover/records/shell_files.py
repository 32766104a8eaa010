"""Detects the files that a successful shell command certainly changed (redirections, tee, rm, mv, a script), since
no other record shows it. Nothing is guessed: a variable, glob, loop, subshell or alternative could mean anything."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from carryover.model import FileEdit
from carryover.records import script_files
from carryover.records.fields import MAX_PATH_CHARS, resolved
from carryover.text.pattern import later
from carryover.text.shell import Command, commands, without_heredocs

MAX_CHANGES: Final = 20

_CERTAIN_OPERATORS: Final = frozenset((";", "\n", "&&", "|", ""))
_COMPOUND: Final = frozenset("fi for done case esac function select [[".split())
_BRACES: Final = frozenset("{}")
_INTO_FILE: Final = (">", ">>", ">|")
_HARDLY_FAIL: Final = (("cd",), ("mkdir",), ("set",), ("export",), ("echo",))  # put before the actual command
_UNREADABLE: Final = later(r"\$\(|`|(?<!<)<<(?!<)|(?:^|[\s=(,;])@['\"]\r?\n")  # the last begins a text in PowerShell
_TELLING: Final = later(r">|\b(?:tee|rm|mv)\b")
_SILENCED: Final = later(r"[12&]?>{1,2}\s*(?:/dev/null|&[12])")
_NAME: Final = later(r"'([^'\n]+)'|\"((?:[^$`\"\\\n!]|\\(?![$`\"\\\n]))+)\"|([^\s$`*?\[\]{}~<>|&;()!\"'\\]+)")
"""A file name that the shell can't expand to something else."""
_OF_TARGET: Final = later(r"-\w*t.*|--.*")
"""Options of `mv` with which its last name need not be where the others go."""
_OF_FOLDERS: Final = later(r"-\w*[rRd]\w*|--\w.*")
"""Options of `rm` with which it may remove more than it names."""
_REMOVES: Final = later(r"\brm\s+-")
_OF_TREES: Final = later(r"-\w*[rR]|--recursive\b")
_BELOW_HOME: Final = later(r"\"?(?:~|\$HOME|\$\{HOME\})/([^\s$`*?\[\]{}~<>|&;()!\"'\\]+)\"?")
_POWERSHELL_TELLING: Final = later(r"(?i)\b(?:set-content|add-content|out-file)\s")
_WRITES: Final = later(r"(?i)\s*(?:set-content|add-content|out-file)\s+(?:-(?:path|literalpath|filepath)\s+)?(\S.*)")
_POWERSHELL_NAME: Final = later(
    r"(?:'([^'\n]+)'|\"([^\"$`\n]+)\"|([^\s$`*?\[\]{}()'\",|;&<>@-][^\s$`*?\[\]{}()'\",|;&<>@]*))(?=\s|\Z)"
)
_GOES_ON: Final = later(r"[{}&]")
"""What is in a block may not have run, and what is in a command of another shell may have run elsewhere."""
_VARIABLE: Final = later(r"\$(\w+)(?=\s|\Z)")
_ASSIGNED: Final = later(r"\s*\$(\w+)\s*=\s*")
_MOVES: Final = later(r"(?i)\s*(?:cd|chdir|sl|pushd|popd|(?:set|push|pop)-location)\b")
"""After such a command only a whole path is certain."""
_BEGINS_TEXT: Final = ("@'", '@"')
_ENDS_TEXT: Final = ("'@", '"@')


def changes(command: str, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the changes of `command`, run in `cwd`, in order; empty if it is not plain enough to be sure of any."""
    if by_powershell := _last_file_written(command, cwd):
        return by_powershell
    if not (script_files.may_write(command) or _TELLING.search(_SILENCED.sub("", command))):
        return ()
    found: list[FileEdit] = []
    for step, folder, ran, succeeded in _placed(command, cwd):
        if ran:
            is_tee = step.words[:1] == ("tee",)
            tee = [word for word in step.written[1:] if not word.startswith("-")] if is_tee else []
            files = [to for by, to in step.redirects if by.removeprefix("1") in _INTO_FILE]
            paths = (_path(word, folder) for word in (*files, *tee))
            found += [FileEdit(path=path, change="modify") for path in paths if path and not path.startswith("/dev/")]
        if succeeded:
            found += _named(step.written, folder)
        if succeeded and script_files.reads_script(step.words):
            paths = (resolved(name, folder) for name in dict.fromkeys(script_files.written(command)))
            found += [FileEdit(path=path, change="modify") for path in paths if path]
    return tuple(change for change in found if len(change.path) <= MAX_PATH_CHARS)[:MAX_CHANGES]


def removed(command: str, cwd: str | None) -> tuple[str, ...]:
    """Returns what `rm -r` in `command` certainly removed, files and folders; `~/` begins what is in the home folder,
    which a command does not tell."""
    if not may_remove(command):
        return ()
    found: list[str] = []
    for step, folder, ran, succeeded in _placed(command, cwd):
        words = _without_git(step.written)
        options = "".join(word for word in words[1:] if word.startswith("-"))
        is_forced = "f" in options and "--" not in options
        if words[:1] == ("rm",) and _OF_TREES.search(options) and (succeeded or (ran and is_forced)):
            found += [path for word in words[1:] if not word.startswith("-") and (path := _at_home(word, folder))]
    return tuple(found[:MAX_CHANGES])


def may_remove(command: str) -> bool:
    """Whether `removed` may find anything in a command."""
    return _REMOVES.search(command) is not None


def _placed(script: str, cwd: str | None) -> Iterator[tuple[Command, str | None, bool, bool]]:
    """Yields the commands of a script, each with the folder that it ran in, if that is known, and whether it certainly
    ran and succeeded; none if the script is more than a plain sequence of them. If it succeeds, every command of its
    last `&&` list did (apart from pipes). In an earlier list only the first command certainly ran, and those after
    commands that hardly ever fail."""
    steps = commands(script)
    if not all(map(_is_plain, steps)) or _UNREADABLE.search(without_heredocs(script)):
        return
    lists = [0, *accumulate(step.then in (";", "\n") for step in steps)]
    late = False
    for step, number in zip(steps, lists, strict=False):
        succeeded = number == lists[len(steps) - 1]
        ran = succeeded or not late
        late = step.then in ("&&", "|") and (late or (step.then == "&&" and step.words[:1] not in _HARDLY_FAIL))
        yield step, cwd, ran, succeeded
        if step.words[:1] in (("cd",), ("pushd",), ("popd",)):
            # Unless it names one folder, relative names are unknown from here on.
            is_plain = ran and step.words[0] == "cd" and len(step.words) == 2 and not step.words[1].startswith("-")
            cwd = _path(step.written[1], cwd) if is_plain else None


def _is_plain(step: Command) -> bool:
    is_simple = not step.before and _COMPOUND.isdisjoint(step.words[:1]) and _BRACES.isdisjoint(step.written)
    return is_simple and step.depth == 0 and step.then in _CERTAIN_OPERATORS


def _path(word: str, cwd: str | None) -> str | None:
    name = _NAME.fullmatch(word)
    return resolved(name[name.lastindex or 0], cwd) if name else None


def _at_home(word: str, cwd: str | None) -> str | None:
    below = _BELOW_HOME.fullmatch(word)
    return f"~/{below[1].rstrip('/')}" if below else _path(word, cwd)


def _named(words: tuple[str, ...], cwd: str | None) -> list[FileEdit]:
    words = _without_git(words)
    options = [word for word in words[1:] if word.startswith("-")]
    names = [word for word in words[1:] if not word.startswith("-")]
    if words[:1] == ("rm",) and not any(map(_OF_FOLDERS.fullmatch, options)):
        paths = (_path(word, cwd) for word in names)
        return [FileEdit(path=path, change="delete") for path in paths if path]
    if words[:1] == ("mv",) and len(names) >= 2 and not any(map(_OF_TARGET.fullmatch, options)):
        *olds, new = names
        return [change for old in olds for change in _moved(old, new, cwd, is_one=len(olds) == 1)]
    return []


def _without_git(words: tuple[str, ...]) -> tuple[str, ...]:
    """Returns `git rm` as `rm`, and `git mv` as `mv`; nothing of one that leaves the files as they are."""
    if words[:1] != ("git",):
        return words
    return words[1:] if "--cached" not in words else ()


def _moved(old: str, new: str, cwd: str | None, *, is_one: bool) -> list[FileEdit]:
    old_path = _path(old, cwd)
    new_path = _path(new, cwd)
    if old_path is None or new_path is None:
        return []
    into = not is_one and posixpath.splitext(old_path)[1] != ""  # several files need a folder to go to
    if into or new.strip("'\"").endswith("/") or new in (".", ".."):
        old_name = old_path.rpartition("/" if old_path.startswith("/") else "\\")[2]  # else a path of Windows
        new_path = resolved(old_name, new_path) or new_path
    # Otherwise the new name must certainly be a file's: `mv notes.md docs` may move into a folder.
    suffix = posixpath.splitext(new_path)[1]
    has_same_suffix = suffix != "" and suffix == posixpath.splitext(old_path)[1]
    if has_same_suffix or posixpath.basename(old_path) == posixpath.basename(new_path):
        return [FileEdit(path=new_path, change="rename", old_path=old_path)]
    return []


def _last_file_written(script: str, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the file that the last command of a script wrote; empty if that is none, or if its name is not certain.
    An earlier command may have failed although the script succeeded."""
    if not _POWERSHELL_TELLING.search(script):
        return ()
    statements = [one for line in _without_texts(script) for one in line.split(";") if one.strip()]
    last = statements[-1].rpartition("|")[2] if statements else ""
    writes = _WRITES.fullmatch(last.rstrip()) if not _GOES_ON.search(last) else None
    if writes is None:
        return ()
    name = _POWERSHELL_NAME.match(writes[1])
    variable = _VARIABLE.match(writes[1])
    if variable is not None:
        assigned = filter(None, map(_ASSIGNED.match, statements))
        values = [match.string[match.end() :] for match in assigned if match[1] == variable[1]]
        name = _POWERSHELL_NAME.fullmatch(values[0].strip()) if len(values) == 1 else None
    folder = None if any(map(_MOVES.match, statements)) else cwd
    path = resolved(name[name.lastindex or 0], folder) if name is not None else None
    return (FileEdit(path=path, change="modify"),) if path is not None and len(path) <= MAX_PATH_CHARS else ()


def _without_texts(script: str) -> list[str]:
    """Returns the lines of a script without its here-strings (`@'` to `'@`), which may hold anything."""
    lines: list[str] = []
    is_text = False
    for line in script.splitlines():
        begun = lines.pop() if is_text and line.startswith(_ENDS_TEXT) else ""
        is_text = is_text and begun == ""
        if not is_text:
            lines.append(f"{begun}{line[2:] if begun else line}")
            is_text = line.rstrip().endswith(_BEGINS_TEXT)
    return [] if is_text else lines
