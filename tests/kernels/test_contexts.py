from __future__ import annotations

import numpy as np

from intraneuron.kernels.contexts import copy_around, keep_top, stretches

BEFORE, AFTER, SLOTS = 2, 1, 3


def test_stretches_are_the_runs_of_counted_positions() -> None:
    rng = np.random.default_rng(0)
    counted = rng.random((40, 12)) < 0.7
    begin, end = stretches(counted)
    for w, row in enumerate(counted):
        for p, here in enumerate(row):
            if not here:
                assert (begin[w, p], end[w, p]) == (0, 0)
                continue
            first, last = p, p
            while first > 0 and row[first - 1]:
                first -= 1
            while last + 1 < len(row) and row[last + 1]:
                last += 1
            assert (begin[w, p], end[w, p]) == (first, last + 1)


def test_a_stretch_ends_where_the_next_document_begins() -> None:
    rng = np.random.default_rng(2)
    counted, begins = rng.random((60, 12)) < 0.8, rng.random((60, 12)) < 0.3
    begin, end = stretches(counted, begins)
    for w, row in enumerate(counted):
        for p in np.flatnonzero(row):
            first, last = p, p
            while first > 0 and row[first - 1] and not begins[w, first]:
                first -= 1
            while last + 1 < len(row) and row[last + 1] and not begins[w, last + 1]:
                last += 1
            assert (begin[w, p], end[w, p]) == (first, last + 1)
    assert not begin[~counted].any()
    assert not end[~counted].any()


def test_the_windows_of_highest_activation_are_those_of_a_sort_with_what_stands_around() -> None:
    rng = np.random.default_rng(1)
    windows, length, neurons = 30, 9, 5
    values = np.round(rng.normal(size=(windows, length, neurons)), 1).astype(np.float32)  # with ties
    values[..., 4] = -1  # never above 0
    values[3:, :, 3] = -1  # in few windows
    counted = rng.random((windows, length)) < 0.8
    counted[5] = False
    begin, end = stretches(counted)
    best = np.zeros((neurons, SLOTS), dtype=np.float32)
    place = np.full((neurons, SLOTS, 2), -1)
    start = np.zeros((neurons, SLOTS), dtype=np.int32)
    around = np.full((neurons, SLOTS, BEFORE + 1 + AFTER), np.nan, dtype=np.float32)
    for w in range(windows):
        keep_top(values[w], counted[w], begin[w], end[w], w, BEFORE, AFTER, best, place, start, around)
    for n in range(neurons):
        found = []
        for w in range(windows):
            if counted[w].any():
                own = np.where(counted[w], values[w, :, n], -np.inf)
                found.append((-own.max(), w, int(own.argmax())))
        expected = [(w, p) for height, w, p in sorted(found) if height < 0][:SLOTS]
        assert [tuple(pair) for pair in place[n].tolist() if pair[0] >= 0] == expected
        for slot, (w, p) in enumerate(expected):
            assert best[n, slot] == values[w, p, n]
            first, last = max(begin[w, p], p - BEFORE), min(end[w, p], p + AFTER + 1)
            assert start[n, slot] == first
            kept = around[n, slot]
            assert kept[: last - first].tolist() == values[w, first:last, n].tolist()
            assert np.isnan(kept[last - first :]).all()
        assert not best[n, len(expected) :].any()
    assert (place[4] == -1).all()


def test_copying_takes_single_neurons_in_single_stretches() -> None:
    values = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)
    out = np.full((2, 4), np.nan, dtype=np.float32)
    where, neuron = np.array([1, 0]), np.array([2, 0])
    copy_around(values, where, neuron, np.array([1, 0], dtype=np.int32), np.array([4, 1], dtype=np.int32), out)
    assert out[0, :3].tolist() == values[1, 1:4, 2].tolist()
    assert out[1, 0] == values[0, 0, 0]
    assert np.isnan(out[0, 3])
    assert np.isnan(out[1, 1:]).all()
