from dataclasses import replace

from mmsearch.encoders.hashing import HashingEncoder


class CountingEncoder(HashingEncoder):
    """Remembers what it embedded; texts of queries are not counted."""

    def __init__(self):
        super().__init__(64)
        self.texts = []
        self.images = self.sounds = 0

    def encode_texts(self, texts, role):
        if role == "document":
            self.texts += texts
        return super().encode_texts(texts, role)

    def encode_images(self, images, role):
        if role == "document":
            self.images += len(images)
        return super().encode_images(images, role)

    def encode_audio(self, waves, role):
        self.sounds += len(waves)
        return super().encode_audio(waves, role)


def deaf(encoder):
    """Make of an encoder one that takes no sounds."""
    encoder.spec = replace(encoder.spec, modalities=encoder.spec.modalities - {"audio"}, audio_input=None)
    return encoder
