"""How tokens and numbers are written for people: in terminals, figures and pages alike.

A token comes from a model's vocabulary and can be anything: a line break, a terminal escape sequence, a mark
that turns the reading direction. Written by :func:`visible` it is one line of harmless text, and tokens that differ
look different.
"""

from __future__ import annotations

import math
import unicodedata
from decimal import Decimal

UNDEFINED = "–"
SPACE = "·"
ELLIPSIS = "…"
LATIN = 0x24F  # fonts for what lies beyond (CJK, say) are not on every machine
MORE_DECIMALS = 2

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols without any ink


def visible(token: str, limit: int = 40) -> str:
    r"""Write a token so that all of it can be seen, and none of it can act.

    Spaces at the start and end become ``·``. Control, bidirectional, private and unassigned characters, other
    spaces, lone surrogates, and marks with nothing to stand on become escapes such as ``\u202e``; a backslash is
    doubled. More than ``limit`` characters are cut, with ``…``; the empty token is ``(empty)``.

    >>> visible(" river")
    '·river'
    >>> visible("a\u202eb\x1b[31m")
    'a\\u202eb\\u001b[31m'
    """
    if not token:
        return "(empty)"
    core = token.strip(" ")
    lead = len(token) - len(token.lstrip(" ")) if core else len(token)
    tail = len(token) - lead - len(core)
    written = plain(core.replace("\\", "\\\\")).replace(SPACE, r"\u00b7")
    text = SPACE * lead + written + SPACE * tail
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def with_codes(token: str, limit: int = 40) -> str:
    """Write a token, and behind it the code points of letters for which a machine may have no font.

    >>> with_codes(" river"), with_codes("水"), with_codes("café")
    ('·river', '水 (U+6C34)', 'café')
    """
    shown = visible(token, limit)
    letters = (one for one in shown if ord(one) > LATIN and unicodedata.category(one)[0] in "LM")
    codes = " ".join(f"U+{ord(letter):04X}" for letter in letters)
    return f"{shown} ({codes})" if codes else shown


def needs_fonts(token: str) -> bool:
    """Tell whether a token has letters for which a machine may have no font."""
    return with_codes(token) != visible(token)


def plain(text: str) -> str:
    r"""Write a name or a sentence with hidden characters as escapes, spaces kept.

    >>> plain("two\nlines")
    'two\\nlines'
    """
    return "".join(
        _escape(character) if _is_hidden(character, text[max(0, index - 3) : index]) else character
        for index, character in enumerate(text)
    )


def _is_hidden(character: str, before: str) -> bool:
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Mc"):  # a mark needs a letter, and more than three pile up over other lines
        kinds = [unicodedata.category(one)[0] for one in before]
        return not kinds or kinds[-1] not in "LMS" or kinds == ["M"] * 3
    return character in _BLANK or (category in _HIDDEN and character != " ")


def _escape(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def is_defined(value: float | None) -> bool:
    """Tell whether a number can be shown: neither None nor NaN nor infinite.

    >>> is_defined(float("nan")), is_defined(None), is_defined(0.0)
    (False, False, True)
    """
    return value is not None and math.isfinite(value)


def number(value: float | None, digits: int = 3, signed: bool = False) -> str:
    """Write a number with fixed decimals; undefined is a dash, never 0.

    >>> number(0.0414), number(-0.0414, 2), number(float("nan")), number(0.2, 1, signed=True)
    ('0.041', '−0.04', '–', '+0.2')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def decimals(*values: float | None) -> int:
    """Return how many decimals show at least two digits of the largest of some numbers: three to five.

    >>> decimals(0.04, 0.001), decimals(0.0041, None), decimals(float("nan")), decimals(0.0)
    (3, 4, 3, 3)
    """
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return 3 if largest == 0 else min(5, max(3, 1 - math.floor(math.log10(largest))))


def decimals_of_difference(first: float | None, second: float | None, difference: float | None) -> int:
    """Return the decimals with which first − second = difference as written: of :func:`decimals`, or up to two more.

    >>> decimals_of_difference(0.05, 0.03, 0.02), decimals_of_difference(0.01936, 0.01258, 0.00678)
    (3, 4)
    """
    least = decimals(first, second)
    if first is None or second is None or difference is None or not math.isfinite(first - second + difference):
        return least
    tried = range(least, least + MORE_DECIMALS + 1)
    fitting = (d for d in tried if number(difference_as_written(first, second, d), d) == number(difference, d))
    return next(fitting, tried[-1])


def difference_as_written(first: float, second: float, digits: int) -> float:
    """Take a number from another, both rounded as they are written.

    >>> difference_as_written(0.0385514, 0.0301356, 4), 0.0385514 - 0.0301356 < 0.00845
    (0.0085, True)
    """
    return float(Decimal(f"{first:.{digits}f}") - Decimal(f"{second:.{digits}f}"))


def measure(value: float | None) -> str:
    """Write an activation with three significant digits, whatever its size.

    >>> measure(1.23456), measure(0.000123456), measure(12345.6), measure(None)
    ('1.23', '0.000123', '12300', '–')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}".replace("-", "−")
    rounded = float(f"{value:.3g}")
    places = max(0, 2 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{places}f}".replace("-", "−")


def p_value(value: float | None) -> str:
    """Write a p or q; very small ones as a bound.

    >>> p_value(0.0312), p_value(0.00002), p_value(float("nan"))
    ('0.031', '< 0.001', '–')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def percent(value: float | None) -> str:
    """Write a share.

    >>> percent(0.253), percent(None)
    ('25.3 %', '–')
    """
    return UNDEFINED if value is None or not math.isfinite(value) else f"{100 * value:.1f} %"


def sentence(text: str) -> str:
    """Start with a capital letter.

    >>> sentence("near in meaning")
    'Near in meaning'
    """
    return text[:1].upper() + text[1:]
