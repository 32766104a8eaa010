"""A ledger in which nothing is yet. Making its tables takes as long as most of what a test does with them."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from carryover.ledger.connect import prepare_file


@cache
def _made() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        prepare_file(path)
        return path.read_bytes()


def put_ledger(path: Path) -> None:
    """Puts a new ledger at `path`, unless there is one, as whoever opens it there to write would make it."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(0o600)
        path.write_bytes(_made())
