from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest

from intraneuron.kernels import compiled as module
from intraneuron.kernels import homogeneity, similarity, tails
from intraneuron.kernels.compiled import cache_folder, compiled, fingerprint, first_writable


@pytest.mark.parametrize("kernel", [homogeneity._core, similarity.gram, tails.lognormal_upper])
def test_machine_code_is_kept_in_a_folder_of_this_text_of_all_kernels(kernel: numba.core.dispatcher.Dispatcher) -> None:
    folder = cache_folder()
    assert folder.name.endswith(fingerprint(Path(homogeneity.__file__).parent))
    assert folder in Path(kernel.stats.cache_path).parents


def test_a_change_of_any_file_is_another_text(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    (tmp_path / "b.py").write_text("y = 2")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    (tmp_path / "notes.txt").write_text("no code")
    assert fingerprint(tmp_path) == before
    (tmp_path / "b.py").write_text("y = 3")
    assert fingerprint(tmp_path) != before


def test_code_of_earlier_texts_is_removed_beside_the_sources_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, shared = tmp_path / "kernels", tmp_path / "shared"
    old = [root / "kernels-0123" for root in (sources / "__pycache__", shared)]
    for folder in old:
        folder.mkdir(parents=True)
    monkeypatch.setattr(module, "__file__", str(sources / "compiled.py"))
    for setting, gone in ((str(shared), [False, False]), ("", [True, False])):
        monkeypatch.setattr(numba.config, "CACHE_DIR", setting)
        cache_folder.__wrapped__()
        assert [not folder.exists() for folder in old] == gone


def test_a_place_that_cannot_be_made_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert first_writable([tmp_path / "file" / "x", tmp_path / "y"]) == tmp_path / "y"
    assert first_writable([tmp_path / "file" / "x", tmp_path / "file" / "z"]) == tmp_path / "file" / "z"


@pytest.mark.parametrize("writable", [True, False])
def test_a_user_without_a_home_has_a_place_for_machine_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: bool
) -> None:
    def homeless() -> Path:
        msg = "Could not determine home directory."
        raise RuntimeError(msg)

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "file").write_text("in the way")
    first = tmp_path / "first" if writable else tmp_path / "file" / "x"
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(first))
    folder = cache_folder.__wrapped__()
    assert folder.is_dir()
    assert len(list((tmp_path / "temporary").iterdir())) == (not writable)


def test_other_packages_keep_their_own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", "/somewhere")

    @compiled()
    def twice(x: np.ndarray) -> np.ndarray:
        return 2 * x

    assert numba.config.CACHE_DIR == "/somewhere"
    assert isinstance(module, ModuleType)
    np.testing.assert_array_equal(twice(np.arange(3.0)), [0, 2, 4])
