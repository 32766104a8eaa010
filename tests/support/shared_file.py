"""Files like those of `carryover share`, as anyone who knows a public key could make them."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from carryover.actions.sharing import Bundle, encrypted
from carryover.clock import utc_now_ms
from carryover.sync.sealing import age, seal_for


def ssh_key(file: Path, kind: str = "ed25519", passphrase: str = "") -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "bob@work", "-f", str(file)]
    command += ["-b", "2048"] if kind == "rsa" else []  # the smallest that is made quickly and still accepted
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs ssh-keygen")
    return file.with_name(f"{file.name}.pub").read_text().strip()


def age_key() -> str:
    return str(age().x25519.Identity.generate())


def public_of(key: str) -> str:
    return str(age().x25519.Identity.from_str(key).to_public())


def sealed(file: Path, key: str, **changes: object) -> Path:
    fields: dict[str, object] = {
        "sender": "Ann", "host": "laptop", "project": "shop", "title": "Cap it", "made_ms": utc_now_ms(),
        "handoff": "## Task\n- Cap it\n",
    }  # fmt: skip
    bundle = msgspec.convert({**fields, **changes}, Bundle)
    file.write_bytes(encrypted(bundle, [public_of(key)]))
    return file


def sealed_bytes(file: Path, key: str, content: bytes) -> Path:
    file.write_bytes(seal_for([public_of(key)], content))
    return file
