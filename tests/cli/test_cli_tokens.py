"""`index --tokens`, `rebuild --tokens`, and what `status` says of them."""

import pytest


@pytest.fixture
def without(cli, media):
    cli("index", media, "--model", "hashing", "--workers", "1", "--no-tokens")


def kept(cli):
    return cli("status").objects[0]["tokens"]


def test_status_counts_tokens(cli, shared):
    tokens = kept(cli)
    assert (tokens["segments"], tokens["of"]) == (8, 8)
    assert tokens["bytes_per_segment"] == round(tokens["size_bytes"] / 8)
    shown = " ".join(cli("status", terminal=True).stdout.split())
    assert f"tokens 8 of 8 segments, {tokens['size_bytes'] / 1024:.1f} KiB (" in shown
    assert "each), for re-ranking" in shown


def test_a_collection_without_tokens(cli, without, media):
    assert kept(cli) is None
    assert "re-ranking" not in cli("status", terminal=True).stdout
    ran = cli("index", media)
    assert (ran.exit_code, ran.objects[0]["encoded"], ran.objects[0]["tokens_made"]) == (0, 0, 0)
    assert "token" not in ran.stderr
    assert kept(cli) is None


def test_tokens_are_made_when_they_are_asked_for(cli, without):
    (report,) = cli("index", "--tokens", "--workers", "1").objects
    assert (report["unchanged"], report["encoded"], report["tokens_made"]) == (10, 0, 8)
    assert kept(cli)["segments"] == 8
    cli("index", "--no-tokens")
    assert kept(cli) is None
    assert "8 segments given tokens" in cli("index", "--tokens", "--workers", "1", terminal=True).stdout


def test_a_rebuild_makes_them_too(cli, without):
    (index,) = cli("rebuild").objects
    assert kept(cli) is None
    (index,) = cli("rebuild", "--tokens", "--workers", "1").objects
    assert (index["vectors"], index["fresh"]) == (8, True)
    assert kept(cli)["segments"] == 8
    assert cli("verify").exit_code == 0
