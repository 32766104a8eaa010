"""Removes commands that only run another: `uv run pytest`, `docker compose exec web pytest`, `timeout 60 make test`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_VERSION = re.compile(r"(?<=\w)@[\w.^~-]+$")
_KEYWORDS = {"if", "elif", "while", "until", "then", "else", "do", "!", "{"}


class _Wrapper(NamedTuple):
    """The wrapper's options with a value, which of them names a folder, and the number of words before the command."""

    valued: frozenset[str] = frozenset()
    folder: str = ""
    words: int = 0


_PLAIN = _Wrapper()
_PYTHON_TOOL = _Wrapper(
    frozenset(("--with", "--extra", "--group", "--python", "--package", "--directory", "-p", "-n", "-e", "--env-file")),
    folder="--directory",
)
_NODE_TOOL = _Wrapper(frozenset(("-p", "--package", "-C", "--filter", "-F", "--cwd")), folder="-C")
_CONTAINER = _Wrapper(frozenset(("-e", "-u", "-w", "-v", "-p", "-f", "--name", "--network", "--env-file")), words=1)

_WRAPPERS: dict[tuple[str, ...], _Wrapper] = {
    **dict.fromkeys(((n,) for n in ("time", "command", "exec", "nohup", "stdbuf", "xvfb-run", "cross-env")), _PLAIN),
    **dict.fromkeys(((n,) for n in ("npx", "bunx", "uvx")), _NODE_TOOL),
    **dict.fromkeys(
        ((n, "run") for n in ("uv", "poetry", "pipenv", "pdm", "rye", "pixi", "hatch", "conda")), _PYTHON_TOOL
    ),
    **dict.fromkeys(((n, "run") for n in ("coverage", "mamba", "micromamba", "doppler")), _PYTHON_TOOL),
    **dict.fromkeys(((n, "exec") for n in ("pnpm", "yarn", "npm", "bundle", "mise")), _NODE_TOOL),
    **dict.fromkeys((("pnpm", "dlx"), ("yarn", "dlx")), _NODE_TOOL),
    **dict.fromkeys((("docker", s) for s in ("exec", "run")), _CONTAINER),
    **dict.fromkeys((("podman", s) for s in ("exec", "run")), _CONTAINER),
    **dict.fromkeys((("docker", "compose", s) for s in ("exec", "run")), _CONTAINER),
    **dict.fromkeys((("docker-compose", s) for s in ("exec", "run")), _CONTAINER),
    ("env",): _Wrapper(frozenset(("-u", "-C")), folder="-C"),
    ("sudo",): _Wrapper(frozenset(("-u", "-g"))),
    ("nice",): _Wrapper(frozenset(("-n",))),
    ("timeout",): _Wrapper(frozenset(("-k", "-s")), words=1),
    ("gtimeout",): _Wrapper(frozenset(("-k", "-s")), words=1),
}


def unwrapped(words: Sequence[str]) -> tuple[list[str], str]:
    """Returns the command that finally runs, and the folder that a wrapper changes to for it (empty: none). Leading
    environment assignments are dropped, too. The first word is without its folder: `.venv/bin/pytest` is `pytest`. The
    list is empty if nothing is run."""
    rest = list(words)
    folder = ""
    while rest:
        if rest[0] in _KEYWORDS or _ASSIGNMENT.match(rest[0]):
            del rest[0]
            continue
        rest[0] = rest[0] if _is_script(rest[0]) else _VERSION.sub("", PurePosixPath(rest[0]).name)
        length = next((n for n in (3, 2, 1) if tuple(rest[:n]) in _WRAPPERS and len(rest) > n), 0)
        if not length:
            break
        wrapper = _WRAPPERS[tuple(rest[:length])]
        rest, gone_to = _without_options(rest[length:], wrapper)
        folder = gone_to or folder
    return rest, folder


def _is_script(word: str) -> bool:
    """Whether a word names a script. Scripts keep their folder: it tells `./test` from the shell's `test`."""
    return "/" in word and PurePosixPath(word).name.startswith(("test", "run"))


def _without_options(words: list[str], wrapper: _Wrapper) -> tuple[list[str], str]:
    folder = ""
    while words and words[0].startswith("-"):
        option, _, value = words.pop(0).partition("=")
        if option == "--":
            break
        if option in wrapper.valued and not value and words:
            value = words.pop(0)
        if option == wrapper.folder:
            folder = value
    return words[wrapper.words :], folder
