"""What a rule for a kind of event gives."""

from __future__ import annotations

from carryover.distill.digest import Digest
from carryover.distill.view import Note

Folded = tuple[Digest, tuple[Note, ...]]
"""The digest after the event (the same object where it says nothing), and what the project keeps for good."""
