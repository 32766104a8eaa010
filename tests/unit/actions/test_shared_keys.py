"""Whose keys a file that someone sent may hold: what is no key keeps none of the others back."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from carryover.actions.sharing import keys_in
from carryover.errors import ExitCode, UserError
from support.shared_file import ssh_key


@pytest.mark.parametrize("numbers", [(b"\1\0\1", bytes(257)), (b"\0", b"\0" + b"\xff" * 256), (b"", b"\0")])
def test_a_key_with_a_number_that_is_zero_is_no_key(numbers: tuple[bytes, ...], tmp_path: Path) -> None:
    """The library that encrypts would end the command at it, with a traceback."""
    content = b"".join(len(part).to_bytes(4) + part for part in (b"ssh-rsa", *numbers))
    zero = f"ssh-rsa {b64encode(content + bytes(30)).decode()} bob"
    keys = tmp_path / "bob.keys"

    keys.write_text(zero)
    with pytest.raises(UserError, match="neither a public key") as refused:
        keys_in(str(keys))
    assert refused.value.code == ExitCode.USAGE

    theirs = [ssh_key(tmp_path / kind, kind) for kind in ("ed25519", "rsa")]
    keys.write_text("\n".join((zero, *theirs)))
    assert keys_in(str(keys)) == [" ".join(key.split()[:2]) for key in theirs]
