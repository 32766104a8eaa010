"""opencode's tools and errors by name: what each tool does, how a refused or interrupted call is worded."""

from __future__ import annotations

import re
from typing import Final

from carryover.model import Op
from carryover.records.summary import Kinds

OPS: Final[dict[str, Op]] = {
    "bash": "shell",
    "read": "read",
    "list": "read",
    "lsp": "read",
    "edit": "edit",
    "multiedit": "edit",
    "patch": "edit",
    "apply_patch": "edit",
    "write": "write",
    "glob": "search",
    "grep": "search",
    "codesearch": "web",
    "webfetch": "web",
    "websearch": "web",
    "todowrite": "plan",
    "todoread": "plan",
    "question": "ask",
    "task": "agent",
}
"""What the built-in tools do. Every other tool, those of MCP servers among them, is `other`."""

ABOUT: Final[dict[Op, tuple[str, ...]]] = {
    "shell": ("command",),
    "read": ("filePath", "path"),
    "edit": ("filePath", "path"),
    "write": ("filePath", "path"),
    "search": ("pattern", "query", "path"),
    "web": ("url", "query"),
    "agent": ("description", "prompt"),
    "other": ("description", "name", "command", "filePath", "path", "pattern", "query", "url"),
}
"""The arguments that say what a call is about, the best first."""

INVALID_TOOL: Final = "invalid"
"""The tool that takes the place of one that does not exist, or that was called with bad arguments."""

QUIET_PARTS: Final = frozenset(
    ("step-start", "step-finish", "reasoning", "snapshot", "patch", "retry", "agent", "subtask", "compaction", "file")
)
"""Parts that hold nothing for a handoff by themselves."""

DENIED: Final = re.compile(
    r"The user (?:rejected permission to use|dismissed this question|has specified a rule which prevents)"
)
FEEDBACK: Final = re.compile(
    r"rejected permission to use this specific tool call with the following feedback: (.+)", re.S
)
"""What the user typed when rejecting a call."""
ABORTED: Final = re.compile(r"^(?:Error: )?(?:Tool execution aborted|Aborted|User aborted)", re.I)
NEVER_RAN: Final = re.compile(r"was called with invalid arguments|Model tried to call unavailable tool", re.I)
SHELL_ABORTED: Final = "User aborted the command"
SHELL_METADATA: Final = re.compile(r"\s*<(?:(?:bash|shell)_)?metadata>.*?</(?:(?:bash|shell)_)?metadata>\s*\Z", re.S)
"""What the client adds to what a command printed (read about)."""

SHELL_PROMPT: Final = "The following tool was executed by the user"
"""The client's own words in the place of a prompt, where a person ran a shell command."""

ABORTED_ERROR: Final = "MessageAbortedError"
LIMIT_STATUSES: Final = (402, 429)
LIMIT: Final = re.compile(
    r"usage limit|rate limit|quota|insufficient (?:credit|balance|funds)|credit balance|limit (?:reached|exceeded)|"
    r"too many requests",
    re.I,
)

UNTITLED: Final = ("New session - ", "Child session - ")
"""How the title of a session begins until a model has found one."""

SUMMARY_KINDS: Final[Kinds] = {
    "goal": "request",
    "objective": "request",
    "instructions": "other",
    "constraints & preferences": "other",
    "discoveries": "other",
    "accomplished": "current",
    "progress": "current",
    "work state": "current",
    "key decisions": "other",
    "next steps": "next",
    "next move": "next",
    "critical context": "other",
    "important details": "other",
    "relevant files / directories": "other",
    "relevant files": "other",
}
"""The sections that a compaction asks for (1.2.5 and later, read about)."""
