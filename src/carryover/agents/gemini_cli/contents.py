"""What a content holds: what was typed and said, the calls of the built-in tools, summaries and tokens.

Seen in Gemini CLI 0.26 to 0.61 and Qwen Code 0.15 and 0.24.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.model import FileEdit, Op
from carryover.records import rawjson
from carryover.records.changes import hunks_in, patched, planned
from carryover.records.entities import unescaped
from carryover.records.fields import MAX_PATH_CHARS, is_absolute, resolved
from carryover.records.lenient import Fields, fields_of, first_text, is_true, number_of, text_of
from carryover.records.summary import kinds_of
from carryover.records.text import HANDOFF_HEAD, without_ansi, without_last_block
from carryover.text.pattern import later
from carryover.transcript.recorder import OpenCall, Tools

_SHELL: Final = "run_shell_command"
FILE_KEYS: Final = ("file_path", "absolute_path", "path")
FOLDER_KEYS: Final = ("dir_path", "directory")
"""The arguments of the tools that name a file or a folder."""
_DELEGATED: Final = ("prompt", "objective", "description", "query")
_ABOUT: Final = ("command", *FILE_KEYS, "pattern", "query", "url", *FOLDER_KEYS, "title", "name", *_DELEGATED)


def _changes(op: Op, args: Fields, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the change that an edit's arguments describe. The result has more detail, but not in every version."""
    file = first_text(args, *FILE_KEYS) if op in ("edit", "write") else ""
    path = resolved(file, cwd) if file else None
    return (planned(path, args, counted=False),) if path is not None and len(path) <= MAX_PATH_CHARS else ()


TOOLS: Final = Tools(
    {
        "shell": _SHELL,
        "read": "read_file read_many_files get_internal_docs",
        "edit": "replace edit",
        "write": "write_file",
        "search": "glob list_directory grep_search search_file_content",
        "web": "web_fetch web_search google_web_search",
        "plan": "write_todos todo_write enter_plan_mode exit_plan_mode tracker_create_task tracker_update_task "
        "propose_goal update_goal get_goal",
        "ask": "ask_user ask_user_question",
        "agent": "agent task invoke_agent delegate_to_agent codebase_investigator",
    },
    about=_ABOUT,
    about_by_op={"agent": _DELEGATED, **dict.fromkeys(("read", "edit", "write"), (*FILE_KEYS, *_ABOUT))},
    named=(*FILE_KEYS, *FOLDER_KEYS),
    folder=" ".join(FOLDER_KEYS),
    changes=_changes,
)

NEVER_RAN: Final = later(
    r"^(?:Error: )?(?:params |Invalid parameters|Tool \"[^\"]*\" not found|Tool execution denied by policy"
    r"|Skill \"[^\"]*\" not found|Unknown tool|Timeout cannot exceed )",
    re.IGNORECASE,
)
"""The beginning of the refusal of a call that never ran."""
_WRAPPED: Final = later(r"\A<untrusted_context>\n?(.*?)\n?(?:</untrusted_context>\s*)?\Z", re.DOTALL)
_BEFORE_OUTPUT: Final = later(r"\A(?:Command: .*?\n)?(?:Directory: [^\n]*\n)?(?:Output|Stdout): ", re.DOTALL)
_FOOTER: Final = later(r"\n(Error|Exit Code|Signal|Background PIDs|Process Group PGID): ([^\n]*)\Z")
_NONE: Final = frozenset(("", "(none)", "(empty)", "0"))
_STOPPED: Final = "Command was cancelled by user"
_TOO_LONG: Final = "Command was automatically cancelled"
_IN_BACKGROUND: Final = "Command moved to background"
_BELOW: Final = later(r"\A.*?Below is the output before it was cancelled:\n", re.DOTALL)
SUMMARY_KINDS: Final = kinds_of(
    request="overall_goal",
    other="key_knowledge|file_system_state",
    current="recent_actions",
    next="current_plan|task_state",
)
"""The tags inside the `<state_snapshot>` that a compaction asks for (reported; 0.44 and 0.61 have the outer tag)."""
REFERENCED: Final = later(r"\n?--- Content from referenced files ---\n?")
"""Precedes the files after a prompt with `@file`."""
_SHELL_MODE: Final = later(
    r"I ran the following shell command:\n```sh\n(.*?)\n```\n\n"
    r"This produced the following (?:result|output):\n```\n(.*?)\n?```\s*\Z",
    re.DOTALL,
)
"""The user's own `!command`, as the client reports it to the model."""
_STEERED: Final = later(
    r"User steering update:(?: \"(.*)\"|\n<user_input>\n(.*)\n</user_input>)\nInternal instruction: Re-evaluate [^\n]*",
    re.DOTALL,
)
"""What the user said while the agent worked, as the client passes it on with an order to the model (April 2026; with
quotation marks: public source)."""
CONTEXT: Final = "session_context"
_HOOK: Final = "hook_context"
"""Tag of text that a prompt hook added (0.44, 0.61)."""
_REMINDER: Final = "system-reminder"
"""Tag of text for the model alone that Qwen Code put before a prompt (2025)."""
_CLIENTS: Final = later(
    rf"\[?System: |\[Function Response: |<(?:{CONTEXT}|{_HOOK})>|Please continue\.\Z"
    r"|You have (?:exceeded the (?:maximum number of turns|time limit)|stopped calling tools without finishing)\. "
    r"You have one final chance "
)
"""How the client's own prompts to the model begin: from its loop detector, after an empty answer (0.61), with the files
of `read_many_files` (January 2026, a public session), if the model stopped midway (0.26 to 0.61), and to a sub-agent
that has used up its turns or its time, or has not reported (public sessions of 2025 and 2026)."""
NOTES: Final = later(
    r"User has manually exited Plan Mode\. |Here is (?:the|a summary of changes in the) user's editor context[ ,]"
    r"|- \*\*Workspace Directories:\*\*\n|Background execution update:\n<background_output>"
)
"""How texts begin that the client writes as messages of their own, or joins to one of the user (0.44, 0.61)."""
_INJECTED: Final = later(
    rf"(?:\A\s*|(?<!\s)\s*(?<=\n)[^\S\n]*){re.escape(HANDOFF_HEAD)}.*?^Full history: [^\n]*$\s*",
    re.MULTILINE | re.DOTALL,
)
"""Our own text, which 0.26 puts unmarked before the first prompt of `-p`, and after the first one since `/clear`."""
_EDITORS: Final = later(r"\nCurrent File Path:\n```|\nUser Selected Files:\n(?:- [^\n]*(?:\n|\Z))+\Z")
"""What Gemini Code Assist puts below a prompt: the open file, perhaps with a selection, and files that were added."""
_CHOSEN: Final = ("\nCurrent Selection:\n```", "\nUser Selected Files:\n- ")
_API: Final = (
    "promptTokenCount",
    "cachedContentTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "totalTokenCount",
    "toolUsePromptTokenCount",
)
_SHORT: Final = ("input", "cached", "output", "thoughts", "total", "tool")


def parts_of(raw: msgspec.Raw | None) -> list[Fields] | None:
    """Returns the parts of a content: a text, a part, or a list of those; None if it is something else.

    Parts of other kinds (images, calls) have no text.
    """
    if raw is None or text_of(raw):
        return [{"text": raw}] if raw is not None else []
    if (raws := rawjson.part_of(raw, list[msgspec.Raw])) is not None:
        return [fields_of(part) or {"text": part} for part in raws]
    return [fields_of(raw)] if bytes(raw)[:1] in (b"{", b'"') else None


def shown_text(parts: list[Fields]) -> str:
    """Returns the text of parts, without the model's thoughts, which the user is not shown."""
    return "".join(text_of(part.get("text")) for part in parts if not is_true(part.get("thought")))


def said_at_work(text: str) -> str | None:
    """Returns the user's words in what the client sends while the agent works; None for any other text."""
    steered = _STEERED.fullmatch(text.strip())
    return steered and (steered[1] or steered[2])


def typed_by_user(text: str) -> str:
    """Returns the person's words in what was sent in their name; empty if there are none."""
    text = said_at_work(text) or text
    for tag in (_REMINDER, _HOOK):
        while text.startswith(f"<{tag}>") and f"</{tag}>" in text:
            text = text.partition(f"</{tag}>")[2].lstrip("\n")
    text = REFERENCED.split(_INJECTED.sub("", without_last_block(text, _HOOK)), maxsplit=1)[0].strip()
    return "" if _CLIENTS.match(text) else text


def typed_in_editor(text: str) -> tuple[str, int]:
    """Returns what was typed into Gemini Code Assist, which writes signs of HTML as entities, and how many attachments
    are below it; any other text as it is."""
    below = _EDITORS.search(text)
    if below is None:
        return text, 0
    return unescaped(text[: below.start()]), sum(mark in text[below.start() :] for mark in _CHOSEN)


def typed_command(text: str, call_id: str, cwd: str | None) -> tuple[OpenCall, ToolOutcome] | None:
    """Returns the user's own command in a text, and how it ended; None if the text is something else."""
    ran = _SHELL_MODE.match(text)
    if ran is None:
        return None
    return OpenCall.of_command(call_id, _SHELL, ran[1].strip(), cwd), ToolOutcome("unknown", without_ansi(ran[2]))


def edit_changes(call: OpenCall, shown: Fields, *, is_new: bool) -> tuple[FileEdit, ...]:
    """Returns an edit's change: from its result as the user saw it, or else from its arguments.

    `is_new`: the result shows that the file is new.
    """
    path = text_of(shown.get("filePath")) or next((change.path for change in call.changes), "")
    if not shown or call.op not in ("edit", "write") or not is_absolute(path) or len(path) > MAX_PATH_CHARS:
        return call.changes
    change = patched(path, hunks_in(text_of(shown.get("fileDiff"))))
    return (msgspec.structs.replace(change, change="add") if is_new else change,)


def shell_outcome(output: str) -> ToolOutcome:
    """Determines how a command ended, by the text that the model gets.

    Since 0.44 the output leaves out fields that are zero or empty.
    """
    text = without_ansi(_WRAPPED.sub(r"\1", output))
    if text.startswith(_STOPPED):
        return ToolOutcome("interrupted", _BELOW.sub("", text))
    if text.startswith((_TOO_LONG, _IN_BACKGROUND)):
        return ToolOutcome("error" if text.startswith(_TOO_LONG) else "ok", text)
    footer: dict[str, str] = {}
    # Each line comes once: one more like it was printed by the command.
    while (found := _FOOTER.search(text)) and found[1] not in footer:
        footer[found[1]] = found[2].strip()
        text = text[: found.start()]
    printed = _BEFORE_OUTPUT.sub("", text)
    if not footer and printed == text:
        return ToolOutcome("unknown", text)
    printed = "" if printed.strip() in ("(empty)", "(none)") else printed
    code = footer.get("Exit Code", "0")
    exit_code = int(code) if re.fullmatch(r"-?\d{1,10}", code) else None
    if (error := footer.get("Error", "")) not in _NONE:
        exit_code = exit_code if "Exit Code" in footer else None
        return ToolOutcome("error", f"{printed}\n{error}".strip(), exit_code=exit_code)
    if footer.get("Signal", "") not in _NONE:
        return ToolOutcome("error", printed)
    return ToolOutcome("error" if exit_code else "ok", printed, exit_code=exit_code)


def numbers_of(usage: Fields) -> dict[str, int]:
    """Returns the numbers of a `usageMetadata` (Qwen Code 0.15.10 and 0.24.4) as `Recorder.count_tokens` takes
    them."""
    return _numbers(usage, _API)


def numbers_of_short(tokens: Fields) -> dict[str, int]:
    """Returns those of the `tokens` of a message (Gemini CLI 0.26.0 to 0.61.0)."""
    return _numbers(tokens, _SHORT)


def _numbers(fields: Fields, names: tuple[str, ...]) -> dict[str, int]:
    """The prompt has the cached tokens in it. Some providers count thoughts as output as well, so the output is what
    the sum leaves."""
    prompt, cached, output, thoughts, total, tools = (number_of(fields.get(name)) or 0 for name in names)
    sent = prompt + tools
    return {
        "input": sent - cached,
        "output": total - sent if total > sent else output + thoughts,
        "cache_read": cached,
    }
