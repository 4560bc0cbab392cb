from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

from intraneuron.data import Partition
from intraneuron.errors import DataError


def partition(by: Literal["meaning", "activation"], label: list[list[int]], n_groups: list[int]) -> Partition:
    labels, groups = np.array(label, np.int16), np.array(n_groups, np.int16)
    return Partition(by, "given", labels, groups, groups, np.zeros(len(groups)))


WRONG: list[tuple[Any, list[int], int, str]] = [
    ("meaning", [0, 1, 1, -1], 3, "of 3 groups must be from 0 to 2, or -1, each number once or more, got -1, 0, 1 in"),
    ("meaning", [0, 2, 2, 0], 3, "of 3 groups must be from 0 to 2, or -1, each number once or more, got 0, 2 in row 1"),
    ("meaning", [0, 1, 2, 0], 2, "of 2 groups must be from 0 to 1, or -1, each number once or more, got 0, 1, 2 in"),
    ("activation", [0, 0, 1, 2], 2, r"of 2 groups must be from 0 to 1, or -1, got 0, 1, 2 in row 1\."),
    ("activation", [0, 0, -2, 1], 2, r"of 2 groups must be from 0 to 1, or -1, got -2, 0, 1 in row 1\."),
    ("activation", [0, -1, -1, -1], 0, r"of 0 groups must be -1, got -1, 0 in row 1\."),
]


@pytest.mark.parametrize(("by", "label", "n_groups", "text"), WRONG)
def test_labels_that_do_not_fit_the_number_of_groups_are_told(
    by: Any, label: list[int], n_groups: int, text: str
) -> None:
    with pytest.raises(DataError, match=f"Partition.label {text}"):
        partition(by, [[0, 0, 1, 1], label], [2, n_groups])


def test_neurons_without_groups_and_empty_segments_are_partitions() -> None:
    assert len(partition("meaning", [[-1, -1], [0, 1]], [0, 2])) == 2
    assert len(partition("activation", [[0, 3], [0, 0]], [4, 2])) == 2
    assert len(partition("meaning", [[0, 1]], [2])[:0]) == 0
