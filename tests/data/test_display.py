"""Tokens and numbers as people see them."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.samples import HOSTILE

from intraneuron.data.display import decimals, is_defined, measure, number, p_value, percent, plain, visible

LONG = 10**9
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=6)
TRICKY = st.text(st.sampled_from(" ·\\nu0b7\n\u202e\u0301e…"), max_size=6)
ACTING = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@pytest.mark.parametrize("token", HOSTILE)
def test_no_character_that_hides_or_acts_survives(token: str) -> None:
    shown = visible(token, LONG)
    assert shown
    assert not [character for character in shown if unicodedata.category(character) in ACTING]


@given(ANY_TEXT)
def test_no_character_of_unicode_slips_through(token: str) -> None:
    for text in (visible(token, LONG), plain(token)):
        assert not [character for character in text if unicodedata.category(character) in ACTING]


@given(TRICKY | ANY_TEXT, TRICKY | ANY_TEXT)
def test_tokens_that_differ_look_different(one: str, other: str) -> None:
    if one != other and "(empty)" not in (one, other):
        assert visible(one, LONG) != visible(other, LONG)


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (" river", "·river"),
        ("  a b ", "··a b·"),
        ("   ", "···"),
        ("", "(empty)"),
        ("two\nlines\t", r"two\nlines\t"),
        ("safe\u202etxt", r"safe\u202etxt"),
        ("\ud800", r"\ud800"),
        ("\u00a0x", r"\u00a0x"),
        ("\U000e0041", r"\U000e0041"),
        ("·", r"\u00b7"),
        ("\u3164", r"\u3164"),
        (r"\n", r"\\n"),
        ("\u0301e", r"\u0301e"),
        ("e\u0301", "e\u0301"),
        ("שלום", "שלום"),
        ("水", "水"),
    ],
)
def test_a_token_is_written_as_documented(token: str, shown: str) -> None:
    assert visible(token) == shown


def test_marks_that_pile_up_are_escaped_from_the_fourth_on() -> None:
    assert visible("e" + "\u0301" * 5) == "e" + "\u0301" * 3 + r"\u0301" * 2


def test_a_long_token_is_cut_and_says_so() -> None:
    assert visible("x" * 300) == "x" * 39 + "…"


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_undefined_is_a_dash_and_never_a_number(value: float | None) -> None:
    assert not is_defined(value)
    assert {number(value), measure(value), p_value(value), percent(value)} == {"–"}


def test_a_number_that_rounds_to_zero_has_no_sign() -> None:
    assert number(-0.00001) == "0.000"
    assert number(-0.00001, signed=True) == "0.000"


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (99.96, "100"), (1234.5, "1230"), (-0.05, "−0.0500"), (1e-9, "1.00e−09")]
)
def test_an_activation_has_three_digits_at_any_size(value: float, shown: str) -> None:
    assert measure(value) == shown


def test_a_small_p_is_a_bound_and_never_zero() -> None:
    assert p_value(0.0) == "< 0.001"
    assert p_value(0.9999) == "1.000"


def test_decimals_grow_until_two_digits_show_but_not_beyond_five() -> None:
    assert [decimals(value) for value in (12.0, 0.1, 0.01, 0.001, 1e-9)] == [3, 3, 3, 4, 5]
