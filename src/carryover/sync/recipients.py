"""The public keys of the people that something is shared with."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import read_bytes_bounded
from carryover.paths import expanded
from carryover.sync.sealing import is_recipient

_AGE_KEY: Final = re.compile(r"age1[0-9a-z]{20,}")
_SSH_KEY: Final = re.compile(
    r"(?:^|\s)((?:ssh|sk-ssh|ecdsa|sk-ecdsa)-[\w@.-]{1,60})\s+([0-9A-Za-z+/]{40,}=*)(?:\s+(.*))?$"
)
_MOST_BYTES: Final = 64 << 10
_NOTHING: Final = "Nothing was written."


class Recipient(msgspec.Struct, frozen=True):
    """A public key that can be encrypted to. `comment`: what its owner wrote behind it."""

    key: str
    comment: str = ""

    @property
    def name(self) -> str:
        """The key as people compare it: an ssh key by its fingerprint, as `ssh-keygen -l` prints it."""
        kind, _, blob = self.key.partition(" ")
        if not blob:
            return self.key
        digest = hashlib.sha256(base64.b64decode(blob)).digest()
        return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def recipients(given: Iterable[str]) -> tuple[list[Recipient], list[str]]:
    """Returns the keys that `given` names, themselves or as files with one in each line, and the kinds of those that
    age can't encrypt to.

    Raises UserError if something names no key, or none is usable.
    """
    keys: dict[str, Recipient] = {}
    left_out: list[str] = []
    for name in given:
        for kind, recipient in _keys_in(name):
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
    return list(keys.values()), left_out


def _keys_in(name: str) -> list[tuple[str, Recipient | None]]:
    if name.startswith(("https://", "http://")):
        raise UserError(
            f"Carryover fetches nothing. {_NOTHING} Run `curl -o keys.txt {name}` yourself, look at the file, and "
            "name it with --to.",
            ExitCode.USAGE,
        )
    found = list(_keys(name)) or list(_keys(_content(name)))
    if not found:
        raise UserError(f"{name} holds no public key. {_NOTHING}", ExitCode.USAGE)
    return found


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
