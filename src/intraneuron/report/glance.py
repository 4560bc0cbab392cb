"""Claim and verdict side by side: what the paper says, and what this study says to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intraneuron.data.display import sentence
from intraneuron.report import wording
from intraneuron.report.markup import Html, element, join

Summary = Mapping[str, Any]


def glance(summary: Summary) -> Html:
    """Set each claim, its verdict and the numbers behind it on a card of the first screen."""
    rows = wording.key_rows(summary)
    items = [[*_said(claim, row), element("span", _numbers(row), class_="numbers")] for claim, row in rows.items()]
    return _list(items, "glance")


def claims_said(summary: Summary, *claims: str) -> Html:
    """Set the claims that a section speaks of, each with its verdict, under its heading."""
    return _list([_said(claim, row) for claim, row in wording.key_rows(summary).items() if claim in claims], "said")


def _said(claim: str, row: Mapping[str, Any]) -> list[Html]:
    return [
        element("span", f"Claim {claim}", class_="claim"),
        element("span", f"The paper: {wording.CLAIMS[claim]}", class_="paper"),
        element("strong", f"Here: {wording.said(row)}."),
    ]


def _numbers(row: Mapping[str, Any]) -> str:
    return f"{sentence(str(row['title']))}: {wording.finding(row)}"


def _list(items: list[list[Html]], look: str) -> Html:
    return element("ul", *(element("li", join(item, " ")) for item in items), class_=look) if items else Html("")
