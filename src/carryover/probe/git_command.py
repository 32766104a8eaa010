"""Asks git about a repository that may be hostile, huge or unreachable; the only module that starts git. Nothing is
written, nothing that the repository contains is run, and the answer comes in time or not at all. Only `in_store`
writes, into the bare repository that `carryover sync` keeps for itself, and talks to another machine."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final
from urllib.parse import unquote

import msgspec

from carryover.fsio import is_folder, is_gone
from carryover.platform import here
from carryover.probe.git_dir import configuration_of, may_be_asked
from carryover.probe.memory import known_answer, remember
from carryover.text.pattern import later

_SAFE_OPTIONS: Final = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "log.showSignature=false"),
    *("-c", "diff.autoRefreshIndex=false"),  # `git diff` writes the index whatever --no-optional-locks says (2.39)
    *("-c", "core.quotePath=false"),
    *("-c", "diff.suppressBlankEmpty=false"),  # each line of a diff is read by its mark
    *("-c", "submodule.recurse=false"),
    "--no-optional-locks",
    "--no-pager",
)
_COMMANDS: Final[dict[str, Sequence[str]]] = {
    **dict.fromkeys(("cat-file", "check-ignore", "config", "ls-files", "ls-tree"), ()),
    **dict.fromkeys(("rev-list", "rev-parse", "symbolic-ref"), ()),
    # For a dirty submodule git starts another git, which runs what the submodule's configuration names.
    "diff": ("--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "--submodule=short"),
    "diff-tree": ("--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "--submodule=short"),
    "log": ("--no-color", "--no-ext-diff", "--no-textconv", "--no-use-mailmap", "--ignore-submodules=dirty"),
    "blame": ("--no-textconv",),  # only of a commit: for the working tree it runs filters
}
"""The allowed commands. With these options they run nothing from a repository, except filters."""
_TAKE_PATTERNS: Final = ("diff", "log", "ls-files", "ls-tree")
"""Commands that treat arguments after `--` as patterns unless each is marked as literal."""
_FILTERS: Final = "diff"
"""The only command that runs filter programs, on files whose times changed."""
_PROGRAMS: Final = ("config", "--null", "--show-scope", "--get-regexp", r"^(filter|lfs)\.")
_MAY_NAME_PROGRAMS: Final = later(rb"filter|include|lfs", re.IGNORECASE)
_PROGRAM_SETTING: Final = later(r"filter\..*\.(clean|smudge|process|required)", re.DOTALL)
_RUN_BY_LFS: Final = later(r"lfs\.extension\.", re.IGNORECASE)
"""Programs of a repository that Git LFS, a filter of the user's, would run; nothing switches them off."""
_SAFE_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",  # a partial clone would fetch the blobs that a diff misses
    "GIT_NO_LAZY_FETCH": "1",
    "LANGUAGE": "C",
    "LC_ALL": "C",
}
_MISLEADING: Final = (
    # Set while git runs a hook; a daemon started from one would use that repository forever.
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_REFERENCE_BACKEND"),
    # They change what a path means; with literal ones, git (2.39) takes the patterns of ignore files literally too.
    *("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"),
)
_STORE_COMMANDS: Final[dict[str, Sequence[str]]] = {
    **dict.fromkeys(("cat-file", "for-each-ref", "hash-object", "ls-remote", "ls-tree", "mktree"), ()),
    "update-ref": (),
    "commit-tree": ("--no-gpg-sign", "-m", "sync"),
    "init": ("--bare", "--quiet", "--template="),
    "fetch": ("--no-tags", "--quiet", "--no-recurse-submodules", "--no-auto-gc", "--no-write-fetch-head"),
    "push": ("--quiet", "--no-verify", "--no-signed", "--porcelain", "--recurse-submodules=no"),
    "gc": ("--quiet", "--prune=now"),
}
"""The commands that `in_store` allows. What they carry is encrypted, so compressing it again would only take time."""
_STORE_SETTINGS: Final = {
    **dict.fromkeys(("core.compression", "core.looseCompression", "pack.compression", "pack.window"), "0"),
    **dict.fromkeys(("core.logAllRefUpdates", "gc.autoDetach", "maintenance.auto"), "false"),
    "gc.auto": "2000",
    "gc.autoPackLimit": "600",
    "core.fsync": "all",
    "core.hooksPath": os.devnull,
    "fetch.fsckObjects": "true",
    "fetch.unpackLimit": "1",  # as it came: unpacked, a few bytes could become gigabytes
    "http.lowSpeedLimit": "100",
    "http.lowSpeedTime": "60",
    "push.pushOption": "",  # without the user's own: not every remote takes them
    "remote.store.fetch": "+refs/heads/*:refs/store/*",  # a push notes what it has sent
}
_STORE_ENVIRONMENT: Final = {
    "GIT_ALLOW_PROTOCOL": "git:http:https:ssh",
    "GIT_DEFAULT_HASH": "sha1",  # the form of ids that every remote takes
    "GIT_ALLOC_LIMIT": "128m",  # of a few bytes, a delta makes gigabytes
    # Always the same: what a commit holds says who wrote when.
    **{f"GIT_{who}_{what}": "carryover" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    **dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "@0 +0000"),
    # Nobody may be there to answer: credential helpers and ssh agents are used, questions are not asked.
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
}
_LOGIN: Final = later(r"(https?://)([^/:@]*):([^/]*|(?!\d{1,5}/)[^@]*)@([^/]*)")
"""A password may have a slash as it is, though not behind a number, which would be a port."""
_HELPER: Final = '!f() { [ "$1" != get ] || printf "username=%s\\npassword=%s\\n" "$STORE_USER" "$STORE_PASSWORD"; }; f'
LARGEST_ANSWER: Final = 64 << 20
_STUBS: Final = (b"xcrun: error: ", b"You have not agreed to the Xcode")
"""What macOS's own `git` begins with where the tools that it starts are missing, or their license is not agreed to."""
_PATIENCE_S: Final = 5.0
_SILENT_AFTER_S: Final = 0.5
_SILENT_FOR_S: Final = 30.0
_REAP_S: Final = 5.0


class GitAnswer(msgspec.Struct, frozen=True):
    """What a git command wrote to both outputs. `code` is its exit status; 128 is git's own for a fatal error."""

    code: int
    out: bytes
    error: bytes = b""


_STUB_SAID: Final = "what was said in place of git's newest answers"


class GitProcesses(set[subprocess.Popen[bytes]]):
    """The processes of git that run for one store at the moment."""

    ended = False

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Takes in one that has started, which does not last if all were ended meanwhile."""
        super().add(process)
        if self.ended:
            _end_group(process)

    def end(self) -> None:
        """Kills them and their children, and those that another thread is about to start."""
        self.ended = True
        for process in list(self):
            _end_group(process)


def ask(
    root: Path,
    *commands: Sequence[str],
    deadline: float,
    settings: Sequence[str] = (),
    most_bytes: int = LARGEST_ANSWER,
) -> list[GitAnswer]:
    """Runs the commands in parallel in `root`, the top of a repository, and returns their answers in the same order.

    `deadline` is a time of `time.monotonic()`, `settings` are configuration (`name=value`). Paths in a command are
    literal. If git would read what is another repository's, or a filter program of this one that might run can't be
    disabled, nothing is run, and every answer has the code 128. Raises FileNotFoundError without git, and TimeoutError
    if not all answered in time, or if they said more than `most_bytes` together: by then every process and its children
    are gone; if one hangs in the kernel, that takes a few seconds more. A repository of which no command answered is
    not asked again for half a minute, since the next command would wait as long.
    """
    if not may_be_asked(root):
        return [GitAnswer(128, b"")] * len(commands)
    overrides: Sequence[str] | None = ()
    if any(command[0] == _FILTERS for command in commands) and not _names_no_filter(root):
        [programs] = _answers(root, [_PROGRAMS], (), deadline, most_bytes)
        # 1: there are none. Before git 2.26 the option is unknown.
        overrides = _switched_off(programs.out) if programs.code in (0, 1) else None
    if overrides is None:
        return [GitAnswer(128, b"")] * len(commands)
    return _answers(root, commands, (*settings, *overrides), deadline, most_bytes)


def ask_one(root: Path, *command: str, timeout_s: float = _PATIENCE_S, most_bytes: int = LARGEST_ANSWER) -> GitAnswer:
    """Runs one command as `ask` does, with the same errors, for at most `timeout_s`."""
    [answer] = ask(root, command, deadline=time.monotonic() + timeout_s, most_bytes=most_bytes)
    return answer


def output_of(root: Path, *command: str, timeout_s: float, most_bytes: int = LARGEST_ANSWER) -> bytes | None:
    """Returns the output of a git command; None if there is no repository or no git, or it fails, takes too long or
    says more than `most_bytes`."""
    try:
        answer = ask_one(root, *command, timeout_s=timeout_s, most_bytes=most_bytes)
    except (TimeoutError, FileNotFoundError):
        return None
    return answer.out if answer.code == 0 else None


def in_store(
    folder: Path,
    *command: str,
    remote: str,
    given: bytes = b"",
    running: GitProcesses,
    timeout_s: float,
    most_bytes: int = LARGEST_ANSWER,
) -> GitAnswer:
    """Runs one command in the bare repository at `folder`, one of ours, with `given` as its input.

    `remote` is the address that the name `store` stands for in the command. A password in it is on no command line,
    which other users of the machine could read. Nobody is asked for a password or a host's key. Its process
    is in `running` until it ends, and the command fails if another thread ends those. Raises TimeoutError
    if it did not end within `timeout_s`, with its children gone by then; OverflowError if it printed more than
    `most_bytes`, as for a tree that contains itself many times; FileNotFoundError without git.
    """
    import tempfile  # slow to load, and only sync needs it

    name, *arguments = command
    address, login = _without_login(remote)
    settings = {**_STORE_SETTINGS, **address}
    environment = {key: text for key, text in os.environ.items() if key not in _MISLEADING}
    environment |= {**_SAFE_ENVIRONMENT, **_STORE_ENVIRONMENT, **login, "GIT_DIR": str(folder)}
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, text) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": text}
    command_line = ["git", name, *_STORE_COMMANDS[name], *arguments]
    # Not a pipe, which would hold up the caller while git does not read.
    with tempfile.TemporaryFile(dir=folder) if given else Path(os.devnull).open("r+b") as file:
        file.write(given)
        file.seek(0)
        process = _popen(command_line, environment, file)
    running.add(process)
    try:
        [answer] = _bounded([process], time.monotonic() + timeout_s, most_bytes)
        return answer
    finally:
        running.discard(process)
        _end(process)


def _without_login(remote: str) -> tuple[dict[str, str], dict[str, str]]:
    """Returns git's settings for the address `remote`, and the environment from which it takes the password in that:
    what it starts for http gets the address as an argument."""
    found = _LOGIN.match(remote)
    if found is None:
        return ({"remote.store.url": remote} if remote else {}), {}
    scheme, user, password, host = found.groups()
    settings = {
        "remote.store.url": f"{scheme}{host}{remote[found.end() :]}",
        "credential.helper": "",  # the user's own may know another password
        f"credential.{scheme}{host}.helper": _HELPER,
    }
    return settings, {"STORE_USER": unquote(user), "STORE_PASSWORD": unquote(password)}


def _names_no_filter(root: Path) -> bool:
    """Whether the configuration of the repository at `root` certainly names no filter program, which saves an ordinary
    checkout a git process. False if it may name one, or if its files are elsewhere, as a worktree's are. Blocks."""
    folder = root / ".git"
    if not folder.is_dir() or not is_gone(folder / "commondir"):
        return False
    return all(text is not None and not _MAY_NAME_PROGRAMS.search(text) for text in configuration_of(folder))


def _switched_off(listed: bytes) -> list[str] | None:
    """Returns settings that disable the filter programs in the repository's own configuration; the user's stay.

    `listed` is the output of `git config --null --show-scope`. None if one of their names can't be disabled."""
    overrides = []
    fields = listed.decode(errors="surrogateescape").split("\0")
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        name = setting.partition("\n")[0]
        if scope not in ("local", "worktree"):
            continue
        if _RUN_BY_LFS.match(name):
            return None
        if _PROGRAM_SETTING.fullmatch(name):
            if "=" in name:
                return None
            overrides.append(f"{name}={'false' if name.endswith('required') else ''}")
    return overrides


def _answers(
    root: Path, commands: Sequence[Sequence[str]], overrides: Sequence[str], deadline: float, most_bytes: int
) -> list[GitAnswer]:
    began = time.monotonic()
    silent = (root, "silent until")
    if began < (known_answer(silent, ()) or began):
        raise TimeoutError(errno.ETIMEDOUT, "git did not answer in time")
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.extend(_start(root, command, overrides) for command in commands)
        answers = _bounded(running, deadline, most_bytes)
        stub_said = next((_first_line(answer.error) for answer in answers if _is_of_stub(answer)), None)
        remember(_STUB_SAID, (), stub_said)
        if stub_said is not None:
            raise _no_git()
        return answers
    except OverflowError as error:
        raise TimeoutError(errno.EFBIG, "git said too much") from error
    except TimeoutError:
        now = time.monotonic()
        if now - began >= _SILENT_AFTER_S and all(process.poll() is None for process in running):
            remember(silent, (), now + _SILENT_FOR_S)
        raise
    finally:
        for process in running:
            _end(process)


def _start(root: Path, command: Sequence[str], overrides: Sequence[str]) -> subprocess.Popen[bytes]:
    options = [part for override in overrides for part in ("-c", override)]
    inherited = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    # Otherwise `core.worktree` could name another folder, whose files a diff would show. A bare repository has none.
    work_tree = {"GIT_WORK_TREE": str(root)} if os.path.lexists(root / ".git") else {}
    environment = {**inherited, **_SAFE_ENVIRONMENT, **work_tree, "GIT_CEILING_DIRECTORIES": str(root.parent)}
    name, *arguments = command
    if name in _TAKE_PATTERNS and "--" in arguments:
        at = arguments.index("--") + 1
        arguments[at:] = [f":(literal){path}" for path in arguments[at:]]
    # git itself changes to `root`: were it done between fork and exec, a dead network drive would hold up every thread.
    command_line = ["git", "-C", str(root), *_SAFE_OPTIONS, *options, name, *_COMMANDS[name], *arguments]
    return _popen(command_line, environment, subprocess.DEVNULL)


def _popen(command_line: Sequence[str], environment: dict[str, str], stdin: int | IO[bytes]) -> subprocess.Popen[bytes]:
    if not here().git_usable(environment.get("PATH", os.defpath)):
        raise _no_git()
    try:
        return subprocess.Popen(
            command_line,
            cwd=os.sep,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise _no_git() from error


def git_trouble() -> str | None:
    """Returns why git can't be run, as a clause; None if it can, as far as is known without running it."""
    path = os.environ.get("PATH", os.defpath)
    programs = (Path(folder, "git") for folder in path.split(os.pathsep))
    # Not by `shutil`, which loads modules for all kinds of archives, nor by `is_file`: a folder may be closed to us.
    if not any(os.access(program, os.X_OK) and not is_folder(program) for program in programs):
        return "there is none in the folders of its PATH"
    if not here().git_usable(path):
        return "Apple's command line tools, which have it, are not installed"
    stub_said = known_answer(_STUB_SAID, ())
    return f"it says {stub_said!r}" if stub_said is not None else None


def _is_of_stub(answer: GitAnswer) -> bool:
    return answer.code != 0 and answer.error.startswith(_STUBS)


def _first_line(said: bytes) -> str:
    return said.partition(b"\n")[0].decode(errors="replace").strip()


def _no_git() -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "git can't be run")


def _bounded(processes: Sequence[subprocess.Popen[bytes]], deadline: float, most_bytes: int) -> list[GitAnswer]:
    """Returns what the processes write, read as it comes. Raises TimeoutError, and OverflowError if it is too much."""
    said: dict[IO[bytes], bytearray] = {}
    with selectors.DefaultSelector() as selector:
        for stream in (stream for process in processes for stream in _outputs(process)):
            said[stream] = bytearray()
            selector.register(stream, selectors.EVENT_READ, said[stream])
        room = most_bytes
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready or time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "git did not answer in time")
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fileobj)
                key.data.extend(data)
                room -= len(data)
            if room < 0:
                raise OverflowError("git said too much")
    return [_ended(process, [bytes(said[stream]) for stream in _outputs(process)], deadline) for process in processes]


def _outputs(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdout is not None and process.stderr is not None
    return process.stdout, process.stderr


def _ended(process: subprocess.Popen[bytes], said: Sequence[bytes], deadline: float) -> GitAnswer:
    try:
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(errno.ETIMEDOUT, "git did not end in time") from error
    return GitAnswer(code, *said)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kills a process that was started here, and its children. Does nothing if it has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        _end_group(process)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    # A process stuck in the kernel dies when it can; subprocess reaps it when a later one is started.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_REAP_S)
