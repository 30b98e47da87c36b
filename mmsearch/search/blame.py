"""What a re-ranker of somebody else's raises, as an error that a search gets over."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmsearch.errors import ModelError
from mmsearch.protocols import Reranker

_MAX_SAID = 200  # characters of what a plug-in's error says


@contextmanager
def blamed(reranker: Reranker) -> Iterator[None]:
    """Turn whatever a re-ranker raises into a ModelError: its mistakes must not cost the user the first stage."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        said = str(error).partition("\n")[0][:_MAX_SAID]
        raise ModelError(f"{reranker.name} failed with {type(error).__name__}: {said}") from error
