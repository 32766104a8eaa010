"""Finds whose process is at the other end of a connection within this machine, on Linux."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_LOGIN_SETTINGS: Final = Path("/etc/login.defs")
_FIRST_PERSON: Final = re.compile(r"^\s*UID_MIN\s+(\d{1,9})\s*$", re.MULTILINE)
_USUAL_FIRST_PERSON: Final = 1000
_NO_PROCESS: Final = "0"
"""Inode of a connection that its process has closed or not accepted yet. Its user is then said to be root."""


def connection_owners(peer: tuple[str, int], own: tuple[str, int]) -> set[int] | None:
    """Returns the users of the process at `peer`, which is connected with `own`; None where there is no /proc. Blocks.

    Empty until the process has accepted the connection, and for a process in another network namespace.
    """
    ends = tuple(f": {_in_table(*peer, mapped)} {_in_table(*own, mapped)} " for mapped in (False, True))
    tables: list[str] = []
    for table in TABLES:
        with suppress(OSError):
            tables.append(Path(table).read_text())
    lines = "\n".join(tables).splitlines()
    rows = [line.split() for line in lines if any(each in line for each in ends)]
    return {int(row[7]) for row in rows if row[9] != _NO_PROCESS} if tables else None


def _in_table(address: str, port: int, mapped: bool) -> str:
    """Returns an end of a connection as it is in `TABLES`. `mapped`: of a program that reached it by IPv6."""
    packed = ip_address(f"::ffff:{address}" if mapped and "." in address else address).packed
    return "".join(f"{word:08X}" for (word,) in struct.iter_unpack("=I", packed)) + f":{port:04X}"


def is_of_the_system(uid: int) -> bool:
    """Whether a user id is root's or one of those under which the system's services run, not a person's."""
    found = None
    with suppress(OSError, UnicodeDecodeError):
        found = _FIRST_PERSON.search(_LOGIN_SETTINGS.read_text())
    return uid < (int(found[1]) if found is not None else _USUAL_FIRST_PERSON)
