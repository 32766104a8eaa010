"""Characters that are not seen but change what is read: controls, direction marks, zero-width and tag characters."""

from __future__ import annotations

import re
from typing import Final

_DIRECTION: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ZERO_WIDTH: Final = r"\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
_TAGS: Final = "\U000e0000-\U000e007f"

UNSEEN: Final = re.compile(
    # Joiners belong to scripts such as Persian and to emoji; after ASCII they only hide something.
    rf"[{_DIRECTION}{_ZERO_WIDTH}{_TAGS}]|(?:(?<![^\x00-\x7f])|(?<=[\u200c\u200d]))[\u200c\u200d]"
)
"""Characters that reorder or hide text in a name or a prompt, without spaces and line ends."""

CONTROLS: Final = re.compile(r"[\u0000-\u001f\u007f-\u009f\u2028\u2029]")
"""Control characters, line ends among them."""
