"""The small offline model: MiniLM for text, EfficientNet-lite0 for images, Whisper for sounds, in one 384-d space.

encoder.py    the Encoder: what users of this folder need
text.py       texts to vectors, through text.onnx
image.py      pictures to vectors, through image.onnx and the class vectors in classes.safetensors
audio.py      sounds to vectors, through mel.py, audio.onnx and the head in audio-head.safetensors
speech.py     sounds to what is said in them
whisper.py    the installed packages with Whisper's weights to tensors
weights.py    files on disk to tensors, SHA-256 checked, nothing unpickled
session.py    a graph and its tensors to an ONNX Runtime session
"""
