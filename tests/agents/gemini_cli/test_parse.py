"""Records of other kinds than messages, and the start folder."""

from __future__ import annotations

from agents.gemini_cli.lines import FOLDER, Lines, call
from carryover.model import FileEdit


def test_the_folder_with_the_headers_hash_is_the_start_folder() -> None:
    """Of several, such as those of `--include-directories`."""
    lines = Lines(folder="/home/dev/other")
    lines.add({"$set": {"directories": [FOLDER, "/home/dev/other"]}})
    lines.user("Fix it.")

    assert {event.cwd for event in lines.events} == {"/home/dev/other"}


def test_a_file_below_the_start_folder_tells_it() -> None:
    """Nothing else may do so in a document (0.26.0) that was copied."""
    lines = Lines()
    lines.gemini("", call("write_file", {"file_path": "a.py"}, "ok", resultDisplay={"filePath": f"{FOLDER}/sub/a.py"}))

    assert lines.context.cwd == FOLDER
    assert [edit.path for edit in lines.all(FileEdit)] == [f"{FOLDER}/sub/a.py"]
