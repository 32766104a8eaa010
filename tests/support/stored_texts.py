"""What a ledger holds compressed: the texts, and the bytes of its file that must be gone once they are forgotten."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from carryover.ledger.codec import decode_body, unpack_digest
from carryover.ledger.connect import connect_read_only

_BODIES = "SELECT body FROM event UNION ALL SELECT body FROM provisional"


def compressed(ledger: Path) -> dict[bytes, bytes]:
    """Returns the text of every compressed body and digest, by the bytes that it is stored as."""
    with closing(connect_read_only(ledger)) as db:
        bodies = [body for (body,) in db.execute(_BODIES) if isinstance(body, bytes)]
        digests = [digest for (digest,) in db.execute("SELECT digest FROM thread")]
    return {body: msgspec.json.encode(decode_body(body)) for body in bodies} | {
        digest: unpack_digest(digest) for digest in digests
    }


def compressed_with(ledger: Path, text: str) -> list[bytes]:
    """Returns the stored bytes of what holds `text`."""
    return [stored for stored, plain in compressed(ledger).items() if text.encode() in plain]
