"""Heads that are good for nothing but to change what searches find, and a way to install them."""

import numpy as np

from mmsearch.adapt.head import Head
from mmsearch.ingest.publish import publish

DIM, FEATURES = 64, 38  # of the counting encoder


def make_head(modality, seed=0):
    random = np.random.default_rng(seed)
    weight = random.standard_normal((FEATURES, DIM)).astype(np.float16).astype(np.float32)
    return Head(modality, random.uniform(0, 0.1, FEATURES).astype(np.float32), weight)


def install(collection, *heads, published=True):
    """Install heads together, as `adapt` does, or as it does until it is killed. Returns their version."""
    weights = {head.modality: head.to_bytes() for head in heads}
    with collection._storage.writing() as shelves:
        with shelves.catalog.write() as writer:
            version = writer.put_heads(weights, {modality: {"helps": True} for modality in weights})
        if published:
            publish(shelves.catalog, shelves.store, shelves.tokens, shelves.generations)
    return version
