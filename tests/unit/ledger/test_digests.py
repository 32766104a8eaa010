from __future__ import annotations

from carryover.distill.digest import FOLD_VERSION
from carryover.distill.stored_digest import decode_digest
from carryover.ledger.codec import pack_digest, unpack_digest

DIGEST = b'{"prompts":3,"turns":[]}' * 20


def test_a_damaged_digest_is_one_that_is_made_again_and_not_an_empty_one() -> None:
    damaged = unpack_digest(pack_digest(DIGEST)[:-3])

    assert damaged
    assert decode_digest(FOLD_VERSION, damaged) is None
