"""Write the two ONNX graphs of the built-in model, without weights.

    python -m tools.build_builtin.graphs

A graph is some 20 kB: its initializers are declared external and are handed to ONNX Runtime at load, straight
from the files whose SHA-256 is pinned. So nothing is converted, cached or built on the user's machine, and
neither torch nor onnx is needed there. `tests/encoders/test_builtin_graphs.py` checks that the committed files are what
this script writes.

Sources: MiniLM is BERT (Devlin et al. 2019, sections 3 and A.2) with 6 layers of width 384; EfficientNet-lite0
is EfficientNet-B0 (Tan and Le 2019, table 1) without squeeze-and-excitation and with ReLU6.
"""

from pathlib import Path

from onnx import ModelProto, NodeProto, TensorProto, helper

FOLDER = Path(__file__).resolve().parents[2] / "mmsearch" / "encoders" / "builtin"
OPSET, IR_VERSION = 20, 9  # the oldest that have all the operators used here

LAYERS, HEADS, HEAD_DIM, WIDTH, INNER = 6, 12, 32, 384, 1536
# (repeats, kernel, stride, expansion, channels) of each stage
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_CHANNELS, HEAD_CHANNELS, CLASSES, IMAGE_PX, MAP_CELLS = 32, 1280, 1000, 224, 7


class Graph:
    """Collects nodes and initializers; each method adds one operation and returns its output's name."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        """Add a node with one output."""
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def weight(self, name: str, *shape: int) -> str:
        """Declare a float32 weight that is handed over at load."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights")
        self.initializers.append(tensor)
        return name

    def scalar(self, name: str, value: float) -> str:
        """Embed a float32 constant; one name is embedded once."""
        if all(tensor.name != name for tensor in self.initializers):
            self.initializers.append(helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
        return name

    def integers(self, *values: int) -> str:
        """Embed a constant int64 vector, such as axes or a shape; equal ones are embedded once."""
        name = "integers_" + "_".join(map(str, values))
        if all(tensor.name != name for tensor in self.initializers):
            self.initializers.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
        return name

    def model(
        self, name: str, inputs: list[tuple[str, int, list[str | int]]], *outputs: tuple[str, list[str | int]]
    ) -> ModelProto:
        """Close the graph."""
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(*each) for each in inputs],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape) for output, shape in outputs],
            self.initializers,
        )
        return helper.make_model(
            graph,
            producer_name="mmsearch",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )


def text_graph() -> ModelProto:
    """MiniLM from summed embeddings (b, s, 384) and mask (b, s) to vectors (b, 384), the mean of hidden (b, s, 384).

    Hidden states at padding mean nothing.
    """
    graph = Graph()
    shape = graph.op("Shape", "embeddings")
    rows = graph.integers(-1, WIDTH)
    tail = graph.integers(3, HEADS, HEAD_DIM)
    batch_and_length = graph.op("Shape", "mask")
    heads = graph.op("Concat", batch_and_length, tail, axis=0)
    x = graph.op("Reshape", _norm(graph, "embeddings", "embeddings.norm"), rows)  # (b*s, 384) throughout
    bias = _attention_bias(graph)
    for layer in range(LAYERS):
        attended = _attention(graph, x, f"layer.{layer}", heads, rows, bias)
        x = _norm(graph, graph.op("Add", x, attended), f"layer.{layer}.attention.norm")
        inner = graph.op("Gelu", _linear(graph, x, f"layer.{layer}.inner", WIDTH, INNER))
        outer = _linear(graph, inner, f"layer.{layer}.outer", INNER, WIDTH)
        x = _norm(graph, graph.op("Add", x, outer), f"layer.{layer}.norm")
    _mean_pool(graph, graph.op("Reshape", x, shape, output="hidden"))
    inputs: list[tuple[str, int, list[str | int]]] = [
        ("embeddings", TensorProto.FLOAT, ["b", "s", WIDTH]),
        ("mask", TensorProto.FLOAT, ["b", "s"]),
    ]
    return graph.model("minilm", inputs, ("vectors", ["b", WIDTH]), ("hidden", ["b", "s", WIDTH]))


def _attention_bias(graph: Graph) -> str:
    """(b, 1, 1, s): 0 where there is a token, a large negative number where there is padding."""
    padding = graph.op("Sub", graph.scalar("one", 1.0), "mask")
    return graph.op("Unsqueeze", graph.op("Mul", padding, graph.scalar("masked", -1e9)), graph.integers(1, 2))


def _attention(graph: Graph, x: str, name: str, heads: str, rows: str, bias: str) -> str:
    qkv = graph.op("Reshape", _linear(graph, x, f"{name}.qkv", WIDTH, 3 * WIDTH), heads)  # (b, s, 3, 12, 32)
    by_part = graph.op("Transpose", qkv, perm=[2, 0, 3, 1, 4])  # (3, b, 12, s, 32)
    query, key, value = (_part(graph, by_part, part) for part in range(3))  # (b, 12, s, 32) each
    key = graph.op("Transpose", key, perm=[0, 1, 3, 2])
    weights = graph.op("Softmax", graph.op("Add", graph.op("MatMul", query, key), bias), axis=-1)  # (b, 12, s, s)
    mixed = graph.op("Transpose", graph.op("MatMul", weights, value), perm=[0, 2, 1, 3])
    return _linear(graph, graph.op("Reshape", mixed, rows), f"{name}.attention.out", WIDTH, WIDTH)


def _part(graph: Graph, qkv: str, part: int) -> str:
    return graph.op("Squeeze", graph.op("Gather", qkv, graph.integers(part), axis=0), graph.integers(0))


def _linear(graph: Graph, x: str, name: str, inputs: int, outputs: int) -> str:
    weight = graph.weight(f"{name}.weight", outputs, inputs)
    return graph.op("Gemm", x, weight, graph.weight(f"{name}.bias", outputs), transB=1)


def _norm(graph: Graph, x: str, name: str) -> str:
    scale, bias = graph.weight(f"{name}.weight", WIDTH), graph.weight(f"{name}.bias", WIDTH)
    return graph.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-12)


def _mean_pool(graph: Graph, x: str) -> None:
    """Mean over the tokens that are there: (b, s, 384) -> (b, 384)."""
    weights = graph.op("Unsqueeze", "mask", graph.integers(2))  # (b, s, 1)
    over_tokens = graph.integers(1)
    total = graph.op("ReduceSum", graph.op("Mul", x, weights), over_tokens, keepdims=0)
    count = graph.op("ReduceSum", weights, over_tokens, keepdims=0)
    graph.op("Div", total, count, output="vectors")


def image_graph() -> ModelProto:
    """EfficientNet-lite0 from uint8 RGB (n, 224, 224, 3) to logits (n, 1000) and the features (n, 1280) below them.

    The features are the mean of the map (n, 1280, 7, 7). Batch norms are folded into the convolutions at load.
    """
    graph = Graph()
    pixels = graph.op("Cast", "pixels", to=TensorProto.FLOAT)
    centred = graph.op("Sub", pixels, graph.scalar("centre", 127.0))
    scaled = graph.op("Div", centred, graph.scalar("scale", 128.0))
    x = graph.op("Transpose", scaled, perm=[0, 3, 1, 2])  # (n, 3, 224, 224)
    x = _conv(graph, x, "stem", 3, STEM_CHANNELS, kernel=3, stride=2)
    channels, block = STEM_CHANNELS, 0
    for repeats, kernel, stride, expansion, width in STAGES:
        for repeat in range(repeats):
            first_stride = stride if repeat == 0 else 1
            x = _block(graph, x, f"blocks.{block}", channels, width, kernel, first_stride, expansion)
            channels, block = width, block + 1
    x = _conv(graph, x, "head", channels, HEAD_CHANNELS, kernel=1, stride=1, output="map")
    features = graph.op("Flatten", graph.op("GlobalAveragePool", x), output="features")  # (n, 1280)
    weight, bias = graph.weight("fc.weight", CLASSES, HEAD_CHANNELS), graph.weight("fc.bias", CLASSES)
    graph.op("Gemm", features, weight, bias, transB=1, output="logits")
    inputs: list[tuple[str, int, list[str | int]]] = [("pixels", TensorProto.UINT8, ["n", IMAGE_PX, IMAGE_PX, 3])]
    outputs: tuple[tuple[str, list[str | int]], ...] = (
        ("logits", ["n", CLASSES]),
        ("features", ["n", HEAD_CHANNELS]),
        ("map", ["n", HEAD_CHANNELS, MAP_CELLS, MAP_CELLS]),
    )
    return graph.model("efficientnet-lite0", inputs, *outputs)


def _block(graph: Graph, x: str, name: str, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> str:
    """Inverted residual: expand, depthwise, project, and a skip where the shapes allow."""
    inner = inputs * expansion
    y = x if expansion == 1 else _conv(graph, x, f"{name}.expand", inputs, inner, kernel=1, stride=1)
    y = _conv(graph, y, f"{name}.depthwise", inner, inner, kernel=kernel, stride=stride, groups=inner)
    y = _conv(graph, y, f"{name}.project", inner, outputs, kernel=1, stride=1, activation=False)
    return graph.op("Add", y, x) if stride == 1 and inputs == outputs else y


def _conv(
    graph: Graph,
    x: str,
    name: str,
    inputs: int,
    outputs: int,
    *,
    kernel: int,
    stride: int,
    groups: int = 1,
    activation: bool = True,
    output: str | None = None,
) -> str:
    weight = graph.weight(f"{name}.weight", outputs, inputs // groups, kernel, kernel)
    y = graph.op(
        "Conv",
        x,
        weight,
        graph.weight(f"{name}.bias", outputs),
        auto_pad="SAME_UPPER",  # as TensorFlow pads, which the weights were trained with
        strides=[stride, stride],
        kernel_shape=[kernel, kernel],
        group=groups,
    )
    if not activation:
        return y
    return graph.op("Clip", y, graph.scalar("zero", 0.0), graph.scalar("six", 6.0), output=output)  # ReLU6


def main() -> None:
    """Write both graphs."""
    for name, model in (("text.onnx", text_graph()), ("image.onnx", image_graph())):
        data = model.SerializeToString(deterministic=True)
        (FOLDER / name).write_bytes(data)
        print(f"{FOLDER / name}: {len(data)} bytes, {len(model.graph.node)} nodes")


if __name__ == "__main__":
    main()
