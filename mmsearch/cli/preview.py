"""Pictures in the terminal, by the optional package textual-image."""

import logging
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from mmsearch.cli.hits import describe
from mmsearch.cli.output import printable, show
from mmsearch.errors import DependencyMissing, MediaError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mmsearch.config import Limits
    from mmsearch.queries import Hit

HEIGHT_ROWS = 12
_SIZE_PX = 480


def show_previews(hits: Iterable["Hit"], limits: "Limits") -> None:
    """Show each hit, best first, and below it its picture if it has one.

    Raises:
        DependencyMissing: textual-image is not installed.
    """
    from rich.text import Text

    image_class = _image_class()
    for hit in hits:
        show(Text.assemble((f"{hit.rank}  {hit.score:.2f}  ", "bold"), describe(hit)))
        if hit.modality == "image":
            show(_picture(hit, limits, image_class))


def _picture(hit: "Hit", limits: "Limits", image_class: Any) -> "RenderableType":  # noqa: ANN401 - untyped
    from rich.text import Text

    from mmsearch.media.thumbnail import thumbnail_jpeg

    try:
        picture: RenderableType = image_class(
            BytesIO(thumbnail_jpeg(hit.path, limits, _SIZE_PX)), width="auto", height=HEIGHT_ROWS
        )
    except MediaError as error:
        return Text(printable(error.message), style="dim")
    return picture


def _image_class() -> Any:  # noqa: ANN401 - untyped
    """Return the class that draws in this terminal's best way; it asks the terminal when it is imported."""
    logging.getLogger("textual_image").setLevel(logging.CRITICAL)  # terminals that do not answer are no news
    try:
        from textual_image.renderable import Image
    except ImportError as error:
        raise DependencyMissing(
            f"Pictures in the terminal need the package textual-image: {error}.",
            remedy="Install it with: pip install 'mmsearch[preview]'",
        ) from error
    return Image
