"""From a graph without weights, and its weights, to something that runs."""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from mmsearch.encoders.builtin.weights import Tensors


def make_session(graph: Path, tensors: Tensors) -> ort.InferenceSession:
    """Make a CPU session of one thread, as each worker process owns one core.

    Args:
        graph: ONNX file whose external initializers are named as in `tensors`.
        tensors: float32 arrays; ONNX Runtime copies them while it optimises the graph.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    names = list(tensors)
    values = [ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(tensors[name])) for name in names]
    options.add_external_initializers(names, values)
    return ort.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
