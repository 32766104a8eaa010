"""What one person shares with another: a handoff and the conversations behind it, as text alone, sealed in a file.

It holds no path, id or command that the receiving side would follow. The format is in architecture/share-format.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import read_bytes_bounded
from carryover.paths import expanded
from carryover.sync.sealing import HEADER, Unreadable, deflated, inflated, is_recipient

Depth = Literal["handoff", "session", "all"]

LARGEST_FILE: Final = 4 << 20
LARGEST_TEXT: Final = 8 << 20
"""How many characters the texts of a bundle may have together."""
_LARGEST_CONTENT: Final = 5 * LARGEST_TEXT
_LATEST_MS: Final = 32_503_680_000_000  # the year 3000

Line = Annotated[str, msgspec.Meta(max_length=200)]
Time = Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)]


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A session as Markdown, or those of its turns that lines of the handoff come from."""

    title: Line
    text: str


class Bundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is shared. Times are UTC ms. All of it is the sender's claim; nothing proves it."""

    carryover_share: Literal[1] = 1
    sender: Line
    host: Line
    project: Line
    title: Line
    """What the newest session was about."""
    made_ms: Time
    expires_ms: Time | None = None
    depth: Depth
    handoff: str
    documents: Annotated[tuple[Document, ...], msgspec.Meta(max_length=1000)] = ()

    @property
    def chars(self) -> int:
        """The length of all texts."""
        return len(self.handoff) + sum(len(document.text) for document in self.documents)


def is_sealed(head: bytes) -> bool:
    """Whether a file that begins with `head` was encrypted with age."""
    return head.startswith(HEADER)


def packed(bundle: Bundle) -> bytes:
    """Returns the bundle's content, to be encrypted."""
    return deflated(msgspec.json.encode(bundle))


def unpacked(content: bytes) -> Bundle:
    """Reverses `packed`. Raises Unreadable if the data has another form, or holds more than a bundle may."""
    data = inflated(content, _LARGEST_CONTENT)
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("it is no handoff, or one of a newer Carryover") from error
    if bundle.chars > LARGEST_TEXT:
        raise Unreadable("it is larger than it may be")
    return bundle


_AGE_KEY: Final = re.compile(r"age1[0-9a-z]{20,}")
_SSH_KEY: Final = re.compile(
    r"(?:^|\s)((?:ssh|sk-ssh|ecdsa|sk-ecdsa)-[\w@.-]{1,60})\s+([0-9A-Za-z+/]{40,}=*)(?:\s+(.*))?$"
)
_MOST_BYTES: Final = 64 << 10
_NOTHING: Final = "Nothing was written."


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


class Readers(msgspec.Struct, frozen=True):
    """Who can open a file: their keys. `left_out`: the kinds of those keys that age can't encrypt to."""

    keys: list[Recipient]
    left_out: list[str]


def readers(names: Iterable[str]) -> Readers:
    """Returns the keys in `names`, each of which is a key or a file with one key per line. Raises UserError if
    something contains no key, or none is usable."""
    keys: dict[str, Recipient] = {}
    left_out: list[str] = []
    for name in names:
        if name.startswith(("https://", "http://")):
            raise UserError(
                f"Carryover fetches nothing. {_NOTHING} Run `curl -o keys.txt {name}` yourself, look at the file, and "
                "name it with --to.",
                ExitCode.USAGE,
            )
        found = list(_keys(name)) or list(_keys(_content(name)))
        if not found:
            raise UserError(f"{name} holds no public key. {_NOTHING}", ExitCode.USAGE)
        for kind, recipient in found:
            if recipient is not None:
                keys.setdefault(recipient.key, recipient)
            else:
                left_out.append(kind)
    if not keys:
        kinds = ", ".join(dict.fromkeys(left_out))
        raise UserError(
            f"age can't encrypt to keys of the kind {kinds}. {_NOTHING} Ask for one that begins with ssh-ed25519, "
            "ssh-rsa or age1.",
            ExitCode.REFUSED,
        )
    return Readers(list(keys.values()), left_out)


def _keys(text: str) -> Iterator[tuple[str, Recipient | None]]:
    """Yields the kind of each key in the lines of `text`, with the key if it can be encrypted to."""
    for line in text.splitlines():
        if _AGE_KEY.fullmatch(line.strip()):
            key = line.strip()
            yield key[:12], Recipient(key) if is_recipient(key) else None
        elif not line.startswith("#") and (found := _SSH_KEY.search(line)) is not None:
            key = f"{found[1]} {found[2]}"
            yield found[1], Recipient(key, found[3] or "") if is_recipient(key) else None


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
