from __future__ import annotations

from carryover.importing.specstory.blocks import ToolBlock, blocks, spoken_text


def test_rules_between_speakers_are_no_text_and_those_within_are() -> None:
    assert spoken_text("\n---\n\none\n\n---\n\ntwo\n\n---\n") == "one\n\n---\n\ntwo"


def test_thoughts_are_left_out_also_without_an_end() -> None:
    closed = "before\n<think><details>\nTool use: **Bash**\n</details></think>\nafter"

    assert list(blocks(closed)) == ["before\nafter"]
    assert list(blocks("before\n<think>\nnever ended")) == ["before"]


def test_a_tag_in_a_fenced_block_is_text() -> None:
    text = '```html\n<tool-use data-tool-type="shell" data-tool-name="x">\n```'

    assert list(blocks(text)) == [text]


def test_entities_of_names_and_summaries_are_read() -> None:
    text = (
        '<tool-use data-tool-type="shell" data-tool-name="a&amp;b">\n'
        "<details><summary>Tool use: **command** • Run command: a &amp;&amp; b</summary>\n\n</details>\n</tool-use>"
    )

    [block] = blocks(text)

    assert isinstance(block, ToolBlock)
    assert (block.kind, block.name, block.summary) == ("shell", "a&b", "Run command: a && b")
