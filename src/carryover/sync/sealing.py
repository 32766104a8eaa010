"""Encrypts, signs and compresses: with age, of which this module alone imports the library, and with `ssh-keygen`.

A machine's key is an ssh key (ed25519): others encrypt to it, and it signs what the machine writes.
"""

from __future__ import annotations

import subprocess
import zlib
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from carryover.errors import ExitCode, UserError
from carryover.fsio import read_bytes_bounded, scratch_folder
from carryover.how_installed import encrypting_is_missing
from carryover.text.pattern import later

if TYPE_CHECKING:
    from types import ModuleType

LARGEST_OBJECT: Final = 32 << 20
"""Bytes of what is encrypted, at most."""
AGE_HEADER: Final = b"age-encryption.org/v1\n"
LARGEST_HEADER: Final = 16 << 10
_LAST_LINE: Final = b"\n--- "
_HEADER_MAC: Final = 43
_KEY_FILE: Final = 64 << 10
_MACHINE_KEY: Final = later(r"ssh-ed25519 [0-9A-Za-z+/]{60,80}={0,2}")
_NAMESPACE: Final = "carryover-sync"
_SSH_S: Final = 30.0
_Form = TypeVar("_Form")


class Unreadable(ValueError):
    """What was to be decrypted is damaged, for others, or not from whom it claims to be."""


class MachineKey:
    """The key of this machine: an ssh key in `file`, without a passphrase, with `file`.pub beside it. Raises OSError
    if it can't be read, Unreadable if it can't be used."""

    def __init__(self, file: Path) -> None:
        public = file.with_name(f"{file.name}.pub")
        self._file = file
        self._content = read_bytes_bounded(file, _KEY_FILE)
        self.public = b" ".join(read_bytes_bounded(public, _KEY_FILE).split()[:2]).decode("utf-8", "replace")
        if not is_machine_key(self.public):
            raise Unreadable(f"{public} has no public key of the kind ssh-ed25519")

    def open(self, data: bytes) -> bytes:
        """Decrypts what was encrypted to this machine. Raises Unreadable."""
        return unsealed(data, [self._content])

    def signature(self, message: bytes) -> bytes:
        """Signs a message."""
        return _ssh_keygen("-Y", "sign", "-q", "-n", _NAMESPACE, "-f", str(self._file), given=message)


def make_key(file: Path) -> None:
    """Makes a new key for this machine."""
    for former in (file, file.with_name(f"{file.name}.pub")):
        former.unlink(missing_ok=True)
    _ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", "carryover", "-f", str(file))


def is_signed_by(public: str, signature: bytes, message: bytes) -> bool:
    """Whether the machine with this public key has signed the message."""
    with scratch_folder() as folder:
        signers, signed = folder / "signers", folder / "signature"
        signers.write_text(f'machine namespaces="{_NAMESPACE}" {public}\n')
        signed.write_bytes(signature)
        about = ("-n", _NAMESPACE, "-I", "machine", "-f", str(signers), "-s", str(signed))
        return _ran("-Y", "verify", *about, given=message).returncode == 0


def is_machine_key(text: str) -> bool:
    """Whether `text` can be a machine's public key."""
    return _MACHINE_KEY.fullmatch(text) is not None and recipient(text) is not None


def _ssh_keygen(*arguments: str, given: bytes = b"") -> bytes:
    ran = _ran(*arguments, given=given)
    if ran.returncode != 0:
        said = ran.stderr.decode(errors="replace").strip().splitlines()
        raise UserError(f"ssh-keygen refuses: {said[-1] if said else ran.returncode}. Nothing was changed.")
    return ran.stdout


def _ran(*arguments: str, given: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", *arguments], input=given, capture_output=True, timeout=_SSH_S, check=False)
    except FileNotFoundError as error:
        raise UserError(
            "Synchronising needs ssh-keygen of OpenSSH 8.1 or newer, which can't be run here. Nothing was changed. "
            "Install OpenSSH, then try again."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise UserError("ssh-keygen did not answer in time. Nothing was changed. Try again.") from error


def seal_for(keys: Collection[str], content: bytes) -> bytes:
    """Encrypts `content` to those with these public keys. Raises UserError (REFUSED) if they are too many."""
    sealed = bytes(age().encrypt(content, [recipient(key) for key in keys]))
    if not _has_short_header(sealed):
        raise UserError(f"{len(keys)} keys are too many. Nothing was written. Name fewer.", ExitCode.REFUSED)
    return sealed


def unsealed(data: bytes, keys: Iterable[bytes]) -> bytes:
    """Decrypts `data` with one of the keys, in the form of their files; those that have a passphrase are not tried.
    Raises Unreadable."""
    library = age()
    if len(data) > LARGEST_OBJECT or not _has_short_header(data):
        raise Unreadable("it is damaged, or larger than it may be")
    identities = []
    for key in keys:
        with suppress(library.IdentityError):
            identities.append(_key_in_file(key))
    if not identities:
        raise Unreadable("there is no key of age or ssh that has no passphrase")
    try:
        plain: bytes = library.decrypt(data, identities)
    except library.DecryptError as error:
        raise Unreadable("it is damaged, or encrypted for others") from error
    return plain


def inflated(packed: bytes, most_bytes: int) -> bytes:
    """Reverses `zlib.compress`. Raises Unreadable if it is damaged, or more than `most_bytes`."""
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(packed, most_bytes + 1)
    except zlib.error as error:
        raise Unreadable("it is damaged") from error
    if len(data) > most_bytes or not inflate.eof or inflate.unused_data:
        raise Unreadable("it is damaged, or larger than it may be")
    return data


def decoded(decode: Callable[[bytes], _Form], data: bytes) -> _Form:
    """Returns what `decode` makes of what was decrypted. Raises Unreadable if it refuses that."""
    try:
        return decode(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is damaged, or of another version of Carryover") from error


def recipient(key: str) -> Any:
    """Returns a public key of age or ssh as the library's type; None if nothing can be encrypted to it."""
    library = age()
    kind = library.ssh if key.startswith("ssh-") else library.x25519
    if kind is library.ssh and _has_zero(key):
        return None
    try:
        return kind.Recipient.from_str(key)
    except library.RecipientError:
        return None


def _has_zero(key: str) -> bool:
    """Whether a part of an ssh key is zero or empty, as in none that can be used. At such a number, age 0.12 in pyrage
    1.4.0 ends with a panic, which is no Exception."""
    rest = b""
    with suppress(IndexError, ValueError):
        rest = b64decode(key.split()[1])
    while rest:
        end = 4 + int.from_bytes(rest[:4])
        part, rest = rest[4:end], rest[end:]
        if not part.strip(b"\0"):
            return True
    return False


def age() -> ModuleType:
    """Returns the library. Raises UserError (REFUSED) if it is not installed."""
    try:
        import pyrage  # type: ignore[import-untyped]
    except ImportError as error:
        raise encrypting_is_missing() from error
    module: ModuleType = pyrage
    return module


def _key_in_file(content: bytes) -> Any:
    age_key = next((line for line in content.split() if line.startswith(b"AGE-SECRET-KEY-")), None)
    if age_key is not None:
        return age().x25519.Identity.from_str(age_key.decode("ascii", "replace"))
    return age().ssh.Identity.from_buffer(content)


def _has_short_header(data: bytes) -> bool:
    """Whether age's header ends where it should. The library reads it again with each line: a long one takes hours."""
    last = data.find(_LAST_LINE, 0, LARGEST_HEADER) + len(_LAST_LINE)
    is_whole = last >= len(_LAST_LINE) and data[last + _HEADER_MAC : last + _HEADER_MAC + 1] == b"\n"
    return data.startswith(AGE_HEADER) and is_whole
