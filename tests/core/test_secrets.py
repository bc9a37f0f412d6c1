"""The master key is drawn at random, kept for its owner alone, and never lost by us."""

import base64
import hashlib
import multiprocessing
import os
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from kontor.core.secrets import (
    FILE_NAME,
    MasterKeyUnusable,
    Secrets,
    generate_key,
    is_too_regular,
    make_key_file,
    parse_key,
    replace_key_file,
    write_key,
)
from kontor.core.settings import Settings


def key(name: str) -> str:
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def with_file(folder: Path) -> Settings:
    return Settings(kontor_data=folder, kontor_master_key=None)


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    settings = with_file(tmp_path / "data")
    first = Secrets.load(settings)
    path = settings.kontor_data / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.kontor_data.stat().st_mode) == 0o700
    assert [found.name for found in settings.kontor_data.iterdir()] == [FILE_NAME]
    again = Secrets.load(settings)
    assert (again.current.id, again.derive("jwt")) == (first.current.id, first.derive("jwt"))


def make(folder: str) -> str:
    return make_key_file(Path(folder) / FILE_NAME).id


def test_programs_that_start_at_once_end_up_with_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        made = set(pool.map(make, [str(tmp_path)] * 16))
    assert len(made) == 1
    assert [found.name for found in tmp_path.iterdir()] == [FILE_NAME]


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    first = make_key_file(path)
    before = path.read_bytes()
    assert make_key_file(path).id == first.id
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666, 0o601])
def test_a_key_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / FILE_NAME
    make_key_file(path)
    path.chmod(mode)
    with pytest.raises(MasterKeyUnusable, match="chmod 600"):
        Secrets.load(with_file(tmp_path))


def test_a_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir(mode=0o700)
    with pytest.raises(MasterKeyUnusable, match=FILE_NAME):
        Secrets.load(with_file(tmp_path))


WEAK = {
    "empty": "",
    "blank": "  \n",
    "a word": "changeme",
    "a sentence": "please change this secret before going live",
    "short": base64.b64encode(hashlib.sha256(b"x").digest()[:31]).decode(),
    "long": base64.b64encode(hashlib.sha512(b"x").digest()).decode(),
    "zeros": base64.b64encode(bytes(32)).decode(),
    "zeros in hex": "00" * 32,
    "one byte repeated": "ab" * 32,
    "eight bytes repeated": hashlib.sha256(b"x").hexdigest()[:16] * 4,
    "counting": base64.b64encode(bytes(range(32))).decode(),
    "counting in threes": base64.b64encode(bytes(i * 3 % 256 for i in range(32))).decode(),
    "a pass phrase in base64": base64.b64encode(b"correct horse battery staple 123").decode(),
    "not base64": "k=" * 22,
    "other alphabet": "é" * 44,
}


@pytest.mark.parametrize("text", WEAK.values(), ids=WEAK.keys())
def test_weak_keys_refuse_to_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(MasterKeyUnusable, match="openssl rand"):
        parse_key(text, "KONTOR_MASTER_KEY")
    path = tmp_path / FILE_NAME
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(MasterKeyUnusable) as refusal:
        Secrets.load(with_file(tmp_path))
    assert not text.strip() or text.strip() not in str(refusal.value)
    with pytest.raises(MasterKeyUnusable):
        Secrets.load(Settings(kontor_data=tmp_path / "other", kontor_master_key=SecretStr(text)))


def test_a_truncated_key_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    make_key_file(path)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(MasterKeyUnusable, match="too short"):
        Secrets.load(with_file(tmp_path))
    assert path.stat().st_size == 20


@given(st.binary(min_size=32, max_size=32).filter(lambda raw: not is_too_regular(raw)))
def test_every_way_of_writing_a_key_reads_back(raw: bytes) -> None:
    spellings = [
        base64.b64encode(raw).decode(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode(),
        raw.hex(),
        raw.hex().upper(),
        f"  {write_key(raw)}\n",
    ]
    assert {parse_key(text, "here") for text in spellings} == {raw}


def test_the_keys_that_we_draw_pass_our_own_check() -> None:
    drawn = {parse_key(write_key(generate_key()), "here") for _ in range(500)}
    assert len(drawn) == 500


def test_each_purpose_has_a_key_of_its_own() -> None:
    secrets = Secrets.load(Settings(kontor_data=Path("/nonexistent"), kontor_master_key=SecretStr(key("a"))))
    derived = {secrets.derive("jwt"), secrets.derive("csrf"), secrets.derive("cursor"), secrets.derive("signed-url")}
    assert len(derived) == 4
    assert all(len(one) == 32 for one in derived)
    assert len(secrets.derive("jwt", 64)) == 64


def test_nothing_shows_the_key() -> None:
    secrets = Secrets.load(Settings(kontor_data=Path("/nonexistent"), kontor_master_key=SecretStr(key("a"))))
    raw = base64.b64decode(key("a"))
    shown = f"{secrets!r} {secrets.current!r} {secrets.all!r} {vars(type(secrets.current))}"
    assert key("a") not in shown
    assert raw.hex() not in shown


def test_former_keys_from_environment_and_files_stay_readable(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    first = make_key_file(path)
    second = replace_key_file(path)
    third = replace_key_file(path)
    assert sorted(found.name for found in tmp_path.iterdir()) == [FILE_NAME, f"{FILE_NAME}.1", f"{FILE_NAME}.2"]
    secrets = Secrets.load(with_file(tmp_path))
    assert [known.id for known in secrets.all] == [third.id, second.id, first.id]

    moved = Secrets.load(
        Settings(
            kontor_data=tmp_path,
            kontor_master_key=SecretStr(key("now")),
            kontor_master_key_old=SecretStr(f"{key('before')}, {key('long ago')}"),
        )
    )
    assert moved.source == "KONTOR_MASTER_KEY"
    assert [known.id for known in moved.old][2:] == [third.id, second.id, first.id]
    assert len(moved.all) == 6


def test_a_rotation_keeps_old_signatures_valid_and_the_database_password_as_it_was(tmp_path: Path) -> None:
    before = Secrets.load(with_file(tmp_path))
    replace_key_file(tmp_path / FILE_NAME)
    after = Secrets.load(with_file(tmp_path))
    assert after.derive("jwt") != before.derive("jwt")
    assert after.derive_all("jwt") == (after.derive("jwt"), before.derive("jwt"))
    assert after.derive("app-role-password") == before.derive("app-role-password")


def test_a_rotation_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    first = make_key_file(path)
    os.link(path, tmp_path / f"{FILE_NAME}.1")  # the moment after the present key got its second name
    second = replace_key_file(path)
    assert sorted(found.name for found in tmp_path.iterdir()) == [FILE_NAME, f"{FILE_NAME}.1"]
    assert [known.id for known in Secrets.load(with_file(tmp_path)).all] == [second.id, first.id]


def test_a_weak_former_key_is_refused_as_well(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyUnusable, match="KONTOR_MASTER_KEY_OLD"):
        Secrets.load(
            Settings(
                kontor_data=tmp_path,
                kontor_master_key=SecretStr(key("now")),
                kontor_master_key_old=SecretStr("changeme"),
            )
        )
