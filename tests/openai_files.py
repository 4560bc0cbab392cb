"""Made-up files in the documented format of OpenAI's neuron files, with a small tokenizer and its embeddings."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from safetensors.numpy import save
from tests.serving import Answer, Server
from tests.tiny_models import byte_level_tokenizer

from intraneuron.models.vocabulary import text_alone

WIDTH = 12
LISTS = "/neurons/data/related-tokens/activation-based"
WEIGHTS = "/weights"
TOKENIZER = byte_level_tokenizer()
SIZE = len(TOKENIZER)
TEXTS = [text_alone(piece) for piece in TOKENIZER.convert_ids_to_tokens(list(range(SIZE)))]
PARTIAL = "\ufffd"
"""What every part of a character decodes to."""

USABLE = [i for i, text in enumerate(TEXTS) if TEXTS.count(text) == 1 and i not in TOKENIZER.all_special_ids]
EMBEDDINGS = np.random.default_rng(0).normal(size=(SIZE, WIDTH)).astype(np.float32)


def record(layer: int, neuron: int, tokens: int = 40) -> dict[str, Any]:
    """Return the related tokens of a neuron that reads a direction of the embeddings."""
    rng = np.random.default_rng([layer, neuron])
    read = EMBEDDINGS @ rng.normal(size=WIDTH) + 0.3 * rng.normal(size=SIZE) + 20
    best = [i for i in np.argsort(-read) if i in set(USABLE)][:tokens]
    return {
        "dataclass_name": "RelatedTokens",
        "tokens": [TEXTS[i] for i in best],
        "average_activations": [round(float(read[i]), 5) for i in best],
    }


def weights(kind: type[np.floating[Any]] = np.float32) -> bytes:
    """Return a safetensors file in which the embeddings stand behind another tensor."""
    other = np.zeros((500, 40), dtype=np.float32)
    body: bytes = save({"h.0.attn.weight": other, "wte.weight": EMBEDDINGS.astype(kind), "wpe.weight": other})
    return body


def publish(server: Server, layers: tuple[int, ...] = (0, 1), neurons: int = 6, **tokens: Any) -> tuple[str, str]:
    """Serve lists, weights and tokenizer; return the options that name the server."""
    for layer in layers:
        for neuron in range(neurons):
            server.serve(f"{LISTS}/{layer}/{neuron}.json", json.dumps(record(layer, neuron, **tokens)).encode())
    server.serve(f"{WEIGHTS}/model.safetensors", weights())
    server.serve(f"{WEIGHTS}/tokenizer.json", TOKENIZER.backend_tokenizer.to_str().encode())
    return server.url + "/neurons", server.url + WEIGHTS


def replaced(server: Server, layer: int, neuron: int, answer: Answer | bytes | dict[str, Any]) -> None:
    """Serve something else as a neuron's list."""
    body = json.dumps(answer).encode() if isinstance(answer, dict) else answer
    server.serve(f"{LISTS}/{layer}/{neuron}.json", body)
