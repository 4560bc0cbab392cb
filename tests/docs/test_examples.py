"""The examples in the docs run as they stand."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from intraneuron.kernels.ranks import top_down
from intraneuron.kernels.zone_tests import EXCEEDANCES

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["python.md", "errors.md"])
def test_the_python_blocks_of_a_page_run_in_order(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    found = blocks(page)
    assert found
    namespace: dict[str, object] = {"__name__": "example"}
    for number, block in enumerate(found):
        exec(compile(block, f"{page} block {number}", "exec"), namespace)


def test_no_page_names_a_file_outside_the_repository() -> None:
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CHANGELOG.md"]:
        text = page.read_text(encoding="utf-8")
        assert "../shared" not in text, page
        assert "/work/" not in text, page


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_precision_of_draws_is_the_one_that_the_formulas_state() -> None:
    text = (DOCS / "formulas.md").read_text(encoding="utf-8")
    assert f"relative standard error of about $1/\\sqrt{{{EXCEEDANCES}}}$, {100 / math.sqrt(EXCEEDANCES):.0f} %" in text


def test_the_null_sd_of_a_delta_is_the_tie_corrected_one_of_the_formulas() -> None:
    activation = np.array([[5.0, 5, 5, 4, 3, 3, 2, 1]])
    label = np.array([[0, 1, 0, 0, 1, 1, 1, 0]], dtype=np.int16)
    m, a, ties = 8, 4, np.array([3, 1, 2, 1, 1])
    stated = math.sqrt((m + 1 - (ties**3 - ties).sum() / (m * (m - 1))) / (3 * a * (m - a)))
    found = top_down(activation, label, np.array([m], np.int32), np.array([2], np.int16)).delta_std
    assert found[0] == pytest.approx([stated, stated])
    assert "no tie correction)" not in (DOCS / "formulas.md").read_text(encoding="utf-8")
