"""What a reply decides, puts off or leaves open, and what is kept of the way to a report."""

from __future__ import annotations

import pytest

from support.conversation import Conversation, section


def asked_by_chat(question: str) -> Conversation:
    """Talk about prices, in which nothing is edited or run."""
    return Conversation().user("Help me with the prices of a tool for dental labs.").says(f"Per case fits. {question}")


@pytest.mark.parametrize(
    ("question", "puts_off"),
    [
        pytest.param("Which floor do you want?", "let me ask Tom first. meanwhile write the one pager", id="en"),
        pytest.param(
            "Welche Grenze willst du?", "das muss ich erst mit Tom klären. schreib derweil die Seite", id="de"
        ),
        pytest.param("Quel plancher veux-tu ?", "je dois demander à Tom. en attendant, écris la page", id="fr"),
        pytest.param("¿Qué mínimo quieres?", "tengo que preguntar a Tom. mientras tanto escribe la página", id="es"),
        pytest.param("Какой минимум поставить?", "сначала спрошу Тома. пока напиши страницу", id="ru"),
    ],
)
def test_a_question_whose_answer_is_put_off_stays_open(question: str, puts_off: str) -> None:
    talk = asked_by_chat(question).user(puts_off)
    talk.ran("page.md", op="edit", name="Edit").edited("page.md").says(
        "The page is drafted in `page.md`. It has two parts."
    )

    assert any(question in line for line in section(talk, title="Open questions"))


def test_without_that_the_next_request_ends_the_question() -> None:
    talk = asked_by_chat("Which floor do you want?").user("write the one pager for the third of May in a new file")
    talk.ran("page.md", op="edit", name="Edit").edited("page.md").says(
        "The page is drafted in `page.md`. It has two parts."
    )

    assert not any("Which floor" in line for line in section(talk, title="Open questions"))


def test_an_answer_counts_where_it_is_only_acknowledged() -> None:
    talk = asked_by_chat("Should we rule out hospitals for year one?").user("yes no hospitals this year").says("Noted.")

    assert section(talk, title="Decisions") == [
        "Should we rule out hospitals for year one? → yes no hospitals this year"
    ]


def test_thanks_answer_nothing() -> None:
    talk = asked_by_chat("Should we rule out hospitals for year one?").user("ok thanks").says("You are welcome.")

    assert any("hospitals" in line for line in section(talk, title="Open questions"))


def test_answers_by_number_go_with_their_questions() -> None:
    talk = Conversation().user("Outline a review of soil carbon under no-till farming.")
    talk.ran("outline.md", op="edit", name="Edit").edited("outline.md")
    talk.says(
        "It is in `outline.md`.\n\n1. Shall the review cover the tropics too?\n2. Shall depth come before policy in it?"
    )
    talk.user("1 no, temperate only. 2 yes swap")
    talk.ran("outline.md", op="edit", name="Edit").edited("outline.md").says("Both are changed. It reads better now.")
    assert "Shall depth come" in section(talk, title="Task")[1]
    talk.user("Now write the second section of it, on mechanisms").edited("outline.md").says("It has 900 words.")

    assert section(talk, title="Decisions") == [
        "Shall depth come before policy in it? → yes swap",
        "Shall the review cover the tropics too? → no, temperate only.",
    ]


def test_an_answer_in_the_first_clause_begins_no_new_task() -> None:
    talk = Conversation().user("Add rate limiting to the public API, use redis")
    talk.ran("limit.py", op="edit", name="Edit").edited("limit.py")
    talk.says("The limiter is in `limit.py`. Should limits be per API key or per IP?")
    talk.user("per key. and actually scrap redis, we don't run it in prod. do it in postgres")
    talk.ran("limit.py", op="edit", name="Edit").edited("limit.py").says(
        "Counted in Postgres now. Nothing else changed."
    )

    assert section(talk, title="Task")[0] == "Add rate limiting to the public API, use redis"
    assert section(talk, title="Decisions")[0].startswith("Should limits be per API key or per IP? → per key.")


@pytest.mark.parametrize(
    "reply", ["yes but without a table, use the Message-ID header", "oui mais sans table, utilise l'en-tête Message-ID"]
)
def test_a_yes_that_goes_on_answers_before_anything_is_done(reply: str) -> None:
    talk = Conversation().user("Find out why confirmation mails go out twice.")
    talk.ran("mail.py", op="edit", name="Edit").edited("mail.py")
    talk.says("Fixed in `mail.py`. Shall I make the job idempotent as well?").user(reply)

    assert section(talk, title="Task")[1].startswith(f'Answered "{reply}"')
    assert not any("idempotent" in line for line in section(talk, title="Open questions"))


def test_a_cause_found_on_the_way_outlasts_a_report_that_names_none() -> None:
    talk = Conversation().user("Find out why confirmation mails go out twice.")
    talk.says("The cause is `acks_late=True` together with the visibility timeout of 60 s.", final=False)
    talk.ran("settings.py", op="edit", name="Edit").edited("settings.py")
    talk.says("The timeout in `settings.py` is 600 s now, and all 5 tests pass.")

    assert section(talk, title="Findings")[0].startswith("The cause is `acks_late=True`")


def test_going_back_without_effect_is_a_failed_approach() -> None:
    talk = Conversation().user("Find out why confirmation mails go out twice.")
    talk.says("It was not `celery`: going back to 5.3 made no difference. I look at `settings.py`.", final=False)
    talk.ran("settings.py", op="edit", name="Edit").edited("settings.py").says(
        "The timeout is too short for long jobs."
    )

    assert any("made no difference" in line for line in section(talk, title="Failed approaches"))


def listed() -> Conversation:
    """Choices that were given on request, without a question which one it shall be."""
    talk = Conversation().user("Make the public API limit requests per key.")
    talk.ran("limit.py", op="edit", name="Edit").edited("limit.py").says("The limiter is in `limit.py`. It works.")
    talk.user("p95 went up by 40 ms. any idea?")
    return talk.says("Each request writes.\n\nA) batch counters in memory\nB) use an unlogged table\n\nI'd go with A.")


def test_a_pick_out_of_a_list_that_asked_nothing_is_a_decision() -> None:
    talk = listed().user("B first, if that's not enough A")
    talk.ran("b.sql", op="edit", name="Edit").edited("b.sql").says("The table is unlogged now. It takes 31 ms.")
    assert section(talk, title="Task")[1] == "Chose: B first, if that's not enough A (use an unlogged table)"
    talk.user("Now describe the limits of the public API in the README").edited("README.md").says("They are described.")

    assert "B first, if that's not enough A (use an unlogged table)" in section(talk, title="Decisions")


@pytest.mark.parametrize(
    "prompt", ["2 more things: the login page and the logout page", "A quick fix for the login page"]
)
def test_a_number_or_an_article_at_the_beginning_picks_nothing(prompt: str) -> None:
    talk = listed().user(prompt)
    talk.ran("login.py", op="edit", name="Edit").edited("login.py").says("Both pages are fixed now. They look alike.")

    assert not any("unlogged" in line for line in section(talk, title="Decisions") + section(talk, title="Task"))


def test_of_a_long_question_its_end_is_kept_beside_the_answer() -> None:
    talk = Conversation().user("The pods of the api keep restarting in staging, find out why.")
    talk.ran("kubectl top pods", "510Mi").says(
        "Since Tuesday the baseline rose from 320Mi to 500Mi, and the one change that fits that is the new cache in "
        "`src/cache.ts`, which has no bound. I can cap the cache or raise the limit. Which one?"
    )
    talk.user("cap it, 64mb. dont raise limits").edited("src/cache.ts").says("Capped at 64 MB. All tests pass.")
    talk.user("separate thing: the dashboard of the queue is empty since the metric was renamed, fix it")

    decision = section(talk, title="Decisions")[0]
    assert decision.endswith("I can cap the cache or raise the limit. Which one? → cap it, 64mb. dont raise limits")
    assert not any("keep restarting" in line for line in section(talk, title="Decisions"))


def test_an_answer_in_a_script_without_spaces_opens_with_words_of_the_question() -> None:
    talk = Conversation().user("商品検索が遅いです。原因を調べて直してください。")
    talk.edited("search.py").says("切り替えました。正規化を検索側で行うか、保存時に行うか、どちらにしますか？")
    talk.user("検索側で。保存データは触らないで").edited("search.py").says(
        "検索側で行うようにしました。速くなりました。"
    )
    talk.user("次はREADMEに制限の説明を追加してください。英語でお願いします。").edited("README.md").says(
        "追加しました。"
    )

    assert any(line.startswith("正規化を検索側で行うか") for line in section(talk, title="Decisions"))


def test_work_without_an_edit_that_was_agreed_to_is_progress() -> None:
    talk = Conversation().user("Roll the api out to staging.").says("The image is built. Shall I set it?")
    talk.user("go").ran("kubectl -n staging set image deploy/api api=api:1.14.1", "updated")
    talk.says("Rolled out. Memory sits at 380Mi after 5 minutes.")

    assert any("go → Rolled out. Memory sits at 380Mi" in line for line in section(talk, title="Progress log"))
