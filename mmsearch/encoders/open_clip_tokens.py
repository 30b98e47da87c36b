"""What the towers of an open_clip model make of the parts of their input, in the space of its vectors.

A part goes through the tower's last layers by itself: the final norm and the projection and, where the tower pools by
more than picking or averaging states, the pooling too. So a cell becomes what a picture of nothing else would be.

Sources: open_clip/model.py (`forward_intermediates`), open_clip/timm_model.py (`forward`).
"""

from typing import Any

from mmsearch.encoders.neighbours import cell_weights

Tensor = Any  # of torch, whose types are not known here


def image_tokens(model: Any, pixels: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:  # noqa: ANN401
    """Embed pictures (n, 3, h, w): their vectors (n, d), and of each the cells (n, cells, d), row by row."""
    import torch

    look, finish = (_look_timm, _finish_timm) if hasattr(model.visual, "trunk") else (_look_native, _finish_native)
    vectors, maps = look(model, pixels)
    weights = torch.from_numpy(cell_weights(tuple(maps.shape[2:]), grid)).to(maps)  # (cells, places)
    cells = weights @ maps.flatten(2).mT  # (n, cells, width)
    tokens = finish(model.visual, cells.flatten(0, 1))
    return vectors, tokens.reshape(len(pixels), -1, vectors.shape[1])


def text_tokens(model: Any, ids: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
    """Embed the pieces of texts (n, context): the texts' vectors (n, d), and the pieces' (n, context, d)."""
    import torch

    seen = model.forward_intermediates(text=ids, text_indices=1, normalize=False, normalize_intermediates=True)
    (states,), projection = seen["text_intermediates"], getattr(model, "text", model).text_projection
    if isinstance(projection, torch.nn.Linear):
        states = projection(states)
    elif projection is not None:
        states = states @ projection
    return seen["text_features"], states


def _look_native(model: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
    """Vectors, and the last states after the final norm (n, width, rows, columns)."""
    seen = model.forward_intermediates(image=pixels, image_indices=1, normalize=False, normalize_intermediates=True)
    return seen["image_features"], seen["image_intermediates"][0]


def _finish_native(visual: Any, cells: Tensor) -> Tensor:  # noqa: ANN401
    return cells @ visual.proj


def _look_timm(model: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
    """Vectors, and what the trunk's head is given, as a map (n, width, rows, columns), without CLS and the like."""
    trunk = model.visual.trunk
    features = trunk.forward_features(pixels)
    vectors = model.visual.head(trunk.forward_head(features))
    if features.ndim == 4:  # a convolutional network's
        return vectors, features
    return vectors, features[:, trunk.num_prefix_tokens :].mT.unflatten(2, trunk.patch_embed.grid_size)


def _finish_timm(visual: Any, cells: Tensor) -> Tensor:  # noqa: ANN401
    """Run the head on pictures of one place each, which stands for the signs before it too: (n, width) to (n, d)."""
    prefix = getattr(visual.trunk, "num_prefix_tokens", None)
    features = cells[:, :, None, None] if prefix is None else cells[:, None].expand(-1, prefix + 1, -1)
    return visual.head(visual.trunk.forward_head(features))
