"""Stories of a project's life: what stands where in its handoff after sessions, agents, branches and days."""

from __future__ import annotations

from pathlib import Path

import pytest

from life.player import Player
from life.story import STORIES, BadStory, story_at

README = STORIES.with_name("README.md")
PATHS = sorted(STORIES.glob("*.toml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
async def test_the_handoff_says_what_the_documents_demand(path: Path, home: Path, templates: Path) -> None:
    unmet = await Player(story_at(path), home, templates).play()

    if unmet:
        pytest.fail(f"{path.name}: {len(unmet)} expectations are not met\n\n" + "\n\n".join(unmet), pytrace=False)


def test_the_example_of_the_readme_is_a_story(tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    path.write_text(README.read_text().partition("```toml\n")[2].partition("```")[0])

    assert story_at(path).expect


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[step]]\nsession = "B"\nprompt = "Hi"', "'B' is not a session"),
        ('[[step]]\nsession = "A"\nprompt = "Hi"\nlater = "soon"', "not a time"),
        ('[[step]]\nsession = "A"\ncalls = [{ run = "ls", options = ["a"] }]', "takes no options"),
        ('[[expect]]\nheading = "Tasks"\nhas = ["a"]', "'Tasks' is none of"),
        ('[[expect]]\nafter = "x"\nhas = ["a"]', "one step named 'x'"),
        ('[[expect]]\nhass = ["a"]', "hass"),
        ('[[expect]]\nheading = "Task"', "nothing is expected"),
    ],
)
def test_a_story_that_would_expect_nothing_by_mistake_is_refused(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "story.toml"
    has = "" if "[[expect]]" in text else '[[expect]]\nhas = ["a"]\n'
    steps = "" if "[[step]]" in text else '[[step]]\nsession = "A"\nprompt = "Hi"\n'
    path.write_text(f'title = "A story"\n[sessions]\nA = {{ agent = "codex" }}\n{steps}{has}{text}\n')

    with pytest.raises(BadStory, match=why):
        story_at(path)
