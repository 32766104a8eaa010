"""`make fuzz` keeps what it finds from run to run: made small, tried first, and in the corpus once it is mended."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from fuzz.found import keep, shrunk
from fuzz.guided import Campaign, has_engine
from fuzz.target import names

pytestmark = pytest.mark.night

TARGET = dedent(
    '''
    """Holds for all bytes without a bang, unless `mended` is there."""
    from pathlib import Path

    LARGEST = 20

    def check(data: bytes, folder: Path) -> None:
        assert b"!" not in data or Path(__file__).with_name("mended").exists()

    def seeds():
        yield b"calm"
    '''
)
NAME = "given_by_a_test"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A target beside those of the project, for this process and for those that it starts."""
    folder = tmp_path / "path" / "fuzz" / "targets"
    folder.mkdir(parents=True)
    (folder / f"{NAME}.py").write_text(TARGET)
    monkeypatch.syspath_prepend(tmp_path / "path")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    return folder


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    (tmp_path / "place").mkdir()
    return Campaign(tmp_path / "kept", tmp_path / "place", seconds=2, seed=1)


def test_what_breaks_a_promise_is_made_as_small_as_it_can_be() -> None:
    def check(data: bytes) -> None:
        if b"a" in data and b"z" in data:
            raise KeyError
        assert b"b" not in data

    given = b"xx a yyyyyyyyyy b z x"
    with pytest.raises(KeyError) as raised:
        check(given)

    assert shrunk(given, check, raised.value) == b"az"


def test_what_was_found_is_tried_first_until_it_is_mended(module: Path, campaign: Campaign, tmp_path: Path) -> None:
    found = keep(tmp_path / "kept" / "found" / NAME, b"oh!")

    assert NAME in names()
    assert campaign.run(NAME) == [found]
    assert found.read_bytes() == b"oh!"
    assert not (tmp_path / "kept" / "corpus" / NAME / found.name).exists()


@pytest.mark.skipif(not has_engine(), reason="needs Atheris, which `make fuzz` installs")
def test_a_run_finds_keeps_and_repeats(module: Path, campaign: Campaign, tmp_path: Path) -> None:
    [found] = campaign.run(NAME)
    again = campaign.run(NAME)
    (module / "mended").touch()

    assert found.read_bytes() == b"!"
    assert again == [found]
    assert campaign.run(NAME) == []
    assert (tmp_path / "kept" / "corpus" / NAME / found.name).read_bytes() == b"!"
