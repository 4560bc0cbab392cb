"""The text that every installation already has: the prose of docstrings.

The bundled model docs-lm is trained on it, and `--texts docs` samples it, so that a first study
needs no download. Files are parsed with `ast` and never imported. A document's source names the
package and the line (`numpy/linalg/_linalg.py:123`), never a place on the machine.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sysconfig
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Rule = tuple[str, re.Pattern[str], str]

STDLIB = "stdlib"
PACKAGES = (
    STDLIB,
    *("numpy", "scipy", "numba", "pyarrow", "polars", "torch", "transformers", "tokenizers"),
    *("safetensors", "altair", "rich", "cyclopts", "sklearn", "pandas", "networkx", "sympy"),
)
SKIPPED_FOLDERS = frozenset(
    {"tests", "test", "testing", "site-packages", "dist-packages", "__pycache__", "idlelib"}
    | {"lib2to3", "encodings", "_vendor", "vendored", "third_party", "externals"}
)
MAX_FILE_BYTES = 2_000_000
MIN_DOCUMENT_CHARACTERS = 200
JOINED_DOCUMENT_CHARACTERS = 1500
MIN_PARAGRAPH_CHARACTERS = 24
MIN_LEAD_IN_CHARACTERS = 80  # "For example:" without the code it announces says nothing
MIN_LETTER_SHARE = 0.86
HELD_OUT_EVERY = 50

_PROSE_DIRECTIVES = (
    r"(?:note|warning|caution|attention|important|tip|hint|danger|seealso|admonition|topic"
    r"|versionadded|versionchanged|deprecated|rubric)"
)
_BODY = r"(?:\1[ ]+\S.*(?:\n|\Z)|[ ]*\n)*"  # lines indented deeper than group 1, and blank ones
_FIELD = r"(?:param|parameter|arg|argument|key|keyword|returns?|raises?|yields?|[ic]?var)"


def _compiled(flags: re.RegexFlag, *rules: tuple[str, str, str]) -> list[Rule]:
    return [(what, re.compile(pattern, flags), new) for what, pattern, new in rules]


# (what, pattern, replacement), applied in this order to the whole docstring.
BLOCK_RULES = _compiled(
    re.MULTILINE,
    ("fenced code", r"^[ ]*(```|~~~)[\s\S]*?(?:^[ ]*\1[ ]*$|\Z)", "\n"),
    ("doctest and its output", r"^[ ]*>>>.*(?:\n[ ]*\S.*)*", "\n"),
    ("display mathematics", r"\$\$[\s\S]*?\$\$|\\\[[\s\S]*?\\\]", "\n"),
    ("prose directive", rf"^([ ]*)\.\. {_PROSE_DIRECTIVES}::[ ]*(?:[\d.]+$)?", r"\n\1  "),
    ("directive, footnote, comment", rf"^([ ]*)\.\.(?:[ ].*)?(?:\n|\Z){_BODY}", "\n"),
    ("field without prose", r"^[ ]*:(?:r?type|vartype|meta)\b[^:\n]*:.*$", "\n"),
    ("field with prose", rf"^([ ]*):{_FIELD}\b[^:\n]*:[ ]*", r"\1- "),
    ("literal block", rf"^([ ]*)(\S.*)?::[ ]*\n{_BODY}", r"\1\2:\n\n"),
    ("simple or grid table", r"^[ ]*(?:=+[ ]+=|\+[-=]+\+)[\s\S]*?(?=\n[ ]*\n|\Z)", "\n"),
    ("table row or columns", r"^[ ]*(?:\||\S.*?\S[ ]{3,}\S).*$", "\n"),
    ("box drawing", r"^.*[\u2500-\u259f].*$", "\n"),
    ("underlined heading", r"^(?:.*\n)?[ ]*([=\-~^*\"'`#+.:_])\1{2,}[ ]*$", "\n"),
    ("heading with a mark", r"^[ ]*(?:#{1,6}[ ].*|[A-Z]\w*(?:[ ]\w+)?:[ ]*)$", "\n"),
    ("google parameter", r"^([ ]*)(?:- )?[*`]*[\w.]+[*`]*[ ]\(.*?\)[*`]*[ ]*:[ ]*", r"\1- "),
    ("google name", r"^([ ]+)(?:- )?[*`]*[\w.]+[*`]*:[ ]+", r"\1- "),
    ("numpydoc parameter", r"^[ ]*[*\w`., \\]{1,60} :(?:[ ].*)?$", "\n"),
    ("bare term", r"^([ ]*)(?![-*])\S+(?:[ ]\S+){0,2}(?<![.:,;])[ ]*\n(?=\1[ ]+\S)", "\n"),
)

# Applied to one paragraph on one line; what is left is read as a sentence.
INLINE_RULES = _compiled(
    re.UNICODE,
    ("tag", r"</?[a-zA-Z][\w-]*(?: [^<>]*)?/?>(?!`)", ""),
    ("role with a target", r":[\w:+.-]+:`([^`<]+?)\s*<[^`>]*>`", r"\1"),
    ("role, last name", r":[\w:+.-]+:`~[^`]*?([^`.]+)`", r"\1"),
    ("role", r":[a-zA-Z][\w:+.-]*:`!?([^`]*)`", r"\1"),
    ("link with an address", r"`([^`<]+?)\s*<[^`>]*>`_{0,2}", r"\1"),
    ("markdown link", r"!?\[([^\]]*)\]\([^)]*\)", r"\1"),
    ("markdown reference", r"\[`~?([^`\]]*)`\]", r"\1"),
    ("old quotation marks", r"(?<![\w`])`([^`'\s][^`']*)'(?!\w)", r"'\1'"),
    ("code or reference", r"`{1,2}~?([^`]+)`{1,2}_{0,2}", r"\1"),
    ("footnote mark", r"\[#?([^\]\s]*)\]_", r"[\1]"),
    ("address", r"<?\bhttps?://[^\s>)]*>?|<?\b[\w.+-]+@[\w-]+\.[\w.-]+>?", ""),
    ("bold, italic", r"(?<![\w*])\*{1,2}([^\s*](?:[^*]*[^\s*])?)\*{1,2}(?![\w*])", r"\1"),
    ("backquote", r"`+", ""),
    ("escaped mark", r"\\([*_`]|\s)", r"\1"),
    ("white space", r"\s+", " "),
    ("space before a mark", r" ([,.;:)])(?= |$)", r"\1"),
)
_MARKUP = re.compile(r"[`*\[<\\:@]|  ")
_BULLET = re.compile(r"^[ ]*(?:[-*+•]|\d{1,2}[.)]|\(?[a-z]\))[ ]+(?=\S)")
_CODE = re.compile(r"\\[a-zA-Z]|%\(|[{}]|\w\(.*\w=|[=!<>]=|->|\$|^(?:from|import|def|class) \w+")
_NAMES = re.compile(r"\S*\w[_.]\w\S*")
_OTHER_THAN_LETTERS = re.compile(r"[\d_]|[^\w ]")


@dataclass(frozen=True)
class Document:
    """The prose of one docstring, or of several short ones of one module."""

    source: str
    text: str


def find_documents(packages: Sequence[str] = PACKAGES) -> list[Document]:
    """Documents of the installed `packages`, in the order package, path, line.

    A paragraph appears once in the whole result: what a library repeats in hundreds of places
    (transformers does) would otherwise be what a model learns. Packages not installed are skipped.
    """
    return list(_read(module_files(packages)))


def module_files(packages: Sequence[str]) -> list[tuple[Path, str]]:
    """Find the `.py` files worth reading, each with a name such as `numpy/linalg/_linalg.py`."""
    files = []
    for package in packages:
        root = _package_root(package)
        if root is None:
            continue
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root).parts
            if SKIPPED_FOLDERS.isdisjoint(parts[:-1]) and not parts[-1].startswith("test_"):
                files.append((path, "/".join((package, *parts))))
    return files


def module_documents(path: Path, name: str, seen: set[bytes]) -> list[Document]:
    """Documents of one file; paragraphs whose hash is in `seen` are left out, new ones added."""
    documents: list[Document] = []
    short: list[tuple[str, str]] = []
    for line, raw in module_docstrings(path):
        text = "\n\n".join(_unseen(clean_docstring(raw), seen))
        if len(text) >= MIN_DOCUMENT_CHARACTERS:
            documents.append(Document(f"{name}:{line}", text))
        elif text:
            short.append((f"{name}:{line}", text))
    return sorted([*documents, *_joined(short)], key=lambda document: int(document.source.rpartition(":")[2]))


def module_docstrings(path: Path) -> list[tuple[int, str]]:
    """(line, docstring) of a file; an unreadable or very large file has none.

    Strings given to calls such as numpy's `add_newdoc` and torch's `add_docstr` are docstrings
    too: those of compiled functions.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return []
        code = path.read_bytes()
        if b'"""' not in code and b"'''" not in code:
            return []  # parsing is most of the time
        with warnings.catch_warnings(action="ignore"):  # other people's escapes
            tree = ast.parse(code)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return sorted(_docstrings_of(tree))


def clean_docstring(raw: str) -> list[str]:
    """Return the paragraphs of prose in a docstring, each on one line, without markup."""
    text = inspect.cleandoc(raw)
    for _, pattern, replacement in BLOCK_RULES:
        text = pattern.sub(replacement, text)
    paragraphs = (_clean_paragraph(paragraph) for paragraph in _paragraphs(text))
    return [paragraph for paragraph in paragraphs if is_prose(paragraph)]


def is_prose(paragraph: str) -> bool:
    """Whether at least 86 % of the characters are letters or spaces, in words and not names."""
    length = len(paragraph)
    least = MIN_LEAD_IN_CHARACTERS if paragraph.endswith(":") else MIN_PARAGRAPH_CHARACTERS
    words = paragraph.count(" ") + 1
    if length < least or words < 3 or len(_NAMES.findall(paragraph)) * 2 > words:
        return False
    letters = length - len(_OTHER_THAN_LETTERS.findall(paragraph))
    return letters >= MIN_LETTER_SHARE * length and not _CODE.search(paragraph)


def is_held_out(document: Document) -> bool:
    """Whether the document is kept from training: about 2 % are, chosen by the text's SHA-256."""
    digest = hashlib.sha256(document.text.encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_EVERY == 0


def sample_documents(characters: int, seed: int, packages: Sequence[str] = PACKAGES) -> list[Document]:
    """Whole documents of files in a random order, until they have `characters` characters.

    Files are drawn before they are read, so that a sample costs its own share of the scan.
    Fewer characters only when all files together have fewer.
    """
    files = module_files(packages)
    order = np.random.default_rng(seed).permutation(len(files))
    documents: list[Document] = []
    for document in _read([files[i] for i in order]):
        if characters <= 0:
            break
        documents.append(document)
        characters -= len(document.text)
    return documents


def text_hash(documents: Sequence[Document]) -> str:
    """SHA-256 of the texts in their order: equal exactly when a model would read the same."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(document.text.encode() + b"\0")
    return digest.hexdigest()


def _read(files: Sequence[tuple[Path, str]]) -> Iterator[Document]:
    seen: set[bytes] = set()
    for path, name in files:
        yield from module_documents(path, name, seen)


def _package_root(package: str) -> Path | None:
    if package == STDLIB:
        return Path(sysconfig.get_paths()["stdlib"])
    spec = find_spec(package)
    locations = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(locations))) if locations else None


def _docstrings_of(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Docstrings at and below a module, class or function; statements only, for speed."""
    owner = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    for i, statement in enumerate(getattr(node, "body", [])):
        if not isinstance(statement, ast.Expr | ast.Assign):
            yield from _docstrings_of(statement)
        elif isinstance(statement.value, ast.Call):
            called = statement.value.func
            if "doc" in (getattr(called, "id", "") + getattr(called, "attr", "")).lower():
                yield from _strings(statement.value.args)
        elif owner and i == 0 and isinstance(statement, ast.Expr):
            yield from _strings([statement.value])


def _strings(nodes: Sequence[ast.expr]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _paragraphs(text: str) -> list[str]:
    """Lines joined while they stay at one indent; a bullet's further lines may hang deeper."""
    paragraphs: list[list[str]] = [[]]
    indent: int | None = None
    for line in text.splitlines():
        bullet = _BULLET.match(line)
        words = line[bullet.end() :] if bullet else line.strip()
        column = len(line) - len(line.lstrip())
        if not words or bullet or (indent is not None and column != indent):
            paragraphs.append([])
        if words:
            paragraphs[-1].append(words)
        indent = column if words and not bullet else None
    return [" ".join(lines) for lines in paragraphs if lines]


def _clean_paragraph(paragraph: str) -> str:
    if _MARKUP.search(paragraph):
        for _, pattern, replacement in INLINE_RULES:
            paragraph = pattern.sub(replacement, paragraph)
    return paragraph.strip()


def _unseen(paragraphs: Sequence[str], seen: set[bytes]) -> Iterator[str]:
    for paragraph in paragraphs:
        digest = hashlib.sha256(paragraph.encode()).digest()
        if digest not in seen:
            seen.add(digest)
            yield paragraph


def _joined(short: Sequence[tuple[str, str]]) -> Iterator[Document]:
    """Short docstrings of one module as documents, so that their text is not lost."""
    source, text = "", ""
    for place, words in short:
        source, text = (source, f"{text}\n\n{words}") if text else (place, words)
        if len(text) >= JOINED_DOCUMENT_CHARACTERS:
            yield Document(source, text)
            source, text = "", ""
    if len(text) >= MIN_DOCUMENT_CHARACTERS:
        yield Document(source, text)
