"""One tensor of a safetensors file: its bytes and no others, in every number format, from a server and from a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save as save_torch
from tests.openai_files import EMBEDDINGS, weights
from tests.serving import Answer, Server, serving

from intraneuron.errors import DataError
from intraneuron.sources import tensor
from intraneuron.sources.fetching import Fetcher
from intraneuron.sources.tensor import fetch_tensor, read_tensor

NAMES = ("wte.weight", "transformer.wte.weight")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


def fetcher(cache: Path | None = None) -> Fetcher:
    return Fetcher(jobs=3, cache=cache, tries=2, back_off=0.01)


def test_only_the_header_and_the_bytes_of_the_tensor_are_asked_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor, "PIECE", 1000)
    body = weights()
    url = server.serve("/w", body)
    steps: list[tuple[int, int]] = []
    found = fetch_tensor(fetcher(), url, NAMES, told=lambda done, total: steps.append((done, total)))
    np.testing.assert_array_equal(found, EMBEDDINGS)
    length = int.from_bytes(body[:8], "little")
    start, stop = json.loads(body[8 : 8 + length])["wte.weight"]["data_offsets"]
    asked = [tuple(map(int, one["Range"].removeprefix("bytes=").split("-"))) for one in server.headers]
    assert asked[:2] == [(0, 7), (8, 7 + length)]
    pieces = sorted(asked[2:])
    assert len(pieces) > 3
    assert pieces[0][0] == 8 + length + start
    assert pieces[-1][1] == 7 + length + stop
    assert all(a[1] + 1 == b[0] for a, b in pairwise(pieces))
    assert steps[-1] == (len(pieces), len(pieces))


def test_pieces_that_came_are_kept_and_a_piece_of_another_length_is_fetched_again(
    server: Server, tmp_path: Path
) -> None:
    url = server.serve("/w", weights())
    fetch_tensor(fetcher(tmp_path), url, NAMES)
    before = server.asked["/w"]
    fetch_tensor(fetcher(tmp_path), url, NAMES)
    assert server.asked["/w"] == before
    largest = max((file for file in tmp_path.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-1])
    np.testing.assert_array_equal(fetch_tensor(fetcher(tmp_path), url, NAMES), EMBEDDINGS)
    assert server.asked["/w"] == before + 1


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_number_format_is_read_as_the_library_reads_it(server: Server, tmp_path: Path, kind: torch.dtype) -> None:
    expected = torch.from_numpy(EMBEDDINGS).to(kind)
    body = save_torch({"transformer.wte.weight": expected})
    (tmp_path / "w").write_bytes(body)
    for found in (read_tensor(tmp_path / "w", NAMES), fetch_tensor(fetcher(), server.serve("/w", body), NAMES)):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected.float().numpy())


def headed(header: bytes, rest: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + rest


BAD = {
    b"\xff" * 64: "its header would be 18,446,744,073,709,551,615 bytes long",
    headed(b"{no json"): "its header is no JSON",
    headed(b"[1, 2]"): "its header is no table",
    headed(
        b'{"__metadata__": {}, "other": {}}'
    ): "has no tensor wte.weight or transformer.wte.weight; it has 1, first other",
    headed(b'{"wte.weight": {"dtype": "I8", "shape": [2, 2], "data_offsets": [0, 4]}}'): "wte.weight is described as",
    headed(b'{"wte.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 4]}}'): "would take 4 bytes",
    headed(
        b'{"wte.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}', b"\xff" * 8
    ): "NaN or infinite",
}


@pytest.mark.parametrize("body", BAD)
def test_what_is_no_file_of_weights_is_told(server: Server, tmp_path: Path, body: bytes) -> None:
    (tmp_path / "w").write_bytes(body)
    with pytest.raises(DataError) as of_file:
        read_tensor(tmp_path / "w", NAMES)
    with pytest.raises(DataError) as of_server:
        fetch_tensor(fetcher(), server.serve("/w", body), NAMES)
    assert BAD[body] in str(of_file.value)
    assert BAD[body] in str(of_server.value)


def test_a_file_that_ends_too_early_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(weights()[:-90_000])
    with pytest.raises(DataError, match=r"it ends before wte\.weight does"):
        read_tensor(tmp_path / "w", NAMES)
    with pytest.raises(DataError, match=r"should give out bytes .* \(answer 206\)"):
        fetch_tensor(fetcher(), server.serve("/w", weights()[:-90_000]), NAMES)
    with pytest.raises(DataError, match=r"cannot be read: No such file"):
        read_tensor(tmp_path / "none", NAMES)
    with pytest.raises(DataError, match=r"answer 206\), got .* with answer 404"):
        fetch_tensor(fetcher(), server.url + "/none", NAMES)
    with pytest.raises(DataError, match="with answer 200"):
        fetch_tensor(fetcher(), server.serve("/whole", Answer(weights(), parts=False)), NAMES)
