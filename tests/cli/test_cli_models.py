import mmsearch
from mmsearch.cli import checks
from mmsearch.encoders.builtin import weights
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import DependencyMissing, WeightsDamaged


def by_name(objects, kind=None):
    return {each["name"]: each for each in objects if kind in (None, each.get("kind"))}


def test_models_lists(cli):
    ran = cli("models")
    models = by_name(ran.objects, "encoder")
    assert models["builtin"] | {"about": ""} == {
        **{"kind": "encoder", "name": "builtin", "modalities": ["audio", "image", "text"], "dim": 384},
        **{"usable": True, "remark": "", "about": ""},
    }
    assert models["hashing"]["dim"] == 256
    assert models["open_clip"]["about"] == "Embeds texts and images with a model from a folder."
    assert cli("models", "list").stdout == ran.stdout
    table = cli("models", terminal=True).stdout
    assert "audio, image, text" in table
    assert table == cli("models", "list", terminal=True).stdout
    assert cli("models", "list", "--json", terminal=True).stdout == ran.stdout


def test_rerankers_are_listed_too(cli):
    rerankers = by_name(cli("models").objects, "re-ranker")
    assert rerankers["maxsim"]["modalities"] == ["audio", "image", "text"]
    assert rerankers["blip"] == {
        **{"kind": "re-ranker", "name": "blip", "modalities": ["image"], "dim": None, "usable": True},
        "remark": "Named with an argument, such as blip:/path/to/folder.",
        "about": "Judges pictures with a BLIP model for image-text matching.",
    }
    assert rerankers["cross_encoder"]["modalities"] == []  # that depends on the model
    assert "Judges pictures with a BLIP model" in cli("models", terminal=True).stdout


def test_rerankers_that_cannot_be_used_name_the_extra(cli, monkeypatch):
    monkeypatch.setattr("mmsearch.rerankers.model_folder.find_spec", lambda _: None)
    blip = by_name(cli("models").objects, "re-ranker")["blip"]
    assert (blip["usable"], blip["modalities"]) == (False, ["image"])
    assert "pip install 'mmsearch[rerankers]'" in blip["remark"]


def test_rerankers_are_described_and_checked(cli, tmp_path):
    (info,) = cli("models", "info", "maxsim").objects
    assert (info["kind"], info["name"], info["needs_tokens"]) == ("re-ranker", "maxsim", True)
    assert info["weights"].keys() == {"audio", "image", "text"}
    assert cli("models", "verify", "maxsim").objects == [{"name": "maxsim", "ok": True}]
    ran = cli("models", "verify", f"blip:{tmp_path}")
    assert ran.exit_code == 6
    assert "no safetensors" in ran.stderr
    assert cli("models", "info", f"cross_encoder:{tmp_path / 'nowhere'}").exit_code == 6
    assert cli("models", "info", "hashing", "--reranker").exit_code == 6  # no re-ranker has that name


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

    monkeypatch.setattr("mmsearch.cli.model_entries.make_encoder", broken)
    assert by_name(cli("models").objects, "encoder")["builtin"]["remark"] == "It cannot be imported. Install it."


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
    for name in ("Python", "numpy", "onnxruntime", "FAISS", "sqlalchemy", "pillow", "SQLite", "limits", "machine"):
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
