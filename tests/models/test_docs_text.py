"""The cleaning, the order and the drawing of the docstring corpus, on docstrings written here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from intraneuron.models import docs_text
from intraneuron.models.docs_text import (
    Document,
    clean_docstring,
    find_documents,
    is_held_out,
    is_prose,
    module_docstrings,
    module_documents,
    module_files,
    sample_documents,
    text_hash,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEFORE = "The reader meets this sentence first of all."
AFTER = "The reader meets this other sentence at the end."
LONG = "Every word of this sentence is here so that the docstring grows long enough to be a document. "


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that makes an importable package of {file name: code} and tells its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str = "made_up_package", **files: str) -> str:
        for file, code in {"__init__": "", **files}.items():
            path = tmp_path / name / (file.replace("__in__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code, encoding="utf-8")
        return name

    return make


def docstring(*paragraphs: str) -> str:
    text = "\n\n".join(paragraphs)
    return f'"""{text}"""\n'


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(">>> words\nThese are words that the console has printed for the reader", id="doctest"),
        pytest.param("```python\nthe fenced words should not stay\n\nnor these fenced words\n```", id="fence"),
        pytest.param("~~~\nthe fenced words should not stay\n~~~", id="tilde fence"),
        pytest.param(".. code-block:: python\n\n    the words of code go away\n\n    all of them", id="directive"),
        pytest.param(".. image:: a picture of words that nobody reads", id="directive without a body"),
        pytest.param(".. [1] An Author and another author, the title of a book", id="footnote"),
        pytest.param(
            "===  ===\nthe words of a  table that is simple\nhave several  columns of such words\n===  ===",
            id="table",
        ),
        pytest.param(
            "+--+--+\n& the words of a table in which every row has lines all around it &\n"
            "& and a good many words besides as such a picture would have &\n+--+--+",
            id="grid table",
        ),
        pytest.param("| words in a | markdown table |\n|---|---|\n| that goes | away too |", id="markdown table"),
        pytest.param("the option     what the option does to the words", id="columns"),
        pytest.param("│ the words inside of │ the two columns of a box │", id="box drawing"),
        pytest.param("A Heading of Many Words That Stands Alone\n---", id="heading"),
        pytest.param("## A heading of some words in another style", id="hash heading"),
        pytest.param("\\[ the words of a formula that stands alone \\]", id="display mathematics"),
        pytest.param(":type words: the name of a type of words", id="type field"),
    ],
)
def test_blocks_that_are_not_prose_go_and_their_neighbours_stay(block: str) -> None:
    assert clean_docstring(f"{BEFORE}\n\n{block}\n\n{AFTER}") == [BEFORE, AFTER]


def test_a_literal_block_goes_and_the_sentence_before_it_stays() -> None:
    raw = (
        "Call the function with one of the arguments that the table of the manual names, like this::\n\n"
        "    the words of code go away\n\n"
        f"{AFTER}"
    )
    lead_in = "Call the function with one of the arguments that the table of the manual names, like this:"
    assert clean_docstring(raw) == [lead_in, AFTER]


def test_a_short_lead_in_to_code_that_went_away_goes_too() -> None:
    assert clean_docstring(f"Here is one small example of it:\n\n>>> 1\n1\n\n{AFTER}") == [AFTER]


def test_the_body_of_a_note_stays() -> None:
    assert clean_docstring(f".. note:: {BEFORE}\n\n.. versionadded:: 1.2\n   {AFTER}") == [BEFORE, AFTER]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            f"Parameters\n----------\nx : array_like of many words, optional\n    {BEFORE}\n*args, y\n    {AFTER}",
            id="numpydoc",
        ),
        pytest.param(f"\n    Args:\n        x (int, optional): {BEFORE}\n        **options: {AFTER}\n", id="google"),
        pytest.param(
            f"Args:\n    x (`int`, *optional*, defaults to 0):\n        {BEFORE}\n\n{AFTER}",
            id="transformers",
        ),
        pytest.param(f"Returns\n-------\nmultidimensional arrays together\n    {BEFORE}\n\n{AFTER}", id="bare term"),
        pytest.param(f":param int x: {BEFORE}\n:type x: int\n:returns: {AFTER}\n:rtype: int", id="rst fields"),
    ],
)
def test_of_a_parameter_list_the_sentences_stay_and_the_names_go(raw: str) -> None:
    assert clean_docstring(raw) == [BEFORE, AFTER]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (":class:`~torch.nn.Module`", "Module"),
        (":func:`numpy.mean`", "numpy.mean"),
        (":py:meth:`the method <package.Class.method>`", "the method"),
        ("`the manual <manual.html>`_", "the manual"),
        ("`manual`_", "manual"),
        ("[the manual](https://example.org/manual)", "the manual"),
        ("[`~transformers.Trainer`]", "transformers.Trainer"),
        ("``dtype``", "dtype"),
        ("`axis`", "axis"),
        ("`quoted'", "'quoted'"),
        ("`x` of the users' own", "x of the users' own"),
        ("a lone ` mark", "a lone mark"),
        (r"log\_target", "log_target"),
        ("``dtype`` , then", "dtype, then"),
        ("https://example.org/manual online", "online"),
        ("**never**", "never"),
        ("*emphasis*", "emphasis"),
        ("the book [1]_", "the book [1]"),
        ("<b>bold</b>", "bold"),
        ("somebody@example.org and others", "and others"),
    ],
)
def test_markup_inside_a_sentence_leaves_its_text(markup: str, text: str) -> None:
    assert clean_docstring(f"The reader sees {markup} inside this sentence.") == [
        f"The reader sees {text} inside this sentence."
    ]


def test_wrapped_lines_become_one_paragraph_with_single_spaces() -> None:
    assert clean_docstring("The reader meets\n    this  sentence\n    first of all.\n\n\n    " + AFTER) == [
        "The reader meets this sentence first of all.",
        AFTER,
    ]


def test_each_item_of_a_list_is_a_paragraph_with_its_hanging_lines() -> None:
    raw = f"- {BEFORE[:20]}\n  {BEFORE[20:].strip()}\n* {AFTER}"
    assert [" ".join(item.split()) for item in clean_docstring(raw)] == [
        BEFORE[:20] + " " + BEFORE[20:].strip(),
        AFTER,
    ]


@pytest.mark.parametrize(
    "paragraph",
    [
        "too short",
        "x = 1 + 2; y = 3 * (4 - 5); z = [6, 7, 8]",
        r"the value of \alpha is the rate of the process",
        "the value of %(axis)s is put in later by the program",
        "read_csv read_parquet scan_csv scan_parquet write_csv",
    ],
)
def test_code_formulas_and_lists_of_names_are_not_prose(paragraph: str) -> None:
    assert not is_prose(paragraph)


def test_a_paragraph_appears_once_in_everything(install: Callable[..., str]) -> None:
    shared = LONG * 3
    first = install("first_package", a=docstring(shared, BEFORE), b=docstring(shared, LONG * 4))
    second = install("second_package", a=docstring(shared, LONG * 5))
    texts = [document.text for document in find_documents((first, second))]
    assert sum(text.split("\n\n").count(shared.strip()) for text in texts) == 1
    assert len(texts) == 3


def test_documents_come_in_the_order_package_path_line(install: Callable[..., str]) -> None:
    code = docstring(LONG * 3 + "One.") + "\n\ndef function():\n    " + docstring(LONG * 3 + "Two.")
    name = install(z=docstring(LONG * 3 + "Three."), a=code)
    sources = [document.source for document in find_documents((name, "a_package_that_is_not_installed"))]
    assert sources == [f"{name}/a.py:1", f"{name}/a.py:5", f"{name}/z.py:1"]


def test_no_source_and_no_text_names_a_place_on_the_machine(install: Callable[..., str], tmp_path: Path) -> None:
    documents = find_documents((install(a=docstring(LONG * 3)),))
    assert documents
    assert not any(str(tmp_path) in document.source + document.text for document in documents)
    assert not any(document.source.startswith("/") for document in documents)


def test_files_are_read_and_never_imported(install: Callable[..., str]) -> None:
    name = install(a=docstring(LONG * 3) + "raise RuntimeError\n", __init__="raise RuntimeError\n")
    assert len(find_documents((name,))) == 1
    assert name not in sys.modules


def test_tests_folders_are_left_out(install: Callable[..., str]) -> None:
    name = install(tests__in__a=docstring(LONG * 3), test_b=docstring(LONG * 4), c=docstring(LONG * 5))
    assert [file for _, file in module_files((name,))] == [f"{name}/__init__.py", f"{name}/c.py"]


def test_unreadable_and_very_large_files_have_no_docstrings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.write_text('"""Text."""\ndef broken(:\n', encoding="utf-8")
    assert module_docstrings(path) == []
    assert module_docstrings(tmp_path / "missing.py") == []
    path.write_text('"""Text."""\n', encoding="utf-8")
    assert module_docstrings(path) == [(1, "Text.")]
    monkeypatch.setattr(docs_text, "MAX_FILE_BYTES", 5)
    assert module_docstrings(path) == []


def test_docstrings_are_found_in_modules_classes_functions_and_doc_calls(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        '"""module"""\nclass A:\n    """class"""\n    async def f(self):\n        """method"""\n'
        'if True:\n    """not one"""\n    def g():\n        x = """not one"""\n'
        'add_newdoc("a", """compiled""")\nh = add_docstr(f, """also""")\nprint("""not one""")\n',
        encoding="utf-8",
    )
    assert [text for _, text in module_docstrings(path)] == [
        "module",
        "class",
        "method",
        "a",
        "compiled",
        "also",
    ]


def test_short_docstrings_of_one_module_become_one_document(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    functions = (f'def f{i}():\n    """The function of number {word} does this."""\n' for i, word in enumerate(WORDS))
    path.write_text("".join(functions), encoding="utf-8")
    (document,) = module_documents(path, "p/a.py", set())
    assert document.source == "p/a.py:2"
    assert all(f"number {word} does" in document.text for word in WORDS)


WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")


def test_the_held_out_documents_are_about_two_in_a_hundred_and_stay_the_same() -> None:
    documents = [Document(f"p/a.py:{i}", f"Text number {i}.") for i in range(5000)]
    held_out = [document for document in documents if is_held_out(document)]
    assert 60 <= len(held_out) <= 140
    assert held_out[0].text == "Text number 23."
    assert is_held_out(Document("elsewhere.py:1", held_out[0].text))


def test_a_sample_has_whole_documents_and_just_enough_characters(install: Callable[..., str]) -> None:
    name = install(**{f"m{word}": docstring(LONG * 3 + word) for word in WORDS})
    every = find_documents((name,))
    sample = sample_documents(900, 0, (name,))
    assert set(sample) <= set(every)
    assert len(sample) == 4
    assert sum(len(document.text) for document in sample[:-1]) < 900
    assert len(sample_documents(10**9, 0, (name,))) == len(every)
    assert sample_documents(0, 0, (name,)) == []


def test_a_sample_is_the_same_for_the_same_seed_and_another_for_another(install: Callable[..., str]) -> None:
    name = install(**{f"m{word}": docstring(LONG * 3 + word) for word in WORDS})
    assert sample_documents(900, 1, (name,)) == sample_documents(900, 1, (name,))
    assert len({text_hash(sample_documents(900, seed, (name,))) for seed in range(5)}) > 1


def test_a_sample_reads_only_the_files_it_needs(install: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = install(**{f"m{word}": docstring(LONG * 3 + word) for word in WORDS})
    read: list[Path] = []
    real = docs_text.module_docstrings

    def spy(path: Path) -> list[tuple[int, str]]:
        read.append(path)
        return real(path)

    monkeypatch.setattr(docs_text, "module_docstrings", spy)
    sample_documents(300, 0, (name,))
    assert len(read) < len(WORDS)


def test_the_text_hash_changes_with_a_word_and_with_the_order_but_not_with_the_source() -> None:
    one, two = Document("a.py:1", "One text."), Document("a.py:2", "Two texts.")
    assert text_hash([one, two]) == text_hash([Document("b.py:9", "One text."), two])
    assert len({text_hash([one, two]), text_hash([two, one]), text_hash([one])}) == 3
