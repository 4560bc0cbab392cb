"""docs/errors.md has every message that the program raises, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import intraneuron
from intraneuron import errors

ROOT = Path(intraneuron.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
KINDS = {name for name in vars(errors) if name.endswith("Error")}
HOLE = "…"


def text_of(node: ast.expr | None) -> str | None:
    """Return the words of a message, with a hole for each value; None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(p.value) if isinstance(p, ast.Constant) else HOLE for p in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left), text_of(node.right)
        return None if left is None and right is None else (left or HOLE) + (right or HOLE)
    return None


PARSERS = ("There is no option ….",)
"""Sentences that are the parser's, but for their first words."""

SAID = ("settings.py", "commands/refusals.py", "commands/lists.py")
"""Files in which sentences are put together before they are raised: all their texts count."""


def messages() -> dict[str, str]:
    """Return the words of every message that is raised or made, with the place where it is known."""
    found: dict[str, str] = {}
    for file in sorted(ROOT.rglob("*.py")):
        name, tree = file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree) if name in SAID else ():
            text = text_of(node) if isinstance(node, (ast.JoinedStr, ast.Constant)) else None
            if text and " " in text:
                found.setdefault(text, f"~{name}:{getattr(node, 'lineno', 0)}")
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            found |= {text: f"{name}:{line}" for text, line in _raised(function)}
    return found


def _raised(function: ast.FunctionDef) -> Iterator[tuple[str, int]]:
    """Yield the messages of the errors that a function makes."""
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS and node.args:
            own = node.args[0]
            for value in named.get(own.id, []) if isinstance(own, ast.Name) else [own]:
                text = text_of(value)
                if text and text.strip(HOLE + " :."):
                    yield text, value.lineno


def entries() -> list[str]:
    """Return the messages of the page: what stands first, in code, in the rows of its tables."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [row.split("`")[1] for row in rows if not row.split("`")[1].isdigit()]


def fits(message: str, entry: str) -> bool:
    """Tell whether a message begins as an entry says, where holes of either stand for anything."""
    ours, theirs = (re.sub(r"\s+", " ", text).strip() for text in (message, entry))
    words = [set(re.findall(r"\w+", text)) for text in (ours, theirs)]
    if len(words[0] & words[1]) < 0.7 * len(words[1]):  # two holes could stand for each other's words
        return False
    reached = {0}  # places in the entry that a beginning of the message leads to
    for letter in ours:
        reached = _behind_holes(reached, theirs)
        if len(theirs) in reached:
            return True
        if letter == HOLE:  # anything but the rest: every place from the first on, and some words are left
            reached = set(range(min(reached, default=len(theirs)), len(theirs)))
        else:
            reached = {at + (theirs[at] != HOLE) for at in reached if theirs[at] in (letter, HOLE)}
        if not reached:
            return False
    return ours.endswith(HOLE) or len(theirs) in _behind_holes(reached, theirs)


def _behind_holes(reached: set[int], entry: str) -> set[int]:
    """Add the places behind holes of the entry, which may stand for nothing."""
    out = set(reached)
    for at in sorted(reached):
        while at < len(entry) and entry[at] == HOLE:
            at += 1
            out.add(at)
    return out


def test_every_message_is_on_the_page() -> None:
    page = entries()
    missing = {text: place for text, place in messages().items() if not any(fits(text, entry) for entry in page)}
    assert {text: place for text, place in missing.items() if not place.startswith("~")} == {}


def test_every_message_on_the_page_is_raised() -> None:
    every = list(messages())
    assert [entry for entry in entries() if not any(fits(text, entry) for text in every)] == [*PARSERS]


def test_holes_of_either_side_stand_for_anything() -> None:
    assert fits("core_tokens must be at least …, got …. Do this.", "core_tokens must be at least 20, got ….")
    assert fits("… has no layer …", "minilm has no layer …")
    assert not fits("There is no file …", "There is no study in …")
    assert not fits("… has no layer …", "There is no study in …")
