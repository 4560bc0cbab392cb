"""Texts that a reader of CSV takes for something else: formulas, missing values, quotes, line ends."""

from __future__ import annotations

HOSTILE = [
    *("=1+1", "+", "-1", "@x", '"', '""', "NA", "null", "nan", "None", "TRUE", "1", "0x1A", "1e5"),
    *(",", "a,b", " x", "x ", " ", "  ", "\n", "\r", "\r\n", "a\nb", "a\rb", "\t", "'", "\\", "\\n", "#", ";"),
    *("😀", "é", "水", "\u202e", "\u2028", "\ufeff", "<0x01>", "-", "N/A", "inf", "$1"),
]
