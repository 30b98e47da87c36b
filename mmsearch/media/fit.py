"""Scale and turn a picture to the size an encoder wants, touching as few pixels as possible."""

from PIL import Image

from mmsearch.media.modes import scalable, to_rgb
from mmsearch.types import ImageInput

Size = tuple[int, int]  # (width, height)
Box = tuple[float, float, float, float]  # left, top, right, bottom

_RESAMPLE = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
# A cheap box filter may shrink to this many times the wanted size first: no visible loss.
_REDUCING_GAP = 3.0
# EXIF orientation -> how stored pixels are turned to be upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def turned_size(size: Size, orientation: int) -> Size:
    """Swap width and height if the EXIF orientation lays the picture on its side; its own inverse."""
    return (size[1], size[0]) if orientation in (5, 6, 7, 8) else size


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn and mirror stored pixels as their EXIF orientation (1 to 8) says."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def render(image: Image.Image, orientation: int, target: ImageInput | None) -> Image.Image:
    """Decode an opened image and make it upright RGB, of the target's size if there is one.

    The image is decoded at the smallest scale its format offers that is not below the target, scaled as
    it is stored, and only then turned.
    """
    if target is None:
        return upright(to_rgb(image), orientation)
    box = _draft(image, scaled_size(image.size, orientation, target))
    wanted = turned_size((target.width_px, target.height_px), orientation)
    if target.fit == "crop":
        box = _middle(box, wanted)
    size = scaled_size(image.size, orientation, target) if target.fit == "pad" else wanted
    small = scalable(image).resize(size, _RESAMPLE[target.resample], box=box, reducing_gap=_REDUCING_GAP)
    return _pad(to_rgb(upright(small, orientation)), target)


def scaled_size(size: Size, orientation: int, target: ImageInput) -> Size:
    """Return the size that the whole picture, as stored, is scaled to before any cut or margin."""
    width, height = size
    wanted = turned_size((target.width_px, target.height_px), orientation)
    if target.fit == "squash":
        return wanted
    choose = max if target.fit == "crop" else min
    scale = choose(wanted[0] / width, wanted[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def covered(size: Size, target: ImageInput) -> Box:
    """Return where, in pixels of the upright picture, the sides of what `render` makes of it lie.

    Within the picture if it is cut, beyond its sides if it gets margins.
    """
    width, height = size
    if target.fit == "squash":
        return (0, 0, width, height)
    if target.fit == "crop":
        return _middle((0, 0, width, height), (target.width_px, target.height_px))
    small_width, small_height = scaled_size(size, 1, target)
    left, top = (target.width_px - small_width) // 2, (target.height_px - small_height) // 2
    step_x, step_y = width / small_width, height / small_height
    return -left * step_x, -top * step_y, (target.width_px - left) * step_x, (target.height_px - top) * step_y


def _draft(image: Image.Image, size: Size) -> Box:
    """Have the decoder shrink the picture, if it can, and return where the content then lies."""
    drafted = image.draft(None, size)
    return drafted[1] if drafted else (0, 0, *image.size)


def _middle(box: Box, shape: Size) -> Box:
    """Return the largest box of the given aspect in the middle of another."""
    left, top, right, bottom = box
    scale = min((right - left) / shape[0], (bottom - top) / shape[1])
    margin_x = max(0.0, (right - left - shape[0] * scale) / 2)
    margin_y = max(0.0, (bottom - top - shape[1] * scale) / 2)
    return left + margin_x, top + margin_y, right - margin_x, bottom - margin_y


def _pad(image: Image.Image, target: ImageInput) -> Image.Image:
    """Lay an image in the middle of a white one of the target's size, if it is smaller."""
    size = target.width_px, target.height_px
    if image.size == size:
        return image
    canvas = Image.new("RGB", size, "white")
    canvas.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return canvas
