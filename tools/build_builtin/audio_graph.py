"""Write the ONNX graph of the built-in model's sounds, without weights, as graphs.py does for texts and pictures.

    python -m tools.build_builtin.audio_graph

It is the encoder of Whisper-base, and what is kept of it: how each layer's output spreads over the clip.

Source: Radford et al. 2022, section 2.2: two convolutions, then 6 Transformer blocks (Vaswani et al. 2017) of width
512, normalised before each part (Child et al. 2019).
"""

from onnx import ModelProto, TensorProto

from tools.build_builtin.graphs import FOLDER, Graph

LAYERS, HEADS, HEAD_DIM, WIDTH, INNER = 6, 8, 64, 512, 2048
MELS, KERNEL, POSITIONS = 80, 3, 1500


def audio_graph() -> ModelProto:
    """One clip, log-mel (1, 80, 2 t) and how many of its t frames count, to mean and std of each layer (1, 6144)."""
    graph = Graph()
    x = _conv(graph, "mel", "conv1", MELS, stride=1)
    x = _conv(graph, x, "conv2", WIDTH, stride=2)  # (1, 512, t)
    x = graph.op("Squeeze", graph.op("Transpose", x, perm=[0, 2, 1]), graph.integers(0))  # (t, 512) throughout
    x = graph.op("Add", x, _first(graph, graph.weight("positions", POSITIONS, WIDTH), _length(graph, x)))
    statistics = []
    for layer in range(LAYERS):
        name = f"layer.{layer}"
        x = graph.op("Add", x, _attention(graph, _norm(graph, x, f"{name}.attention.norm"), name))
        inner = _linear(graph, _norm(graph, x, f"{name}.norm"), f"{name}.inner", WIDTH, INNER)
        x = graph.op("Add", x, _linear(graph, graph.op("Gelu", inner), f"{name}.outer", INNER, WIDTH))
        statistics += _mean_and_std(graph, _first(graph, x, "valid"))
    graph.op("Concat", *statistics, axis=1, output="statistics")
    inputs: list[tuple[str, int, list[str | int]]] = [
        ("mel", TensorProto.FLOAT, [1, MELS, "columns"]),
        ("valid", TensorProto.INT64, [1]),
    ]
    return graph.model("whisper-base-encoder", inputs, ("statistics", [1, 2 * LAYERS * WIDTH]))


def _conv(graph: Graph, x: str, name: str, channels: int, *, stride: int) -> str:
    weight, bias = graph.weight(f"{name}.weight", WIDTH, channels, KERNEL), graph.weight(f"{name}.bias", WIDTH)
    return graph.op("Gelu", graph.op("Conv", x, weight, bias, strides=[stride], pads=[1, 1], kernel_shape=[KERNEL]))


def _length(graph: Graph, x: str) -> str:
    """Return the number of frames, (1,) int64."""
    return graph.op("Shape", x, start=0, end=1)


def _first(graph: Graph, x: str, count: str) -> str:
    """Keep the first rows of x, as many as `count` (1,) says."""
    return graph.op("Slice", x, graph.integers(0), count, graph.integers(0))


def _attention(graph: Graph, x: str, name: str) -> str:
    qkv = _linear(graph, x, f"{name}.qkv", WIDTH, 3 * WIDTH)
    heads = graph.op("Reshape", qkv, graph.integers(-1, 3, HEADS, HEAD_DIM))
    by_part = graph.op("Transpose", heads, perm=[1, 2, 0, 3])  # (3, 8, t, 64)
    query, key, value = (
        graph.op("Squeeze", graph.op("Gather", by_part, graph.integers(part), axis=0), graph.integers(0))
        for part in range(3)
    )
    key = graph.op("Transpose", key, perm=[0, 2, 1])
    weights = graph.op("Softmax", graph.op("MatMul", query, key), axis=-1)  # (8, t, t); query is scaled at load
    mixed = graph.op("Transpose", graph.op("MatMul", weights, value), perm=[1, 0, 2])
    rows = graph.op("Reshape", mixed, graph.integers(-1, WIDTH))
    return _linear(graph, rows, f"{name}.attention.out", WIDTH, WIDTH)


def _linear(graph: Graph, x: str, name: str, inputs: int, outputs: int) -> str:
    weight = graph.weight(f"{name}.weight", outputs, inputs)
    return graph.op("Gemm", x, weight, graph.weight(f"{name}.bias", outputs), transB=1)


def _norm(graph: Graph, x: str, name: str) -> str:
    scale, bias = graph.weight(f"{name}.weight", WIDTH), graph.weight(f"{name}.bias", WIDTH)
    return graph.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-5)


def _mean_and_std(graph: Graph, x: str) -> list[str]:
    """Mean and standard deviation over the frames, (1, 512) each."""
    over_frames = graph.integers(0)
    mean = graph.op("ReduceMean", x, over_frames, keepdims=1)
    centred = graph.op("Sub", x, mean)
    variance = graph.op("ReduceMean", graph.op("Mul", centred, centred), over_frames, keepdims=1)
    return [mean, graph.op("Sqrt", variance)]


def main() -> None:
    """Write the graph."""
    data = audio_graph().SerializeToString(deterministic=True)
    (FOLDER / "audio.onnx").write_bytes(data)
    print(f"{FOLDER / 'audio.onnx'}: {len(data)} bytes")


if __name__ == "__main__":
    main()
