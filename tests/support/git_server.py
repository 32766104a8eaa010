"""A git remote that is reached over ssh, without a server: the program in ssh's place runs git here."""

import hashlib
import struct
import sys
import zlib
from pathlib import Path

from support.repository import git
from support.tools import program


def remote_at(folder: Path) -> tuple[str, dict[str, str]]:
    """Makes an empty repository at `folder`. Returns its address, and the environment in which git reaches it."""
    git(folder.parent, "init", "--quiet", "--bare", folder.name)
    ssh = folder.parent / "ssh"
    program(ssh, "for last; do :; done", 'exec sh -c "$last"')
    return f"ssh://host{folder}", {"GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "ssh"}


def remote_that_sends(folder: Path, branch: str, pack: bytes, commit: bytes) -> tuple[str, dict[str, str]]:
    """Like `remote_at`, of a program that has one branch and answers with the pack whatever it is asked for."""
    listed = commit.hex().encode() + f" refs/heads/{branch}\0ofs-delta\n".encode()
    (folder / "listed").write_bytes(b"%04x%b0000" % (len(listed) + 4, listed))
    (folder / "pack").write_bytes(b"0008NAK\n" + pack)
    server = folder / "server.py"
    server.write_text(_SERVER)
    ssh = folder / "ssh"
    program(ssh, f"exec {sys.executable} {server} {folder}")
    return "ssh://host/store", {"GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "ssh"}


_SERVER = """
import pathlib, sys
folder, asked, said = pathlib.Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer
said.write((folder / "listed").read_bytes())
said.flush()
while length := asked.read(4):
    if asked.read(max(0, int(length, 16) - 4)).startswith(b"done"):
        said.write((folder / "pack").read_bytes())
        break
"""


def pack_with_a_large_file(size_mb: int) -> tuple[bytes, bytes]:
    """A pack of some kilobytes whose one commit has a `head` of so many megabytes, and the id of the commit."""
    base = bytes(1 << 20)
    copies = size_mb * b"\xf0\x00\x00\x10"  # 1 MiB from the beginning
    delta = _size(len(base)) + _size(size_mb << 20) + copies
    whole = hashlib.sha1(b"blob %d\0" % (size_mb << 20), usedforsecurity=False)
    for _ in range(size_mb):
        whole.update(base)
    tree = b"100644 head\0" + whole.digest()
    commit = b"tree %b\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx\n" % _id(b"tree", tree).hex().encode()
    objects = [_packed(3, base), _packed(7, delta, _id(b"blob", base)), _packed(2, tree), _packed(1, commit)]
    pack = b"PACK" + struct.pack(">II", 2, len(objects)) + b"".join(objects)
    return pack + hashlib.sha1(pack, usedforsecurity=False).digest(), _id(b"commit", commit)


def _id(kind: bytes, data: bytes) -> bytes:
    return hashlib.sha1(b"%b %d\0" % (kind, len(data)) + data, usedforsecurity=False).digest()


def _packed(kind: int, data: bytes, base: bytes = b"") -> bytes:
    first, rest = kind << 4 | len(data) & 15, len(data) >> 4
    head = bytes([first | 0x80]) + _size(rest) if rest else bytes([first])
    return head + base + zlib.compress(data)


def _size(number: int) -> bytes:
    head = b""
    while number > 0x7F:
        head += bytes([number & 0x7F | 0x80])
        number >>= 7
    return head + bytes([number])
