"""How much, as a colour: from dark violet for nothing to pale yellow for the most, ever lighter in between."""

import numpy as np
import numpy.typing as npt

_STOPS = np.array(
    [(30, 20, 80), (112, 36, 130), (204, 62, 88), (246, 142, 52), (255, 240, 150)],
    dtype=np.float64,
)


def heat_colours(values: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Return the colours of values in [0, 1]: (..., 3) RGB."""
    given = np.clip(np.asarray(values, dtype=np.float64), 0, 1)
    places = np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(given, places, stops) for stops in _STOPS.T]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
