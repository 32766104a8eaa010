"""The state of settings before ours were added, as far as the edited text no longer shows it. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.edits.encoding import decode, encode


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an edit has to bring back.

    `missing`: there was no file. `blank`: the file contained only this white space. `empty`: keys with empty values,
    such as `hooks` or `hooks.<event>`. `unversioned`: a flat file had no `version`. `present`: the list already had our
    entry. If nothing is known (`UNKNOWN`), whatever is empty without our hooks is removed with them.
    """

    missing: bool = False
    blank: str | None = None
    empty: tuple[str, ...] = ()
    unversioned: bool = False
    present: bool = False


UNKNOWN: Final = Origin()


def begun(data: bytes | None) -> Origin | None:
    """Returns the origin of a file that is missing or blank; None for any other. Raises EditRefused."""
    if data is None:
        return Origin(missing=True)
    text = decode(data)[1]
    return None if text.strip() else Origin(blank=text)


def restored(bom: bytes, text: str, origin: Origin, *, is_empty: bool) -> bytes | None:
    """Returns the file from which ours were taken out; None to delete it. `is_empty`: whether nothing is in it."""
    if not is_empty or not (origin.missing or origin.blank is not None):
        return bom + encode(text)
    return None if origin.missing else bom + encode(origin.blank or "")
