"""English."""

from __future__ import annotations

from dialogue.phrases.bank import Ask, Phrases

ENGLISH = Phrases(
    goal=(
        "Please build an export for {x}: one CSV file per month, and a button for it on the overview page.",
        "We need to get {x} off the old job queue. Move it to the new scheduler and drop what nothing calls any more.",
        "Make the {x} page load faster.",
    ),
    switch=("Okay, something else now. ", "Let's leave that there. New topic: ", "Different request: "),
    rule=(
        "One thing that holds throughout: {x} stays as it is.",
        "And please never call {x} from the request handlers.",
        "We can't have more than one {x} per customer, so plan for that.",
    ),
    correction=(
        "No, that's not what I meant. The limit belongs in {x}, not in the controller.",
        "Wrong place, I was talking about {x}. Put it there.",
    ),
    bug=(
        "I just tried it and {x} comes back empty when the account is new. Can you look into that?",
        "{x} crashes as soon as I open the second tab.",
        "Since your change {x} shows the wrong total.",
    ),
    substep=(
        "Add a test for {x} as well.",
        "Give {x} a settings section of its own.",
        "Could you also rename the old helper to {x}?",
    ),
    redirect=(
        "Wait, stop. Do {x} first, the rest can follow.",
        "Hold on, leave that. Look at {x} before you go any further.",
    ),
    go_ahead=("Sounds good, go ahead.", "Yes, do that next.", "ok"),
    commit=("commit this please", "Please commit and push."),
    run_tests=("Run the tests again.", "can you run the whole suite once?"),
    side_question=("Quick question, what does {x} stand for?", "By the way, who maintains {x} these days?"),
    thanks=("Thanks, that's great.", "Nice work, thank you!"),
    hello=("Hi there", "Good morning!"),
    resume=("continue", "Please pick up where we left off.", "Go on with the work."),
    confirm=("Yes, from here please.", "yes"),
    output_lead=("This is what the nightly run printed:", "I get this:"),
    mail_lead=("This mail came in:", "A customer wrote to us:"),
    report_lead=("The other agent wrote this:", "Here is what the review said:"),
    look_at_it=("Can you have a look?", "Please take care of it."),
    done=(
        "{t} is split up now and all callers use the new parts.",
        "I went through {t} and tidied up the loading code.",
        "The change to {t} is in and the page behaves again.",
    ),
    looked=("I have read through {t} so far.", "I looked at how {t} works today."),
    aside=("The diff is small.", "It touches three files."),
    acknowledged=("Understood, I will stick to that.", "Noted."),
    announce=(
        "Next I'll move {x} over to the new client.",
        "After that comes {x}. It still uses the old format.",
        "What remains is {x}; I would take that up next.",
    ),
    found=(
        "The cause was {x}. It dropped the time zone on every write.",
        "It turned out that {x} is called twice per request.",
        "The numbers were off because {x} rounds before it sums.",
    ),
    dead_end=(
        "I first tried {x}, but it ran into deadlocks under load, so I took it out again.",
        "{x} did not work out: it cannot read compressed files.",
        "Going through {x} was a dead end, the interface is too slow for that.",
    ),
    doing=(
        "Now I'm adapting the callers of {x}.",
        "I'm on {x} right now. Reading works, writing is still missing.",
        "Let me rewrite the loader of {x} now.",
    ),
    asks=(
        Ask("Should I delete {x} as well?", ("Yes, please.", "no, leave it in for now")),
        Ask(
            "For {x} there are two ways: a background job, or a cache in front of it. Which one do you prefer?",
            ("The background job.", "the second one"),
        ),
        Ask(
            "Where should {x} live, in the shared library or in the service itself?",
            ("In the library.", "in the service itself"),
        ),
    ),
    side_answer=("{x} is the name of the old billing gateway.", "{x} belongs to the platform group."),
    committed=("Committed and pushed.", "Done, it is committed."),
    tested=("All 84 tests pass.", "The suite is green."),
    welcome=("You're welcome.", "Glad to hear that."),
    standing=(
        "So far {t} is being reworked, and part of it is done.",
        "The work is about {t}; the last session stopped halfway.",
    ),
    continue_question=(
        "Do you want to continue from here, or are you starting something different?",
        "Shall I carry on from there, or is there something else you'd like to do?",
    ),
    mail="From: Dana Whitlock <dana@example.com>\nTo: dev@example.com\nSubject: {x}\n\nHello all,\n"
    "the customers ask about {x} again. We should have an answer ready by Friday.\nRegards\nDana",
    report="I looked at the repository. Here is what I noticed:\n\n- {x} is loaded twice\n"
    "- the cache is never emptied\n- two tests are switched off\n\nWould you like me to fix {x} first?",
)
