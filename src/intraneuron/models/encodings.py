"""Bytes as UTF-8 text, as they are read; of what is no such text, which encoding it may have and how to convert it."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from intraneuron.errors import DataError

SAMPLE = 1 << 16
"""Bytes that an encoding is guessed from."""

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # begins like UTF-16's, so it is looked for first
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""What a text of another encoding may begin with."""

_WIDE = {"UTF-16LE": (1, 2), "UTF-16BE": (0, 2), "UTF-32LE": (1, 4), "UTF-32BE": (0, 4)}
"""Where the NUL bytes of Latin letters stand, in encodings of several bytes a character: place and width."""


def decoded(blocks: Iterable[bytes], name: str, convert: str) -> Iterator[str]:
    """Yield UTF-8 text, block by block and without its mark at the beginning.

    Parameters
    ----------
    blocks : iterable of bytes
        Blocks of any size.
    name : str
        Begins the sentence of an error, e.g. ``The file a.txt``.
    convert : str
        A command that makes UTF-8 of it, with ``{}`` for the encoding that it has.

    Raises
    ------
    DataError
        When the bytes are binary, of another encoding, or nothing but white space.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    block, read, begun, blank = b"", 0, False, True
    try:
        for block in blocks:
            if read == 0:
                _check_mark(block, name, convert)
            if b"\0" in block:
                raise _with_nul(block, name, convert)
            kept = len(decoder.getstate()[0])
            text = decoder.decode(block)
            read += len(block)
            if text and not begun:
                begun, text = True, text.removeprefix("\ufeff")
            blank = blank and not text.strip()
            yield text
        kept = len(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _not_utf8(block, read - kept + error.start, name, convert) from error
    if blank:
        msg = f"{name} is empty. Give a file with text."
        raise DataError(msg)


def _check_mark(block: bytes, name: str, convert: str) -> None:
    """Raise DataError for text that says by its first bytes that it is of another encoding."""
    for mark, encoding in _MARKS.items():
        if block.startswith(mark):
            raise _encoded(0, encoding, name, convert)


def _with_nul(block: bytes, name: str, convert: str) -> DataError:
    """Return the error for bytes with a NUL: they are binary, or every letter is several bytes."""
    for encoding, (first, width) in _WIDE.items():
        sample = block[: min(SAMPLE, len(block) // width * width)]
        letters = len(sample) // width
        if letters >= 4 and 2 * sample[first::width].count(0) > letters and _is_text(sample, encoding):
            return _encoded(0, encoding, name, convert)
    msg = f"{name} is binary, not UTF-8 text. Texts are UTF-8 files, folders of them, or docs."
    return DataError(msg)


def _is_text(sample: bytes, encoding: str) -> bool:
    """Tell whether nearly everything is printed when bytes are read in an encoding."""
    text = sample.decode(encoding, errors="replace")
    return sum(c.isprintable() or c.isspace() for c in text) >= 0.95 * len(text) and "\ufffd" not in text[:-1]


def _not_utf8(block: bytes, place: int, name: str, convert: str) -> DataError:
    """Return the error for bytes that are no UTF-8 from a place on, with the encoding that they look like.

    Where most bytes beyond ASCII are good UTF-8, some are damaged. Few of them among many others are accents of Western
    Europe. Anything else could be one of many encodings.
    """
    sample = block[:SAMPLE]
    read = sample.decode("utf-8", errors="replace")
    damaged = read.count("\ufffd")
    if sum(c >= "\x80" for c in read) > 2 * damaged:
        msg = (
            f"{name} is not UTF-8 text (byte {place:,}), though most of it is. Leave out what is damaged: "
            f"{convert.format('UTF-8 -c')}"
        )
        return DataError(msg)
    foreign = sum(byte >= 0x80 for byte in sample)
    if 5 * foreign < len(sample) and "\ufffd" not in sample.decode("cp1252", errors="replace"):
        return _encoded(place, "WINDOWS-1252", name, convert)
    msg = (
        f"{name} is not UTF-8 text (byte {place:,}). Save it as UTF-8, or convert it from the encoding that it has: "
        f"{convert.format('ENCODING')}"
    )
    return DataError(msg)


def _encoded(place: int, encoding: str, name: str, convert: str) -> DataError:
    msg = f"{name} is not UTF-8 text (byte {place:,}); it looks like {encoding}. Convert it: {convert.format(encoding)}"
    return DataError(msg)
