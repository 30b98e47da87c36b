import json

import mmsearch


def damage(home):
    """Flip a byte in the middle of the stored vectors."""
    (file,) = (path for path in (home / "default" / "spaces").rglob("vectors/*") if path.is_file())
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)


def test_status_json(cli, shared, media):
    (status,) = cli("status").objects
    assert (status["assets"], status["failed"], status["waiting"]) == (8, 2, {})
    assert status["segments"] == {"image": 4, "text": 3, "audio": 1}
    assert (status["model"], status["dim"], status["name"]) == ("hashing", 256, "default")
    assert status["index"]["vectors"] == 8
    assert status["index"]["size_bytes"] > 0
    assert status["index"]["kind"]
    assert status["roots"] == [str(media)]
    assert status["bytes_on_disk"] > 0
    assert status["last_indexed_at"]


def test_status_on_a_terminal(cli, shared, media):
    out = cli("status", terminal=True).stdout
    for piece in (
        "hashing, 256 dimensions",
        "1 audio, 4 image, 3 text",
        "8 vectors",
        str(media),
        "2 files; see `mmsearch errors`",
    ):
        assert piece in out
    assert "waiting" not in out


def test_status_names_what_waits(cli, deaf, media):
    cli("index", media, "--model", "hashing", "--workers", "1")
    assert cli("status").objects[0]["waiting"] == {"audio": 1}
    assert "1 audio file waits" in cli("status", terminal=True).stdout


def test_errors(cli, shared, media):
    failures = cli("errors").objects
    assert [failure["path"] for failure in failures] == [str(media / "bomb.png"), str(media / "broken.jpg")]
    assert failures[0]["code"] == "media_too_large"
    assert all(failure["reason"] and failure["failed_at"] for failure in failures)
    assert cli("errors", "-n", "1").objects == failures[:1]
    shown = cli("errors", terminal=True).stdout
    assert "bomb.png" in shown
    assert failures[1]["reason"] in " ".join(shown.split())


def test_no_errors(cli, home, tmp_path):
    (tmp_path / "a.txt").write_text("A note.\n")
    cli("index", tmp_path / "a.txt", "--model", "hashing", "--workers", "1")
    ran = cli("errors")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "No file failed.\n")


def test_verify_clean(cli, shared):
    ran = cli("verify")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "All is well" in ran.stderr


def test_verify_damaged_then_repaired(cli, own, media):
    before = cli("search", "red", "-k", "50").stdout
    damage(own)
    ran = cli("verify")
    assert ran.exit_code == 5
    assert not ran.objects[0]["repaired"]
    assert str(media / "red.png") in ran.objects[0]["items"]
    assert "Run `mmsearch verify --repair`" in ran.stderr
    assert str(media / "red.png") in cli("verify", terminal=True).stdout.replace("\n", "")
    ran = cli("verify", "--repair")
    assert ran.exit_code == 0
    assert all(problem["repaired"] for problem in ran.objects)
    assert cli("verify").exit_code == 0
    after = [json.loads(line)["score"] for line in cli("search", "red", "-k", "50").stdout.splitlines()]
    assert after == [json.loads(line)["score"] for line in before.splitlines()]


def test_rebuild(cli, own):
    (index,) = cli("rebuild").objects
    assert (index["vectors"], index["fresh"]) == (8, True)
    assert "8 vectors" in cli("rebuild", terminal=True).stdout


def test_remove(cli, own, media):
    (red,) = cli("search", "red", "-k", "1").objects
    ran = cli("remove", red["id"], media / "dog.txt")
    assert ran.objects == [{"removed": 2}]
    paths = [hit["path"] for hit in cli("search", "red", "-k", "50").objects]
    assert str(media / "red.png") not in paths
    assert str(media / "dog.txt") not in paths
    assert (media / "red.png").is_file()
    out = cli("remove", media, terminal=True).stdout
    assert "The files themselves are still where they were." in out
    assert cli("status").objects[0]["assets"] == 0


def test_remove_by_relative_path(cli, own, media, monkeypatch):
    monkeypatch.chdir(media)
    assert cli("remove", "red.png").objects == [{"removed": 1}]


def test_remove_unknown_forgets_nothing(cli, own, media):
    ran = cli("remove", media / "red.png", "/no/such/file")
    assert ran.exit_code == 3
    assert "/no/such/file" in ran.stderr
    assert cli("status").objects[0]["assets"] == 8


def test_a_missing_collection_is_not_made(cli, home):
    for command in (("status",), ("errors",), ("verify",), ("verify", "--repair"), ("rebuild",), ("remove", "1")):
        ran = cli(*command)
        assert ran.exit_code == 3, command
        assert "There is no collection 'default'" in ran.stderr
    assert not mmsearch.open("default", home=home).exists
