import pytest

from mmsearch.config import Limits


@pytest.fixture
def limits():
    return Limits(max_pixels=4_000_000, max_file_bytes=1 << 22, max_text_bytes=1 << 20, max_passages=100)
