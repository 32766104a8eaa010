"""Takes shell command lines apart into commands. Expands and executes nothing."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from posixpath import normpath
from typing import Final, NamedTuple

from carryover.text.pattern import later

_HEREDOC: Final = later(r"(?<!<)<<(?!<)(-?)[ \t]*(['\"]?)([A-Za-z_]\w*)\2")
_TOKEN: Final = later(
    r"""(?x)
      (?P<blank>[ \t\r]+ | \\(?:\n|\Z) | (?<![^\s;&|(])\#[^\n]*)
    | (?P<redirect>\d*(?:&>>?|>&(?![\d-])|>>?\|?|<<<|<)(?:&\d|&-)?)
    | (?P<operator>&&|\|\||;;|\|&|[;&|\n()])
    | (?P<word>(?:'[^']*'|"(?:[^"\\]|\\.)*"|\$\((?:[^()\n]*|\([^()\n]*\))\)|[/\\%]\([\w.:-]+\)
        |\\.|[^\s;&|()<>'"\\]|(?<=[^\s])\#)+)
    | (?P<rest>.)
    """,
    re.DOTALL,
)
_QUOTING: Final = later(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)", re.DOTALL)
_SCRIPT_OPTION: Final = later(r"-\w*c|--run|--?command|/c", re.I)
_SHELLS: Final = frozenset(("bash", "sh", "zsh", "dash", "nix-shell", "powershell", "pwsh", "cmd"))
_WRAPPERS: Final = frozenset(("docker", "docker-compose", "podman", "ssh", "sudo", "env", "timeout", "nohup", "nix"))
"""Programs that run the command among their words: in a container, on another machine, with other settings."""
_LONGEST: Final = 20_000
_KEYWORDS: Final = frozenset(("if", "then", "elif", "else", "while", "until", "do", "!", "{"))
_GOES_TO: Final = ("cd", "Set-Location")
_GOES_FOR_NOW: Final = ("pushd", "Push-Location")
_GOES_BACK: Final = ("popd", "Pop-Location")
_OPTIONS_OF_CD: Final = ("/d", "--", "-p", "-l", "-path", "-literalpath")
_ABSOLUTE: Final = later(r"[/~$]|[A-Za-z]:/")
"""How a path begins that is called the same from each folder; of a variable that is likely."""
PIPES: Final = ("|", "|&")
CUT: Final = "…"
"""What follows the last command if the script is too long, or has a quote that is never closed: the rest is not
certain."""


class Command(NamedTuple):
    """One command of a script: its arguments as written and, in `words`, without quotes, its redirections, each with
    its target (empty for `2>&1`), and the `text` that these are written as. `before` are the shell's own words, such as
    `then`. `then` is the operator that follows the command, or the group that ends with it."""

    before: tuple[str, ...]
    written: tuple[str, ...]
    words: tuple[str, ...]
    redirects: tuple[tuple[str, str], ...]
    text: str
    then: str
    folder: str
    """Where it runs, as called from where the script does, as far as `cd` says."""
    depth: int
    """How many groups it is in. A chain that runs in the background is one."""


class ScriptLine(NamedTuple):
    """A line of a script, the lines of its here-documents below it, and how many of these never end."""

    text: str
    below: list[str]
    waiting: int


@lru_cache(maxsize=4)  # several ask it of one call
def commands(script: str) -> tuple[Command, ...]:
    """Returns the commands of a script in order, without comments and here-documents."""
    script = without_heredocs(script)
    found: list[Command] = []
    folders: tuple[str, ...] = ("", "")
    chain, outside = 0, folders
    """The number of the first command of the chain that is being read (`a && b | c`), and the folders before it."""
    groups: list[tuple[int, tuple[str, ...], tuple[str, ...]]] = []
    """Of each open group the chain that it is in, the folders before that, and those before the group."""
    begun = Counter[int]()
    """How many chains in the background begin at each command, less those that end before it."""
    for before, pieces, then in _split(script):
        if pieces:
            written, redirects = _sorted(pieces)
            words = tuple(map(unquoted, written))
            text = script[pieces[0].start() : pieces[-1].end()]
            found.append(Command(before, written, words, redirects, text, then, folders[0], len(groups)))
            folders = _moved(folders, words)
        elif found and (then == CUT or found[-1].then == ")" or (then == ")" and found[-1].then != "&")):
            found[-1] = found[-1]._replace(then=then)  # what `&` left in the background outlives its group
        if then == "(":
            groups.append((chain, outside, folders))
        elif then == ")" and groups:
            chain, outside, folders = groups.pop()  # a `cd` in it counts no longer
        elif then == "&" and len(found) - chain > 1:  # the whole chain runs in the background, as a group does
            begun[chain] += 1
            begun[len(found)] -= 1
            folders = outside
        if then not in ("&&", "||", ")", *PIPES):
            chain, outside = len(found), folders
    around = accumulate(begun[at] for at in range(len(found)))
    return tuple(each._replace(depth=each.depth + more) for each, more in zip(found, around, strict=True))


def _split(script: str) -> Iterator[tuple[tuple[str, ...], list[re.Match[str]], str]]:
    """Yields the keywords before each command, its words and redirections, and the operator behind it."""
    before: list[str] = []
    pieces: list[re.Match[str]] = []
    for token in _TOKEN.finditer(script, 0, _LONGEST):
        kind, text = token.lastgroup, token[0]
        if kind == "word" and not pieces and text in _KEYWORDS:
            before.append(text)
        elif kind in ("word", "redirect"):
            pieces.append(token)
        elif kind == "operator":
            yield tuple(before), pieces, text
            before = before if not pieces and text in "\n(" else []
            pieces = []
        elif kind == "rest":
            yield tuple(before), pieces, CUT
            return
    yield tuple(before), pieces, CUT if len(script) > _LONGEST else ""


def _sorted(pieces: Sequence[re.Match[str]]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Returns the words of a command, and its redirections with their targets."""
    written: list[str] = []
    redirects: list[tuple[str, str]] = []
    needs_target = False
    for piece in pieces:
        if piece.lastgroup == "redirect":
            redirects.append((piece[0], ""))
            needs_target = piece[0][-1] in "<>|&"  # not `2>&1` and `2>&-`
        elif needs_target:
            redirects[-1] = (redirects[-1][0], piece[0])
            needs_target = False
        else:
            written.append(piece[0])
    return tuple(written), tuple(redirects)


def _moved(folders: tuple[str, ...], words: Sequence[str]) -> tuple[str, ...]:
    """Returns the folder after a command, the one before it, and those that `popd` goes back to."""
    folder, left, *former = folders
    program = words[0] if words else ""
    if program in _GOES_BACK:
        folder, *former = former or [left]
        return (folder, folders[0], *former)
    if program not in _GOES_TO and program not in _GOES_FOR_NOW:
        return folders
    former = [folder, *former] if program in _GOES_FOR_NOW else former
    goes_to = next((word for word in words[1:] if word.lower() not in _OPTIONS_OF_CD), "~")
    return (left if goes_to == "-" else from_folder(folder, goes_to), folder, *former)


def from_folder(folder: str, path: str) -> str:
    """Returns a path on a command line as it is called from where `folder` is."""
    folder, path = folder.replace("\\", "/"), path.removeprefix("./").removesuffix("/")
    if path in ("", "."):
        return folder
    return normpath(f"{folder}/{path}") if folder and not _ABSOLUTE.match(path) else path


def pipelines(script: str) -> list[list[Command]]:
    """Returns the commands of a script, each with those that its output is piped to."""
    found: list[list[Command]] = [[]]
    for command in commands(script):
        found[-1].append(command)
        if command.then not in PIPES:
            found.append([])
    return [each for each in found if each]


def is_cut(script: str) -> bool:
    """Whether the end of a script is not certain."""
    return any(command.then == CUT for command in commands(script)[-1:])


def without_heredocs(script: str) -> str:
    """Returns `script` without its here-documents and the operators that introduce them."""
    if "<<" not in script:
        return script
    return "\n".join(_HEREDOC.sub(" ", each.text) for each in script_lines(script))


def script_lines(script: str) -> list[ScriptLine]:
    """Returns the lines of a script, each with the here-documents that it introduces."""
    found: list[ScriptLine] = []
    waiting = deque[tuple[bool, str]]()
    for line in script.split("\n"):
        if waiting:
            indented, end = waiting[0]
            if (line.lstrip("\t") if indented else line).rstrip("\r") == end:
                waiting.popleft()
            found[-1].below.append(line)
            found[-1] = found[-1]._replace(waiting=len(waiting))
            continue
        waiting = deque((mark[1] == "-", mark[3]) for mark in _HEREDOC.finditer(line))
        found.append(ScriptLine(line, [], len(waiting)))
    return found


def unquoted(word: str) -> str:
    """Returns a word without its quotes and escapes."""
    if "'" not in word and '"' not in word and "\\" not in word:
        return word
    return _QUOTING.sub(lambda part: part[1] or part[2] or part[3] or "", word)


def script_of_shell(words: Sequence[str]) -> str | None:
    """Returns the script that a shell is started with, as in `bash -lc '...'`, perhaps by a program that runs it
    elsewhere; None if it is started otherwise."""
    places = range(len(words) if words and words[0] in _WRAPPERS else 1)
    shell = next((place for place in places if words[place:] and _program(words[place]) in _SHELLS), None)
    if shell is None:
        return None
    return next((script for option, script in pairwise(words[shell + 1 :]) if _SCRIPT_OPTION.fullmatch(option)), None)


def _program(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
