"""The small offline model: MiniLM for text, EfficientNet-lite0 with ConSE for images, in one 384-d space.

encoder.py    the Encoder: what users of this folder need
text.py       texts to vectors, through text.onnx
image.py      pictures to vectors, through image.onnx and the class vectors in classes.safetensors
weights.py    files on disk to tensors, SHA-256 checked, nothing unpickled
session.py    a graph and its tensors to an ONNX Runtime session
"""
