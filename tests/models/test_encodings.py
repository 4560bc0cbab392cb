from __future__ import annotations

import pytest

from intraneuron.errors import DataError
from intraneuron.models.encodings import decoded

FRENCH = "Le café est très agréable en été, où l'élève étudie près de la forêt. "
GERMAN = "Die Straße über die Brücke führt nördlich an der Mühle vorbei. "
RUSSIAN = "Это довольно длинный русский текст, в котором много слов и букв. "
JAPANESE = "これは日本語の文章です。漢字とかなが混ざっています。"


def refused(*blocks: bytes) -> str:
    with pytest.raises(DataError) as caught:
        list(decoded(blocks, "The file a.txt", "iconv -f {}"))
    return str(caught.value)


def told(encoding: str, place: int = 0) -> str:
    return f"The file a.txt is not UTF-8 text (byte {place}); it looks like {encoding}. Convert it: iconv -f {encoding}"


def split(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_text_is_decoded_whatever_blocks_it_comes_in_and_without_its_mark(size: int) -> None:
    text = FRENCH + JAPANESE + "\U0001f600\ufeff\n"
    for encoding in ("utf-8", "utf-8-sig"):
        assert "".join(decoded(split(text.encode(encoding), size), "", "")) == text


@pytest.mark.parametrize("text", [FRENCH, GERMAN, "caf\u00e9 au lait"])
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_accents_of_western_europe_are_recognised(text: str, encoding: str) -> None:
    place = next(i for i, c in enumerate(text) if not c.isascii())
    assert refused(text.encode(encoding)) == told("WINDOWS-1252", place)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_text_of_several_bytes_a_letter_is_recognised_with_and_without_its_mark(encoding: str) -> None:
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    assert refused(FRENCH.encode(encoding)) == told(name)
    assert refused(("\ufeff" + JAPANESE).encode(encoding)) == told(name[:-2])


@pytest.mark.parametrize(
    ("text", "encoding"), [(RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), (JAPANESE, "shift-jis"), (JAPANESE, "euc-jp")]
)
def test_an_encoding_that_could_be_one_of_many_is_not_guessed(text: str, encoding: str) -> None:
    found = refused(text.encode(encoding))
    assert found.endswith("(byte 0). Save it as UTF-8, or convert it from the encoding that it has: iconv -f ENCODING")


@pytest.mark.parametrize("at", [0, 7, 4000])
def test_text_that_is_damaged_in_one_place_is_told_as_such(at: int) -> None:
    content = (FRENCH * 100).encode()
    place = len(FRENCH.encode()) * at
    if at < 4000:
        content, where = content[:place] + b"\xff" + content[place:], f"{place:,}"
    else:
        content, where = content + "é".encode()[:1], f"{len(content):,}"  # it ends within a letter
    assert refused(*split(content, 1001)) == (
        f"The file a.txt is not UTF-8 text (byte {where}), though most of it is. Leave out what is damaged: "
        "iconv -f UTF-8 -c"
    )


@pytest.mark.parametrize("content", [b"\0\1", b"\x7fELF\xff\0\xfe", b"text \xe9 and \0", b"PNG\0\0\0\0\0\0\0\0" * 9])
def test_bytes_with_a_nul_are_binary_whatever_else_is_in_them(content: bytes) -> None:
    assert refused(content).startswith("The file a.txt is binary, not UTF-8 text.")


def test_nothing_but_white_space_is_empty() -> None:
    for blocks in ((), (b"",), (b" \n", b"\t"), (b"\xef\xbb\xbf",)):
        assert refused(*blocks) == "The file a.txt is empty. Give a file with text."
