"""Texts as they lie in people's repositories, and worse, for properties that must hold for every one of them."""

from __future__ import annotations

from hypothesis import strategies as st

from carryover.publish.pointers import END, NEW_FILE, START

PIECES = (
    *(b"a", b"# Title\n", b"\n", b"\r\n", b"\r", b" ", b"    ", b"> ", b"- ", b"\xef\xbb\xbf", b"\xff\xfe", b"\0"),
    *(b"```\n", b"```", b"~~~\n", b"- ```sh\n", b"  ```\n", b"````\r\n", b"`", b"``", b"<!--", b"-->"),
    *(START, END, START + b"\n", END + b"\n", START + b"\r\n", b"@AGENTS.md\n"),
    *(NEW_FILE, NEW_FILE.replace(b"\n", b"\r\n")),
)

TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join) | st.binary(max_size=60)
"""Bytes with all line ends, byte order marks, fences open and closed, our markers whole, halved and twice."""
