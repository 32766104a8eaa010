"""The context of a command: state folder, settings and project."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.config import Config, settings_or_defaults
from carryover.errors import ExitCode, UserError
from carryover.facts import ProjectRoot, is_foreign
from carryover.fsio import is_folder
from carryover.paths import StateDir, expanded, require_utf8
from carryover.probe.looks import Silent, look_at
from carryover.records.fields import is_absolute
from carryover.terminal.output import did_you_mean, warn
from carryover.terminal.paths import shell_word

if TYPE_CHECKING:
    from carryover.ledger.rows import Whereabouts

KNOWN_PROJECTS: Final = "`carryover sessions --all` lists the projects that are known."
"""What to do next where a project was not found."""
HANGS: Final = "carryoverd does not answer, so this is what it recorded before; `carryover restart` replaces it."
"""Said where a daemon runs and hangs."""


def first_day_ms(days: int) -> int:
    """Returns the beginning of the first of the last `days` days, with today; UTC milliseconds of local midnight."""
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: DTZ005 (of the local zone)
    # Without a zone until the end: between now and then the clocks may have changed.
    return int((midnight - timedelta(days=days - 1)).astimezone().timestamp() * 1000)


def current_folder() -> Path | None:
    """Returns the current folder; None if it is gone."""
    try:
        return Path.cwd()
    except OSError:
        return None


def state_dir() -> StateDir:
    """Returns the state folder, which need not exist. Raises UserError if it can't be used; creates nothing."""
    state = StateDir.of(os.environ, Path.home())
    try:
        os.scandir(state.root).close()
        state.config.lstat()  # listing a folder and entering it need different permissions
    except FileNotFoundError:
        pass
    except OSError as error:
        remedy = _remedy(state.root) if error.errno == errno.EACCES else "Repair it"
        raise UserError(
            f"The state folder {state.root} can't be used: {error.strerror}. Nothing was read or changed. "
            f"{remedy}, or set CARRYOVER_HOME to another folder."
        ) from error
    return state


def _remedy(folder: Path) -> str:
    """Says what lets the user into the state folder."""
    user, owner, home = os.geteuid(), _owner(folder), Path.home()
    if owner != user and _owner(home) not in (user, None):  # as with `sudo -u`: nothing is to be taken from its owner
        return f"{home}, your HOME, belongs to another user: run the command as that user"
    word = shell_word(folder)
    return f"Run `chmod u+rwx {word}`" if owner in (user, None) else f'Run `sudo chown -R "$(id -u)" {word}`'


def _owner(path: Path) -> int | None:
    """Returns the id of the user whose a file is; None where a folder above it is closed."""
    try:
        return path.stat().st_uid
    except OSError:
        return None


def settings_to_print() -> Config:
    """Returns the settings for a command that only prints; warns and returns the defaults if they can't be used."""
    config, trouble = settings_or_defaults(state_dir())
    if trouble is not None:
        warn_once(trouble)
    return config


def warn_if_paused() -> None:
    """Says that nothing is read, if Carryover is paused, so that what is printed is what was recorded before."""
    if state_dir().paused.exists():
        warn_once("Carryover is paused; this is what it recorded before. `carryover unpause` ends that.")


@cache
def warn_once(text: str) -> None:
    """Prints a warning, unless this command has printed the same before."""
    warn(text)


def root_of(folder: str) -> ProjectRoot:
    """Returns the project that a folder belongs to."""
    from carryover.projects.root import agent_folders, find_root

    home = Path.home()

    def own_folders() -> frozenset[Path]:
        return agent_folders(settings_to_print().agents, home, os.environ)

    return look_at(folder, partial(find_root, folder, home=home, agents_own=own_folders))


def is_home_here() -> bool:
    """Whether the current folder is the home folder, which is no project of its user's."""
    with suppress(OSError):
        return Path.cwd().samefile(Path.home())
    return False


def project_root(project: str | None, *, must_exist: bool = False, elsewhere: bool = False) -> str:
    """Returns the root of the project that contains `project`, or the current folder, with symlinks resolved.

    With `elsewhere` it may be on another machine. Raises UserError: NOTHING_FOUND if the current folder is gone, or if
    `project` does not exist, inside a project or, with `must_exist`, anywhere; REFUSED if its path is not UTF-8, or
    belongs to another machine.
    """
    if project and is_foreign(project):
        return _root_elsewhere(project, may_be=elsewhere)
    path = expanded(project or ".")
    is_of_windows = project and is_absolute(project) and not project.startswith("/")
    if project and is_of_windows and not (must_exist or os.path.lexists(path)):
        return project  # work in it was imported here
    try:
        return look_at(path, partial(_named_root, path, must_exist=must_exist)) if project else _root_at(path)
    except Silent:
        return os.path.abspath(path)  # noqa: PTH100 (the ledger may know it, but its disk does not answer)
    except FileNotFoundError as error:
        raise UserError(
            "The current folder no longer exists. Go to another one, or name the project's folder where the command "
            "takes one.",
            ExitCode.NOTHING_FOUND,
        ) from error


def _root_elsewhere(project: str, *, may_be: bool) -> str:
    """Returns the root of a project on another machine. Raises UserError (REFUSED) unless that is what it `may_be`."""
    if may_be:
        return project.rstrip("/")
    raise UserError(
        f"{project} is a folder of another machine, so nothing was done. In a clone here, `carryover link "
        f"{shell_word(project)} .` joins the two; `carryover sessions` and `carryover search` list what was done.",
        ExitCode.REFUSED,
    )


def _named_root(path: Path, *, must_exist: bool) -> str:
    """Returns the root of the project that a folder, which the user named, is in. Raises UserError if there is none."""
    root = None if must_exist and not is_folder(path) else _root_at(path)
    # A typo is not the project around it.
    if root is None or (root != os.path.realpath(path) and not os.path.lexists(path)):
        raise UserError(f"There is no folder {path}{_meant(str(path))} {KNOWN_PROJECTS}", ExitCode.NOTHING_FOUND)
    return root


def _root_at(path: Path) -> str:
    real = os.path.realpath(path)
    require_utf8(real, "The folder")
    return root_of(real).root


def known_places() -> list[Whereabouts]:
    """Returns the present and former places of all projects in the ledger; none if there is no ledger."""
    from carryover.ledger.connect import is_made, reading
    from carryover.ledger.queries import whereabouts

    ledger = state_dir().ledger
    if not is_made(ledger):
        return []
    with reading(ledger) as db:
        return whereabouts(db)


def _meant(path: str) -> str:
    """Returns what follows the name of a missing folder: the recorded project of that name, or a like one, if any."""
    places: dict[str, str] = {}
    with suppress(UserError):  # a ledger that can't be read is not what the user asked about
        for row in known_places():
            if row.root != os.path.abspath(path):  # noqa: PTH100 (it is a folder that is gone)
                places.setdefault(Path(row.root).name.lower(), row.root)
    return did_you_mean(Path(path).name, places, named=places) or "."


def refuse_paused(what: str) -> None:
    """Raises UserError (REFUSED) if Carryover is paused, which says that nothing was `what`."""
    if state_dir().paused.exists():
        raise UserError(
            f"Carryover is paused, so nothing was {what}. `carryover unpause` ends the pause.", ExitCode.REFUSED
        )


def no_such_folder(root: str) -> str | None:
    """Says that there is no folder at `root`, for which nothing is recorded; None if there is, or may be one."""
    try:
        is_there = is_foreign(root) or look_at(root, lambda: is_folder(Path(root)))
    except Silent:
        return None
    return None if is_there else f"There is no folder {root}, and nothing is recorded for it{_meant(root)}"


def nothing_recorded(root: str | None, *, elsewhere: str = KNOWN_PROJECTS) -> UserError:
    """Says that no session of the project at `root` is recorded, or of any; for a worktree, where its main checkout
    is. `elsewhere`: how the other projects are reached."""
    if root is None:
        nothing, instead = "No session is recorded anywhere.", "`carryover status` says what is watched."
    elif (gone := no_such_folder(root)) is not None:
        nothing, instead = gone, KNOWN_PROJECTS
    elif (main := root_of(root).main_root) is None:
        nothing, instead = f"No session is recorded for {root}.", elsewhere
    else:
        nothing = f"No session is recorded for {root}. It is a worktree of {main}:"
        instead = f"`carryover sessions {shell_word(main)}` lists what was done there."
    return UserError(f"{nothing} {instead}", ExitCode.NOTHING_FOUND)
