"""Write where each tensor lies in EfficientNet-lite0's checkpoint, so that it is never unpickled.

    python -m tools.build_builtin.pth_table        # needs torch

The checkpoint's SHA-256 is pinned, so byte offsets found once hold for ever. A tensor's bytes are searched for
in the file: whichever place is found holds exactly these bytes. Convolutions were converted from TensorFlow and
are stored with their axes in another order, hence the strides.
"""

import json

import torch

from tools.fetch_weights import FOLDER as WEIGHTS

TABLE = WEIGHTS.parent / "efficientnet-lite0.json"


def main() -> None:
    """Write the table: name -> [offset in bytes, shape, strides in elements], float32 little-endian."""
    path = WEIGHTS / "efficientnet-lite0.pth"
    data = path.read_bytes()
    table = {}
    for name, tensor in torch.load(path, map_location="cpu", weights_only=True).items():
        if tensor.dtype != torch.float32:
            continue  # counters of the batch norms
        stored = bytes(tensor.untyped_storage().tolist())
        offset = data.find(stored)
        if offset < 0:
            raise SystemExit(f"{name} was not found in {path}")
        table[name] = [offset, list(tensor.shape), list(tensor.stride())]
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(place)}" for name, place in table.items())
    TABLE.write_text(f"{{\n{rows}\n}}\n")
    print(f"{TABLE}: {len(table)} tensors")


if __name__ == "__main__":
    main()
