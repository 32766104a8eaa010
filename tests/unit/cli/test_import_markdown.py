"""Chats as Cursor 1.4, Windsurf and opencode 1.2 export them; the text is ours."""

from __future__ import annotations

from pathlib import Path

from carryover.importing.document import open_document
from carryover.model import AnyBody, AssistantMessage, SessionInfo, ToolCall, ToolResult, UserPrompt

CURSOR = """\
# Bread in the cart
_Exported on 8/21/2025 at 18:13:28 GMT+2 from Cursor (1.4.5)_

---


**User**

Add bread to the cart.
---
**User**
is no turn here.

---

**Cursor**

Looking at `cart.py`.

**User**

### Done
- bread is in

---

**User**

Now rye.
"""
WINDSURF = """\
# Cascade Chat Conversation

  Note: _This is purely the output of the chat conversation and does not contain any raw data used to generate it._

### User Input

Why is `total` any? @[/home/ann/shop/cart.ts:L19-L26]

### Planner Response

I'll look.

*Viewed [cart.ts](file:///home/ann/shop/cart.ts) *

*Grep searched codebase*

### Planner Response

*Edited relevant file*

It has **no** return type.
"""
OPENCODE = """\
# Lab tasks

**Session ID:** ses_2a70abc96ffeieBZFFDkYrIu1j
**Created:** 04.04.2026, 17:46:01
**Updated:** 04.04.2026, 18:21:12

---

## User

read the task

---

## Assistant (Plan · big-pickle · 1.7s)

Let me look.

**Tool: read**

**Input:**
```json
{
  "filePath": "D:\\\\lab\\\\task.md"
}
```

**Output:**
```
# task
```sh
go run .
```
```

**Tool: todowrite**

It asks for a server.

---

## Assistant (Build · big-pickle)

**Tool: bash**

**Input:**
```json
{"command": "go build"}
```

Built.
"""


def bodies(path: Path, text: str) -> list[AnyBody]:
    path.write_text(text)
    document = open_document(path, project="/home/ann/shop")
    context, found = document.agent.context_type(), []
    for record in document.agent.reader.read(path, None).records:
        context, parsed = document.agent.parse(document.source, context, record)
        assert not parsed.skipped
        found += [event.body for event in parsed.events]
    return found


def test_a_chat_that_cursor_exported(tmp_path: Path) -> None:
    assert bodies(tmp_path / "cursor_bread.md", CURSOR) == [
        SessionInfo(title="Bread in the cart"),
        UserPrompt(text="Add bread to the cart.\n---\n**User**\nis no turn here."),
        AssistantMessage(text="Looking at `cart.py`.\n\n**User**\n\n### Done\n- bread is in"),
        UserPrompt(text="Now rye."),
    ]


def test_a_conversation_that_windsurf_saved(tmp_path: Path) -> None:
    assert bodies(tmp_path / "chat.md", WINDSURF) == [
        UserPrompt(text="Why is `total` any? @[/home/ann/shop/cart.ts:L19-L26]"),
        AssistantMessage(text="I'll look."),
        AssistantMessage(text="It has **no** return type."),
    ]


def test_a_session_that_opencode_exported(tmp_path: Path) -> None:
    found = bodies(tmp_path / "session-ses_2a70.md", OPENCODE)

    said = [body for body in found if not isinstance(body, ToolCall | ToolResult)]
    assert said == [
        SessionInfo(title="Lab tasks"),
        UserPrompt(text="read the task"),
        AssistantMessage(text="Let me look."),
        AssistantMessage(text="It asks for a server."),
        AssistantMessage(text="Built."),
    ]
    results = [body for body in found if isinstance(body, ToolResult)]
    assert [(result.name, result.subject, result.output) for result in results] == [
        ("read", "D:\\lab\\task.md", "# task\n```sh\ngo run .\n```"),
        ("todowrite", "", ""),
        ("bash", "go build", ""),
    ]
