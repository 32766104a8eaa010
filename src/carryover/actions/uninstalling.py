"""Undoes what install did and, if wanted, deletes everything that was written since: all is listed before anything is
changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from carryover.adapter.spec import Form
from carryover.config import Config, load_config
from carryover.daemon.client import daemon_pid, stop_daemon
from carryover.edits.hooks import SCRIPT, Hooks, owner_by_script
from carryover.errors import UserError, os_reason
from carryover.fsio import is_folder
from carryover.install.agent_settings import usual_files
from carryover.install.background import registered
from carryover.install.service import ServiceManager
from carryover.install.setup import plan_settings, taken_out
from carryover.outside import former
from carryover.outside.apply import LOCK, Edit, apply, plan_edit
from carryover.outside.journal import JOURNAL, Journal, load_journal
from carryover.outside.listed import Listed
from carryover.past.context import state_dir
from carryover.paths import STARTER, STORE, StateDir
from carryover.probe.checkout import Checkout
from carryover.probe.ignore_rules import GITIGNORE
from carryover.probe.looks import look_at_each
from carryover.publish.gitignore import rules_in
from carryover.publish.hook_script import CURL_CONFIG, former_answers
from carryover.publish.pointers import POINTER_LINES
from carryover.publish.project_files import our_texts_in
from carryover.publish.shared_pointers import committed_names, present_names
from carryover.publish.state_files import FILES, FOLDERS
from carryover.publish.store import own_files, own_ignore_file
from carryover.terminal.output import counted

_MOST_NAMED: Final = 3
_HOOK_SCRIPT: Final = (SCRIPT, CURL_CONFIG, STARTER)
_ANSWERS: Final = "handoffs kept for when the daemon is down"


@dataclass(frozen=True, slots=True)
class Uninstall:
    """What is undone: planned, or done. Edits of files that also hold other people's text, then the removal of our own
    files, then the edits of ignore files, each only once the checkout's handoff is gone."""

    edits: tuple[Edit, ...]
    removals: tuple[tuple[Path, str], ...]
    """Our files and folders, each with its name for people: `the ledger`. A folder goes only once it is empty."""
    rules: tuple[Edit, ...] = ()
    notes: tuple[str, ...] = ()
    """What stays and why, in whole sentences."""
    service: str | None = None
    """The kind of the service that is stopped and removed; None if there is none."""
    pid: int | None = None
    """The process of the daemon that is stopped; None if none runs."""
    kept_in: Path | None = None
    """The state folder, if what was recorded stays there."""
    is_to_repeat: bool = False
    """Whether something stays because it can't be inspected now."""

    @property
    def shown(self) -> tuple[Edit, ...]:
        """All edits, to be shown to the user."""
        return (*self.edits, *self.rules)


def plan_removal(*, purge: bool) -> Uninstall:
    """Plans the removal of hooks and service and, with `purge`, of everything else that Carryover has written: the
    pointers, ignore rules and `.carryover` folders of every project in the journal, and the state folder. Reads only,
    and needs neither `config.toml` nor the ledger. Raises UserError if the journal can't be read."""
    state, service = state_dir(), registered(os.environ)
    return replace(
        _planned(state, purge=purge),
        service=service.kind if service is not None else None,
        pid=daemon_pid(state),
        kept_in=state.root if not purge and state.ledger.exists() else None,
    )


def uninstall(*, purge: bool) -> Uninstall:
    """Plans again, carries it out and returns what was done, with failures in `notes`, which do not stop the rest.

    If something had to stay in a file, the journal is kept too, so that uninstall can be run again. Raises UserError
    if the daemon can't be stopped, or another command edits.
    """
    state, service = state_dir(), registered(os.environ)
    stays = _service_that_stays(service) if service is not None else ()
    stop_daemon(state)  # one that can't be stopped would write again what is removed
    # Planned only now: the daemon may have written into projects before it stopped.
    done = _carried_out(_planned(state, purge=purge), state)
    return replace(done, notes=(*stays, *done.notes))


def _service_that_stays(service: ServiceManager) -> tuple[str, ...]:
    """Removes the service, or returns why it can't be, as sentences."""
    try:
        service.uninstall()
    except (UserError, OSError) as error:
        return (f"The {service.kind} service could not be removed: {error}",)
    return ()


def _planned(state: StateDir, *, purge: bool) -> Uninstall:
    journal = load_journal(state)
    edits = tuple(_settings_edits(state, journal))
    notes = [note for edit in edits for note in _edited_by_hand(edit, state)]
    if purge and (journal.is_damaged or any(_is_not_listed(edit, journal) for edit in edits)):
        file = state.root / JOURNAL
        notes.append(f"{file} is missing or damaged: what Carryover added to projects that it does not list stays.")
    rest = _purge(state, journal) if purge else _without_hooks(state, journal)
    return replace(rest, edits=(*edits, *rest.edits), notes=(*notes, *rest.notes))


def _without_hooks(state: StateDir, journal: Journal) -> Uninstall:
    """Plans what goes beside the hooks if what was recorded stays."""
    scripts = [(path, "the hooks' script") for name in _HOOK_SCRIPT if os.path.lexists(path := state.root / name)]
    return Uninstall((), tuple(scripts), notes=tuple(_pointers_that_stay(journal)))


def _purge(state: StateDir, journal: Journal) -> Uninstall:
    """Plans what goes beside the hooks if nothing of ours is to stay, in projects and in the state folder."""
    notes: list[str] = []
    present = _known_roots(journal, notes)
    committed = {root: _committed_pointers(root) for root, there in present.items() if there}
    notes += _on_committed_pointers(committed)
    edits = {edit.path: edit for root in committed for edit in project_edits(root, journal, but=committed[root])}
    known = (folder for folder in journal.handoffs if present[Path(folder.root)] is not None)
    ours = [(path, "the project's handoff") for folder in known for path in store_files(folder)]
    ours += state_files(state)
    stays = dict(_not_ours([path for path, _ in ours]))
    removals = [(path, what) for path, what in ours if path not in stays]
    going = {path for path, _ in removals}
    rules = {edit.path: edit for root in committed for edit in project_rules(root, going)}
    return Uninstall(
        edits=tuple(edits.values()),
        removals=tuple(removals),
        rules=tuple(rules.values()),
        notes=(*notes, *stays.values()),
        is_to_repeat=None in present.values(),
    )


def _on_committed_pointers(committed: Mapping[Path, Collection[str]]) -> Iterator[str]:
    for root, names in committed.items():
        if names:
            yield (
                f"{', '.join(sorted(names))} in {root}: the pointer stays, since it is committed. Delete its "
                f"{POINTER_LINES} lines if nobody uses Carryover in this project."
            )


def _carried_out(uninstall: Uninstall, state: StateDir) -> Uninstall:
    had_state = state.root.exists()
    edits = apply(uninstall.edits, state)
    in_state = [(path, what) for path, what in uninstall.removals if path.is_relative_to(state.root)]
    removed, stays = _removed(ours for ours in uninstall.removals if not ours[0].is_relative_to(state.root))
    # Only now: until then, a commit could take the handoff along.
    roots = [edit.text.root for edit in uninstall.rules if edit.text.root is not None]
    edits += apply([edit for root in roots for edit in project_rules(root)], state)
    (state.root / LOCK).unlink(missing_ok=True)
    problems = [edit.problem for edit in edits if edit.problem is not None]
    last_removed, last_stays = _removed(_last_of_all(in_state, state, goes_on=bool(problems) or uninstall.is_to_repeat))
    # Outside of projects, a handoff's folder is in one that the settings name for all handoffs.
    for folder in {path.parent for path, _ in removed if path.name != STORE}:
        with contextlib.suppress(OSError):  # it contains other projects' handoffs, or files of the user's
            folder.rmdir()
    if not had_state:  # it was created for the lock
        with contextlib.suppress(OSError):
            state.root.rmdir()
    return Uninstall(edits, (*removed, *last_removed), notes=(*problems, *stays, *last_stays))


def _last_of_all(in_state: Sequence[tuple[Path, str]], state: StateDir, *, goes_on: bool) -> list[tuple[Path, str]]:
    """Returns what goes of the state folder. The journal, which the edits may have made, stays while it is needed: if
    uninstalling `goes_on` once the user has done something."""
    journal, file = load_journal(state), state.root / JOURNAL
    top = [(path, what) for path, what in in_state if path == state.root]
    needed = {state.root, file, *([state.root / former.EDITS] if journal.settings else [])}
    is_purge = bool(top) or file in dict(in_state)  # the folder itself may be a link, or hold something else
    is_done = not journal.live or (is_purge and not (journal.settings or goes_on))
    gone = [(file, dict(FILES)[JOURNAL])] if is_done else []
    return [*((path, what) for path, what in in_state if path not in needed), *gone, *top]


def _removed(each: Iterable[tuple[Path, str]]) -> tuple[list[tuple[Path, str]], list[str]]:
    """Removes the files and folders; returns those that were there, and why others stay, as sentences."""
    removed, stays = [], []
    for path, what in each:
        try:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            removed.append((path, what))
        except FileNotFoundError:
            continue
        except OSError as error:
            stays.append(f"{path} stays: {os_reason(error)}.")
    return removed, stays


def project_edits(root: Path, journal: Journal, *, but: Collection[str] = ()) -> Iterator[Edit]:
    """Yields the edits that undo ours in one project's files, apart from `info/exclude` and the files `but`. Reads
    only."""
    yield from (plan_edit(text, out=True) for text in our_texts_in(root, journal.names(root) - {*but}))


def _committed_pointers(root: Path) -> set[str]:
    """Returns the files with a pointer that is committed. It belongs to the repository: git would show it as deleted,
    and so it stays, as in a project that is paused."""
    names = present_names(root)
    return names & committed_names(Checkout(root)) if names else set()


def project_rules(root: Path, going: Collection[Path] = ()) -> Iterator[Edit]:
    """Yields the edit that takes our ignore rules out of a repository, once what is `going` is gone."""
    if (rules := rules_in(Checkout(root), going)) is not None:
        yield plan_edit(rules, out=True)


def _pointers_that_stay(journal: Journal) -> Iterator[str]:
    """Yields a note on the projects whose files lead agents to a handoff, if there are any. Without a daemon, that
    handoff stays as it is for ever, and agents would be led to it all the same."""

    def has_pointer(root: str) -> bool:
        return any(edit.changes and edit.text.name != GITIGNORE for edit in project_edits(Path(root), journal))

    roots = sorted({entry.root for entry in journal.live if entry.form == "text"})
    if leading := [root for root, leads in look_at_each(roots, has_pointer) if leads]:
        more = len(leading) - _MOST_NAMED
        others = f" and {counted(more, 'more project')}" if more > 0 else ""
        yield (
            f"Pointers stay in {', '.join(leading[:_MOST_NAMED])}{others}, to handoffs that will not change any more. "
            "To take them out and keep what was recorded, run `carryover config publish.pointers off`."
        )


def store_files(project: Listed) -> list[Path]:
    """Returns our files in the handoff's folder, then the folder itself; an empty list if that is a symlink."""
    folder = Path(project.path)
    if not is_folder(folder) or folder.is_symlink():
        return []
    ours = (folder / former.EDITED, *own_files(folder))
    return [*(path for path in ours if os.path.lexists(path)), folder]


def state_files(state: StateDir) -> Iterator[tuple[Path, str]]:
    """Yields each of our files with a description, then the folders, innermost first. Follows no symlinks."""
    root = state.root
    if answers := former_answers(state):
        yield from (each for folder in answers for each in _tree(folder, _ANSWERS))
        yield answers[0].parent, _ANSWERS
    yield from ((path, "backups") for path in former.backups(root))
    for name, what in FOLDERS:
        for tree in sorted(root.glob(name)):
            yield from _tree(tree, what)
    for pattern, what in FILES:
        yield from ((path, what) for path in sorted(root.glob(pattern)))
    if (ignored := own_ignore_file(root)) is not None:
        yield ignored, "the rule that keeps it out of your repository"
    if root.is_dir() and not root.is_symlink():
        yield root, "the state folder"


def _settings_edits(state: StateDir, journal: Journal) -> Iterator[Edit]:
    """Yields the edits of all listed settings, and of usual ones that need not be listed, in which entries stay."""
    yield from plan_settings((), journal.settings)
    try:
        agents = load_config(state.config).agents
    except UserError:  # uninstalling needs no settings
        agents = Config().agents
    script = os.fsencode(state.root / SCRIPT)
    for file in usual_files(Path.home(), {**agents.recorded_env(), **os.environ}, state.hook_script):
        if journal.at(Path(file.path), server=file.is_server) is None:
            edit = taken_out(file)
            if edit.changes or (not file.is_server and script in (edit.before or b"")):
                yield edit


def _edited_by_hand(edit: Edit, state: StateDir) -> Iterator[str]:
    file = edit.text.listed
    if edit.reason is None and edit.after is not None and file is not None and file.form not in ("list", "server"):
        for found in Hooks(cast("Form", file.form), owner_by_script(state.root / SCRIPT)).found(edit.after):
            if found.owner == "edited":
                where = f"{edit.path} ({found.hook.event})"
                yield f"{where}: the hook that runs Carryover was edited by hand. It stays; remove it yourself."


def _is_not_listed(edit: Edit, journal: Journal) -> bool:
    """Whether an agent's settings contain something of ours although the journal has no line about them, so the journal
    is incomplete. If it has a line, such as one that says that hooks were removed, someone restored the settings."""
    listed = edit.text.listed
    return edit.changes and listed is not None and journal.known(listed) is None and journal.last(listed) is None


def _known_roots(journal: Journal, notes: list[str]) -> dict[Path, bool | None]:
    """Returns for each listed project whether its folder exists, or None if its disk does not answer. Adds a note for
    each that does not exist or does not answer."""
    roots = dict.fromkeys(Path(entry.root) for entry in journal.live if entry.root)
    present: dict[Path, bool | None] = {**roots, **dict(look_at_each(roots, is_folder))}
    for root, there in present.items():
        if there is None:
            notes.append(f"{root}: its disk does not answer, so what was written there stays. Run this again later.")
        elif not there:
            notes.append(
                f"{root} is not there. If it was deleted, nothing is left to do. If it was moved and Carryover has not "
                "seen it since, or if it is not mounted or not accessible, what was added is still in it."
            )
    return present


def _not_ours(going: Collection[Path]) -> Iterator[tuple[Path, str]]:
    """Yields each folder that stays, because something else is in it, with a sentence that says so."""
    for folder in sorted(path for path in set(going) if path.is_dir() and not path.is_symlink()):
        others = sorted(entry.name for entry in folder.iterdir() if entry not in going)
        if others:
            named = ", ".join(others[:_MOST_NAMED]) + (", ..." if len(others) > _MOST_NAMED else "")
            yield folder, f"{folder} stays: it holds {named}, which is not Carryover's."


def _tree(top: Path, what: str) -> Iterator[tuple[Path, str]]:
    if top.is_symlink():
        yield top, what
        return
    for folder, folders, files in os.walk(top, topdown=False):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        yield from ((Path(folder, name), what) for name in sorted([*files, *links]))
        yield Path(folder), what
