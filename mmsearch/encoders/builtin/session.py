"""From a graph without weights, and its weights, to something that runs."""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from mmsearch.encoders.builtin.weights import Tensors
from mmsearch.threads import set_up_session


def make_session(graph: Path, tensors: Tensors) -> ort.InferenceSession:
    """Make a session that runs on the CPU.

    Args:
        graph: ONNX file whose external initializers are named as in `tensors`.
        tensors: float32 arrays; ONNX Runtime copies them while it optimises the graph.
    """
    options = ort.SessionOptions()
    set_up_session(options)
    options.log_severity_level = 3
    names = list(tensors)
    values = [ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(tensors[name])) for name in names]
    options.add_external_initializers(names, values)
    return ort.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
