"""The small offline model: MiniLM for text, EfficientNet-lite0 for images, YAMNet for sounds, in one 384-d space.

encoder.py    the Encoder: what users of this folder need
text.py       texts to vectors, through text.onnx; words.py tells which of its pieces are which words
image.py      pictures to vectors, through image.onnx, classes.safetensors and image_head.py; cells.py cuts them up
sound.py      sounds to vectors, through patches.py, sound.onnx, sound-classes.safetensors and sound_head.py
speech.py     sounds to what is said in them
whisper.py    the installed packages with Whisper's weights to tensors
weights.py    files on disk to tensors, SHA-256 checked, nothing unpickled
session.py    a graph and its tensors to an ONNX Runtime session
"""
