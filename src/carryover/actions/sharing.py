"""Makes what is shared with another person: a project's handoff with its sources, encrypted to that person's keys."""

from __future__ import annotations

import base64
import hashlib
import os
import pwd
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.actions.bundle import LARGEST_FILE, LARGEST_TEXT, Bundle, SharedDocument, packed
from carryover.config import Config, refuse_excluded
from carryover.distill.handoff import Handoff
from carryover.distill.render import lay_out
from carryover.distill.view import has_past
from carryover.errors import ExitCode, UserError, os_reason
from carryover.export import quoting
from carryover.facts import Facts
from carryover.fsio import read_bytes_bounded
from carryover.ledger.queries import work_sessions
from carryover.ledger.rows import SessionRow
from carryover.past.context import nothing_recorded, now_ms, project_root, settings_to_print, state_dir
from carryover.past.exporting import session_document, shown_title
from carryover.past.opened import Want, opened
from carryover.paths import expanded
from carryover.probe.checkout import Checkout
from carryover.publish.make import files_now, git_now, make, view_now
from carryover.records.fields import iso_utc
from carryover.redact.values import MARK
from carryover.sync.sealing import is_recipient, seal_for
from carryover.terminal.output import counted
from carryover.text.harmless import one_line
from carryover.text.reset_times import on_this_machine

_LINE_CHARS: Final = 120
_KEY: Final = re.compile(r"(?:^|\s)(age1[0-9a-z]{20,}|ssh-(?:ed25519|rsa) [0-9A-Za-z+/]{40,}=*)(?:\s+(.*))?$")
_MOST_BYTES: Final = 64 << 10
_NOTHING: Final = "Nothing was written."
_MARKS: Final = re.compile(rf"{re.escape(MARK)}([\w-]+)\]")


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle of the project at `root`, for the owners of `keys`. `secrets`: how many marks stand for secrets, by
    kind; `left_out`: of how many sessions the turns did not fit."""

    root: str
    keys: list[Recipient]
    bundle: Bundle
    secrets: dict[str, int]
    left_out: int


def compose(project: str | None, keys: Sequence[str], sender: str | None, *, expires_s: int | None) -> Shared:
    """Makes a bundle of the project that `project` is in, in the name of `sender` or of the user.

    `keys`: who can open it, see `_recipients`. Raises UserError if a key is unusable, or the project has no work or is
    excluded.
    """
    to = _recipients(keys)
    root = project_root(project, must_exist=True)
    made_ms = now_ms()
    config = settings_to_print(state_dir())
    refuse_excluded(root, config)
    about = Bundle(
        sender=_line(sender or _own_name()),
        host=_line(os.uname().nodename),
        project=_line(Path(root).name),
        title="",
        made_ms=made_ms,
        expires_ms=made_ms + expires_s * 1000 if expires_s is not None else None,
        handoff="",
    )
    with opened(Want.FRESH, root) as (ledger, row):
        handoff = _handoff(ledger, row.id, config) if row is not None else None
        if row is not None and handoff is not None:
            bundle, left_out = _filled(about, ledger, work_sessions(ledger, row.id, limit=500), handoff)
            texts = (bundle.handoff, *(document.text for document in bundle.documents))
            return Shared(
                root=root,
                keys=to,
                bundle=bundle,
                secrets=dict(Counter(kind for text in texts for kind in _MARKS.findall(text))),
                left_out=left_out,
            )
    raise UserError(f"{nothing_recorded(root)} So there is nothing to share.", ExitCode.NOTHING_FOUND)


def encrypted(shared: Shared) -> bytes:
    """Returns the content of the file that only its readers can open. Raises UserError if it is too large."""
    keys = [recipient.key for recipient in shared.keys]
    try:
        data = seal_for(keys, packed(shared.bundle))
    except ValueError as error:
        raise UserError(
            f"{counted(len(keys), 'key')} of this size are too many. Nothing was written. Make several files.",
            ExitCode.REFUSED,
        ) from error
    if len(data) > LARGEST_FILE:
        raise UserError(
            f"It would be larger than {LARGEST_FILE >> 20} MiB. Nothing was written.",
            ExitCode.REFUSED,
        )
    return data


def _own_name() -> str:
    """Returns the user's full name as the system knows it, else the login name."""
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return "someone"
    return entry.pw_gecos.partition(",")[0].strip() or entry.pw_name


def _line(text: str) -> str:
    return one_line(quoting.quoted_line(text), _LINE_CHARS)


def _handoff(ledger: sqlite3.Connection, project: int, config: Config) -> Handoff | None:
    """Returns the handoff of a project; None if it has none, or at most what others shared."""
    view = view_now(ledger, project, config)
    if not has_past(view):
        return None
    facts = Facts(git_now(Checkout(Path(view.root))), files_now(view), clock=on_this_machine)
    return make(view, facts, now_ms=now_ms(), resume="silent")


def _filled(
    about: Bundle, ledger: sqlite3.Connection, sessions: list[SessionRow], handoff: Handoff
) -> tuple[Bundle, int]:
    """Returns the bundle with its texts, newest session first, and of how many sessions the turns did not fit."""
    # The sections alone: the header and the last line speak to the agents of this machine.
    sections = (f"## {title}\n" + "\n".join(line for line, _ in lines) for title, lines in lay_out(handoff))
    last_work = f"Last work: {iso_utc(handoff.updated_ms)}, {handoff.agent}"
    text = _hidden("\n\n".join((last_work, *sections)) + "\n")
    needed: dict[tuple[str, str], set[int]] = {}
    for source in (source for _, lines in lay_out(handoff) for _, entry in lines for source in entry.sources):
        if source.turn is not None:
            needed.setdefault((source.agent, source.session), set()).add(source.turn)
    documents: list[SharedDocument] = []
    room, left_out = LARGEST_TEXT - len(text), 0
    for session in sessions:
        if turns := needed.get((session.agent, session.native_id)):
            shown = _hidden(session_document(ledger, session, "md", full=False, turns=turns))
            part = f" (turns {', '.join(map(str, sorted(turns)))})"
            title = one_line(_hidden(shown_title(ledger, session)) or session.native_id, _LINE_CHARS - 40)
            if len(shown) > room:
                left_out += 1
                continue
            room -= len(shown)
            documents.append(SharedDocument(title=one_line(f"{title}{part}", _LINE_CHARS), text=shown))
    title = one_line(_hidden(shown_title(ledger, sessions[0])), _LINE_CHARS) if sessions else ""
    return msgspec.structs.replace(about, title=title, handoff=text, documents=tuple(documents)), left_out


def _hidden(text: str) -> str:
    """Returns the text without secrets and hidden characters, and with ~ in place of the path of the home folder, also
    as some agents make names of it.

    >>> _hidden(f"cd {Path.home()}/shop")
    'cd ~/shop'
    """
    for home in {str(Path.home()), str(Path.home().resolve())} - {"/"}:
        named = re.escape(re.sub(r"[^A-Za-z0-9]", "-", home))
        text = re.sub(rf"(?<![\w.-]){re.escape(home)}(?![\w-]|\.\w)|(?<![\w-]){named}(?=-)", "~", text)
    return quoting.safe(text).text


class Recipient(msgspec.Struct, frozen=True):
    """A public key that can be encrypted to. `comment`: the owner's text after the key."""

    key: str
    comment: str = ""

    @property
    def name(self) -> str:
        """The key in the form in which people compare it: an ssh key by its fingerprint, as `ssh-keygen -l` prints
        it."""
        kind, _, blob = self.key.partition(" ")
        if not blob:
            return self.key
        digest = hashlib.sha256(base64.b64decode(blob)).digest()
        return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _recipients(names: Iterable[str]) -> list[Recipient]:
    """Returns the keys in `names`, each of which is a key or a file with one key per line. Raises UserError if
    something contains none that age can encrypt to."""
    keys: dict[str, Recipient] = {}
    for name in names:
        found = list(_keys(name)) or list(_keys(_content(name)))
        if not found:
            raise UserError(
                f"{name} holds no public key that age can encrypt to. {_NOTHING} Name one that begins with "
                "ssh-ed25519, ssh-rsa or age1.",
                ExitCode.USAGE,
            )
        keys |= {recipient.key: recipient for recipient in found if recipient.key not in keys}
    return list(keys.values())


def _keys(text: str) -> Iterator[Recipient]:
    for line in text.splitlines():
        if (found := _KEY.search(line)) is not None and not line.startswith("#") and is_recipient(found[1]):
            yield Recipient(found[1], found[2] or "")


def _content(name: str) -> str:
    path = expanded(name)
    try:
        text = read_bytes_bounded(Path(path), _MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        why = os_reason(error) if isinstance(error, OSError) else str(error)
        raise UserError(
            f"{name} is neither a public key nor a file of such keys ({why}). {_NOTHING} Put an ssh key in quotes, "
            "with its kind: 'ssh-ed25519 AAAA…'.",
            ExitCode.USAGE,
        ) from error
    if "PRIVATE KEY-----" in text or "AGE-SECRET-KEY-" in text:
        raise UserError(
            f"{name} is a private key, which nobody else should have. {_NOTHING} Name the public key of the person "
            "who is to read it.",
            ExitCode.USAGE,
        )
    return text
