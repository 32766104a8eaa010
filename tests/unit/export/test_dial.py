from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architecture.test_handoff_format import checker
from carryover.distill.handoff import MAX_TOKENS, OFFERED_TOKENS, Handoff
from carryover.distill.quotes import estimated_tokens
from carryover.distill.render import lay_out, render
from carryover.distill.trail import past_of
from carryover.distill.view import ProjectView
from carryover.export.dial import CONVERSATION_TITLE, Happened, dialed
from carryover.model import Answer, FileEdit, Question, ToolResult, TurnEnd, UserPrompt
from carryover.text.pasted import as_pasted
from support.conversation import GOAL, ROOT, Conversation, handoff, project, session, worked
from support.costs import costing_little
from unit.distill.test_render import TITLES, texts

SIZES = (600, MAX_TOKENS, 3600, 8000, 50_000)
PROSE = "The old importer divided by 100, so part {0} is in euros there and in cents in part_{0}.py. "


def newest_first(view: ProjectView, *talks: Conversation) -> Iterator[Happened]:
    views = {session.session: session for session in view.sessions}
    turns = {name: one.digest.prompts for name, one in views.items()}
    for event in sorted((event for talk in talks for event in talk.events), key=lambda event: -event.at_ms):
        yield Happened(views[event.session], turns[event.session], event.at_ms, event.body)
        turns[event.session] -= isinstance(event.body, UserPrompt)


def at(tokens: int, *talks: Conversation) -> Handoff:
    view = project(*talks)
    past = past_of(view, now_ms=max(talk.at_ms for talk in talks))
    return dialed(handoff(*talks), past, newest_first(view, *talks), tokens)


def text_at(tokens: int, *talks: Conversation) -> str:
    return render(at(tokens, *talks))


def added(tokens: int, *talks: Conversation) -> str:
    """The conversation of a handoff of this size, with each quote on one line."""
    return text_at(tokens, *talks).partition(f"\n## {CONVERSATION_TITLE}\n")[2].replace("\n- > ", " ")


def long_work(turns: int = 60) -> Conversation:
    talk = session("s1").user(GOAL)
    for number in range(turns):
        talk.user(f"Now part {number} ({chr(97 + number // 8)}{chr(97 + number % 8)}): {PROSE.format(number)}").ran(
            f"make part_{number}", f"built part_{number} in 9 s"
        )
        talk.edited(f"part_{number}.py").says(f"Part {number} is done. {PROSE.format(number) * 3}")
    return talk


@pytest.mark.parametrize("tokens", SIZES)
def test_each_size_keeps_to_its_budget_and_to_the_format_and_is_always_the_same(tokens: int) -> None:
    text = text_at(tokens, long_work())
    sections = text.partition("\n## ")[2].rpartition("\nFull history: ")[0]

    assert 0.9 * min(tokens, 9_000) < estimated_tokens(f"## {sections}") <= tokens
    assert [*checker().problems(text.encode(), tokens)] == []
    assert text == text_at(tokens, long_work())


def test_what_is_pushed_stays_as_it_is_and_begins_each_larger_size() -> None:
    pushed = handoff(long_work())
    lines = [line for line in render(pushed).splitlines() if line.startswith(("- ", "## ")) and not is_of_files(line)]

    assert text_at(MAX_TOKENS, long_work()) == render(pushed)
    for tokens in (3600, 50_000):
        larger = text_at(tokens, long_work()).partition(f"\n## {CONVERSATION_TITLE}")[0].splitlines()
        assert [line for line in larger if not is_of_files(line)][-len(lines) :] == lines


def is_of_files(line: str) -> bool:
    return line.startswith("- Files in play")


def test_each_size_holds_what_a_smaller_one_does() -> None:
    held = [set(re.findall(r"part_\d+", text_at(tokens, long_work()))) for tokens in SIZES]

    assert all(small <= large for small, large in pairwise(held))
    assert held[-1] == {f"part_{number}" for number in range(60)}


@given(said=st.lists(texts, min_size=1, max_size=6))
def test_no_text_opens_a_section_or_breaks_the_form(said: list[str]) -> None:
    talk = worked()
    for text in said:
        talk.user(text).ran(text, text).event(FileEdit(path=f"{ROOT}/{text[:40]}", change="add", diff=f"+{text}"))
        talk.event(Question(call_id="q", text=text, options=(text,))).event(
            Answer(call_id="q", question=text, text=text)
        )
        talk.says(text)
    text = text_at(8000, talk)

    assert [*checker().problems(text.encode(), 8000)] == []
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert titles == [title for title in (*TITLES, CONVERSATION_TITLE) if title in titles]


def test_what_was_said_and_done_is_told_in_order_with_who_and_which_turn() -> None:
    talk = long_work(20).user("Do not use floats: the tax office rejected them.")
    talk.ran("make check", "ImportError: no module named moneyed", status="error")
    talk.event(FileEdit(path=f"{ROOT}/tax.py", change="add", diff="@@ +1\n+def tax(cents): ...\n-gone = 1"))
    talk.event(TurnEnd(reason="interrupted")).user("Go on.").says("It is in cents now.").user("Thanks for the tax.")
    told = added(8000, talk)

    marks = (
        "- `make check` → error (turn 22)",
        "- Added `tax.py` (turn 22): def tax(cents): ...",
        "- Interrupted (turn 22)",
        "- Prompt (turn 23, ",
        "(turn 23)",
    )
    places = [told.find(mark) for mark in marks]
    assert -1 not in places
    assert places == sorted(places)
    assert "gone = 1" not in told


def test_a_plan_that_the_user_accepted_is_the_agents_and_no_paste() -> None:
    plan = "# Prices as whole cents\n\n" + "\n".join(f"{step}. Round part_{step}.py down." for step in range(40))
    talk = session("s1").user(GOAL).says("Done.").event(UserPrompt(text=f"Carry it out:\n\n{plan}", accepts_plan=True))
    for number in range(9):
        talk.user(f"And part {number}.").says(f"Part {number} is rounded.")

    told = added(8000, talk)
    assert "the agent's plan, accepted, 1," in told
    assert "pasted" not in told


def test_a_search_that_found_nothing_does_not_say_that_there_is_nothing() -> None:
    talk = worked().user("Look for it.").ran("round_sum", "No files found", op="search", name="Grep")
    talk.ran("cents", "Found 1 file\ncart.py", op="search", name="Grep").says("It is new.").user("Go on.").says("Done.")

    told = added(8000, talk)
    assert "Grep `round_sum` (turn" in told
    assert "No files found" not in told
    assert "cart.py" in told


def test_of_a_paste_the_ends_are_shown_and_all_that_is_asked_below_it() -> None:
    talk = session("s1").user(GOAL).says("Done.")
    for day in range(10, 30):
        times = (f"2026-11-{day} {6 + minute // 60:02}:{minute % 60:02}:00" for minute in range(240))
        logged = "\n".join(f"{time} INFO part_{day * step} is rounded" for step, time in enumerate(times))
        built = "\n".join(f"built name_{day}_{number} with path/of_{day}/{number}.py" for number in range(20))
        talk.user(f"{logged}\n\nWhy is it rounded up on day {day}?").ran(f"make part_{day}", built).says(f"Day {day}.")

    told, text = added(12_000, talk), text_at(12_000, talk)
    assert all(f"Why is it rounded up on day {day}?" in text for day in range(10, 30))
    assert "pasted, 10,9" in told
    assert not re.search(r"2026-11-\d\d 07:5[5-9]", told)


def test_of_a_stack_the_innermost_lines_are_shown() -> None:
    stack = [f"    at org.shop.part{step}.Total.of{step}(Total{step}.java:{step})" for step in range(20)]
    talk = session("s1").user(GOAL).ran("make jar", "\n".join(("no cents", *stack, "BUILD FAILED")), status="error")
    for number in range(30):
        talk.user(f"Run part {number}.").ran(f"make part_{number}", f"built part_{number}").says(f"Ran {number}.")

    told = added(8000, talk)
    assert "no cents ¶ at org.shop.part0.Total" in told
    assert "part1.Total.of1(Total1.java:1) ¶ … ¶ BUILD FAILED" in told


def test_what_stands_above_or_comes_again_is_not_repeated() -> None:
    warning = "DeprecationWarning: the old pricing interface goes away in version nine"
    talk = session("s1").user(GOAL)
    for number in range(30):
        talk.user(f"Run part {number}.").ran(f"make part_{number}", f"{warning}\nbuilt part_{number}").says(
            f"Ran {number}."
        )
    text = text_at(8000, talk)

    assert text.count(warning) == 1
    assert all(f"built part_{number}" in text for number in range(30))
    lines = [line for line in text.splitlines() if len(line) > 60 and not line.startswith("- Prompt")]
    assert len(set(lines)) == len(lines)


def test_of_a_prompt_that_stands_above_in_several_lines_the_beginning_is_said_again() -> None:
    asked = f"Round each part down, {', '.join(f'and part {number} of the <old> importer' for number in range(14))}."
    talk = session("s1").user(asked)
    for number in range(20):
        talk.ran(f"make part_{number}", f"built part_{number}").says(f"Ran {number}.").user(f"Run part {number}.")
    above, _, told = text_at(8000, talk).partition(f"\n## {CONVERSATION_TITLE}\n")

    assert "\n- > " in above
    assert "and part 13 of the ‹old> importer" in above
    assert "part 13" not in told.replace("part 13.", "")
    begun = "- Prompt (turn 1, 80 min earlier): Round each part down, and part 0 of the ‹old> importer"
    assert told.startswith(f"{begun} … (quoted elsewhere)\n")


def test_a_short_prompt_that_stands_above_is_said_again_whole() -> None:
    talk = session("s1").user("Do not cap it. Wire it in now.").says("It is wired in, without a cap.").user("Go on.")
    told = text_at(8000, talk).partition(f"\n## {CONVERSATION_TITLE}\n")[2]

    assert "): Do not cap it. Wire it in now.\n" in told


def test_an_edit_whose_lines_a_later_one_took_out_is_only_named() -> None:
    talk = worked().user("Round it.").event(FileEdit(path=f"{ROOT}/tax.py", change="add", diff="+okapi = 1\n+gnu = 2"))
    talk.event(FileEdit(path=f"{ROOT}/cap.py", change="add", diff="+okapi = 1\n+zebu = 4")).says("Rounded.")
    talk.user("Down.").event(
        FileEdit(path=f"{ROOT}/tax.py", change="modify", diff="-okapi = 1\n-gnu = 2\n+emu = 3")
    ).says("Down it goes.")
    for number in range(30):
        talk.user(f"Part {number}?").ran(f"make part_{number}", f"built part_{number}").says(PROSE.format(number))
    told = added(16_000, talk)

    assert "Edited `tax.py` (turn 3): emu = 3" in told
    assert "Added `tax.py` (turn 2)" in told and "gnu = 2" not in told
    assert "Added `cap.py` (turn 2): okapi = 1 ¶ zebu = 4" in told


def test_what_a_file_has_is_shown_with_its_comments_and_without_the_numbers_of_its_lines() -> None:
    setting = "[git]\n# pager = okapi-less\nuser = shop"
    numbered = "".join(f"    {number}\t{line}\n" for number, line in enumerate(setting.splitlines(), 1))
    talk = worked().user("Set it.").event(FileEdit(path=f"{ROOT}/git.toml", change="add", diff="+# editor = gnu-vi"))
    talk.ran("/etc/git.toml", numbered, op="read", name="Read").says("Set.")
    talk.user("Go on.").ran("cat shop.toml", "# zoo = gone").says("Done.")
    for number in range(30):
        talk.user(f"Part {number}?").ran(f"make part_{number}", f"built part_{number}").says(PROSE.format(number))
    told = added(16_000, talk)

    assert "Added `git.toml` (turn 2): # editor = gnu-vi" in told
    assert "[git] ¶ # pager = okapi-less ¶ user = shop" in told
    assert "`cat shop.toml` (turn 3): # zoo = gone" in told


def test_what_a_file_had_before_it_was_edited_is_not_shown() -> None:
    talk = worked().user("Look at it.").ran("cat cart.py", "okapi = round_up(cents)").says("It rounds up.")
    talk.user("Down.").edited("cart.py").says("Done.").user("And now?").ran("cat cart.py", "gnu = round_down(cents)")
    for number in range(30):
        talk.user(f"Part {number}?").ran(f"make part_{number}", f"built part_{number}").says(PROSE.format(number))
    told = added(16_000, talk)

    assert "- `cat cart.py` (turn 2, `cart.py` edited since)\n" in told
    assert "- `cat cart.py` (turn 4): gnu = round_down(cents)\n" in told


def test_a_command_keeps_its_pipes_and_ends_where_its_output_begins() -> None:
    body = "\n".join(f"print({number}, 'the part {number} of the importer')" for number in range(12))
    talk = worked().user("Count it.").ran("ls src | head -3", "cart.py").ran(f"python3 <<EOF\n{body}\nEOF", "cart.py")
    talk.says("Three.")
    for number in range(30):
        talk.user(f"Part {number}?").ran(f"make part_{number}", f"built part_{number}").says(PROSE.format(number))
    told = added(16_000, talk)

    assert "- `ls src | head -3` (turn 2)" in told
    assert " ¶ EOF ¶ → ¶ " in told


def test_a_line_of_output_that_names_nothing_new_makes_room_for_one_that_does() -> None:
    listing = "\n".join(f"ok {number} passed" for number in (1, 2, 1, 2, 1, 2)) + "\nnot ok 3 okapi"
    talk = worked().user("Run it.").ran("make check", listing).says("One fails.").user("Which?").says("The third.")
    for number in range(30):
        talk.user(f"Part {number}?").says(PROSE.format(number) * 3)
    told = added(16_000, talk)

    assert told.count("passed") == 2
    assert "okapi" in told


def test_the_last_line_offers_at_most_what_the_larger_size_holds() -> None:
    for turns in (2, 12, 25, 60):
        talk = long_work(turns)
        for _ in range(40):
            talk.ran("make everything", "\n".join(PROSE.format(at) for at in range(40)))
        pushed, larger = handoff(talk), at(OFFERED_TOKENS, talk)
        offered = re.search(
            r"`carryover handoff --tokens 8000`: (\d+)( or)? more turn", render(pushed).splitlines()[-1]
        )
        shown, more = (
            {source.turn for _, lines in lay_out(made) for _, line in lines for source in line.sources}
            for made in (pushed, larger)
        )

        assert (offered is not None) == (len(pushed.turns) > len(shown - {0}))
        assert offered is None or 0 < int(offered[1]) <= len(more - shown)
        assert "--tokens" not in render(larger)


def test_words_reach_further_back_than_what_was_done() -> None:
    talk = worked().user("The okapi must stay: the zoo asked for it.").says("It stays.")
    for number in range(30):
        talk.user(f"Now part {number}.").ran(f"make part_{number}", PROSE.format(number) * 12).says("Done.")
    told = added(3600, talk)

    assert "okapi" in text_at(3600, talk)
    assert "make part_29" in told


def test_of_an_older_prompt_the_paste_is_parted_as_lines_of_quotes_are() -> None:
    talk = worked()
    for number in range(60):
        talk.user(f"Keep list_{number}.\n\n{as_pasted(f'okapi_{number}')}").says("Done.")
    for number in range(250):
        talk.user(f"Now part {number}.").ran(f"make part_{number}", PROSE.format(number) * 30).says("Done.")

    assert "Keep list_40. ¶ (pasted, 8 characters: okapi_40)" in added(8000, talk)


def test_what_the_user_typed_stays_before_output_though_it_names_nothing() -> None:
    ruling = "And do not ship it as it is now: it has to be as we had it in May, with no new fee, and so it must stay."
    talk = worked().user(f"Now the okapi sign. {PROSE.format(0) * 3}\n\n{ruling}").says("The sign is done.")
    for number in range(24):
        each = (f"parcel{at}_{number} weighed in depot{at}_{number} by scale{at}_{number}" for at in range(30))
        talk.user(f"Now part {number} ({chr(97 + number // 8)}{chr(97 + number % 8)}): {PROSE.format(number)}")
        talk.ran(f"make part_{number}", "\n".join(each)).says(f"Part {number} is done.")

    assert ruling not in text_at(MAX_TOKENS, talk)
    assert ruling in added(5000, talk)


def test_nothing_of_a_handoff_comes_back() -> None:
    """Neither one that was printed, nor the file, nor what our own tools answered."""
    printed = text_at(8000, long_work(30))
    talk = long_work(30).user("Go on.").ran("carryover handoff --tokens 8000", printed)
    talk.ran("carryover handoff --tokens 8000 && make", printed)
    talk.ran(".carryover/handoff.md", "the okapi of the file", op="read", name="Read")
    own = ToolResult(call_id="m", name="mcp__carryover__recall", op="other", status="ok", output="the okapi of a tool")
    told = added(16_000, talk.event(own).says("I know now."))

    assert "okapi" not in told
    assert told.count("[CARRYOVER]") == 0
    assert "`carryover handoff --tokens 8000 && make` (turn 32)" in told
    assert "`carryover handoff --tokens 8000` (turn 32)" not in told
    assert len(re.findall(r"Full history", told)) == 1


def test_a_line_in_another_session_or_agent_says_so() -> None:
    first, second = (
        long_work(25),
        session("s2", hours=30, agent="codex").user("Now the importer.").edited("importer.py"),
    )
    told = added(8000, first, second.says("The importer is done."))

    assert re.search(r"^- (?:Prompt \(to claude-code|claude-code \()(?:, )?turn \d+ of s1[,)]", told, re.M)
    assert "- `make part_24` (turn 26 of s1)" in told
    assert "- Prompt (turn 1, 2 min earlier): Now the importer." in told


def test_no_more_is_read_than_fits() -> None:
    read: list[Happened] = []

    def watched(events: Iterator[Happened]) -> Iterator[Happened]:
        for event in events:
            read.append(event)
            yield event

    talk = long_work(2000)
    view = project(talk)
    dialed(handoff(talk), past_of(view, now_ms=talk.at_ms), watched(newest_first(view, talk)), 3600)

    assert 0 < len(read) < len(talk.events) / 3


def test_a_line_of_marks_that_name_nothing_costs_no_time() -> None:
    with costing_little():
        text_at(50_000, session("s1").user(GOAL).says(f"It printed this:\n{'a_/' * 20_000}"))
