"""Detects the agents on this machine, their versions, and the hooks that each supports."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from msgspec.structs import replace

from carryover.adapter.spec import AgentSpec, Form, HookSet, Place, places_on
from carryover.config import AgentsConfig
from carryover.fsio import is_folder, is_there
from carryover.install.agent_report import VersionState
from carryover.install.machine import VERSION_S, FoundCommand, Machine, copies_of_command
from carryover.install.user_settings import user_settings
from carryover.platform import here
from carryover.probe.at_once import at_once
from carryover.terminal.output import waiting_for

if TYPE_CHECKING:
    from packaging.version import Version  # not loaded where no agent gives a version

_LONGEST_ANSWER_BYTES: Final = 16 << 10
_REAPED_WITHIN_S: Final = 1.0


def ask_version(command: Path, pattern: str, *, env: Mapping[str, str], cwd: Path, limit_s: float = VERSION_S) -> str:
    """Runs the command and returns its version, read by `pattern`. Blocks for little more than `limit_s`.

    Raises ValueError, which says as a clause why there is none and never quotes the command's output. `env` is the
    command's whole environment. It gets no input, and its stderr is discarded. The command and all its child processes
    have ended when this returns.
    """
    try:
        process = subprocess.Popen(
            [command, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,  # a separate group, so that its children can be ended with it
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise ValueError(f"it could not be started ({why})") from error
    try:
        # Its output stays in the pipe until it has ended: a version fits, and we need nothing else.
        code = process.wait(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"no answer within {limit_s:g} s") from error
    finally:
        written = _end(process)
    if code != 0:
        raise ValueError(f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}")
    return version_in(written.decode("utf-8", "replace"), pattern)


def version_in(text: str, pattern: str) -> str:
    """Extracts the version from a command's output. Raises ValueError as `ask_version` does."""
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError("its answer holds no version")
    if not _can_be_compared(found[1]):
        raise ValueError("its answer holds no version that can be compared")
    return str(found[1])


def _can_be_compared(version: str) -> bool:
    try:
        return _version(version) is not None
    except ValueError:
        return False


def _end(process: subprocess.Popen[bytes]) -> bytes:
    """Ends the process and its group. Returns its output so far, without waiting for others that hold the pipe open."""
    assert process.stdout is not None
    with process.stdout as stdout, contextlib.suppress(BlockingIOError):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        # A process that hangs in the kernel survives even that; do not wait for it any longer.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_REAPED_WITHIN_S)
        os.set_blocking(stdout.fileno(), False)
        return os.read(stdout.fileno(), _LONGEST_ANSWER_BYTES)
    return b""


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about one agent."""

    spec: AgentSpec
    state: VersionState
    binary: Path | None = None
    """Path of its command, symlinks not resolved."""
    on_path: bool = False
    """Whether the command is on PATH, rather than in another standard location."""
    others: tuple[Path, ...] = ()
    """Further copies of the command, possibly of other versions."""
    folder: Path | None = None
    """An existing folder of the agent."""
    version: Version | None = None
    version_text: str = ""
    """The version as the agent printed it; empty if it was not read."""
    versions: tuple[str, ...] = ()
    """The versions printed by all copies of its command, the leading one first; earlier answers with `remembered`."""
    remembered: str = ""
    """Why an earlier answer is used for the version, as a clause without a full stop; empty if it was read now."""
    problem: str = ""
    """If `unreadable`: why, as a clause without a full stop."""
    config: Path | None = None
    """The settings file for our hooks, which need not exist; None if there is nothing to write."""
    form: Form = "nested"
    """The layout of the hooks in that file."""
    lost_folder: Path | None = None
    """A missing folder that a variable names and without which the agent does not start."""
    lost_by: str = ""
    """The variable that names it."""
    roots: tuple[Path, ...] = ()
    """Folders of its transcripts; they need not exist."""
    overrides: Mapping[str, str] = {}
    """Environment variables that relocate files of this agent."""
    hook_set: HookSet | None = None
    """The hooks to write; None if there are none."""
    home: Path = Path("/")

    def files(self, places: tuple[Place, ...]) -> list[Path]:
        """Returns the paths of those of the agent's places that there are on this platform."""
        return [place.at(self.home, self.overrides) for place in places_on(places, here().name)]

    @property
    def found(self) -> bool:
        """Whether the agent is on this machine."""
        return self.state != "missing"


def detect(spec: AgentSpec, machine: Machine, versions: Sequence[str] = ()) -> Detection:
    """Looks for one agent. Blocks for little more than `machine.answer_s`; starts no shell; never raises.

    `versions`: earlier answers of its commands, used if none answers now. They may be on another shell's PATH, or a
    busy machine may delay their answers.
    """
    seen, found = _looked_for(spec, machine)
    if not seen.found:
        return seen
    return _or_remembered(_with_version(seen, found, machine), versions)


def detect_unasked(spec: AgentSpec, machine: Machine) -> Detection:
    """Looks for one agent without asking for its version: it is `unreadable` if it is here."""
    return _looked_for(spec, machine)[0]


def _looked_for(spec: AgentSpec, machine: Machine) -> tuple[Detection, tuple[FoundCommand, ...]]:
    found = copies_of_command(spec.binaries, machine, places_on(spec.binary_folders, machine.platform))
    folder = next((path for path in _located(spec.folders, machine) if is_folder(path)), None)
    configs = list(_located(tuple(place for place in spec.hooks.config_files if not place.is_toml), machine))
    overrides = {name: machine.env[name] for name in spec.variables if machine.env.get(name, "").strip()}
    lost = next((one for one in user_settings(spec, machine.home, overrides) if one.kind == "folder"), None)
    seen = Detection(
        spec=spec,
        state="unreadable" if found or folder is not None else "missing",
        binary=found[0].path if found else None,
        on_path=bool(found) and found[0].on_path,
        others=tuple(other.path for other in found[1:]),
        folder=folder,
        config=next((path for path in configs if is_there(path)), configs[0] if configs else None),
        form=spec.hooks.form,
        lost_folder=lost.at if lost is not None else None,
        lost_by=lost.by if lost is not None else "",
        roots=spec.roots(machine.home, machine.env, machine.platform),
        overrides=overrides,
        home=machine.home,
    )
    return seen, found


def detect_all(
    specs: Sequence[AgentSpec],
    machine: Machine,
    recorded: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Detection, ...]:
    """Looks for all agents in parallel; returns them in the order of `specs`. `recorded`: earlier versions by agent.

    Says on a terminal that they are waited for, if one is slow.
    """
    earlier = recorded or {}
    with waiting_for("Asking your agents for their versions"):
        return tuple(at_once(lambda spec: detect(spec, machine, earlier.get(spec.id, ())), specs, most=len(specs)))


def newly_covered(detections: Iterable[Detection], agents: AgentsConfig) -> tuple[str, ...]:
    """Returns the ids of agents that came, or became supported, since the last install or refresh; none before one."""
    if agents.selected is None or agents.known is None:
        return ()
    return tuple(
        found.spec.id
        for found in detections
        if found.found and found.spec.id not in agents.selected
        if found.spec.id not in agents.known
    )


def _or_remembered(seen: Detection, versions: Sequence[str]) -> Detection:
    """Returns `seen`, with the earlier `versions` if its version could not be read."""
    if seen.state != "unreadable":
        return seen
    each = [_judged(seen, known) for known in versions if _can_be_compared(known)]
    if not each:
        return seen
    together = replace(_together(each), others=seen.others) if len(each) > 1 else each[0]
    return replace(together, binary=seen.binary, on_path=seen.on_path, remembered=seen.problem, problem="")


def _with_version(seen: Detection, commands: Sequence[FoundCommand], machine: Machine) -> Detection:
    spec = seen.spec
    if not commands:
        return _unread(seen, f"no `{spec.binaries[0]}` command on PATH or in the usual places")
    every = spec.hooks.sets and len(spec.binaries) > 1
    asked = commands if every else commands[:1]

    def judged(command: FoundCommand) -> Detection:
        one = replace(seen, binary=command.path, on_path=command.on_path)
        env = _environment(one, machine)
        try:
            version = ask_version(command.path, spec.version, env=env, cwd=machine.home, limit_s=machine.answer_s)
        except ValueError as error:
            return _unread(one, str(error))
        return _judged(one, version)

    if len(asked) == 1:
        return judged(asked[0])
    return _together(at_once(judged, asked, most=len(asked)))


def _judged(seen: Detection, text: str) -> Detection:
    version = _version(text)
    state, hook_set = hooks_for(seen.spec, version)
    return replace(seen, state=state, version=version, version_text=text, versions=(text,), hook_set=hook_set)


def _unread(seen: Detection, problem: str) -> Detection:
    return replace(seen, state="unreadable", problem=problem, hook_set=hooks_for_unknown(seen.spec))


def _together(each: Sequence[Detection]) -> Detection:
    """Merges separate programs that read the same settings: nothing is written that is too new for one of them."""
    oldest_first = sorted(each, key=lambda one: one.state != "older")
    lead = next((one for one in oldest_first if one.version is not None), each[0])
    others = tuple(one.binary for one in each if one is not lead and one.binary is not None)
    versions = tuple(dict.fromkeys(text for one in (lead, *each) for text in one.versions))
    return replace(lead, others=others, versions=versions, hook_set=in_common([one.hook_set for one in each]))


def _environment(seen: Detection, machine: Machine) -> dict[str, str]:
    """Returns the least environment that the command needs, plus the variables that move its files. It contains no
    display, so an editor cannot open a window."""
    path = machine.env.get("PATH") or os.defpath
    if seen.binary is not None and not seen.on_path:
        # Packages of npm are scripts for the `node` beside them.
        path = f"{seen.binary.parent}{os.pathsep}{path}"
    return {"PATH": path, "HOME": str(machine.home), "LANG": "C.UTF-8", **seen.overrides}


def _located(places: tuple[Place, ...], machine: Machine) -> Iterator[Path]:
    return (place.at(machine.home, machine.env) for place in places_on(places, machine.platform))


def hooks_for(spec: AgentSpec, version: Version) -> tuple[Literal["ok", "older", "newer"], HookSet | None]:
    """Compares `version` with the known ones; also returns its hooks, or None if it has none. One that is not known yet
    gets the newest hooks; one below the lowest, no hooks."""
    if not spec.hooks.sets:
        return "ok", None
    release = _version(version.base_version)  # `2.0b1` is below 2.0, and has its hooks
    begun = [known for known in spec.hooks.sets if release >= _version(known.since)]
    if not begun:
        return "older", None
    end = spec.hooks.unknown_from
    return "newer" if end and release >= _version(end) else "ok", begun[-1]


def hooks_for_unknown(spec: AgentSpec) -> HookSet | None:
    """Returns the hooks for an unreadable version: those of the newest set that all sets able to inject text have.

    An event that the installed version does not know can make the agent complain at every start (Claude Code); a
    missing one only means that a change is noticed a moment later, through the file. If an unknown event makes the
    agent drop all hooks, even other programs' (reported for Cursor), only events that every set has are used. If the
    events were renamed, so that no event is in all sets, the newest set is used.
    """
    if not spec.hooks.sets:
        return None
    newest = spec.hooks.sets[-1]
    any_drops = spec.hooks.drops is not None
    able = [known for known in spec.hooks.sets if any_drops or can_inject(spec, known)] or [newest]
    common = tuple(hook for hook in newest.hooks if all(hook.event in known.events for known in able))
    if not common:
        return newest
    return replace(able[0], hooks=common)


def in_common(sets: Sequence[HookSet | None]) -> HookSet | None:
    """Returns the hooks of the first set that all others have too; None if there are none."""
    first = sets[0]
    if first is None or all(other == first for other in sets):
        return first
    common = tuple(hook for hook in first.hooks if all(other is not None and hook in other.hooks for other in sets))
    return replace(first, hooks=common) if common else None


def can_inject(spec: AgentSpec, hook_set: HookSet) -> bool:
    """Whether any hook in the set can inject text into a session."""
    return any(event in spec.hooks.injects_on for event in hook_set.events)


def brings_handoff(detection: Detection) -> bool:
    """Whether what is written into the agent's settings gives a new session the handoff."""
    hook_set = detection.hook_set
    return bool(detection.spec.loads_from) or (hook_set is not None and can_inject(detection.spec, hook_set))


def _version(text: str) -> Version:
    """Parses a version. Raises ValueError."""
    from packaging.version import Version  # and not its specifiers, which take five times as long to load

    return Version(text)
