"""Codex: a terminal agent that writes a "rollout" for each thread of a session. FACTS.md has what they look like.

Hooks seen in 0.125.0, 0.150.0 and 0.169.0. SessionStart comes with the first prompt, and again after each compaction.
Only Codex sends `null` for the transcript: the user asked for nothing to be written down (`--ephemeral`), so the hook
is answered and nothing is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from carryover import model
from carryover.adapter.contract import Agent, Parsed, QuotedText, Record, Source
from carryover.agents.codex import SPEC, calls, prompts
from carryover.agents.codex.outcomes import read_output
from carryover.agents.codex.parts import PLACE, place_before
from carryover.agents.codex.rollout import (
    HEADER,
    LAYOUTS,
    MOST_TURNS,
    TOKENS,
    Rollout,
    RolloutContext,
    RolloutTurn,
    exported_rollout,
    handle_tokens,
    read_rollout_line,
)
from carryover.records import rawjson
from carryover.records.asked import JOB_STATES
from carryover.records.fields import digest, utc_ms
from carryover.records.lenient import fields_of, inside, items_of, number_of, text_of
from carryover.records.rawjson import ABSENT
from carryover.records.resets import failed_turn
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import tagged, without_handoff
from carryover.text.pattern import later
from carryover.transcript.hooks import common_hooks, root_above, session_start_answer
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import usable_folder, usable_name

_LAYOUT_ROOT: Final = partial(root_above, layouts=LAYOUTS)
_QUIET: Final = later(
    r"world_state|token_usage_record|inter_agent_communication(?:_metadata)?|retained_context|session_state"
    # `context_compacted` only marks what `compacted` reports.
    r"|event_msg/(?:agent_reasoning|agent_reasoning_raw_content|context_compacted|sub_agent_activity"
    r"|(?:collab|dynamic_tool_call|guardian|hook|image_generation|mcp|thread|undo|view_image|web_search)_\w+"
    r"|\w+_(?:begin|delta|request|started|updated?))"
    r"|item_completed/(?:CollabAgentToolCall|ContextCompaction|DynamicToolCall|HookPrompt|Image\w+|InjectedContext"
    r"|McpToolCall|Reasoning|Sleep|SubAgentActivity|WebSearch)"
    r"|response_item/(?:additional_tools|agent_message|compaction\w*|context_compaction|ghost_snapshot"
    r"|image_generation_call|other|reasoning|tool_search_\w+)"
)
"""Records without content for us, unless there is a handler for them."""
_INTERNAL: Final = frozenset(("guardian_review", "memory_consolidation"))
"""Values of `thread_source` (reported) where neither a user nor an agent for one speaks; other names but `subagent` are
the user's programs."""
_GUARDIAN: Final = "guardian"
"""The sub-agent that answers, in JSON, whether a command may run (0.126)."""
_BESIDE: Final = ("subagent", "tui_side_chat")
"""Values of `thread_source` of a thread that works beside another: for its agent, or where the user asks something that
is no part of the task (`/side`, 0.171)."""
_ERROR: Final = "event_msg/error"
_GOES_ON: Final = frozenset(("thread_rollback_failed", "active_turn_not_steerable"))
"""Errors of a request that the user made while a turn runs; the turn continues (0.160, source)."""
_COUNTED: Final = (TOKENS, "turn_context")
"""What an internal thread is read for."""
_LIMITS: Final = frozenset(("usage_limit_exceeded", "rate_limit_exceeded"))
_PHASES: Final = {"final_answer": True, "commentary": False}
_PREFACE: Final = later(
    r"\AAnother language model started to solve this problem.{0,800}?to assist with your own analysis:\s*", re.DOTALL
)
"""The client's preface to a summary, for the model that reads it, as worded in 0.169."""
_TO_THE_APP: Final = later(r"^::git-[a-z-]{1,30}\{[^\n]*\}[^\S\n]*\n?", re.MULTILINE)
"""Lines of an answer that tell the app which of git's commands ran, for it to show (0.126)."""
_COMPACTED: Final = "Compact task completed"
"""What 0.47 writes in the form of an answer, right after a summary."""
_SUMMARY_KINDS: Final = kinds_of(
    current="current progress|current progress and key decisions|current progress and key decisions made|progress",
    next="what remains to be done|remaining work|clear next steps|next steps",
    other="key decisions|important context|important context, constraints, or user preferences|critical data",
)
"""Headings that models choose for a compaction, whose request is a list without headings (reported)."""
_MOST_FORKS: Final = 20
"""How many histories, each copied into the next, count as separate threads."""
_REPORT: Final = "subagent_notification"
_ENVIRONMENT: Final = "environment_context"
_FOLDER_IN_WORDS: Final = later(r"^Current working directory: (.+)$", re.MULTILINE)
"""As 0.22 and 0.23 write it; later clients mark it with `<cwd>`."""


def _parse(
    source: Source, context: RolloutContext, record: Record, at_ms: int = 0, forks: int = 0
) -> tuple[RolloutContext, Parsed]:
    """`at_ms`: the time of a record that was copied, if it is known. `forks`: how many times it was."""
    line = read_rollout_line(record.data, context)
    if line is None or isinstance(line, model.Skipped):
        return context, Parsed() if line is None else Parsed(skipped=(line,))
    if line.type == PLACE:
        since_ms = utc_ms(line.timestamp) if context.thread is None else context.since_ms
        return msgspec.structs.replace(context, since_ms=since_ms), Parsed()
    data = fields_of(line.payload)
    name = line.type
    if name in ("event_msg", "response_item"):
        name = f"{name}/{text_of(data.get('type'))}"
    item = fields_of(data.get("item")) if name == "event_msg/item_completed" else None
    if item is not None:
        name = f"item_completed/{text_of(item.get('type'))}"
    handle = _HANDLERS.get(name)
    if handle is None and _QUIET.fullmatch(name):
        return context, Parsed()
    own_ms = at_ms or utc_ms(line.timestamp)
    at_ms = own_ms or context.last_ms  # a record without a time gets that of the record before it
    rollout = Rollout(
        name=name,
        data=data if item is None else item,
        context=msgspec.structs.replace(context, last_ms=at_ms),
        thread=context.thread or source.own_session,
        at_ms=at_ms,
        timed=own_ms > 0,
        version=context.facts.agent_version,
    )
    if handle is None:
        rollout.skip(name, "unknown record type")
        return rollout.parsed()
    # The file that asked for a review repeats the reviewer's prompt.
    is_others = item is not None and text_of(data.get("thread_id")) not in ("", context.thread)
    if is_others and context.thread is not None:
        return context, Parsed()
    # The file's own first record comes first; that of another thread is followed by its history.
    if context.thread and name == "session_meta" and usable_name(rollout.text("id")) not in (None, context.thread):
        rollout.change(copied_s=max(context.made_s, rollout.at_ms // 1000))
    if forks < _MOST_FORKS and rollout.is_copied:
        return _copied(rollout, source, record, forks + 1)
    if item is not None:
        rollout.at_turn(text_of(data.get("turn_id")))
    rollout.change(copied_s=None, history=None)
    if not context.is_internal or name in _COUNTED:
        handle(rollout)
    return rollout.parsed()


def _copied(rollout: Rollout, source: Source, record: Record, forks: int) -> tuple[RolloutContext, Parsed]:
    """Handles a record of the history that was copied into a fork: it is the other thread's, and counts if that is
    gone. A sub-agent's belongs to the session that it works for, which has it already."""
    context = rollout.context
    if rollout.name == TOKENS:
        # A fork begins with the last of them again, as its own.
        context = msgspec.structs.replace(context, used=rollout.total or context.used)
    if context.subagent_id is not None:
        return context, Parsed()
    made_ms = utc_ms(rollout.text("timestamp")) if rollout.name == "session_meta" else 0
    at_ms = rollout.started_s * 1000 or made_ms or context.history_ms
    history = context.history or RolloutContext()
    parent = context.facts.parent
    if history.thread is None and not made_ms:
        history = msgspec.structs.replace(history, thread=parent, session=parent, cwd=context.cwd, family="legacy")
    history, parsed = _parse(source, history, record, at_ms, forks)
    changes = {"copied": True, "secondary_key": None}
    events = (msgspec.structs.replace(event, key=f"copied/{event.key}", **changes) for event in parsed.events)
    after = msgspec.structs.replace(context, history=history, history_ms=at_ms)
    return after, Parsed(tuple(events), parsed.skipped)


def _session(rollout: Rollout) -> None:
    """Handles `session_meta`. The first one is the file's own; later ones were copied with another thread's history."""
    meta = rollout.data
    thread = usable_name(rollout.text("id"))
    if thread is None:
        rollout.skip("session_meta", "unexpected shape")
    if thread is None or rollout.context.thread is not None:
        return
    source = fields_of(meta.get("source"))
    kind = rollout.text("thread_source")
    is_guardian = text_of(inside(source.get("subagent", ABSENT), "other")) == _GUARDIAN
    is_internal = kind in _INTERNAL or "internal" in source or is_guardian
    is_sub_agent = is_internal or kind in _BESIDE or "subagent" in source
    spawner = text_of(inside(source.get("subagent", ABSENT), "thread_spawn", "parent_thread_id"))
    forked_from = rollout.text("forked_from_id")
    named_by = (rollout.text("session_id"), rollout.text("parent_thread_id"), spawner, forked_from)
    parent = next((name for name in named_by if usable_name(name) and name != thread), thread)
    # Set if nothing of the parent is copied (0.169).
    copies_nothing = number_of(meta.get("forked_from_ordinal_exclusive")) is not None
    cwd = usable_folder(rollout.text("cwd"))
    made_s = (utc_ms(rollout.text("timestamp")) or rollout.at_ms) // 1000
    family = "paginated" if rollout.text("history_mode") == "paginated" else "legacy"
    rollout.change(
        thread=thread,
        session=parent if is_sub_agent else thread,
        subagent_id=thread if is_sub_agent else None,
        is_internal=is_internal,
        cwd=cwd,
        in_terminal=rollout.text("source") == "cli",
        family="flat" if rollout.name == HEADER else family,
        made_s=made_s,
        copied_s=made_s if forked_from and not copies_nothing else None,
    )
    rollout.turns = {None: RolloutTurn(cwd=cwd)}
    branch = text_of(inside(meta.get("git", ABSENT), "branch"))
    rollout.learn(agent_version=rollout.text("cli_version"), branch=branch, parent=forked_from)
    if rollout.context.since_ms:
        rollout.say(model.Retracted(since_ms=rollout.context.since_ms), "undone", thread)


def _context(rollout: Rollout) -> None:
    """Handles `turn_context`: a turn's folder and model. 0.99 writes one per request, without a turn id."""
    rollout.learn(model=rollout.text("model"))
    # A review's turn has none in the file that asked for it.
    rollout.change(place=None, review=False)
    rollout.start_turn(usable_name(rollout.text("turn_id")) or rollout.turn.id, usable_folder(rollout.text("cwd")))
    if rollout.context.facts.parent is not None:
        # A fork starts with a hook, before its prompt. By then it must be known whose history it has.
        rollout.put_facts_first()


def _settings(rollout: Rollout) -> None:
    """Handles `thread_settings_applied`: the folder of the next turn.

    A thread resumed in another folder writes it first; for `/compact`, a `!command` and a review it is the only record
    (0.169).
    """
    place = usable_folder(text_of(fields_of(rollout.data.get("thread_settings")).get("cwd")))
    if place is not None and rollout.text("thread_id") in ("", rollout.context.thread):
        rollout.change(place=place)


def _started(rollout: Rollout) -> None:
    rollout.start_turn(usable_name(rollout.text("turn_id")))


def _ended(rollout: Rollout) -> None:
    """Handles `task_complete`, `turn_aborted` and `error`.

    `task_complete` tells something new only if it has an error. Clients up to 0.145 record none, but for 0.121, which
    has it in a record before. An abort counts if it is the user's: `interrupted` (0.125, 0.169), `replaced` (reported).
    """
    info = rollout.data.get("codex_error_info", ABSENT)
    if rollout.name == _ERROR and not _GOES_ON.isdisjoint((text_of(info), *fields_of(info))):
        return
    rollout.at_turn(rollout.text("turn_id"))
    rollout.change(review=False)
    end: model.TurnEnd | None = None
    if rollout.text("reason") in ("interrupted", "replaced"):
        end = model.TurnEnd(reason="interrupted")
    elif error := rollout.data if rollout.name == _ERROR else fields_of(rollout.data.get("error")):
        # A name, or an object with that name as its only key: a limit, or a provider's 429 until the client gave up.
        kind = error.get("codex_error_info", ABSENT)
        statuses = [number_of(inside(detail, "http_status_code")) for detail in fields_of(kind).values()]
        limited = text_of(kind) in _LIMITS or 429 in statuses
        end = failed_turn(text_of(error.get("message")), rollout.at_ms, limited=limited)
    # A turn ends once, however many records report it.
    if end is not None and not rollout.turn.counts.get("end"):
        rollout.say(end, "end", digest(end.message))


def _rolled_back(rollout: Rollout) -> None:
    """Handles a rollback of the newest turns.

    What was said in them no longer counts. What was done does, since files are left as they are.
    """
    newest = [*rollout.turns.values()][-MOST_TURNS:]
    count = number_of(rollout.data.get("num_turns")) or 0
    asked = [turn for turn in newest if turn.id is not None and turn.counts.get("prompt") and not turn.retracted]
    for turn in asked[-count:] if count > 0 else ():
        rollout.at_turn(turn.id)
        said = (f"{turn.id}/{part}/{n}" for part, times in turn.counts.items() for n in range(times))
        rollout.say(model.Retracted(keys=tuple(said)), "undone", str(turn.id))  # its first name, which stored keys have
        rollout.mark_turn(retracted=True)


def _review(rollout: Rollout) -> None:
    """Handles the beginning of a review, which is what the user asked for (`/review`, `codex exec review`), or its end:
    the words that follow are the client's."""
    begins = "entered" in rollout.name.lower()
    asked = text_of(inside(rollout.data.get("target", ABSENT), "instructions")) or rollout.text("user_facing_hint")
    if begins and asked and not rollout.context.review and rollout.context.subagent_id is None:
        rollout.say(model.UserPrompt(text=asked, command="/review"), "review", digest(asked))
    rollout.change(review=begins)


def _words(rollout: Rollout) -> None:
    """Handles a prompt or an answer, which two families of records repeat; in a file, one of them counts.

    A sub-agent's prompt comes from its parent, a review's from the client. Without a phase it is unknown whether an
    answer is the final one.
    """
    family = "paginated" if rollout.name.startswith("item_completed/") else "legacy"
    if rollout.context.family not in (None, family):
        return
    raw = rollout.data.get("content" if family == "paginated" else "message", ABSENT)
    if bytes(raw)[:1] != (b"[" if family == "paginated" else b'"'):
        rollout.skip(rollout.name, "unexpected shape")
        return
    rollout.change(family=family)
    parts = [(text_of(part.get("type")).lower(), part) for part in map(fields_of, items_of(raw))]
    text = text_of(raw) or "".join(text_of(part.get("text")) for kind, part in parts if kind == "text")
    if rollout.name.lower().endswith(("agent_message", "agentmessage")):
        _answer(rollout, text)
        return
    images = (items_of(rollout.data.get(name)) for name in ("images", "local_images"))
    prompts.handle_prompt(rollout, text, sum(map(len, images)) + sum("image" in kind for kind, _ in parts))


def _answer(rollout: Rollout, text: str) -> None:
    words = prompts.without_decision(_TO_THE_APP.sub("", text).rstrip() if "::git-" in text else text)
    if not prompts.asks_meanwhile(rollout) and words.strip() and text != _COMPACTED:
        said = model.AssistantMessage(text=words, final=_PHASES.get(rollout.text("phase")))
        rollout.say(said, "said", digest(text))


def _plan(rollout: Rollout) -> None:
    """Handles a plan put before the user. Only the next prompt shows whether it is accepted."""
    text = rollout.text("text").strip()
    call_id = rollout.call_id
    if text and call_id is not None:
        rollout.add(model.PlanProposal(call_id=call_id, text=text), f"{call_id}:plan")


def _compacted(rollout: Rollout) -> None:
    """Handles the summary that replaces the conversation. Its `replacement_history` repeats old prompts."""
    text = without_handoff(rollout.text("message")).strip()
    if summary := _PREFACE.sub("", text):
        parts = parts_by_heading(summary, _SUMMARY_KINDS)
        rollout.say(model.AgentSummary(text=summary, source="compaction", parts=parts), "summary", digest(text))


def _message(rollout: Rollout) -> None:
    """Handles a `message` by which the client tells the model something: a sub-agent's report, or the folder.

    All other messages repeat prompts or answers, or hold what the client and hooks add, such as our own handoff.
    """
    role, content = rollout.text("role"), rollout.data.get("content", ABSENT)
    if rollout.context.family == "flat":
        _flat_message(rollout, role, content)
    elif role == "user" and rollout.turn.id is not None and _REPORT.encode() in bytes(content):
        _report(rollout, rawjson.content_text(content) or "")
    elif role == "user" and rollout.turn.id is None and (place := _folder_in(rawjson.content_text(content) or "")):
        # 0.99 records the folder of a turn only after its prompt; but the model learns it before.
        rollout.start_turn(None, place)


def _report(rollout: Rollout, text: str) -> None:
    told = (tagged(text, _REPORT) or "") if text.startswith(f"<{_REPORT}>") else ""
    said = fields_of(told.strip().encode("utf-8", "replace"))
    agent = usable_name(text_of(said.get("agent_path")))
    # The status is a name, or an object of one name with the sub-agent's last words (0.169).
    name, report = next(iter(fields_of(said.get("status")).items()), (text_of(said.get("status")), None))
    state = JOB_STATES.get(name, "running")
    if agent is not None and state != "running":
        body = model.BackgroundTask(task_id=agent, state=state, report=without_handoff(text_of(report)).strip())
        rollout.add(body, f"{agent}:report/{digest(told)}")


def _folder_in(text: str) -> str | None:
    """Returns the folder that the client names to the model; None if the text is anything else."""
    told = (tagged(text, _ENVIRONMENT) or "") if text.startswith(f"<{_ENVIRONMENT}>") else ""
    worded = _FOLDER_IN_WORDS.search(told)
    return usable_folder(tagged(told, "cwd") or (worded[1].strip() if worded is not None else None))


def _flat_message(rollout: Rollout, role: str, content: msgspec.Raw) -> None:
    """Handles a `message` of a rollout without an envelope, whose prompts and answers are nowhere else."""
    text = rawjson.content_text(content)
    if text is None:
        rollout.skip(rollout.name, "unexpected shape")
    elif role == "assistant":
        _answer(rollout, text)
    elif role == "user":
        rollout.move_to(_folder_in(text))
        parts = rawjson.part_of(content, list[rawjson.TextPart]) or []
        prompts.handle_prompt(rollout, text, sum(part.type == "input_image" for part in parts))


_HANDLED: Final[dict[Callable[[Rollout], None], str]] = {
    _session: f"session_meta {HEADER}",
    _context: "turn_context",
    _compacted: "compacted",
    _started: "event_msg/task_started event_msg/turn_started",
    _ended: f"event_msg/task_complete event_msg/turn_complete event_msg/turn_aborted {_ERROR}",
    _settings: "event_msg/thread_settings_applied",
    _rolled_back: "event_msg/thread_rolled_back",
    _review: "event_msg/entered_review_mode event_msg/exited_review_mode "
    "item_completed/EnteredReviewMode item_completed/ExitedReviewMode",
    _words: "event_msg/user_message event_msg/agent_message item_completed/UserMessage item_completed/AgentMessage",
    _plan: "item_completed/Plan",
    _message: "response_item/message",
    handle_tokens: TOKENS,
    prompts.handle_goal: "event_msg/thread_goal_updated",
    calls.handle_command: "event_msg/exec_command_end item_completed/CommandExecution",
    calls.handle_file_change: "event_msg/patch_apply_end item_completed/FileChange",
    calls.handle_call: "response_item/function_call response_item/custom_tool_call",
    calls.handle_output: "response_item/function_call_output response_item/custom_tool_call_output",
    calls.handle_web_search: "response_item/web_search_call",
}
_HANDLERS: Final = {name: handle for handle, names in _HANDLED.items() for name in names.split()}


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(before=place_before),
    context_type=RolloutContext,
    layouts=LAYOUTS,
    parse=_parse,
    hooks=common_hooks(
        _LAYOUT_ROOT,
        may_be_unwritten=True,
        # Plain text would do, unless it begins with a bracket: then it is read as JSON, and the hook fails (0.169.0).
        answer=session_start_answer,
    ),
    exported=exported_rollout,
    quoted=QuotedText(prompt=prompts.read_prompt, outcome=read_output, op=calls.TOOLS.known, about=calls.TOOLS.about),
    typed=prompts.typed_of,
)
