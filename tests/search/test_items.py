import os
from pathlib import Path

import numpy as np
import pytest

from mmsearch.errors import ItemNotFound
from mmsearch.search.items import like_part, named_assets


def test_like_an_id_is_that_segment(library):
    ids = library.put("/a.txt", "text", "red cat", "blue dog")
    part, assets = like_part(ids[1], 1.0, library.catalog, library.shelves.store)
    expected = library.encoder.encode_texts(["blue dog"], "query")[0]
    np.testing.assert_allclose(part.vector, expected / np.linalg.norm(expected), atol=1e-6)
    assert (part.modality, part.weight, assets) == ("text", 1.0, {library.asset_id("/a.txt")})


def test_like_a_path_is_the_mean_of_its_segments(library):
    ids = library.put("/a.txt", "text", "red cat", "blue dog")
    whole, assets = like_part("/a.txt", 1.0, library.catalog, library.shelves.store)
    each = [like_part(id_, 1.0, library.catalog, library.shelves.store)[0].vector for id_ in ids]
    np.testing.assert_allclose(whole.vector, np.mean(each, axis=0), atol=1e-6)
    assert assets == {library.asset_id("/a.txt")}


def test_like_takes_a_weight_with_an_id_or_a_path(library):
    (id_,) = library.put("/a.jpg", "image", "red")
    for item in (str(id_), "/a.jpg"):
        part, _ = like_part(item, 2.5, library.catalog, library.shelves.store)
        assert (part.weight, part.modality, part.name) == (2.5, "image", f"item {item}")


def test_like_a_folder_is_all_below_it(library):
    for name in ("a", "b"):
        library.put(f"/photos/{name}.jpg", "image", name)
    library.put("/photos.jpg", "image", "other")
    _, assets = like_part("/photos", 1.0, library.catalog, library.shelves.store)
    assert assets == {library.asset_id("/photos/a.jpg"), library.asset_id("/photos/b.jpg")}


def test_like_something_without_vectors(library):
    library.put_failed("/broken.jpg")
    with pytest.raises(ItemNotFound, match="mmsearch errors"):
        like_part("/broken.jpg", 1.0, library.catalog, library.shelves.store)


@pytest.mark.parametrize("item", [99, "99", "/gone.jpg", Path("/gone.jpg"), -1, "²", str(2**63), 2**70, "\udcff"])
def test_items_that_are_not_there(library, item):
    library.put("/a.txt", "text", "red cat")
    with pytest.raises(ItemNotFound):
        named_assets(item, library.catalog)


def test_items_are_named_by_relative_paths_too(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    library.put(str(tmp_path / "pics" / "a.jpg"), "image", "red")
    for name in ("pics/a.jpg", "./pics/../pics/a.jpg", "~/pics/a.jpg", "pics", "pics/", Path("pics/a.jpg"), "."):
        assert [asset.path for asset in named_assets(name, library.catalog)] == [str(tmp_path / "pics" / "a.jpg")]
        assert like_part(name, 1.0, library.catalog, library.shelves.store)[0].modality == "image"


def test_digits_are_an_id_unless_they_are_a_path(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (id_,) = library.put("/a.jpg", "image", "red")
    path = str(tmp_path / str(id_) / "b.jpg")
    library.put(path, "image", "blue")
    assert [asset.path for asset in named_assets(str(id_), library.catalog)] == ["/a.jpg"]
    for name in (f"./{id_}", Path(str(id_))):
        assert [asset.path for asset in named_assets(name, library.catalog)] == [path]


@pytest.mark.parametrize("item", ["", os.fsdecode(b"")])
def test_an_empty_name_is_not_the_whole_collection(library, item):
    library.put("/a.txt", "text", "red cat")
    with pytest.raises(ItemNotFound, match="empty"):
        named_assets(item, library.catalog)
