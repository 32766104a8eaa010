"""What was typed and what Aider did, block by block; the recorded histories of 0.86.2, as the scenarios say."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.aider.chats import HEAD, answer, prompt, reading
from agents.aider.contract_case import recording
from carryover import model
from carryover.agents.aider.adapter import AGENT, read_answer
from carryover.model import FileEdit
from contract.case import of, read_on, source_at
from support.costs import costing_little

WITH_TESTS = HEAD.replace("pricing.py  ", "pricing.py --test-cmd npm test --auto-test --no-gitignore  ")
BLOCK = "cart.py\n```python\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```"
APPLIED = "> Applied edit to cart.py  \n> Commit 1234abc fix: b instead of a  \n"


def events_of(tmp_path: Path, *blocks: str, head: str = HEAD) -> list[model.Event]:
    return reading(tmp_path, head + "".join(blocks)).events


def results(events: list[model.Event]) -> list[tuple[str, str, str, int | None]]:
    return [(found.name, found.subject, found.status, found.exit_code) for found in of(events, model.ToolResult)]


@pytest.mark.parametrize("command", ["/ask", "/code", "/architect", "/context"])
def test_words_given_to_a_command_count_once(tmp_path: Path, command: str) -> None:
    """Aider writes them down again without the command."""
    events = events_of(tmp_path, prompt(f"{command} why so?"), prompt("why so?"), answer("So."), prompt("why so?"))

    assert [(found.command, found.text) for found in of(events, model.UserPrompt)] == [
        (command, "why so?"),
        (None, "why so?"),
    ]


def test_thinking_is_left_out_and_the_architects_answer_for_the_editor_model_is_no_prompt(tmp_path: Path) -> None:
    tag = "thinking-content-7bbeb8e1441453ad999a0bbba8a46d4b"
    said = f"<{tag}>\n\ncart.py\n{block('a', 'b')}\n\n</{tag}>\n\n1\n2\x0c3\u20284"
    events = events_of(tmp_path, prompt("Fix it"), answer(said), prompt("1\n2\n3\n4"), answer(f"<{tag}>\n\nCut o"))

    expected = [model.UserPrompt(text="Fix it"), model.AssistantMessage(text="1\n2\x0c3\u20284", final=True)]
    assert [event.body for event in events[2:]] == expected


def test_the_architects_answer_after_its_thinking_is_no_prompt(tmp_path: Path) -> None:
    """A model that only closes its thinking has it in the answer, and the editor does not get it (DeepSeek R1)."""
    architect = answer("The user wants a b.\n</think>\n\nWrite b.\n\nThen test it.")
    events = events_of(tmp_path, prompt("b, please"), architect, prompt("Write b.\n\nThen test it."), answer("Done."))

    assert [found.text for found in of(events, model.UserPrompt)] == ["b, please"]


def test_documents_that_aider_adds_to_a_question_about_itself_are_no_prompt(tmp_path: Path) -> None:
    documents = prompt('# Question: what is it?\n\n# Relevant docs:\n\n<doc from_url="https://x">\nA map.\n</doc>')
    events = events_of(tmp_path, prompt("/help what is it?"), documents, answer("A map."), prompt("# Question: b?"))

    assert [found.text for found in of(events, model.UserPrompt)] == ["# Question: b?"]


@pytest.mark.parametrize(
    ("question", "choice"),
    [
        ("Add file to the chat? (Y)es/(N)o/(A)ll/(S)kip all/(D)on't ask again [Yes]: ", "all"),
        ("Run shell commands? (Y)es/(N)o/(S)kip all [Yes]: ", "skip"),  # 0.57.1: one that must be asked has no "all"
    ],
)
def test_a_question_that_aider_answers_as_the_one_before_is_no_prompt_and_ends_no_turn(
    tmp_path: Path, question: str, choice: str
) -> None:
    events = events_of(
        tmp_path, prompt("Fix it"), prompt(f"{question}{choice}"), answer(f"It is b.\n\n{BLOCK}"), APPLIED
    )

    assert [found.text for found in of(events, model.UserPrompt)] == ["Fix it"]
    assert [found.status for found in of(events, model.ToolResult)] == ["ok", "ok"]
    asked = events_of(tmp_path, prompt(f"What does this ask?\n\n{question}{choice}"))
    assert len(of(asked, model.UserPrompt)) == 1


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("/add cart.py  \n  \nMake prices\n\nwhole cents.", ["Make prices\n\nwhole cents."]),
        ("/add cart.py\ntax.py", []),
        ("/commit Prices in cents\n\nEach is an int.", []),
    ],
)
def test_a_request_below_a_command_of_files_is_a_prompt(tmp_path: Path, text: str, prompts: list[str]) -> None:
    events = events_of(tmp_path, prompt(text))

    assert [found.text for found in of(events, model.UserPrompt)] == prompts


@pytest.mark.parametrize(
    ("text", "subject"), [("/run make all", "make all"), ("!make all", "make all"), ("/git log -1", "git log -1")]
)
def test_a_command_that_the_user_ran(tmp_path: Path, text: str, subject: str) -> None:
    """Neither its output nor how it ended is written down."""
    question = "> Add 0.2k tokens of command output to the chat? (Y)es/(N)o [Yes]: n  \n"
    [call] = of(events := events_of(tmp_path, prompt(text), question), model.ToolCall)

    assert (call.op, call.subject, call.actor) == ("shell", subject, "human")
    assert results(events) == [("run", subject, "unknown", None)]


def test_tests_that_pass_say_nothing_and_count_once_something_follows(tmp_path: Path) -> None:
    running = events_of(tmp_path, prompt("/test"), head=WITH_TESTS)
    passed = events_of(tmp_path, prompt("/test"), prompt("next"), head=WITH_TESTS)
    failed = events_of(tmp_path, prompt("/test"), "> Added 20 lines of output to the chat.  \n", head=WITH_TESTS)
    given = events_of(tmp_path, prompt("/test pytest -q"), prompt("next"))
    unknown = events_of(tmp_path, prompt("/test"), prompt("next"))

    assert results(running) == []
    assert results(passed) == [("test", "npm test", "ok", 0)]
    assert results(failed) == [("test", "npm test", "error", None)]
    assert results(given) == [("test", "pytest -q", "ok", 0)]
    assert results(unknown) == [("test", "", "unknown", None)]


def test_tests_that_run_after_each_edit(tmp_path: Path) -> None:
    turn = (prompt("b, please"), answer(f"Done.\n\n{BLOCK}"), APPLIED)
    failed = events_of(tmp_path, *turn, "> Added 5 lines of output to the chat.  \n", head=WITH_TESTS)
    passed = events_of(tmp_path, *turn, prompt("next"), head=WITH_TESTS)
    open_end = events_of(tmp_path, *turn, head=WITH_TESTS)

    runs = [[run for run in results(events) if run[0] == "test"] for events in (failed, passed, open_end)]
    assert runs == [[("test", "npm test", "error", None)], [("test", "npm test", "ok", 0)], []]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("litellm.RateLimitError: RateLimitError: OpenAIException - slow down", "limit"),
        ("litellm.APIError: APIError: This request requires more credits", "limit"),
        ("litellm.BadRequestError: Insufficient Balance", "limit"),
        ("litellm.Timeout: APITimeoutError - timed out", None),
        ("litellm.APIConnectionError: refused", "error"),
        ("Model gpt-4o has hit a token limit!", "error"),
    ],
)
def test_what_ends_a_turn(tmp_path: Path, error: str, reason: str | None) -> None:
    ends = of(events_of(tmp_path, prompt("Fix it"), f"> {error}  \n> In other words.  \n"), model.TurnEnd)

    assert [end.reason for end in ends] == ([reason] if reason else [])


@pytest.mark.parametrize(
    "answered",
    [
        "Error code: 404 - {'error': {'message': 'The model `m-4` is not known.', 'code': 'not_found'}}",
        'b\'{\\n  "error": {\\n    "code": 404, "message": "The model `m-4` is not known.",\\n    "status": 1}}\'',
        "The model `m-4` is not known.",
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_provider(tmp_path: Path, answered: str) -> None:
    """They are within what it answered, of which a handoff may show too little (0.73)."""
    message = f"> litellm.NotFoundError: ShopException - {answered}  \n"
    [end] = of(events_of(tmp_path, prompt("Fix it"), message), model.TurnEnd)

    long = "litellm.NotFoundError: ShopException - {'error': {'message': 'Not known. " + "See the docs. " * 60
    [cut] = of(events_of(tmp_path, prompt("Fix it"), f"> {long}  \n"), model.TurnEnd)

    assert cut.message.startswith("litellm.NotFoundError: Not known. See the docs.")
    said = end.message.removeprefix("litellm.NotFoundError: ").removeprefix("ShopException - ")
    assert (end.reason, said) == ("error", "The model `m-4` is not known.")


def test_the_paths_of_windows_and_of_other_folders(tmp_path: Path) -> None:
    head = HEAD.replace("/home/dev/.local/bin/aider", "C:\\tools\\aider.exe")
    block = BLOCK.replace("cart.py", "src/cart.py")
    applied = "> Applied edit to src\\cart.py  \n> Applied edit to /etc/hosts  \n"

    paths = [
        edit.path for edit in of(events_of(tmp_path, prompt("b"), answer(block), applied, head=head), model.FileEdit)
    ]

    assert paths == [str(tmp_path / "src" / "cart.py"), "/etc/hosts"]


def test_an_edit_of_the_handoff_is_no_work(tmp_path: Path) -> None:
    applied = "> Applied edit to .carryover/handoff.md  \n> Applied edit to cart.py  \n"

    found = events_of(tmp_path, prompt("b, please"), answer(BLOCK), applied)

    assert [edit.path for edit in of(found, model.FileEdit)] == [str(tmp_path / "cart.py")]


def test_a_report_of_failed_edits_that_holds_marks_is_one_message(tmp_path: Path) -> None:
    """The report quotes the block, whatever is in it (0.86.2)."""
    report = (
        "> The LLM did not conform to the edit format.  \n"
        "> https://aider.chat/docs/troubleshooting/edit-errors.html  \n"
        "> # 1 SEARCH/REPLACE block failed to match!\n\n"
        "## SearchReplaceNoExactMatch: This SEARCH block failed to exactly match lines in cart.py\n"
        "<<<<<<< SEARCH\nA line with two blanks  \n=======\nb\n>>>>>>> REPLACE\n\n"
        "The SEARCH section must exactly match an existing block of lines including all white space, comments, "
        "indentation, docstrings, etc\n\n# The other 1 SEARCH/REPLACE block were applied successfully.\n"
        "Don't re-send them.\nJust reply with fixed versions of the block above that failed to match.  \n"
    )
    events = events_of(tmp_path, prompt("b"), answer(f"I try.\n\n{BLOCK}"), report, answer("Again."))

    assert [found.text for found in of(events, model.AssistantMessage)] == ["I try.", "Again."]
    assert results(events) == [("edit", str(tmp_path / "cart.py"), "error", None)]


def read(text: str, *, whole_files: bool = False) -> tuple[str, tuple[FileEdit, ...]]:
    return read_answer(text, lambda name: f"/p/{name}", whole_files=whole_files)


def block(old: str, *new: str, fence: tuple[str, str] = ("```python", "```")) -> str:
    lines = [fence[0], "<<<<<<< SEARCH", old, "=======", *new, ">>>>>>> REPLACE", fence[1]]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "name", ["src/cart.py", "`src/cart.py`", "**src/cart.py**", "### src/cart.py", "src/cart.py:", "Makefile"]
)
def test_a_block_names_its_file_in_the_line_above(name: str) -> None:
    prose, [change] = read("\n".join(["I change it.", "", name, block("a", "b", "c"), "", "Done."]))

    assert change.path == f"/p/{name.strip('`*#: ')}"
    assert (change.added, change.removed, change.anchor, change.line) == (2, 1, "b", None)
    assert prose == "I change it.\n\nDone."


def test_blocks_of_one_file_are_one_change_and_a_later_block_needs_no_name() -> None:
    prose, [change] = read("\n".join(["cart.py", block("a", "b"), "", block("c", "d")]))

    assert (change.path, change.added, change.removed) == ("/p/cart.py", 2, 2)
    assert prose == ""


def test_a_name_inside_the_fence_and_other_fences() -> None:
    _, inside = read("```src/cart.py\n<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n```")
    prose, other = read("\n".join(["cart.py", block("a", "b", fence=("<source>", "</source>")), "End."]))

    assert [change.path for change in (*inside, *other)] == ["/p/src/cart.py", "/p/cart.py"]
    assert prose == "End."


def test_whole_files_only_where_the_model_writes_its_edits_so() -> None:
    text = "I write it.\n\ncart.py\n```python\n\ndef total():\n    return 1\n```\n"

    prose, [change] = read(text, whole_files=True)

    assert (change.path, change.added, change.line, change.anchor) == ("/p/cart.py", 3, 2, "def total():")
    assert prose == "I write it."
    assert read(text) == (text.strip(), ())


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< SEARCH\na\n=======\nb\n",
        "<<<<<<< SEARCH\n",
        "*** Begin Patch\n*** Update File: x\n",
        "```diff\nno names\n```",
        "```python\nprint(1)\n```",
        ">>>>>>> REPLACE",
        "",
    ],
)
def test_what_is_no_edit_stays_in_the_words(text: str) -> None:
    assert read(text, whole_files=True) == (text.strip(), ())


TASK = (
    "discount() must return whole cents: fix pricing.py so that the tests pass. "
    "Constraint: keep prices as integers, never floats."
)
TESTS = "python3 -m unittest -q"
LINES = "First line of the prompt\n\n# third line looks like a heading"


def events(name: str) -> list[model.Event]:
    return read_on(AGENT, source_at(AGENT, recording(name))).events


def ended(name: str) -> list[tuple[str, str, str]]:
    return [(result.name, Path(result.subject).name, result.status) for result in of(events(name), model.ToolResult)]


@pytest.mark.parametrize(
    ("name", "prompts"),
    [
        ("story", [TASK, "Use half-up rounding instead", "What is left to do?"]),
        ("commands", [LINES, "Fix it with int()", "", "how do I run the tests?"]),
        ("interrupt", ["Explain rounding", "go on", "Explain again"]),
        ("hangup", [f"Say something before {end}" for end in ("SIGTERM", "SIGHUP", "EOF", "two ^C")]),
        ("resume", ["Fix rounding in pricing.py", "Which colour for the button?", *["What did we do?"] * 2]),
        ("autotest", ["Fix rounding in pricing.py"]),
        ("failededit", ["Fix rounding", "Add cart.py", "Fix rounding", "Fix rounding"]),
        ("lint", ["Fix rounding in pricing.py"]),
        ("ratelimit", ["Make discount() return whole cents", "Now make total() round once per cart"]),
        ("quota", ["Fix rounding", "Fix rounding"]),
        ("concurrent", ["alpha one", "beta one", "alpha two"]),
        ("watch", []),
        ("noncoding", ["Suggest a vegetarian menu for six people on Saturday", "Yes, please write it"]),
        ("notify", ["first", "second", "Hello", "first"]),
    ],
)
def test_prompts_as_they_were_typed_and_nothing_else(name: str, prompts: list[str]) -> None:
    assert [prompt.text for prompt in of(events(name), model.UserPrompt)] == prompts


def test_an_older_client_writes_the_same() -> None:
    """0.82.3, one prompt a session: a failed edit, one that works, a question, and a key that is refused."""
    found = read_on(AGENT, source_at(AGENT, recording("work", "0.82.3"))).events

    assert [prompt.text for prompt in of(found, model.UserPrompt)] == [
        "Make discount() in pricing.py return whole cents, never floats",
        "Why integers?",
        "Say it again",
    ]
    assert [(result.name, result.status) for result in of(found, model.ToolResult)] == [
        ("edit", "error"),
        ("edit", "ok"),
        ("commit", "ok"),
    ]
    assert [end.reason for end in of(found, model.TurnEnd)] == ["error"]
    assert {info.agent_version for info in of(found, model.SessionInfo)} == {"0.82.3"}


def test_tests_fail_and_pass_and_edits_fail_and_work() -> None:
    assert ended("story") == [
        ("test", TESTS, "error"),
        ("edit", "pricing.py", "ok"),
        ("commit", "git commit", "ok"),
        ("edit", "pricing.py", "error"),
        ("edit", "pricing.py", "ok"),
        ("commit", "git commit", "ok"),
        ("test", TESTS, "ok"),
    ]
    assert ended("autotest") == [
        ("edit", "pricing.py", "ok"),
        ("commit", "git commit", "ok"),
        ("test", TESTS, "error"),
        ("edit", "pricing.py", "ok"),
        ("commit", "git commit", "ok"),
    ]


def test_what_was_not_applied_is_no_edit_and_a_new_file_is_one() -> None:
    """Four failed edits, a new file without a commit, a dry run, and an edit of a file with changes of the user's own,
    which Aider commits first."""
    edits = of(events("failededit"), model.FileEdit)

    assert [(Path(edit.path).name, edit.change) for edit in edits] == [("cart.py", "add"), ("pricing.py", "modify")]
    assert [status for name, _, status in ended("failededit") if name == "edit"] == [
        *["error"] * 4,
        "ok",
        "unknown",
        "ok",
    ]
    assert [end.message for end in of(events("failededit"), model.TurnEnd)] == ["Only 3 reflections allowed, stopping."]
    assert [name for name, _, _ in ended("failededit")].count("commit") == 1


def test_what_was_undone_does_not_count() -> None:
    found = events("commands")
    [undone] = of(found, model.Retracted)
    [edit] = [event.key for event in found if isinstance(event.body, model.FileEdit)]

    assert edit in undone.keys
    assert set(undone.keys) <= {event.key for event in found}


def test_an_undo_is_what_the_user_asked_and_how_it_stands() -> None:
    found = events("commands")
    at = next(number for number, event in enumerate(found) if getattr(event.body, "command", None) == "/undo")

    assert found[at].body == model.UserPrompt(text="", command="/undo")
    removed = "Removed: c7eab23 fix: round discount to whole cents"
    assert found[at + 1].body == model.AssistantMessage(text=removed, final=True)


@pytest.mark.parametrize(
    "removed",
    ["> Removed: 1234abc Let me see.  \n> Now at:  99ffabc Cart", "> Commit `1234abc` was reset and removed from git."],
)
def test_a_commit_with_a_message_of_several_lines_is_undone(tmp_path: Path, removed: str) -> None:
    """The two blanks are only after the last line, and `Removed:` has the first alone; the second one is of 0.37.0."""
    applied = "> Applied edit to cart.py  \n> Commit 1234abc Let me see.\n\nFirst, I read it.\n</think>\n\nfix: b  \n"
    undo = (prompt("/undo"), f"{removed}  \n")
    found = events_of(tmp_path, prompt("b, please"), answer(f"Done.\n\n{BLOCK}"), applied, *undo)

    [edit] = [event.key for event in found if isinstance(event.body, model.FileEdit)]
    [undone] = of(found, model.Retracted)
    assert edit in undone.keys
    assert [result.output for result in of(found, model.ToolResult) if result.name == "commit"] == [
        "[HEAD 1234abc] Let me see."
    ]


def test_an_interrupted_answer_is_kept_as_far_as_it_came() -> None:
    found = events("interrupt")
    first, second = of(found, model.AssistantMessage)

    assert first.aborted
    assert first.text.startswith("I am thinking about a long answer")
    assert (second.text, second.aborted) == ("As I was saying.", False)
    assert [end.reason for end in of(found, model.TurnEnd)] == ["interrupted"]


@pytest.mark.parametrize(("name", "reason"), [("ratelimit", "limit"), ("quota", "error")])
def test_the_last_refusal_ends_the_turn(name: str, reason: str) -> None:
    """Aider tries again eight times and writes each refusal down."""
    [end] = of(events(name), model.TurnEnd)

    assert end.reason == reason
    assert end.message.startswith("litellm.")


@pytest.mark.parametrize(
    "line", ["Commit 0a1b2c3 Ship it", "litellm.RateLimitError: slow down", "^C again to exit", "Applied edit to b.py"]
)
def test_a_line_that_a_linter_quotes_is_no_message_of_aider(tmp_path: Path, line: str) -> None:
    output = f"> # Fix any errors below, if possible.  \n> {line}  \n> Attempt to fix lint errors? y  \n"
    found = events_of(tmp_path, prompt("Fix it"), answer("On it."), output)

    assert [message.text for message in of(found, model.AssistantMessage)] == ["On it."]
    assert of(found, model.TurnEnd) == []
    [lint] = of(found, model.ToolResult)
    assert line in lint.output


def test_the_linter_fails_with_its_output() -> None:
    [lint] = [result for result in of(events("lint"), model.ToolResult) if result.name == "lint"]

    assert lint.status == "error"
    marked = [line for line in lint.output.splitlines() if "│" in line or "█" in line]
    assert [line[0] for line in marked if "█" in line and "below" not in line] == ["6", "9"]
    assert not any("│" in line for line in marked)
    assert "flake8" in lint.subject
    assert "SyntaxError: '(' was never closed" in lint.output


def test_a_question_that_never_ends_costs_no_time(tmp_path: Path) -> None:
    question = f"> Add {'a command output to the chat? ' * 16_000}  \n"
    with costing_little():
        assert not results(events_of(tmp_path, prompt("/run make"), question))
