"""Tokens of lists are found among words: as they are, without a mark, in another case, in this order."""

from __future__ import annotations

from intraneuron.sources.matching import SAID, WAYS, match


def test_a_token_is_the_word_that_is_written_like_it_before_any_other() -> None:
    found = match([" dog", "dog", "Dog"], ["Dog", "dog", " dog"])
    assert found.row.tolist() == [2, 1, 0]
    assert found.ways == {"exact": 3, "without_mark": 0, "other_case": 0, "none": 0}


def test_without_a_mark_the_word_that_has_none_itself_comes_first() -> None:
    assert match(["Ġdog"], ["▁dog", "dog"]).row.tolist() == [1]
    assert match(["##dog"], ["▁dog", "Ġdog"]).row.tolist() == [0]


def test_case_is_ignored_only_when_nothing_else_fits_and_the_first_word_counts() -> None:
    found = match([" DOG", " Cat", "STRASSE"], ["Dog", "dog", "Cat", "cat", "straße"])
    assert found.row.tolist() == [0, 2, 4]
    assert found.ways == {"exact": 0, "without_mark": 1, "other_case": 2, "none": 0}


def test_what_is_no_word_is_counted() -> None:
    found = match(["zebra", "ant"], ["ant"])
    assert found.row.tolist() == [-1, 0]
    assert found.ways["none"] == 1
    assert set(found.ways) == set(SAID) == {*WAYS, "none"}
