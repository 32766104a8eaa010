"""Finds the values of cookies as browsers and their tools export them; of any of them, the value may be the login."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.redact.values import Span, is_dummy, is_scrambled, is_type_or_state
from carryover.text.pattern import later

_SIGN_OF_OBJECT: Final = "httponly"
"""An attribute that only a cookie's object has: in extensions, Playwright, Puppeteer and Selenium."""
_AROUND: Final = 600
"""Characters between an object's value and that attribute: names, a domain, times and flags."""
_IN_OBJECT: Final = later(
    r"""["']value\\{0,8}["'][ \t\r\n]{0,4}:[ \t\r\n]{0,4}(?:\\{0,8}["']){1,3}"""
    r"""(?P<value>[^\s"'\\]{8,}+)(?=\\{0,8}["']|\Z)"""
)
_SIGNS_OF_LINE: Final = ("\tTRUE\t", "\tFALSE\t")
_IN_LINE: Final = later(
    r"\t/[^\t\n]{0,256}\t(?:TRUE|FALSE)\t-?\d{1,12}(?:\.\d{1,9})?\t[^\t\n]{1,256}\t(?P<value>\S{8,}+)"
)
"""A line of Netscape's `cookies.txt`, from its third column on."""
_ON_COMMAND_LINE: Final = later(
    r"curl[ \t][^\n;&|]{0,200}?(?<=[ \t])(?:-b[ \t]?|--cookie[ \t=])\\?[\"']?"
    r"[\w.-]{1,128}=(?P<value>[^\s\"'\\]{6,4096}(?:(?<=;)[ ][\w.-]{1,128}=[^\s\"'\\]{1,4096}){0,64})"
)
"""Of `curl -b "name=value; name=value"`; without a `=`, the word is a file's name."""

_IN_DICT: Final = later(r"cookies\\{0,7}[\"']?[ \t]?[:=][ \t]?\{(?P<pairs>[^{}]{1,4000})\}")
_PAIR: Final = later(r":[ \t]?\\{0,7}[\"'](?P<value>[^\s\"'\\]{12,4096})")
_OF_SESSION: Final = later(
    r"(?:PHPSESSID|JSESSIONID|ASP\.NET_SessionId|connect\.sid|laravel_session|\b(?:li_at|user_session|SAPISID|ct0))"
    r"[\"']?[ \t]?[=:,][ \t]?[\"']?(?P<value>[\w%.+/=-]{16,1024})"
)
"""Cookies that frameworks and sites name so."""
OF_SITES: Final = ("li_at", "user_session", "sapisid", "ct0")
"""Those of LinkedIn, GitHub, Google and X, in lower case."""

SIGNS_OF_LIST: Final = (
    *("__cf_bm=", "cf_clearance=", "guest_id=", "sessionid=", "csrftoken=", "_ga=", "ct0="),
    *("datr=", "hsid=", "bcookie=", "buvid3=", "_zap="),  # Facebook, Google, LinkedIn, Bilibili, Zhihu
)
_LIST: Final = later(r"(?<![\w.%=&?/-])(?:[\w.%-]{1,128}=[^\s;\\]{0,4096}; ?){3,}[\w.%-]{1,128}=[^\s;\\]{0,4096}")
_OF_LIST: Final = later(r"=\"?(?P<value>[^\s;\"'`<>()\[\]{}\\]{16,4096})")
"""What a browser shows of a request's cookies, with one of them that sites have for every visitor."""


def _may_name_session(text: str, lower: str) -> bool:
    if any(name in lower for name in OF_SITES) or ("%" in text and "connect.sid" in text):  # it has `s%3A` in front
        return True
    return "sessi" in lower and ("SESSI" in text or "ET_Sessi" in text or "laravel_sessi" in text)


def values_of_cookies(text: str, lower: str) -> Iterator[Span]:
    """Yields the values of the cookies in `text`; `lower` is `text` in lower case."""
    for found in _IN_OBJECT.finditer(text) if _SIGN_OF_OBJECT in lower else ():
        before = lower[max(0, found.start() - _AROUND) : found.start()]
        after = lower[found.end() : found.end() + _AROUND]
        is_secret = not (is_dummy(found["value"]) or is_type_or_state(found["value"]))
        if is_secret and (_SIGN_OF_OBJECT in before or _SIGN_OF_OBJECT in after):
            yield *found.span("value"), "cookie"
    for found in _ON_COMMAND_LINE.finditer(text) if "curl" in text else ():
        if not is_dummy(found["value"]):
            yield *found.span("value"), "cookie"
    for found in _IN_LINE.finditer(text) if any(sign in text for sign in _SIGNS_OF_LINE) else ():
        if not is_dummy(found["value"]):
            yield *found.span("value"), "cookie"
    for found in _IN_DICT.finditer(text) if "cookies" in text else ():
        for pair in _PAIR.finditer(text, *found.span("pairs")):
            if is_scrambled(pair["value"], 12) and not is_dummy(pair["value"]):
                yield *pair.span("value"), "cookie"
    for found in _LIST.finditer(text) if any(sign in lower for sign in SIGNS_OF_LIST) else ():
        for pair in _OF_LIST.finditer(text, *found.span()):
            if is_scrambled(pair["value"], 16) and not is_dummy(pair["value"]):
                yield *pair.span("value"), "cookie"
    for found in _OF_SESSION.finditer(text) if _may_name_session(text, lower) else ():
        if is_scrambled(found["value"], 16):
            yield *found.span("value"), "cookie"
