"""Encrypts and decrypts with age. The only module that imports pyrage, and only when something is to be encrypted.

An object is `age(length, MAC, content, zeros)`. Its size is rounded up, so that it says little about the content; the
MAC, which only machines of the store can make, binds the content to its purpose.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import read_bytes_bounded
from carryover.how_installed import SYNC

if TYPE_CHECKING:
    from types import ModuleType

Purpose = Literal["manifest", "segment"]
LAST_EPOCH: Final = 999_999

SMALLEST: Final = 4 << 10
LARGEST: Final = (4 << 20) - (8 << 10)
"""Largest padded content: with what age adds, an object stays below 4 MiB."""
LARGEST_OBJECT: Final = 4 << 20
HEADER: Final = b"age-encryption.org/v1\n"
LARGEST_HEADER: Final = 16 << 10
_LAST_LINE: Final = b"\n--- "
_HEADER_MAC: Final = 43
_LENGTH: Final = 4
_MAC: Final = 32
_KEY_FILE: Final = 64 << 10


class Unreadable(ValueError):
    """An object is damaged, not for this machine, or not from a machine of the store."""


class Epoch(msgspec.Struct, frozen=True, dict=True):
    """The key of all objects until the next machine is removed. `secret` is the text of an age identity."""

    number: Annotated[int, msgspec.Meta(ge=1, le=LAST_EPOCH)]
    secret: str

    @cached_property
    def recipient(self) -> str:
        """The public key of the secret."""
        return str(_parsed_identity(self.secret).to_public())

    @cached_property
    def id(self) -> str:
        """Identifies this epoch. Its number alone does not: two machines that have not met may choose the same."""
        return f"{self.number:06d}-{hashlib.sha256(self.recipient.encode()).hexdigest()[:16]}"

    def name_of(self, data: bytes) -> str:
        """Returns the name of an object in the store, 32 hex digits."""
        return self._keyed("name", hashlib.sha256(data).digest())[:16].hex()

    def mac(self, purpose: Purpose, content: bytes) -> bytes:
        """Returns the MAC of an object's content."""
        return hmac.digest(self._keyed("mac", purpose.encode()), content, "sha256")

    def _keyed(self, kind: str, data: bytes) -> bytes:
        return hmac.digest(hmac.digest(self.secret.encode(), kind.encode(), "sha256"), data, "sha256")


def new_epoch(number: int) -> Epoch:
    """Makes a new epoch."""
    return Epoch(number, new_identity())


def new_identity() -> str:
    """Makes a new age identity and returns its text."""
    return str(age().x25519.Identity.generate())


class MachineKey:
    """The key of this machine: the text of an age identity, or a file with an ssh key of the user's. Raises UserError
    if that can't be used.
    """

    def __init__(self, secret: str, *, ssh_key: str | None = None) -> None:
        self._secret = secret
        if ssh_key is not None:
            self._identity, self.recipient = _ssh_pair(Path(ssh_key))
        else:
            self._identity = _parsed_identity(secret)
            self.recipient = str(self._identity.to_public())

    def challenge(self, machine: str) -> bytes:
        """Returns the secret with which another machine proves to this one that it wrote its own branch."""
        return hmac.digest(self._secret.encode(), f"challenge {machine}".encode(), "sha256")

    def open(self, data: bytes) -> bytes:
        """Decrypts what was encrypted to this machine. Raises Unreadable."""
        return _unpadded(_decrypted(data, self._identity))


def seal_to(recipient: str, content: bytes) -> bytes:
    """Encrypts `content` to one machine. Raises ValueError if `recipient` is not a public key."""
    return _encrypted(_padded(content), recipient)


def seal(epoch: Epoch, purpose: Purpose, content: bytes) -> bytes:
    """Encrypts `content` to all machines that know the epoch."""
    return _encrypted(_padded(epoch.mac(purpose, content) + content), epoch.recipient)


def open_sealed(epoch: Epoch, purpose: Purpose, data: bytes) -> bytes:
    """Returns the content of an object. Raises Unreadable unless it comes from a machine that knows the epoch."""
    plain = _unpadded(_decrypted(data, _parsed_identity(epoch.secret)))
    mac = plain[:_MAC]
    content = plain[_MAC:]
    if not hmac.compare_digest(mac, epoch.mac(purpose, content)):
        raise Unreadable("it does not come from a machine of this store")
    return content


def seal_for(recipients: Iterable[str], content: bytes) -> bytes:
    """Encrypts `content` to several people. Raises ValueError if one of `recipients` is not a public key, or if
    there are too many."""
    sealed = _encrypted(content, *recipients)
    if not _has_short_header(sealed):
        raise ValueError("too many recipients")
    return sealed


def open_with(keys: Iterable[bytes], data: bytes) -> bytes:
    """Decrypts `data` with the contents of key files that `key_problem` finds usable. Raises Unreadable."""
    return _decrypted(data, *map(_key_in_file, keys))


def key_problem(content: bytes) -> str | None:
    """Returns why a key file with this content can't be used; None if it can."""
    try:
        _key_in_file(content)
    except age().IdentityError as error:
        # The library gives no other sign of it.
        return "it has a passphrase" if "decrypted first" in str(error) else "it is not a private key of age or ssh"
    return None


def deflated(data: bytes) -> Iterator[bytes]:
    """Compresses `data` and yields it in parts, each small enough for an object; at least one."""
    packed = zlib.compress(data, 6)
    most = LARGEST - _LENGTH - _MAC
    for start in range(0, len(packed), most):
        yield packed[start : start + most]


def inflated(parts: Iterable[bytes], most_bytes: int) -> bytes:
    """Reverses `deflated`. Raises Unreadable if it is damaged, or more than `most_bytes`."""
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(b"".join(parts), most_bytes + 1)
    except zlib.error as error:
        raise Unreadable("it is damaged") from error
    if len(data) > most_bytes or not inflate.eof or inflate.unused_data:
        raise Unreadable("it is damaged, or larger than it may be")
    return data


def code_of(*parts: str) -> str:
    """Returns 20 digits that two people can compare; with fewer, someone could try keys until one matches."""
    number = int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()) % 10**20
    digits = f"{number:020d}"
    return " ".join(digits[at : at + 4] for at in range(0, 20, 4))


def is_recipient(text: str) -> bool:
    """Whether `text` is a public key that can be encrypted to."""
    try:
        _parsed_recipient(text)
    except ValueError:
        return False
    return True


def _ssh_pair(file: Path) -> tuple[Any, str]:
    public = file.with_name(f"{file.name}.pub")
    try:
        content = read_bytes_bounded(file, _KEY_FILE)
        recipient = b" ".join(read_bytes_bounded(public, _KEY_FILE).split()[:2]).decode("utf-8", "replace")
        problem = key_problem(content) or (None if is_recipient(recipient) else f"{public} does not belong to it")
    except OSError as error:
        problem = os_reason(error)
    if problem is not None:
        raise UserError(
            f"{file} can't be this machine's key: {problem}. Nothing was changed. Name an ssh key (ed25519 or RSA) "
            "without a passphrase that has its public key beside it, or none.",
            ExitCode.REFUSED,
        )
    return _key_in_file(content), recipient


def age() -> ModuleType:
    """Returns the library. Raises UserError (REFUSED) if it is not installed."""
    try:
        import pyrage  # type: ignore[import-untyped]
    except ImportError as error:
        raise SYNC.missing() from error
    module: ModuleType = pyrage
    return module


def _parsed_identity(text: str) -> Any:
    library = age()
    try:
        return library.x25519.Identity.from_str(text)
    except library.IdentityError as error:
        raise Unreadable("it is not an age identity") from error


def _key_in_file(content: bytes) -> Any:
    age_key = next((line for line in content.split() if line.startswith(b"AGE-SECRET-KEY-")), None)
    if age_key is not None:
        return age().x25519.Identity.from_str(age_key.decode("ascii", "replace"))
    return age().ssh.Identity.from_buffer(content)


def _parsed_recipient(text: str) -> Any:
    library = age()
    kind = library.ssh if text.startswith("ssh-") else library.x25519
    try:
        return kind.Recipient.from_str(text)
    except library.RecipientError as error:
        raise ValueError("not a public key of age or ssh") from error


def _encrypted(plain: bytes, *recipients: str) -> bytes:
    return bytes(age().encrypt(plain, [_parsed_recipient(one) for one in recipients]))


def _has_short_header(data: bytes) -> bool:
    """Whether age's header ends where it should. The library reads it again with each line: a long one takes hours."""
    last = data.find(_LAST_LINE, 0, LARGEST_HEADER) + len(_LAST_LINE)
    is_whole = last >= len(_LAST_LINE) and data[last + _HEADER_MAC : last + _HEADER_MAC + 1] == b"\n"
    return data.startswith(HEADER) and is_whole


def _decrypted(data: bytes, *identities: Any) -> bytes:
    library = age()
    if len(data) > LARGEST_OBJECT or not _has_short_header(data):
        raise Unreadable("it is damaged, or larger than it may be")
    try:
        plain: bytes = library.decrypt(data, list(identities))
    except library.DecryptError as error:
        raise Unreadable("it is damaged, or encrypted for others") from error
    return plain


def _padded(content: bytes) -> bytes:
    length = _LENGTH + len(content)
    if length > LARGEST:
        raise ValueError("too much for one object")
    # Rounded up by the scheme Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", 2019): some 260
    # sizes below 4 MiB, and at most 7 % of an object of 4 KiB or more is padding.
    exponent = length.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    size = min(max(SMALLEST, -(-length // step) * step), LARGEST)
    return len(content).to_bytes(_LENGTH) + content + bytes(size - length)


def _unpadded(plain: bytes) -> bytes:
    length = int.from_bytes(plain[:_LENGTH])
    if len(plain) < _LENGTH + length:
        raise Unreadable("it is damaged")
    return plain[_LENGTH : _LENGTH + length]
