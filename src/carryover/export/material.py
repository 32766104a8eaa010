"""The raw material of a document about a project. Times are UTC ms, paths relative to the project's root."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

import msgspec

from carryover.distill.handoff import Handoff
from carryover.facts import GitFacts
from carryover.text.markdown import is_table_row, line_forms
from carryover.text.pattern import later


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt or an answer in full, with its session and time."""

    session: str
    at_ms: int
    text: str


class ChangedText(msgspec.Struct, frozen=True, kw_only=True):
    """A file that differs from HEAD. `diff` is empty if it can't be shown (binary, too long, deleted, secret)."""

    path: str
    insertions: int
    deletions: int
    diff: str = ""
    new: bool = False
    """Whether HEAD does not have the file; not known without a diff."""
    gone: bool = False


class TextFile(msgspec.Struct, frozen=True, kw_only=True):
    """A possibly relevant file of the project. `references` counts its mentions in the conversation; `changed` says
    whether it has uncommitted changes or is new."""

    path: str
    text: str
    edited_ms: int = 0
    line: int | None = None
    """Line of that edit, 1-based."""
    references: int = 0
    changed: bool = False


class GuidingFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that tells agents how to work here: instructions, rules, or a skill. Excludes Carryover's own block."""

    path: str
    text: str


class LeftOut(msgspec.Struct, frozen=True, order=True):
    """Something that is omitted from the document, and why."""

    what: str
    why: str


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """The material on a project. `handoff` is None if no agent has left a task there."""

    name: str
    now_ms: int
    about: str = ""
    """First paragraph of the project's README."""
    paths: tuple[str, ...] = ()
    """The project's files that git does not ignore, sorted; bounded."""
    handoff: Handoff | None = None
    git: GitFacts | None = None
    said: tuple[Said, ...] = ()
    """The prompts that the lines of the task are taken from."""
    last_answer: Said | None = None
    changes: tuple[ChangedText, ...] = ()
    files: tuple[TextFile, ...] = ()
    guidance: tuple[GuidingFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


_FENCE_NAMES: Final = {".cc": "cpp", ".cs": "csharp", ".h": "c", ".hpp": "cpp", ".ipynb": "json", ".mjs": "js"}
_MOST_ENTRIES: Final = 24
_ABOUT_CHARS: Final = 700
_BADGE: Final = later(r"\s*(?:\[?!\[|<|:\w+:|\.\. |={3,}|-{3,}|#|\[[^\]]*\]:)")
_UNDERLINE: Final = later(r"\s*(?:={3,}|-{3,}|~{3,})\s*")
_TAG: Final = later(r"<[^>\n]{0,200}>")
_COMMENT: Final = later(r"<!--.*?-->", re.DOTALL)


def first_paragraph(readme: str) -> str:
    """Returns the first paragraph of prose in a README: not a title, badge, table or code."""
    before, end, after = readme.rpartition("-->")  # behind the last one, each `<!--` would be searched to the end
    lines = (_COMMENT.sub("", before + end) + after).splitlines()
    forms = line_forms(lines)
    paragraph: list[str] = []
    for at, line in enumerate(lines):
        underlined = _UNDERLINE.fullmatch(lines[at + 1]) if at + 1 < len(lines) else None
        prose = forms[at] == "text" and not _BADGE.match(line) and not is_table_row(line) and not underlined
        text = _TAG.sub("", line).strip() if prose else ""
        if text:
            paragraph.append(text)
        elif paragraph:
            break
    whole = " ".join(paragraph)
    return whole if len(whole) <= _ABOUT_CHARS else f"{whole[: _ABOUT_CHARS - 1].rsplit(' ', 1)[0]}…"


def fence_name(path: str) -> str:
    """Returns the info string of a code block with this file's text: its extension, as most renderers take it."""
    suffix = PurePosixPath(path).suffix.lower()
    return _FENCE_NAMES.get(suffix, suffix.removeprefix("."))


def layout(paths: Iterable[str]) -> list[str]:
    """Lists the project's folders with their direct content, then its top-level files, in at most 24 entries."""
    parts = sorted(PurePosixPath(path).parts for path in paths)
    top = [part[0] for part in parts if len(part) == 1]
    entries = []
    for folder, inside in groupby((part for part in parts if len(part) > 1), key=lambda part: part[0]):
        below = list(inside)
        names = Counter(f"{part[1]}/" if len(part) > 2 else part[1] for part in below)
        by_number = sorted(names, key=lambda name: (-names[name], name))
        entries.append(f"{folder}/ ({len(below)}): {_first_of(by_number, 6)}")
    room = max(_MOST_ENTRIES - len(entries), 4)
    if len(entries) > _MOST_ENTRIES:
        entries = [*entries[:_MOST_ENTRIES], f"and {len(entries) - _MOST_ENTRIES} more folders"]
    if top:
        entries.append(f"at the top: {_first_of(top, room)}")
    return entries


def _first_of(names: Sequence[str], most: int) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


_NAMES: Final = later(
    r"""(?xi)
      \.env(?:\..+|rc)? | .+\.env
    | \.?(?:netrc|npmrc|pypirc|pgpass|htpasswd|dockercfg|git-credentials|vault-token|s3cfg)
    | id_(?:rsa|dsa|ecdsa|ed25519).* | .*\.(?:pem|key|p12|pfx|p8|jks|keystore|kdbx|asc|gpg|pgp|ppk|ovpn|tfstate|tfvars)
    | .*\.tfstate\.backup | .*[-_.]?(?:credentials?|secrets?|passwords?|passwd)(?:[-_.].*)?
    | (?:service[-_]?account|client[-_]?secret|gcp[-_]?key).*\.json | kubeconfig.*
    | (?:.*[-_.])?(?:token|passphrase|(?:api|access|private)[-_]?key)s?(?:\.\w+)?
    | auth\.json | cookies?\.(?:txt|json|sqlite) | .*[-_.]local(?:\.\w+)?
    | \.(?:my\.cnf|boto|dev\.vars) | \.?vault[-_]pass.* | wallet\.dat
    """
)
_FOLDERS: Final = frozenset((".ssh", ".gnupg", ".aws", ".kube", ".docker", "secrets", ".secrets", "credentials"))
_EXAMPLES: Final = later(r"(?i)(?:example|sample|template|dist)(?:\.\w+)?$")
_CODE: Final = frozenset(
    ".py .pyi .js .jsx .ts .tsx .mjs .cjs .go .rs .java .kt .c .h .cc .cpp .cs .rb .php .swift .md .css .scss".split()
)


def is_secret_name(path: str) -> bool:
    """Whether a file's name or folder marks it as one for secrets, other than a template (`.env.example`) or
    source code about secrets (`secrets.py`)."""
    where = PurePosixPath(path)
    if any(folder.lower() in _FOLDERS for folder in where.parts[:-1]) and where.suffix.lower() not in _CODE:
        return True
    if where.suffix.lower() in _CODE or _EXAMPLES.search(where.name):
        return False
    return _NAMES.fullmatch(where.name) is not None
