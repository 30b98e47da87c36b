"""Write the ONNX graph of YAMNet, without weights, as graphs.py does for texts and pictures.

    python -m tools.build_builtin.sound_graph

Source: YAMNet (Plakal and Ellis, github.com/tensorflow/models, research/audioset/yamnet, yamnet.py) is MobileNet v1
(Howard et al. 2017, table 1) on log-mel patches, its last layer one logistic classifier for each class of AudioSet.
"""

from onnx import ModelProto, TensorProto

from tools.build_builtin.graphs import FOLDER, Graph

FRAMES, MELS, CLASSES = 96, 64, 521
STEM_CHANNELS = 32
# (stride, channels) of each pair of a depthwise and a pointwise convolution
PAIRS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024))


def sound_graph() -> ModelProto:
    """From log-mel patches (n, 96, 64) to scores (n, 521) in [0, 1] and the embedding (n, 1024) below them.

    Batch norms are folded into the convolutions at load.
    """
    graph = Graph()
    x = graph.op("Unsqueeze", "patches", graph.integers(1))  # (n, 1, 96, 64)
    x = _conv(graph, x, "conv0", (STEM_CHANNELS, 1, 3, 3), stride=2)
    channels = STEM_CHANNELS
    for pair, (stride, outputs) in enumerate(PAIRS):
        x = _conv(graph, x, f"conv{2 * pair + 1}", (channels, 1, 3, 3), stride=stride, groups=channels)
        x = _conv(graph, x, f"conv{2 * pair + 2}", (outputs, channels, 1, 1))
        channels = outputs
    embedding = graph.op("Flatten", graph.op("GlobalAveragePool", x), output="embedding")
    logits = graph.op(
        "Gemm", embedding, graph.weight("dense.kernel", channels, CLASSES), graph.weight("dense.bias", CLASSES)
    )
    graph.op("Sigmoid", logits, output="scores")
    inputs: list[tuple[str, int, list[str | int]]] = [("patches", TensorProto.FLOAT, ["n", FRAMES, MELS])]
    return graph.model("yamnet", inputs, ("scores", ["n", CLASSES]), ("embedding", ["n", channels]))


def _conv(
    graph: Graph, x: str, name: str, shape: tuple[int, int, int, int], *, stride: int = 1, groups: int = 1
) -> str:
    y = graph.op(
        "Conv",
        x,
        graph.weight(f"{name}.weight", *shape),
        graph.weight(f"{name}.bias", shape[0]),
        auto_pad="SAME_UPPER",  # as TensorFlow pads: with a stride of 2, one zero behind and none before
        strides=[stride, stride],
        kernel_shape=list(shape[2:]),
        group=groups,
    )
    return graph.op("Relu", y)


def main() -> None:
    """Write the graph."""
    data = sound_graph().SerializeToString(deterministic=True)
    (FOLDER / "sound.onnx").write_bytes(data)
    print(f"{FOLDER / 'sound.onnx'}: {len(data)} bytes")


if __name__ == "__main__":
    main()
