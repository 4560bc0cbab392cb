"""Vocabulary: the tokens of one tokenizer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intraneuron.data._checks import check_shape


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of one tokenizer, by token id.

    Attributes
    ----------
    token : str array, (V,)
        The token as text. A token that continues a word is written with its tokenizer's mark (``##ing``), one
        that starts a word after a space with that space.
    special : bool array, (V,)
        True for tokens that are no text: padding, separators, masks, unused slots.
    fragment : bool array, (V,)
        True for byte sequences that are no valid UTF-8 by themselves.
    form : int32 array, (V,)
        Tokens of one form (equal after stripping boundary mark, case and a common suffix) share a number.
    """

    token: np.ndarray
    special: np.ndarray
    fragment: np.ndarray
    form: np.ndarray

    def __post_init__(self) -> None:
        size = len(self.token)
        for name in ("token", "special", "fragment", "form"):
            check_shape("Vocabulary", name, getattr(self, name), (size,))

    def __len__(self) -> int:
        """Return V."""
        return len(self.token)

    def words(self, token_id: np.ndarray) -> list[str]:
        """Return the texts of some token ids, skipping padding (-1)."""
        return [str(self.token[i]) for i in np.asarray(token_id).ravel() if i >= 0]
