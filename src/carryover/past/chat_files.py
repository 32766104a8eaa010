"""Finds the files of a project that a document about it shows, and names the others. Blocking.

Reads only text files that git does not ignore and whose names do not suggest secrets.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from carryover.agents import instruction_files, specs
from carryover.distill.own_text import is_export, without_handoffs
from carryover.distill.sections.recent_files import recent_files
from carryover.distill.view import ProjectView
from carryover.export.pieces import TextFile
from carryover.export.session_parts import is_session_document
from carryover.facts import DAY_MS
from carryover.probe.files import project_text, why_unread
from carryover.publish import pointers
from carryover.records.fields import is_absolute
from carryover.text.pattern import later

HOLDS_SECRETS: Final = "its name says that it holds secrets"
IGNORED: Final = "git ignores it, or it belongs to a repository inside this one"
_UNCOMMITTED: Final = 0.5
_REFERENCE: Final = 0.1
_MOST_REFERENCES: Final = 5
_MOST_TOUCHED: Final = 40
_MOST_READ: Final = 40
_MOST_NAMED: Final = 12
"""Maximum number of files that were only mentioned in the conversation, neither edited nor changed."""
_GENERATED: Final = later(
    r"(?i)(?:.*\.lock|.*-lock\.(?:json|yaml)|go\.sum|.*\.min\.(?:js|css)|.*\.(?:map|snap|svg|csv|ipynb))"
)
# Japanese, Chinese and Korean text follows a name without a space.
_PATH_LIKE: Final = later(r"(?:[^\W\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]|[.@~+\\/-])+")
_SECRET_NAMES: Final = later(
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
_SECRET_FOLDERS: Final = frozenset((".ssh", ".gnupg", ".aws", ".kube", ".docker", "secrets", ".secrets", "credentials"))
_EXAMPLES: Final = later(r"(?i)(?:example|sample|template|dist)(?:\.\w+)?$")
_CODE: Final = frozenset(
    ".py .pyi .js .jsx .ts .tsx .mjs .cjs .go .rs .java .kt .c .h .cc .cpp .cs .rb .php .swift .md .css .scss".split()
)


def is_secret_name(path: str) -> bool:
    """Whether a file's name or folder marks it as one for secrets, other than a template (`.env.example`) or
    source code about secrets (`secrets.py`)."""
    where = PurePosixPath(path)
    if any(folder.lower() in _SECRET_FOLDERS for folder in where.parts[:-1]) and where.suffix.lower() not in _CODE:
        return True
    if where.suffix.lower() in _CODE or _EXAMPLES.search(where.name):
        return False
    return _SECRET_NAMES.fullmatch(where.name) is not None


def is_generated(path: str) -> bool:
    """Whether a file is generated or data, judging by its name."""
    return _GENERATED.fullmatch(path.rpartition("/")[2]) is not None


def relevant_files(
    paths: Sequence[str], view: ProjectView | None, changed: Collection[str], texts: Iterable[str], now_ms: int
) -> list[TextFile]:
    """Returns the files that agents edited, that are changed, or that `texts` name; most relevant first, not yet
    read."""
    recent = recent_files(view, limit=_MOST_TOUCHED) if view is not None else ()
    edits = {
        file.path: file.touched
        for file in recent
        if file.touched.change != "delete" and not file.touched.temporary and not is_absolute(file.path)
    }
    references = _references(paths, texts)
    often_first = sorted(references, key=lambda path: (-references[path], path))
    only_named = [path for path in often_first if path not in edits and path not in changed][:_MOST_NAMED]
    files = [
        TextFile(
            path=path,
            text="",
            edited_ms=edits[path].at_ms if path in edits else 0,
            line=edits[path].line if path in edits else None,
            changed=path in changed,
        )
        for path in {*edits, *changed, *only_named}
    ]
    return sorted(files, key=lambda file: (-_relevance(file, references[file.path], now_ms), file.path))


def _relevance(file: TextFile, references: int, now_ms: int) -> float:
    """Returns 1 for an edit made now, halved every day; more if the file is uncommitted or often mentioned."""
    recent = math.pow(0.5, max(0, now_ms - file.edited_ms) / DAY_MS) if file.edited_ms else 0.0
    return recent + _UNCOMMITTED * file.changed + _REFERENCE * min(references, _MOST_REFERENCES)


def with_text(root: Path, files: Iterable[TextFile], paths: Collection[str]) -> tuple[list[TextFile], dict[str, str]]:
    """Returns the first 40 of the files with their text, and the others with the reason why they are not read."""
    unignored = frozenset(paths)
    read: list[TextFile] = []
    left_out: dict[str, str] = {}
    for file in files:
        why = _unwanted(root, file.path, unignored)
        if why is None and len(read) == _MOST_READ:
            why = "edited longer ago, or named less often, than those here"
        if why is None:
            try:
                text = project_text(root, file.path)
            except (OSError, ValueError) as error:
                why = why_unread(error)
            else:
                why = "Carryover's own: an export, a handoff or the pointer to it" if _is_own(text) else None
                if why is None:
                    read.append(msgspec.structs.replace(file, text=text))
        if why:
            left_out[file.path] = why
    return read, left_out


def _is_own(text: str) -> bool:
    """Whether Carryover wrote a file's text."""
    if is_session_document(text) or is_export(text):
        return True
    return text.strip() != "" and not without_handoffs(text).strip()


def _unwanted(root: Path, path: str, unignored: Collection[str]) -> str | None:
    """Returns why a file is not read, or None if it is; empty for a missing file, which need not be mentioned."""
    if is_secret_name(path):
        return HOLDS_SECRETS
    if is_generated(path):
        return "generated, or data"
    if path in unignored:
        return None
    return IGNORED if os.path.lexists(root / path) else ""


def _references(paths: Sequence[str], texts: Iterable[str]) -> Counter[str]:
    """Counts the `texts` that mention each path: in full, by its end, or by its file name if that is unique."""
    by_name: dict[str, list[str]] = {}
    for path in paths:
        by_name.setdefault(path.rpartition("/")[2].casefold(), []).append(path)
    counts = Counter[str]()
    for text in texts:
        mentioned = (_mentioned(name, by_name) for name in _PATH_LIKE.findall(text))
        counts.update({path for path in mentioned if path is not None})
    return counts


def _mentioned(name: str, by_name: Mapping[str, Sequence[str]]) -> str | None:
    """Returns the only path that a name in a text can mean."""
    tail = name.replace("\\", "/").removeprefix("./").rstrip("./").casefold()
    if "." not in tail and "/" not in tail:
        return None
    same_name = by_name.get(tail.rpartition("/")[2], [])
    meant = [path for path in same_name if f"/{path.casefold()}".endswith(f"/{tail}") or path.casefold() in tail]
    return meant[0] if len(meant) == 1 else None


def guidance(root: Path, paths: Sequence[str]) -> tuple[list[TextFile], dict[str, str]]:
    """Returns the files among `paths` that tell agents how to work, without our block, and those that are left out."""
    files = []
    left_out = {}
    names = _instruction_names()
    globs = sorted({pattern for spec in specs() for pattern in spec.guidance})
    patterns = re.compile("|".join(re.escape(glob).replace(r"\*", "[^/]*") for glob in globs))
    for path in (path for path in paths if path.rpartition("/")[2] in names or patterns.fullmatch(path)):
        try:
            data = project_text(root, _target(root, path, paths)).encode()
        except (OSError, ValueError) as error:
            left_out[path] = why_unread(error)
            continue
        if not pointers.says_nothing(data):
            files.append(TextFile(path=path, text=pointers.without_block(data).decode()))
    for name in (name for name in names if name not in paths and (root / name).is_file()):
        with suppress(OSError, ValueError):
            if pointers.says_nothing(project_text(root, name).encode()):
                continue
        left_out[name] = IGNORED
    return files, left_out


def _instruction_names() -> list[str]:
    """Returns the names of the files that agents read unprompted, and of those that hide one."""
    names: dict[str, None] = {}
    for name, readers in instruction_files().items():
        for file in readers.values():
            names.update(dict.fromkeys((name, *file.hidden_by)))
    return list(names)


def _target(root: Path, path: str, paths: Sequence[str]) -> str:
    """Returns the file of the project that an instruction file is a symlink to; otherwise the path itself."""
    if not (root / path).is_symlink():
        return path
    target = os.path.relpath(os.path.realpath(root / path), os.path.realpath(root))
    return target if target in paths and not is_secret_name(target) else path
