import gzip
import hashlib
import io
import json
import struct
import sys
import tarfile
import zipfile
import zlib

import pytest

from tools.train_builtin.archives import list_members, open_member, read_members
from tools.train_builtin.containers import ArchiveError, read_cat, read_container, read_ocg, read_rcc
from tools.train_builtin.fetch import _CLIENTS, SOUNDS, FetchError, Package, fetch, read_packages

DOG = b"RIFF\x08\x00\x00\x00WAVEdogs"
CAT = b"cat" * 1000


def tar_bytes(files, mode):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("./link.ogg")
        link.type, link.linkname = tarfile.SYMTYPE, "dog.wav"
        tar.addfile(link)
    return buffer.getvalue()


def ar_bytes(members):
    parts = [b"!<arch>\n"]
    for name, data in members:
        parts.append(
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    return b"".join(parts)


def deb_bytes(files, mode="w:xz", data_name="data.tar.xz"):
    data = tar_bytes(files, mode)
    return ar_bytes([("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), (data_name, data)])


def rcc_bytes(version=2, child=1):
    """Two folders deep: a/dog.wav as it is and a/cat.wav packed."""
    names, offsets = b"", []
    for name in ("a", "dog.wav", "cat.wav"):
        offsets.append(len(names))
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    packed = struct.pack(">I", len(CAT)) + zlib.compress(CAT)
    contents = struct.pack(">I", len(DOG)) + DOG + struct.pack(">I", len(packed)) + packed
    nodes = [(0, 2, 1, child), (offsets[0], 2, 2, 2), (offsets[1], 0, 0, 0), (offsets[2], 1, 0, 4 + len(DOG))]
    padding = b"\0" * (8 if version > 1 else 0)
    tree = b"".join(struct.pack(">IHII", *node) + padding for node in nodes)
    sizes = (20, 20 + len(tree), 20 + len(tree) + len(contents))
    return b"qres" + struct.pack(">4I", version, *sizes) + tree + contents + names


def cat_bytes(*sounds):
    start = 8 * len(sounds)
    table, bodies = b"", b""
    for name, sound in sounds:
        table += struct.pack("<II", (start + len(bodies)) | 0x80000000, len(sound))
        bodies += bytes([len(name) + 1]) + name + b"\0" + sound + b"\0"
    return table + bodies


def ocg_group(files, magic=b"RedWolf Design GrpFolder"):
    header = bytearray(204)
    header[: len(magic)] = magic
    struct.pack_into("<I", header, 36, len(files))
    scrambled = bytearray(byte ^ 237 for byte in header)
    scrambled[0:-2:3], scrambled[2::3] = scrambled[2::3], scrambled[0:-2:3]
    entries, bodies = b"", b""
    for name, (data, is_group) in files.items():
        fields = struct.pack("<5I", 0, is_group, len(data), 0, len(bodies))
        entries += (name.ljust(260, b"\0") + fields).ljust(316, b"\0")
        bodies += data
    return bytes(scrambled) + entries + bodies


def ocg_bytes(plain):
    return b"\x1e\x8c" + gzip.compress(plain)[2:]


@pytest.fixture(params=["pack.deb", "pack.whl", "pack.zip", "pack.tar.gz", "pack.tgz", "pack.tar.xz"])
def archive(request, tmp_path):
    path = tmp_path / request.param
    files = {"./s/dog.wav": DOG, "./s/other.txt": b"no", "./s/data.rcc": rcc_bytes()}
    if path.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, data in files.items():
                bundle.writestr(name.removeprefix("./"), data)
    elif path.suffix == ".deb":
        path.write_bytes(deb_bytes(files))
    else:
        path.write_bytes(tar_bytes(files, "w:xz" if path.name.endswith("xz") else "w:gz"))
    return path


def test_a_member_is_read_from_every_kind_of_archive(archive):
    assert open_member(archive, "s/dog.wav") == DOG


def test_members_of_a_container_come_with_plain_ones_in_one_pass(archive):
    wanted = ["s/data.rcc!a/cat.wav", "s/dog.wav", "s/data.rcc!a/dog.wav"]
    assert dict(read_members(archive, wanted)) == dict(zip(wanted, [CAT, DOG, DOG], strict=True))


def test_plain_files_are_listed_without_links(archive):
    assert list_members(archive) == ["s/dog.wav", "s/other.txt", "s/data.rcc"]


def test_a_missing_member_is_named(archive):
    with pytest.raises(ArchiveError, match=r"has no s/bird\.wav \(1 missing\)"):
        open_member(archive, "s/bird.wav")


def test_a_missing_member_of_a_container_is_named(archive):
    with pytest.raises(ArchiveError, match=r"has no s/data\.rcc!a/bird\.wav"):
        open_member(archive, "s/data.rcc!a/bird.wav")


def test_a_link_is_no_member(tmp_path):
    path = tmp_path / "p.deb"
    path.write_bytes(deb_bytes({"./dog.wav": DOG}))
    with pytest.raises(ArchiveError, match=r"has no link\.ogg"):
        open_member(path, "link.ogg")


def test_a_large_member_is_refused_before_it_is_read(archive, monkeypatch):
    monkeypatch.setattr("tools.train_builtin.archives.MAX_MEMBER", 10)
    with pytest.raises(ArchiveError, match="would be 16 bytes; more than 10"):
        open_member(archive, "s/dog.wav")


@pytest.mark.parametrize("keep", [0, 7, 70, 200])
def test_a_cut_deb_is_refused(tmp_path, keep):
    path = tmp_path / "cut.deb"
    path.write_bytes(deb_bytes({"./dog.wav": DOG})[:keep])
    with pytest.raises(ArchiveError, match="fetch it again"):
        open_member(path, "dog.wav")


def test_damaged_archives_end_in_an_archive_error_or_in_the_file(archive):
    good = archive.read_bytes()
    for place in range(0, len(good), 13):
        archive.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        try:
            assert len(open_member(archive, "s/data.rcc!a/cat.wav")) <= len(CAT)
        except ArchiveError:
            pass


def test_a_zstd_deb_is_refused_with_the_reason(tmp_path):
    path = tmp_path / "new.deb"
    path.write_bytes(deb_bytes({}, data_name="data.tar.zst"))
    with pytest.raises(ArchiveError, match="zstd"):
        open_member(path, "dog.wav")


def test_an_unknown_kind_is_refused(tmp_path):
    path = tmp_path / "pack.rar"
    path.write_bytes(b"Rar!")
    with pytest.raises(ArchiveError, match="no known kind"):
        open_member(path, "dog.wav")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_rcc_versions(version):
    assert dict(read_rcc(rcc_bytes(version))) == {"a/dog.wav": DOG, "a/cat.wav": CAT}


def test_rcc_folder_that_contains_itself_is_refused():
    with pytest.raises(ArchiveError, match="contains itself"):
        list(read_rcc(rcc_bytes(child=0)))


def test_rcc_of_another_version_is_refused():
    with pytest.raises(ArchiveError, match="format 1 to 3"):
        list(read_rcc(rcc_bytes(version=9)[:20]))


def test_rcc_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr("tools.train_builtin.containers.MAX_UNPACKED", 100)
    with pytest.raises(ArchiveError, match="3000 bytes is refused"):
        list(read_rcc(rcc_bytes()))


def test_cat_sounds_are_numbered():
    assert dict(read_cat(cat_bytes((b"Dog", DOG), (b"Dog again", DOG)))) == {"00": DOG, "01": DOG}


def test_cat_without_sounds_is_refused():
    with pytest.raises(ArchiveError, match="no RIFF"):
        list(read_cat(cat_bytes((b"Dog", b"no sound here"))))


def test_ocg_groups_are_read_through_to_the_files():
    inner = ocg_group({b"dog.wav": (DOG, 0)})
    group = ocg_group({b"cat.ogg": (CAT, 0), b"Animals.ocg": (inner, 1)})
    assert dict(read_ocg(ocg_bytes(group))) == {"cat.ogg": CAT, "Animals.ocg/dog.wav": DOG}


def test_ocg_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr("tools.train_builtin.containers.MAX_UNPACKED", 1000)
    with pytest.raises(ArchiveError, match="more than 1000 bytes"):
        list(read_ocg(ocg_bytes(ocg_group({b"cat.ogg": (CAT, 0)}))))


def test_ocg_with_another_header_is_refused():
    with pytest.raises(ArchiveError, match="damaged"):
        list(read_ocg(ocg_bytes(ocg_group({}, magic=b"something else"))))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.rcc", rcc_bytes()),
        ("x.cat", cat_bytes((b"Dog", DOG))),
        ("x.ocg", ocg_bytes(ocg_group({b"dog.wav": (DOG, 0), b"A.ocg": (ocg_group({b"cat": (CAT, 0)}), 1)}))),
    ],
)
def test_cut_or_flipped_containers_end_in_an_archive_error_or_in_files(name, data):
    damaged = [data[:cut] for cut in range(0, len(data), 7)]
    damaged += [data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :] for i in range(0, len(data), 3)]
    for bad in damaged:
        try:
            for path, contents in read_container(name, bad):
                assert isinstance(path, str)
                assert len(contents) <= len(bad) + len(CAT)
        except ArchiveError:
            pass


def test_an_unknown_container_is_refused():
    with pytest.raises(ArchiveError, match=r"x\.pak: only"):
        list(read_container("x.pak", b""))


def package_of(path, data, **fields):
    defaults = {"name": "dog", "registry": "npm", "version": "1.0", "file": path.name}
    return Package(**{**defaults, **fields}, sha256=hashlib.sha256(data).hexdigest())


def test_a_file_that_is_there_and_right_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.train_builtin.fetch.subprocess.run", pytest.fail)
    path = tmp_path / "dog-1.0.tgz"
    path.write_bytes(DOG)
    assert fetch({"dog": package_of(path, DOG)}, tmp_path) == tmp_path


def client(monkeypatch, script):
    """Let a Python script stand for the registry's client."""
    monkeypatch.setitem(_CLIENTS, "npm", (sys.executable, "-c", script))


def test_what_the_client_brings_takes_the_pinned_name(tmp_path, monkeypatch):
    client(monkeypatch, "open('dog_1%3a1.0.deb', 'wb').write(b'woof')")
    fetch({"dog": package_of(tmp_path / "dog_1.0.deb", b"woof")}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["dog_1.0.deb"]
    assert (tmp_path / "dog_1.0.deb").read_bytes() == b"woof"


@pytest.mark.parametrize(
    ("script", "reason"),
    [("raise SystemExit('no such version')", "no such version"), ("open('x', 'wb').write(b'meow')", "another SHA-256")],
)
def test_what_the_client_fails_at_or_gets_wrong_is_not_kept(tmp_path, monkeypatch, script, reason):
    client(monkeypatch, script)
    with pytest.raises(FetchError, match=f"(?s){reason}.*by hand"):
        fetch({"dog": package_of(tmp_path / "dog.tgz", b"howl")}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_client_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(_CLIENTS, "npm", ("no-such-client",))
    with pytest.raises(FetchError, match="no-such-client is not installed"):
        fetch({"dog": package_of(tmp_path / "dog.tgz", DOG)}, tmp_path)


def write_packages(folder, **fields):
    entry = {"registry": "npm", "version": "1.0", "file": "dog.tgz", "sha256": "00", **fields}
    (folder / "packages_test.json").write_text(json.dumps({"dog": {k: v for k, v in entry.items() if v is not None}}))


def test_packages_are_read_by_name(tmp_path):
    write_packages(tmp_path)
    assert read_packages(tmp_path) == {"dog": Package("dog", "npm", "1.0", "dog.tgz", "00")}


@pytest.mark.parametrize("fields", [{"sha256": None}, {"registry": "cargo"}, {"file": "../dog.tgz"}, {"version": 1}])
def test_a_wrong_entry_is_refused(tmp_path, fields):
    write_packages(tmp_path, **fields)
    with pytest.raises(FetchError, match=r"packages_test\.json: dog"):
        read_packages(tmp_path)


def test_every_listed_sound_has_captions_a_licence_we_take_and_a_credit():
    allowed = ("CC0", "CC-BY-", "public domain", "MIT", "BSD", "Apache", "OFL", "Zlib", "CMU-ARCTIC")
    tables = sorted(SOUNDS.glob("*.tsv"))
    assert tables
    for table in tables:
        header, *rows = table.read_text("utf-8").splitlines()
        assert header.split("\t") == ["member", "captions", "licence", "credit"], table.name
        for row in rows:
            _, captions, licence, credit = row.split("\t")
            assert all(caption.strip() for caption in captions.split("|")), row
            assert licence.startswith(allowed), row
            assert not licence.startswith(("CC-BY-NC", "CC-BY-ND")), row
            assert credit, row
