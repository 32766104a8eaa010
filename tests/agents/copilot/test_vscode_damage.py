"""Whatever is in a chat of VS Code, reading it raises nothing but that the file cannot be read now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.copilot.chat_cases import WITH_HELPER
from agents.copilot.chat_reading import ChatReading
from agents.copilot.chats import ADD, FIX, Json, Window, chat, request, uri
from carryover.model import Event
from contract.damage import damaged

QUESTIONS: Json = {
    "kind": "questionCarousel",
    "questions": [{"id": "q", "title": "Which?", "options": [{"id": "a", "label": "A"}]}],
    "data": {"q": {"selectedValue": "a"}},
}
RENAMED: Json = {"kind": "externalEdit", "uri": uri("/x/a"), "editKind": "rename", "originalUri": uri("/x/b")}
EVERYTHING = chat(
    "everything",
    FIX,
    ADD,
    *WITH_HELPER["requests"],
    request(
        "Ask.",
        QUESTIONS,
        {"kind": "planReview", "content": "1. Fix", "data": {"rejected": True}},
        RENAMED | {"diff": {"added": 1}},
        {"kind": "workspaceEdit", "edits": [{"newResource": uri("/x/a")}]},
        shouldBeRemovedOnSend={"requestId": "r", "afterUndoStop": "s"},
        result={"errorDetails": {"message": "No.", "isRateLimited": True}, "metadata": {"summary": {"text": "S"}}},
        at_s=500,
    ),
    pendingRequests=[{"id": "p", "request": request("Later.")}],
    repoData={"localBranch": "topic"},
    customTitle="Title",
)


def read(path: Path) -> list[Event]:
    events = ChatReading(path).read()
    for event in events:
        assert event.at_ms > 0
        assert event.session
    return events


def one_of_each_kind() -> Json:
    """A request whose answer has one part of each kind, since each is damaged by itself."""
    parts = [part for asked in EVERYTHING["requests"] for part in asked["response"]]
    kinds = {(part.get("kind"), part.get("toolId")): part for part in parts}
    asked: Json = EVERYTHING["requests"][-1]
    return asked | {"response": list(kinds.values()), "shouldBeRemovedOnSend": None}


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_a_part_that_is_missing_or_of_another_type_raises_nothing(tmp_path: Path, name: str) -> None:
    path = Window(tmp_path / "User").path(EVERYTHING)
    path.parent.mkdir(parents=True)
    whole: Json = EVERYTHING | {"requests": [one_of_each_kind()]}
    for data in damaged({name: whole[name]}, set()):
        path.write_text(json.dumps({"kind": 0, "v": whole | json.loads(data)}) + "\n")
        read(path)
