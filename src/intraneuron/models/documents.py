"""Documents: read one by one from whatever texts there are, and the hash that says which they were."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

from intraneuron.errors import SettingError
from intraneuron.models.docs_text import sample_documents
from intraneuron.models.hub_texts import PREFIX, read_dataset
from intraneuron.models.pieces import pieces
from intraneuron.models.text_files import read_path
from intraneuron.settings import amount_from

SAMPLE = 4_000_000
"""Characters of ``--texts docs``."""

OWN = "self:"
"""What a text begins with that the model writes itself."""


def own_tokens(texts: Sequence[str]) -> int | None:
    """Return how many tokens the model is to write, None when texts are others'.

    Raises
    ------
    SettingError
        For no number of tokens, or other texts beside it.

    >>> own_tokens(["self:1.5M"]), own_tokens(["docs"])
    (1500000, None)
    """
    own = [text for text in texts if f"{text}:".startswith(OWN)]
    if not own:
        return None
    if len(texts) > 1:
        other = next((text for text in texts if text != own[0]), own[0])
        msg = f"texts (--texts) {own[0]} stands alone, got {other} as well. Leave one of them out."
        raise SettingError(msg)
    return amount_from(f"texts (--texts) {OWN}", own[0][len(OWN) :])


def read_texts(texts: Sequence[str], seed: int, *, field: str = "text", characters: int = SAMPLE) -> Iterator[str]:
    """Read files and folders, or sample ``docs``, as documents, one after the other as they are asked for.

    A file, or a record of a .jsonl or .parquet file, is one document, but one of twice PIECE characters or more is cut
    at blank lines (lines or spaces where there are none) into pieces of about PIECE characters, so that a single book,
    too, makes balanced shards and halves. A folder is read recursively in the order of paths; hidden, empty and binary
    files in it are passed over, and so are studies and exports of this package.

    Parameters
    ----------
    texts : paths, ``-`` for standard input, ``hf:ID`` for a dataset, or ``docs`` for docstrings of the packages on this
        machine
    seed : int
        Which docstrings are drawn.
    field : str
        Field of a .jsonl file, and column of a .parquet file or a dataset, that holds the text.
    characters : int
        How much of ``docs`` is drawn.

    Raises
    ------
    DataError
        When something cannot be read.
    """
    for text in texts:
        if text == "docs":
            yield from (document.text for document in sample_documents(characters, seed))
        elif text.startswith(PREFIX):
            for row in read_dataset(text, field):
                yield from pieces((row,))
        else:
            for whole in read_path(text, field):
                yield from pieces(whole)


class TextHash:
    """The hash of documents, added one by one: that of the list of them as JSON, :func:`intraneuron.files.fingerprint`.

    A document that was cut counts with the tokens that are left of it.
    """

    def __init__(self) -> None:
        self._digest, self._before = hashlib.sha256(), "["

    def add(self, document: str, cut: int | None = None) -> None:
        """Add a document; ``cut`` is how many of its tokens were read, when it was cut."""
        item = json.dumps(document if cut is None else [document, cut])
        self._digest.update(f"{self._before}{item}".encode())
        self._before = ", "

    def value(self) -> str:
        """Return the hash of what was added."""
        end = self._digest.copy()
        end.update(b"[]" if self._before == "[" else b"]")
        return end.hexdigest()[:16]
