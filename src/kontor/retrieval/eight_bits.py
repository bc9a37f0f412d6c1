"""The same model with its large matrices in 8 bits, for those who would rather have their documents sooner.

Made from the published weights at every load, in a fifth of a second. Each column of a matrix has its own scale.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kontor.retrieval.minilm import EPSILON, HEADS, Tensor, graph_of, norm
from kontor.retrieval.onnx import FLOAT, INT8, MICROSOFT, Graph

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors

LARGEST = 127

Read = Callable[[str], "Vectors"]


def make_quick_graph(tensors: Mapping[str, Tensor], weights: Path) -> bytes:
    import numpy as np

    raw = np.memmap(weights, np.uint8, "r")

    def read(name: str) -> "Vectors":
        place = tensors[name]
        flat: Vectors = raw[place.offset : place.offset + place.length].view(np.float32)
        return flat.reshape(place.shape)

    return graph_of(tensors, weights.name, partial(_layer, read))


def _layer(read: Read, graph: Graph, at: str, state: str) -> str:
    import numpy as np

    parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([read(f"{part}.weight") for part in parts])
    bias = np.concatenate([read(f"{part}.bias") for part in parts])
    joined = graph.tensor(f"{at}.bias", FLOAT, bias.shape, bias.tobytes())
    asked = _product(graph, f"{at}.self", state, weight, joined)
    each = [f"{part}.value" for part in parts]
    graph.node("Split", [asked], each, axis=2)
    attended = graph.node("MultiHeadAttention", [*each, "", "mask"], f"{at}.attended", MICROSOFT, num_heads=HEADS)
    state = _added(read, graph, f"{at}.attention.output", attended, state)
    inner = _product(graph, f"{at}.inner", state, read(f"{at}.intermediate.dense.weight"))
    active = graph.node("BiasGelu", [inner, f"{at}.intermediate.dense.bias"], f"{at}.active", MICROSOFT)
    return _added(read, graph, f"{at}.output", active, state)


def _added(read: Read, graph: Graph, at: str, value: str, state: str) -> str:
    dense = _product(graph, f"{at}.product", value, read(f"{at}.dense.weight"), f"{at}.dense.bias")
    takes = [dense, state, *norm(f"{at}.LayerNorm")]
    return graph.node("SkipLayerNormalization", takes, f"{at}.state", MICROSOFT, epsilon=EPSILON)


def _product(graph: Graph, at: str, value: str, weight: "Vectors", bias: str = "") -> str:
    """By a matrix that is stored as (out, in)."""
    import numpy as np

    scales = (np.abs(weight).max(1) / LARGEST).astype(np.float32)
    small = np.clip(np.rint(weight.T / scales), -LARGEST, LARGEST).astype(np.int8)
    matrix = graph.tensor(f"{at}.weight", INT8, small.shape, small.tobytes())
    scale = graph.tensor(f"{at}.scales", FLOAT, scales.shape, scales.tobytes())
    return graph.node("DynamicQuantizeMatMul", [value, matrix, scale, "", bias], at, MICROSOFT)
