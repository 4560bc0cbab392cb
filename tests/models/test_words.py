from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.tiny_models import LETTERS, WORDS, loaded, tiny_bert, tiny_gpt2

from intraneuron.data import Space, Vocabulary
from intraneuron.errors import SettingError
from intraneuron.models.loading import load_model
from intraneuron.models.words import eligible_tokens, is_word, whole_words


def vocabulary(*tokens: str, special: tuple[str, ...] = (), fragment: tuple[str, ...] = ()) -> Vocabulary:
    return Vocabulary(
        np.array(tokens),
        np.array([token in special for token in tokens]),
        np.array([token in fragment for token in tokens]),
        np.zeros(len(tokens), dtype=np.int32),
    )


def words_of(*tokens: str, special: tuple[str, ...] = (), fragment: tuple[str, ...] = ()) -> list[str]:
    made = vocabulary(*tokens, special=special, fragment=fragment)
    return [str(token) for token in made.token[whole_words(made)]]


@pytest.mark.parametrize(
    "text", ["walk", "Walk", "WALK", "don't", "it’s", "well-known", "naïve", "слово", "हिंदी", "a", "A", "I", "i", "οκ"]
)
def test_words_are_letters_with_apostrophes_and_hyphens_between_them(text: str) -> None:
    assert is_word(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        "'",
        "-",
        "don'",
        "'s",
        "-known",
        "a--b",
        "2nd",
        "B2",
        "a_b",
        "walk ",
        " walk",
        "...",
        "\u0301a",
        "ab.",
    ],
)
def test_other_texts_are_no_words(text: str) -> None:
    assert not is_word(text)


def test_where_a_space_begins_a_word_tokens_without_it_are_pieces() -> None:
    found = words_of(
        " walk", "walk", "ing", " I", " a", " x", " 2", "  two", " \ufffdx", "##", " don't", " <0xE2>b", "\n"
    )
    assert found == [" walk", " I", " a", " don't"]


def test_where_marks_go_on_with_a_word_tokens_without_them_begin_one() -> None:
    found = words_of(
        "walk", "##walk", "##s", "##ing", "i", "b", "[unused1]", "3", ".", "naïve", " x", special=("[unused1]",)
    )
    assert found == ["walk", "i", "naïve"]


def test_special_tokens_and_fragments_are_no_words() -> None:
    assert words_of(" end", " word", " bro", special=(" end",), fragment=(" bro",)) == [" word"]


def test_a_vocabulary_that_marks_neither_is_refused() -> None:
    for tokens in (("walk", "ing"), ("the</w>", "ing</w>"), (" ", " 2", "##", "##2")):
        with pytest.raises(SettingError, match=r"words \(--words\) needs a tokenizer that marks where words begin"):
            whole_words(vocabulary(*tokens))


def test_the_words_of_models_are_those_of_their_tokenizers(tmp_path: Path) -> None:
    gpt2, bert = loaded(tiny_gpt2(tmp_path / "g")), loaded(tiny_bert(tmp_path / "b"))
    of_gpt2, of_bert = (
        {str(token) for token in model.vocabulary.token[whole_words(model.vocabulary)]} for model in (gpt2, bert)
    )
    assert {f" {word}" for word in WORDS} <= of_gpt2
    assert all(token.startswith(" ") for token in of_gpt2)
    assert of_bert == {word for word in [*WORDS[:4], *WORDS[5:]] if len(word) > 1} | {"a", "i"}
    assert not of_bert & set(LETTERS) - {"a", "i"}


def test_words_are_some_of_the_tokens_that_are_eligible_without() -> None:
    model = load_model("docs-lm", device="cpu")
    vector = np.ones((len(model.vocabulary), 2), dtype=np.float32)
    words = np.flatnonzero(whole_words(model.vocabulary))
    vector[words[0]] = 0
    space = Space.from_vectors("input", vector)
    every, some = (eligible_tokens(model.vocabulary, space, words=on) for on in (False, True))
    assert np.array_equal(every, ~model.vocabulary.special & space.defined)
    assert np.array_equal(np.flatnonzero(some), words[1:])
    assert 0.3 < some.sum() / every.sum() < 0.9
    texts = {str(token) for token in model.vocabulary.token[some]}
    assert {" the", " function", " returns"} <= texts
    assert not texts & {"the", "ing", " (", ".", " 1"}
