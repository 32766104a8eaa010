from __future__ import annotations

import pytest

from carryover.distill.work.merge import work_of
from carryover.distill.work.relation import Relation, complains_again, relation_of
from carryover.model import TurnEnd, UserPrompt
from support.conversation import Conversation, project

GOAL = "Add a token-bucket rate limiter to the /login endpoint and cover it with tests."


def started() -> Conversation:
    """A goal on which the agent has worked, ending in an announcement."""
    talk = Conversation().user(GOAL)
    talk.ran("src/login.py", op="edit", name="Edit").edited("src/login.py")
    return talk.says("The limiter is in place. Next I will wire it into the middleware.")


def asked() -> Conversation:
    talk = Conversation().user(GOAL)
    talk.ran("src/login.py", op="edit", name="Edit").edited("src/login.py")
    return talk.says("The limiter is in place. Should refused requests get a 429 or a 403?")


def answered(
    talk: Conversation, prompt: str, *, edits: bool = False, chores: bool = False, says: str = "Done."
) -> Conversation:
    talk.user(prompt)
    if edits:
        talk.ran("src/login.py", op="edit", name="Edit").edited("src/login.py")
    if chores:
        talk.ran("git commit -qm wip", "[main 1a2b3c4] wip")
    return talk.says(says)


def relation(talk: Conversation, *, first: bool = False) -> Relation:
    """What the newest prompt is to the work before it."""
    newest = talk.digest.turns[-1]
    before = Conversation()
    before.digest = talk.digest
    state = work_of(project(_without_newest(talk)))
    return relation_of(newest, state.lead, first=first)


def _without_newest(talk: Conversation) -> Conversation:
    from msgspec.structs import replace

    shorter = Conversation(session=talk.session)
    shorter.digest = replace(talk.digest, turns=talk.digest.turns[:-1])
    return shorter


@pytest.mark.parametrize(
    "follow_up",
    [
        "No Redis here. Keep the buckets in memory.",
        "Kein Redis hier, halt die Eimer im Speicher.",
        "Pas de Redis ici, garde les seaux en mémoire.",
        "Nada de Redis, guarda los cubos en memoria.",
        "Без Redis, держи корзины в памяти.",
        "Redisは使わず、バケットはメモリに置いてください。",
        "不要用 Redis，桶放在内存里。",
        "Redis 없이 버킷은 메모리에 두세요.",
        "Also log refused requests to access.log",
        "the /login page stays blank after that",
        "Rename it to LoginThrottle",
        "Use 10 requests per minute for ADMIN users",
    ],
)
def test_an_ordinary_follow_up_belongs_to_the_goal(follow_up: str) -> None:
    assert relation(answered(started(), follow_up, edits=True)) == "order"


@pytest.mark.parametrize(
    "prompt",
    [
        "New task. Translate the onboarding guide in docs/guide.md to French and check every link in it.",
        "Etwas ganz anderes: schreib eine Landingpage für Feldblick mit drei Tarifen und einem kurzen FAQ-Teil.",
        "Passons à autre chose. Prépare un tableau des ventes de Nordvent par région pour la réunion de lundi.",
        "Новая задача. Подготовь отчёт по продажам Нордвент за март с графиками и краткими выводами.",
        "次のタスクです。docs/guide.md のオンボーディング資料をフランス語に翻訳して、リンクもすべて確認してください。",
    ],
)
def test_words_of_switching_before_a_whole_request_begin_something_new(prompt: str) -> None:
    assert (
        relation(answered(started(), prompt, edits=True, says="The first page is there. I go on tomorrow.")) == "goal"
    )


@pytest.mark.parametrize("prompt", ["commit this", "push it", "run the tests", "mach einen Commit", "закоммить"])
def test_an_errand_is_recognised_by_what_the_agent_ran(prompt: str) -> None:
    assert relation(answered(started(), prompt, chores=True)) == "light"


@pytest.mark.parametrize(
    "prompt", ["why is there a lock in there?", "what is left to do?", "¿cuánto tarda la prueba?", "これは何のため？"]
)
def test_a_question_that_got_words_alone_is_a_side_question(prompt: str) -> None:
    reply = "It guards the bucket. Two workers could read it at once, so a lock is taken for the moment of the update."
    assert relation(answered(started(), prompt, says=reply)) == "light"


@pytest.mark.parametrize("prompt", ["429", "the first one", "429, as the others do", "a 403 please"])
def test_a_short_reply_to_an_open_question_answers_it(prompt: str) -> None:
    assert relation(answered(asked(), prompt, edits=True)) == "answer"


def test_a_slash_command_is_an_order_and_answers_nothing() -> None:
    prompt = UserPrompt(text="429", actor="human", command="/refactor")
    assert relation(asked().event(prompt).edited("login.py").says("Refactored.")) == "order"


def test_a_reply_with_a_name_of_its_own_is_no_answer() -> None:
    assert relation(answered(asked(), "then document LoginThrottle first", edits=True)) == "order"


@pytest.mark.parametrize(
    "prompt", ["go on", "sounds good", "ok, mach weiter", "vas-y", "давай", "好的", "네, 진행해 주세요"]
)
def test_a_go_ahead_on_which_work_follows_is_consent(prompt: str) -> None:
    assert relation(answered(started(), prompt, edits=True)) == "consent"


@pytest.mark.parametrize("prompt", ["thanks!", "great work", "super, danke", "見事です"])
def test_thanks_change_nothing(prompt: str) -> None:
    assert relation(answered(started(), prompt, says="You're welcome.")) == "light"


def test_what_was_only_pasted_is_no_order() -> None:
    log = "Traceback (most recent call last):\n  File \"src/login.py\", line 7, in take\nKeyError: 'bucket'"
    assert relation(answered(started(), log, edits=True)) == "paste"


@pytest.mark.parametrize(
    "prompt",
    [
        "carry on where Claude left off",
        "Read the handoff and continue with the next action",
        "commit this",
        "run the tests",
        "weiter geht's",
        "what does this option mean?",
    ],
)
def test_the_first_prompt_of_a_later_session_that_resumes_or_runs_an_errand_is_no_goal(prompt: str) -> None:
    chores = prompt in ("commit this", "run the tests")
    talk = answered(started(), prompt, chores=chores)
    assert relation(talk, first=True) == "light"


@pytest.mark.parametrize(
    "prompt",
    [
        "It still doesn't work.", "Der Fehler ist immer noch da.", "Toujours la même erreur.", "Sigue sin funcionar.",
        "Ainda está com erro.",
        "Ancora non funziona.", "Всё ещё не работает.", "まだエラーが出ます。", "还是不行，报错。",
        "여전히 오류가 나요.",
    ],
)  # fmt: skip
def test_a_complaint_that_the_fault_is_still_there_is_reported_in_every_language(prompt: str) -> None:
    assert complains_again(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "We still need a door.",
        "It fails at night.",
        "Run the tests again",
        "Does it still fail?",
        "Maybe it still fails.",
    ],
)
def test_other_words_are_no_such_complaint(prompt: str) -> None:
    assert not complains_again(prompt)


def test_an_order_that_was_cut_off_before_anything_was_done_is_one_by_its_size() -> None:
    talk = started().user("Also log refused requests to access.log").event(TurnEnd(reason="limit", message="limit"))
    assert relation(talk) == "order"


LINKED = "Add label printing https://labels.example.org/start.html"


def test_a_link_that_the_work_did_not_know_begins_something_new_once_all_is_done() -> None:
    done = answered(started(), "wire it in", edits=True, says="It is wired in and all of it works.")

    assert relation(answered(done, LINKED, edits=True)) == "goal"


@pytest.mark.parametrize(
    "prompt",
    [
        "Add label printing http://localhost:4150/labels",
        "Still an error, see https://labels.example.org/start.html",
        "See https://limits.example.org/buckets.html for the limiter",
    ],
)
def test_a_link_to_the_work_itself_is_a_step_of_it(prompt: str) -> None:
    done = answered(started(), "wire it in", edits=True, says="It is wired in and all of the limiter works.")

    assert relation(answered(done, prompt, edits=True)) == "order"


def test_a_link_before_all_is_done_is_a_step() -> None:
    assert relation(answered(started(), LINKED, edits=True)) == "order"
    assert relation(answered(asked(), LINKED, edits=True)) == "order"
