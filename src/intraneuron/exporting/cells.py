"""What a spreadsheet would run as a formula, made harmless."""

from __future__ import annotations

import polars as pl

_SIGN = r"[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]"
"""What begins a formula, in ASCII or full width."""

_BEHIND_BLANKS = rf"^(\s+{_SIGN})"
_WHERE_SPLIT = rf"(^|[,;|\t\r\n])([^\S\t\r\n]*{_SIGN})"
"""At the start of a cell, and behind every sign at which a spreadsheet may split one."""

UTF8_MARK = b"\xef\xbb\xbf"
"""Tells Excel that a file is UTF-8."""


def harmless(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table in whose texts an apostrophe stands before what would begin a formula; numbers stay.

    >>> harmless(pl.DataFrame({"token": ["=1+1", "a-b", "x;@y"], "z": [-1, 0, 1]})).rows()
    [("'=1+1", -1), ('a-b', 0), ("x;'@y", 1)]
    """
    texts = pl.col(pl.String)
    return frame.with_columns(texts.str.replace(_BEHIND_BLANKS, "'${1}").str.replace_all(_WHERE_SPLIT, "${1}'${2}"))
