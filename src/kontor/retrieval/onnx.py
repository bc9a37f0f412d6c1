"""Writes a model in ONNX's format, as far as we need it: nodes, and tensors that lie in another file.

The format is a protocol buffer; the numbers are those of the fields in its public description (onnx.proto). Writing it
takes these few lines, where the library would bring twenty megabytes.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

IR_VERSION = 8
OPSET = 17
MICROSOFT = "com.microsoft"  # the domain of the runtime's own fused operators

FLOAT, INT8, INT32, INT64 = 1, 3, 6, 7
_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_A_FLOAT, _AN_INT, _INTS = 1, 2, 7
_IN_ANOTHER_FILE = 1

Attribute = float | int | Sequence[int]
Shape = Sequence[int | str]


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers as their two's complement
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def key(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def whole(number: int, value: int) -> bytes:
    return key(number, _VARINT) + varint(value)


def block(number: int, content: bytes | str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return key(number, _BYTES) + varint(len(raw)) + raw


def real(number: int, value: float) -> bytes:
    return key(number, _FIXED32) + struct.pack("<f", value)


@dataclass(slots=True)
class Graph:
    """Grows node by node; each says under which name its first result is known."""

    nodes: list[bytes] = field(default_factory=list)
    tensors: list[bytes] = field(default_factory=list)
    inputs: list[bytes] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)

    def node(
        self, operator: str, takes: Iterable[str], gives: str | Sequence[str], domain: str = "", **attributes: Attribute
    ) -> str:
        results = [gives] if isinstance(gives, str) else list(gives)
        parts = [block(1, name) for name in takes] + [block(2, name) for name in results]
        parts += [block(3, results[0]), block(4, operator)]
        parts += [block(5, _attribute(name, value)) for name, value in attributes.items()]
        self.nodes.append(b"".join([*parts, block(7, domain)]))
        return results[0]

    def elsewhere(self, name: str, shape: Sequence[int], *, file: str, offset: int, length: int) -> None:
        """A tensor of floats that stays where it is."""
        place = {"location": file, "offset": str(offset), "length": str(length)}
        parts = [whole(1, size) for size in shape] + [whole(2, FLOAT), block(8, name)]
        parts += [block(13, block(1, word) + block(2, value)) for word, value in place.items()]
        self.tensors.append(b"".join([*parts, whole(14, _IN_ANOTHER_FILE)]))

    def tensor(self, name: str, kind: int, shape: Sequence[int], raw: bytes) -> str:
        sizes = b"".join(whole(1, size) for size in shape)
        self.tensors.append(sizes + whole(2, kind) + block(8, name) + block(9, raw))
        return name

    def numbers(self, name: str, values: Sequence[int]) -> str:
        return self.tensor(name, INT64, [len(values)], struct.pack(f"<{len(values)}q", *values))

    def takes(self, name: str, kind: int, shape: Shape) -> None:
        self.inputs.append(_value(name, kind, shape))

    def gives(self, name: str, kind: int, shape: Shape) -> None:
        self.outputs.append(_value(name, kind, shape))

    def model(self, name: str, versions: Mapping[str, int]) -> bytes:
        graph = [block(1, node) for node in self.nodes] + [block(2, name)]
        graph += [block(5, tensor) for tensor in self.tensors]
        graph += [block(11, value) for value in self.inputs] + [block(12, value) for value in self.outputs]
        sets = [block(8, block(1, domain) + whole(2, version)) for domain, version in versions.items()]
        return b"".join([whole(1, IR_VERSION), block(2, "kontor"), block(7, b"".join(graph)), *sets])


def _attribute(name: str, value: Attribute) -> bytes:
    match value:
        case float():
            return block(1, name) + real(2, value) + whole(20, _A_FLOAT)
        case int():
            return block(1, name) + whole(3, value) + whole(20, _AN_INT)
        case _:
            return block(1, name) + b"".join(whole(8, number) for number in value) + whole(20, _INTS)


def _value(name: str, kind: int, shape: Shape) -> bytes:
    sizes = b"".join(block(1, block(2, size) if isinstance(size, str) else whole(1, size)) for size in shape)
    return block(1, name) + block(2, block(1, whole(1, kind) + block(2, sizes)))
