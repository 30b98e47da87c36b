from mmsearch.encoders.hashing import HashingEncoder


class CountingEncoder(HashingEncoder):
    """Remembers what it embedded as documents; queries are not counted."""

    def __init__(self):
        super().__init__(64)
        self.texts = []
        self.images = 0

    def encode_texts(self, texts, role):
        if role == "document":
            self.texts += texts
        return super().encode_texts(texts, role)

    def encode_images(self, images, role):
        if role == "document":
            self.images += len(images)
        return super().encode_images(images, role)
