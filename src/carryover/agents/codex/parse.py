"""Turns rollout records into events: sessions and turns, prompts and answers, and which of two records counts.

Each line is `{"timestamp", "type", "payload"}` (0.34 to 0.169; earlier clients: `flat`): FACTS.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover import model
from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import usable_folder, usable_name
from carryover.agents.codex import calls, flat
from carryover.agents.codex.builder import MAX_TURNS, Builder, Context, Line, Turn
from carryover.agents.codex.usage import parse_token_count, total_in
from carryover.records import rawjson
from carryover.records.asked import JOB_STATES
from carryover.records.fields import digest, utc_ms
from carryover.records.lenient import fields_of, inside, items_of, number_of, text_of
from carryover.records.resets import failed_turn
from carryover.records.summary import kinds_of, parts_by_heading
from carryover.records.text import tagged, without_handoff

_LINE: Final = msgspec.json.Decoder(Line)
_QUIET: Final = re.compile(
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
_COPIED_WITHIN_S: Final = 10
"""A history is copied when the file is created (0.125) or at its first prompt (0.36); what is written later is the
file's own."""
_CLIENTS_OWN: Final = frozenset(("subagent", "guardian_review", "memory_consolidation"))
"""Values of `thread_source` if no user speaks. All but the first are reported; other names are the user's programs."""
_LIMITS: Final = frozenset(("usage_limit_exceeded", "rate_limit_exceeded"))
_PHASES: Final = {"final_answer": True, "commentary": False}
_REQUEST: Final = "## My request for Codex:"
_EDITORS_WORDS: Final = ("# Context from my IDE setup:", "# Files mentioned by the user:")
_CLIENTS: Final = ("<environment_context>", "<user_instructions>")
_PREFACE: Final = re.compile(
    r"\AAnother language model started to solve this problem.{0,800}?to assist with your own analysis:\s*", re.DOTALL
)
"""The client's preface to a summary, for the model that reads it, as worded in 0.169."""
SUMMARY_KINDS: Final = kinds_of(
    current="current progress|current progress and key decisions|current progress and key decisions made|progress",
    next="what remains to be done|remaining work|clear next steps|next steps",
    other="key decisions|important context|important context, constraints, or user preferences|critical data",
)
"""Headings that models choose for a compaction, whose request is a list without headings (reported)."""


def parse_record(source: Source, context: Context, record: Record, at_ms: int = 0) -> tuple[Context, Parsed]:
    """Parses one record of a Codex transcript. Never raises: what is not understood is counted in `skipped`.

    `at_ms`: the time of a record that was copied, if it is known.
    """
    line = flat.read_line(_LINE, record.data, context)
    if line is None or isinstance(line, model.Skipped):
        return context, Parsed() if line is None else Parsed(skipped=(line,))
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
    builder = Builder.begin(source, context, line, name, data if item is None else item, at_ms=at_ms)
    if handle is None:
        builder.skip(name, "unknown record type")
        return builder.parsed()
    # The file that asked for a review repeats the reviewer's prompt.
    is_others = item is not None and text_of(data.get("thread_id")) not in ("", context.thread)
    if is_others and context.thread is not None:
        return context, Parsed()
    if _is_of_other_thread(builder):
        builder.change(copied_s=max(context.made_s, builder.at_ms // 1000))
    if _is_still_copied(builder):
        return _parse_copied(builder, source, record)
    if item is not None:
        builder.at_turn(text_of(data.get("turn_id")))
    builder.change(copied_s=None, history=None)
    handle(builder)
    return builder.parsed()


def _is_of_other_thread(builder: Builder) -> bool:
    """Whether a record is the first one of another thread, whose history follows. The file's own one comes first."""
    thread = usable_name(builder.text("id")) if builder.name == "session_meta" else None
    return builder.context.thread is not None and thread not in (None, builder.context.thread)


def _parse_copied(builder: Builder, source: Source, record: Record) -> tuple[Context, Parsed]:
    """Handles a record of the history that was copied into a fork: it is the other thread's, and counts if that is
    gone. A sub-agent's belongs to the session that it works for, which has it already."""
    context = builder.context
    if builder.name == "event_msg/token_count":
        # A fork begins with the last of them again, as its own.
        context = msgspec.structs.replace(context, used=total_in(builder.data) or context.used)
    if context.subagent_id is not None:
        return context, Parsed()
    made_ms = utc_ms(builder.text("timestamp")) if builder.name == "session_meta" else 0
    at_ms = _started_s(builder) * 1000 or made_ms or context.history_ms
    history = context.history or Context()
    parent = context.facts.parent
    if history.thread is None and not made_ms:
        history = msgspec.structs.replace(history, thread=parent, session=parent, cwd=context.cwd, family="legacy")
    history, parsed = parse_record(source, history, record, at_ms)
    changes = {"copied": True, "secondary_key": None}
    events = (msgspec.structs.replace(event, key=f"copied/{event.key}", **changes) for event in parsed.events)
    after = msgspec.structs.replace(context, history=history, history_ms=at_ms)
    return after, Parsed(tuple(events), parsed.skipped)


def _started_s(builder: Builder) -> int:
    """Returns when the turn that a record begins was started, in epoch seconds; 0 if it begins none or has no time."""
    return (number_of(builder.data.get("started_at")) or 0) if builder.name == "event_msg/task_started" else 0


def _is_still_copied(builder: Builder) -> bool:
    """Whether a record is history that the client copied from the thread that was forked (0.125), resumed (0.36) or
    that started this one.

    Copies have the time of the fork but keep the start time of their turn, so the first turn that started after the
    fork is the fork's own. If no turn with a start time follows, copying ends by the clock.
    """
    copied_s = builder.context.copied_s
    if copied_s is None or (builder.timed and builder.at_ms >= (copied_s + _COPIED_WITHIN_S) * 1000):
        return False
    return _started_s(builder) < copied_s


def _parse_session(builder: Builder) -> None:
    """Handles `session_meta`. The first one is the file's own; later ones were copied with another thread's history."""
    meta = builder.data
    thread = usable_name(builder.text("id"))
    if thread is None:
        builder.skip("session_meta", "unexpected shape")
        return
    if builder.context.thread is not None:
        return
    source = meta.get("source", rawjson.ABSENT)
    is_sub_agent = builder.text("thread_source") in _CLIENTS_OWN or not fields_of(source).keys().isdisjoint(
        ("subagent", "internal")
    )
    spawner = text_of(inside(source, "subagent", "thread_spawn", "parent_thread_id"))
    named_by = (builder.text("session_id"), builder.text("parent_thread_id"), spawner)
    parent = next((name for name in named_by if usable_name(name) and name != thread), thread)
    forked_from = builder.text("forked_from_id")
    # Set if nothing of the parent is copied (0.169).
    copies_nothing = number_of(meta.get("forked_from_ordinal_exclusive")) is not None
    cwd = usable_folder(builder.text("cwd"))
    made_s = (utc_ms(builder.text("timestamp")) or builder.at_ms) // 1000
    builder.change(
        thread=thread,
        session=parent if is_sub_agent else thread,
        subagent_id=thread if is_sub_agent else None,
        cwd=cwd,
        family="paginated" if builder.text("history_mode") == "paginated" else "legacy",
        made_s=made_s,
        copied_s=made_s if forked_from and not copies_nothing else None,
    )
    builder.turns = {None: Turn(cwd=cwd)}
    branch = text_of(inside(meta.get("git", rawjson.ABSENT), "branch"))
    builder.learn(agent_version=builder.text("cli_version"), branch=branch, parent=forked_from)


def _parse_header(builder: Builder) -> None:
    """Handles the first line of a rollout without an envelope, which says less than `session_meta` does."""
    _parse_session(builder)
    builder.change(family="flat")


def _parse_context(builder: Builder) -> None:
    """Handles `turn_context`: a turn's folder and model. 0.99 writes one per request, without a turn id."""
    builder.learn(model=builder.text("model"))
    # A review's turn has none in the file that asked for it.
    builder.change(place=None, review=False)
    builder.start_turn(usable_name(builder.text("turn_id")) or builder.turn.id, usable_folder(builder.text("cwd")))
    if builder.context.facts.parent is not None:
        # A fork starts with a hook, before its prompt. By then it must be known whose history it has.
        builder.emit_session_info()


def _parse_settings(builder: Builder) -> None:
    """Handles `thread_settings_applied`: the folder of the next turn.

    A thread resumed in another folder writes it first; for `/compact`, a `!command` and a review it is the only record
    (0.169).
    """
    place = usable_folder(text_of(fields_of(builder.data.get("thread_settings")).get("cwd")))
    if place is not None and builder.text("thread_id") in ("", builder.context.thread):
        builder.change(place=place)


def _parse_started(builder: Builder) -> None:
    builder.start_turn(usable_name(builder.text("turn_id")))


def _parse_ended(builder: Builder) -> None:
    """Handles `task_complete` and `turn_aborted`.

    Of the first only its error is news, and clients up to 0.145 don't record that. Of the second only the user's own
    aborts count: `interrupted` (0.125, 0.169), `replaced` (reported).
    """
    builder.at_turn(builder.text("turn_id"))
    builder.change(review=False)
    end: model.TurnEnd | None = None
    if builder.text("reason") in ("interrupted", "replaced"):
        end = model.TurnEnd(reason="interrupted")
    elif error := fields_of(builder.data.get("error")):
        # A name, or an object with that name as its only key: a limit, or a provider's 429 until the client gave up.
        kind = error.get("codex_error_info", rawjson.ABSENT)
        statuses = [number_of(inside(detail, "http_status_code")) for detail in fields_of(kind).values()]
        limited = text_of(kind) in _LIMITS or 429 in statuses
        end = failed_turn(text_of(error.get("message")), builder.at_ms, limited=limited)
    # A turn ends once, however many records report it.
    if end is not None and not builder.turn.counts.get("end"):
        builder.add(end, "end", digest(end.message))


def _parse_rolled_back(builder: Builder) -> None:
    """Handles a rollback of the newest turns.

    What was said in them no longer counts. What was done does, since files are left as they are.
    """
    newest = [*builder.turns.values()][-MAX_TURNS:]
    count = number_of(builder.data.get("num_turns")) or 0
    asked = [turn for turn in newest if turn.id is not None and turn.counts.get("prompt") and not turn.retracted]
    for turn in asked[-count:] if count > 0 else ():
        builder.at_turn(turn.id)
        said = (f"{turn.id}/{part}/{n}" for part, times in turn.counts.items() for n in range(times))
        builder.add(model.Retracted(keys=tuple(said)), "retracted", str(turn.id))
        builder.mark_turn(retracted=True)


def _parse_review(builder: Builder) -> None:
    builder.change(review="entered" in builder.name.lower())


def _parse_words(builder: Builder) -> None:
    """Handles a prompt or an answer, which two families of records repeat; in a file, one of them counts.

    A sub-agent's prompt comes from its parent, a review's from the client. Without a phase it is unknown whether an
    answer is the final one.
    """
    family = "paginated" if builder.name.startswith("item_completed/") else "legacy"
    if builder.context.family not in (None, family):
        return
    raw = builder.data.get("content" if family == "paginated" else "message", rawjson.ABSENT)
    if bytes(raw)[:1] != (b"[" if family == "paginated" else b'"'):
        builder.skip(builder.name, "unexpected shape")
        return
    builder.change(family=family)
    parts = [(text_of(part.get("type")).lower(), part) for part in map(fields_of, items_of(raw))]
    text = text_of(raw) or "".join(text_of(part.get("text")) for kind, part in parts if kind == "text")
    if builder.name.lower().endswith(("agent_message", "agentmessage")):
        if text.strip():
            builder.add(
                model.AssistantMessage(text=text, final=_PHASES.get(builder.text("phase"))), "said", digest(text)
            )
        return
    images = (items_of(builder.data.get(name)) for name in ("images", "local_images"))
    attachments = sum(map(len, images)) + sum("image" in kind for kind, _ in parts)
    words = _typed(text)
    if not builder.context.review and (words.strip() or attachments):
        actor: model.Actor = "human" if builder.context.subagent_id is None else "model"
        builder.add(model.UserPrompt(text=words, actor=actor, attachments=attachments), "prompt", digest(text))


def _typed(text: str) -> str:
    """Returns a prompt without what the client's editor extension puts before it; empty if it is the client's own."""
    begins = text.lstrip()
    if begins.startswith(_CLIENTS):
        return ""
    # The last one: the selection before it is a file's, and may hold the same line.
    return text.rpartition(_REQUEST)[2].strip() if begins.startswith(_EDITORS_WORDS) and _REQUEST in text else text


def _parse_plan(builder: Builder) -> None:
    """Handles a plan put before the user. Only the next prompt shows whether it is accepted."""
    text = builder.text("text").strip()
    call_id = builder.call_id
    if text and call_id is not None:
        builder.add_of_call(model.PlanProposal(call_id=call_id, text=text), "plan", call_id)


def _parse_compacted(builder: Builder) -> None:
    """Handles the summary that replaces the conversation. Its `replacement_history` repeats old prompts."""
    text = without_handoff(builder.text("message")).strip()
    if summary := _PREFACE.sub("", text):
        parts = parts_by_heading(summary, SUMMARY_KINDS)
        builder.add(model.AgentSummary(text=summary, source="compaction", parts=parts), "summary", digest(text))


def _parse_message(builder: Builder) -> None:
    """Handles a `message` by which the client tells the model something: a sub-agent's report, or the folder.

    All other messages repeat prompts or answers, or hold what the client and hooks add, such as our own handoff.
    """
    if builder.context.family == "flat":
        _parse_flat_message(builder)
        return
    tag = "subagent_notification" if builder.turn.id is not None else flat.ENVIRONMENT
    content = builder.data.get("content", rawjson.ABSENT)
    if builder.text("role") != "user" or tag.encode() not in bytes(content):
        return
    text = rawjson.text_of(content) or ""
    told = (tagged(text, tag) or "") if text.startswith(f"<{tag}>") else ""
    if builder.turn.id is None:
        # 0.99 records the folder of a turn only after its prompt; but the model learns it before.
        if place := usable_folder(tagged(told, "cwd")):
            builder.start_turn(None, place)
        return
    said = fields_of(told.strip().encode("utf-8", "replace"))
    agent = usable_name(text_of(said.get("agent_path")))
    # The status is a name, or an object of one name with the sub-agent's last words (0.169).
    name, report = next(iter(fields_of(said.get("status")).items()), (text_of(said.get("status")), None))
    state = JOB_STATES.get(name, "running")
    if agent is not None and state != "running":
        body = model.BackgroundTask(task_id=agent, state=state, report=without_handoff(text_of(report)).strip())
        builder.add_of_call(body, f"report/{digest(told)}", agent)


def _parse_flat_message(builder: Builder) -> None:
    """Handles a `message` of a rollout without an envelope, whose prompts and answers are nowhere else."""
    role = builder.text("role")
    text = rawjson.text_of(builder.data.get("content", rawjson.ABSENT))
    if text is None:
        builder.skip(builder.name, "unexpected shape")
        return
    if role == "assistant" and text.strip():
        builder.add(model.AssistantMessage(text=text), "said", digest(text))
    if role != "user":
        return
    builder.move_to(flat.folder_in(text))
    words = _typed(text)
    attachments = flat.images_in(builder)
    if words.strip() or attachments:
        builder.add(model.UserPrompt(text=words, attachments=attachments), "prompt", digest(text))


def read_prompt(text: str, _after: str) -> tuple[model.AnyBody, ...]:
    """Returns the events in the text of a `user` message; none if the client wrote it."""
    words = _typed(text)
    return (model.UserPrompt(text=words),) if words.strip() else ()


_HANDLED: Final[dict[Callable[[Builder], None], str]] = {
    _parse_session: "session_meta",
    _parse_header: flat.HEADER,
    _parse_context: "turn_context",
    _parse_compacted: "compacted",
    _parse_started: "event_msg/task_started event_msg/turn_started",
    _parse_ended: "event_msg/task_complete event_msg/turn_complete event_msg/turn_aborted",
    _parse_settings: "event_msg/thread_settings_applied",
    _parse_rolled_back: "event_msg/thread_rolled_back",
    _parse_review: "event_msg/entered_review_mode event_msg/exited_review_mode "
    "item_completed/EnteredReviewMode item_completed/ExitedReviewMode",
    _parse_words: "event_msg/user_message event_msg/agent_message item_completed/UserMessage "
    "item_completed/AgentMessage",
    _parse_plan: "item_completed/Plan",
    _parse_message: "response_item/message",
    calls.parse_command: "event_msg/exec_command_end item_completed/CommandExecution",
    calls.parse_file_change: "event_msg/patch_apply_end item_completed/FileChange",
    calls.parse_call: "response_item/function_call response_item/custom_tool_call",
    calls.parse_output: "response_item/function_call_output response_item/custom_tool_call_output",
    calls.parse_web_search: "response_item/web_search_call",
    parse_token_count: "event_msg/token_count",
}
_HANDLERS: Final = {name: handle for handle, names in _HANDLED.items() for name in names.split()}
