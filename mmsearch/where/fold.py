"""How texts are compared whatever their case."""

import unicodedata


def fold(text: str) -> str:
    """Write a text so that two which differ only in case, or in how accents are stored, become equal.

    Source: The Unicode Standard, section 3.13, D145 (canonical caseless matching), in composed form.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
