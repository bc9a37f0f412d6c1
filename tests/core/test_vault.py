"""Sealed values open in their own place, for their own owner, under the right master key, and nowhere else."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import select, text, update

from kontor.core.database import Database
from kontor.core.ids import UserId
from kontor.core.secrets import FILE_NAME, MasterKey, Secrets, replace_key_file
from kontor.core.settings import Settings
from kontor.core.tenancy import Identity, Scope
from kontor.core.vault import rotation, sealing
from kontor.core.vault.errors import CanaryMissing, MasterKeyMissing, SealBroken
from kontor.core.vault.sealing import Place, Sealed
from kontor.core.vault.service import Vault, check_canary, plant_canary
from kontor.core.vault.tables import VaultKey


def master(name: str) -> MasterKey:
    return MasterKey(hashlib.sha256(name.encode()).digest())


def secrets_of(name: str, *old: str) -> Secrets:
    return Secrets(master(name), [master(one) for one in old])


def person() -> tuple[UserId, Identity]:
    user_id = UserId(uuid4())
    return user_id, Identity(Scope.PERSON, user_id)


def place_of(owner_id: UserId | None, row_id: UUID | None = None, *, version: int = 1) -> Place:
    return Place("provider_key", "secret", row_id or uuid4(), owner_id, version)


@pytest.fixture
def vault() -> Vault:
    return Vault(secrets_of("now"))


async def test_a_value_opens_in_its_own_place(database: Database, vault: Vault) -> None:
    ada, as_ada = person()
    place = place_of(ada)
    async with database.unit(as_ada) as unit:
        sealed = await vault.seal(unit, place, "sk-geheim-äöü")
        again = await vault.seal(unit, place, "sk-geheim-äöü")
    async with database.unit(as_ada) as unit:
        assert await vault.open_text(unit, place, sealed) == "sk-geheim-äöü"
        assert await vault.open(unit, place, again) == "sk-geheim-äöü".encode()
    assert bytes(sealed).find(b"geheim") == -1
    assert sealed != again
    async with database.system("vault") as unit:
        assert await vault.open_text(unit, place, sealed) == "sk-geheim-äöü"


async def test_every_owner_has_one_key(database: Database, vault: Vault) -> None:
    (ada, as_ada), (bob, as_bob) = person(), person()
    for owner, identity in ((ada, as_ada), (ada, as_ada), (bob, as_bob)):
        async with database.unit(identity) as unit:
            await vault.seal(unit, place_of(owner), b"x")
    async with database.system("vault") as unit:
        owners = (await unit.scalars(select(VaultKey.owner_id).where(VaultKey.owner_id.in_([ada, bob])))).all()
    assert sorted(map(str, owners)) == sorted(map(str, [ada, bob]))


async def test_two_units_that_seal_first_at_once_agree_on_the_key(committed_database: Database, vault: Vault) -> None:
    ada, as_ada = person()
    place = place_of(ada)

    async def seal() -> Sealed:
        async with committed_database.unit(as_ada) as unit:
            return await vault.seal(unit, place, b"x")

    sealed = await asyncio.gather(*(seal() for _ in range(8)))
    assert len({sealing.key_id_of(one) for one in sealed}) == 1
    async with committed_database.unit(as_ada) as unit:
        assert [await vault.open(unit, place, one) for one in sealed] == [b"x"] * 8


async def test_a_rollback_takes_the_new_key_with_it(database: Database, vault: Vault) -> None:
    ada, as_ada = person()
    with pytest.raises(ZeroDivisionError):
        async with database.unit(as_ada) as unit:
            await vault.seal(unit, place_of(ada), b"x")
            raise ZeroDivisionError
    place = place_of(ada)
    async with database.unit(as_ada) as unit:
        sealed = await vault.seal(unit, place, b"y")
    async with database.unit(as_ada) as unit:
        assert await vault.open(unit, place, sealed) == b"y"


async def test_two_peoples_ciphertexts_cannot_be_swapped(database: Database, vault: Vault) -> None:
    """Even for somebody who can write the tables: by row, by key id, by wrapped key, by owner of the key."""
    (ada, as_ada), (bob, as_bob) = person(), person()
    place_a, place_b = place_of(ada), place_of(bob)
    async with database.unit(as_ada) as unit:
        sealed_a = await vault.seal(unit, place_a, b"of ada")
    async with database.unit(as_bob) as unit:
        sealed_b = await vault.seal(unit, place_b, b"of bob")

    # Bob's transaction does not find Ada's key, whatever stands in his row; nor does the system use it for his place.
    for identity in (as_bob, Identity(Scope.SYSTEM)):
        async with database.unit(identity) as unit:
            with pytest.raises(SealBroken):
                await vault.open(unit, place_b, sealed_a)
    async with database.unit(as_bob) as unit:
        with pytest.raises(SealBroken):
            await vault.open(unit, place_a, sealed_a)

    # Ada's ciphertext under the name of Bob's key.
    key_b = sealing.key_id_of(sealed_b)
    renamed = Sealed(sealed_a[:1] + key_b.bytes + sealed_a[17:])
    async with database.unit(as_bob) as unit:
        with pytest.raises(SealBroken):
            await vault.open(unit, place_b, renamed)

    # The wrapped keys themselves exchanged in SQL.
    async with database.system("test") as unit:
        rows = {row.owner_id: row.wrapped for row in await unit.scalars(select(VaultKey))}
        for owner, other in ((ada, bob), (bob, ada)):
            await unit.execute(update(VaultKey).where(VaultKey.owner_id == owner).values(wrapped=rows[other]))
    for identity, sealed, place in ((as_ada, sealed_a, place_a), (as_bob, sealed_b, place_b)):
        async with database.unit(identity) as unit:
            with pytest.raises(SealBroken):
                await vault.open(unit, place, sealed)


CHANGES: dict[str, Callable[[Place], Place]] = {
    "another table": lambda place: Place("other", place.column, place.row_id, place.owner_id),
    "another column": lambda place: Place(place.table, "other", place.row_id, place.owner_id),
    "another row": lambda place: Place(place.table, place.column, uuid4(), place.owner_id),
    "another owner": lambda place: Place(place.table, place.column, place.row_id, UserId(uuid4())),
    "no owner": lambda place: Place(place.table, place.column, place.row_id, None),
    "another version": lambda place: Place(place.table, place.column, place.row_id, place.owner_id, 2),
    "parts joined otherwise": lambda place: Place("provider", "key.secret", place.row_id, place.owner_id),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_value_opens_nowhere_else(database: Database, vault: Vault, change: Callable[[Place], Place]) -> None:
    ada, as_ada = person()
    place = place_of(ada)
    async with database.unit(as_ada) as unit:
        sealed = await vault.seal(unit, place, b"secret")
        with pytest.raises(SealBroken):
            await vault.open(unit, change(place), sealed)
        assert await vault.open(unit, place, sealed) == b"secret"


@given(st.binary(max_size=200), st.data())
def test_no_bit_can_be_changed(plain: bytes, data: st.DataObject) -> None:
    key = sealing.new_data_key(uuid4(), UserId(uuid4()))
    place = place_of(key.owner_id)
    sealed = sealing.seal(plain, place, key)
    assert sealing.unseal(sealed, place, key) == plain
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    bent = bytearray(sealed)
    bent[at // 8] ^= 1 << at % 8
    with pytest.raises(SealBroken):
        sealing.unseal(bytes(bent), place, key)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    with pytest.raises(SealBroken):
        sealing.unseal(sealed[:cut], place, key)


@given(st.lists(st.text(max_size=8), max_size=5), st.lists(st.text(max_size=8), max_size=5))
def test_no_two_places_read_the_same(left: list[str], right: list[str]) -> None:
    assert (sealing.joined(*left) == sealing.joined(*right)) == (left == right)


async def test_the_installations_secrets_are_for_administrators_and_the_system(
    database: Database, vault: Vault
) -> None:
    ada, as_ada = person()
    place = Place("installation", "smtp_password", "1", None)
    async with database.unit(Identity(Scope.ADMIN, ada)) as unit:
        sealed = await vault.seal(unit, place, "mail")
    async with database.unit(Identity(Scope.ADMIN, ada)) as unit:
        assert await vault.open_text(unit, place, sealed) == "mail"
    async with database.system("vault") as unit:
        assert await vault.open_text(unit, place, sealed) == "mail"
    for identity in (as_ada, Identity(Scope.FULL, ada), Identity(Scope.ADMIN, ada)):
        async with database.unit(identity) as unit:
            with pytest.raises(SealBroken):
                await vault.open(unit, place if identity.scope is not Scope.ADMIN else place_of(ada), sealed)


async def test_administrators_do_not_find_peoples_keys(database: Database, vault: Vault) -> None:
    (ada, as_ada), (root, _) = person(), person()
    place = place_of(ada)
    async with database.unit(as_ada) as unit:
        sealed = await vault.seal(unit, place, b"secret")
    for scope in (Scope.ADMIN, Scope.FULL, Scope.PERSON):
        async with database.unit(Identity(scope, root)) as unit:
            with pytest.raises(SealBroken):
                await vault.open(unit, place, sealed)


async def test_a_forgotten_owner_cannot_be_read_again(database: Database, vault: Vault) -> None:
    ada, as_ada = person()
    place = place_of(ada)
    async with database.unit(as_ada) as unit:
        sealed = await vault.seal(unit, place, b"secret")
    async with database.system("vault") as unit:
        await vault.forget(unit, ada)
    async with database.unit(as_ada) as unit:
        with pytest.raises(SealBroken):
            await vault.open(unit, place, sealed)


async def test_the_wrong_master_key_is_named_in_plain_words(database: Database) -> None:
    ada, as_ada = person()
    place = place_of(ada)
    async with database.unit(as_ada) as unit:
        sealed = await Vault(secrets_of("then")).seal(unit, place, b"secret")
    async with database.unit(as_ada) as unit:
        with pytest.raises(MasterKeyMissing) as refusal:
            await Vault(secrets_of("now")).open(unit, place, sealed)
        assert master("then").id in refusal.value.message
        assert master("now").id in refusal.value.message
        assert "KONTOR_MASTER_KEY_OLD" in refusal.value.message
        assert await Vault(secrets_of("now", "then")).open(unit, place, sealed) == b"secret"


async def test_the_canary_tells_whether_the_key_fits(database: Database) -> None:
    with pytest.raises(CanaryMissing):
        await check_canary(database, secrets_of("now"))
    await plant_canary(database, secrets_of("now"))
    await plant_canary(database, secrets_of("now"))
    await check_canary(database, secrets_of("now"))
    await check_canary(database, secrets_of("later", "now"))
    for check in (check_canary, plant_canary):
        with pytest.raises(MasterKeyMissing):
            await check(database, secrets_of("wrong"))
    async with database.system("test") as unit:
        await unit.execute(text("DELETE FROM vault_canary"))
        await unit.execute(text("INSERT INTO vault_canary (sealed) SELECT decode(repeat('01', 80), 'hex')"))
    with pytest.raises(SealBroken):
        await check_canary(database, secrets_of("now"))


async def sealed_by_many(database: Database, secrets: Secrets, count: int) -> list[tuple[Place, Sealed]]:
    made = []
    for _ in range(count):
        owner, identity = person()
        place = place_of(owner)
        async with database.unit(identity) as unit:
            made.append((place, await Vault(secrets).seal(unit, place, f"of {owner}")))
    return made


async def all_open(database: Database, secrets: Secrets, values: list[tuple[Place, Sealed]]) -> None:
    async with database.system("vault") as unit:
        for place, sealed in values:
            assert await Vault(secrets).open_text(unit, place, sealed) == f"of {place.owner_id}"


async def test_after_a_rotation_the_old_key_may_go(database: Database) -> None:
    values = await sealed_by_many(database, secrets_of("then"), 7)
    await plant_canary(database, secrets_of("then"))
    both = secrets_of("now", "then")
    values += await sealed_by_many(database, both, 2)
    before = await rotation.count(database, both)
    assert (before.total, before.left, before.is_complete) == (10, {master("then").id: 8}, False)
    seen: list[tuple[int, int]] = []
    report = await rotation.rotate(database, both, batch=3, on_progress=lambda done, of: seen.append((done, of)))
    assert (report.rewrapped, report.total, report.left, report.is_complete) == (8, 10, {}, True)
    assert seen == [(3, 8), (6, 8), (8, 8)]
    await all_open(database, secrets_of("now"), values)
    await check_canary(database, secrets_of("now"))
    again = await rotation.rotate(database, both)
    assert (again.rewrapped, again.left_count) == (0, 0)


async def test_a_rotation_that_was_cut_off_goes_on(committed_database: Database) -> None:
    values = await sealed_by_many(committed_database, secrets_of("then"), 10)
    both = secrets_of("now", "then")

    def cut_off(done: int, _of: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rotation.rotate(committed_database, both, batch=2, on_progress=cut_off)
    half = await rotation.count(committed_database, both)
    assert half.left == {master("then").id: 6}
    # Half way, everything can be read by whoever knows both keys, and new things are sealed under the new one.
    await all_open(committed_database, both, values)
    report = await rotation.rotate(committed_database, both, batch=2)
    assert (report.rewrapped, report.is_complete) == (6, True)
    await all_open(committed_database, secrets_of("now"), values)


async def test_two_rotations_at_once_share_the_work(committed_database: Database) -> None:
    values = await sealed_by_many(committed_database, secrets_of("then"), 30)
    both = secrets_of("now", "then")
    reports = await asyncio.gather(*(rotation.rotate(committed_database, both, batch=4) for _ in range(3)))
    assert sum(report.rewrapped for report in reports) == 30
    await all_open(committed_database, secrets_of("now"), values)


async def test_what_is_under_an_unknown_key_is_counted_and_left_alone(database: Database) -> None:
    lost = await sealed_by_many(database, secrets_of("lost"), 2)
    values = await sealed_by_many(database, secrets_of("then"), 3)
    both = secrets_of("now", "then")
    report = await rotation.rotate(database, both)
    assert (report.rewrapped, report.left_count, report.is_complete) == (3, 2, False)
    assert report.missing_masters == (master("lost").id,)
    await all_open(database, both, values)
    await all_open(database, secrets_of("lost"), lost)


async def test_a_key_that_was_tampered_with_is_named_and_does_not_stop_the_others(database: Database) -> None:
    values = await sealed_by_many(database, secrets_of("then"), 4)
    spoilt = sealing.key_id_of(values[0][1])
    async with database.system("test") as unit:
        await unit.execute(update(VaultKey).where(VaultKey.id == spoilt).values(wrapped=bytes(60)))
    report = await rotation.rotate(database, secrets_of("now", "then"), batch=1)
    assert (report.rewrapped, report.broken, report.left_count) == (3, (spoilt,), 1)


async def test_rotation_with_the_key_file(database: Database, tmp_path: Path) -> None:
    settings = Settings(kontor_data=tmp_path, kontor_master_key=None)
    values = await sealed_by_many(database, Secrets.load(settings), 3)
    replace_key_file(tmp_path / FILE_NAME)
    report = await rotation.rotate(database, Secrets.load(settings))
    assert report.is_complete
    (tmp_path / f"{FILE_NAME}.1").unlink()
    await all_open(database, Secrets.load(settings), values)


async def test_rotation_with_keys_in_the_environment(database: Database, tmp_path: Path) -> None:
    raw = {name: base64.b64encode(hashlib.sha256(name.encode()).digest()).decode() for name in ("then", "now")}
    values = await sealed_by_many(database, secrets_of("then"), 3)
    settings = Settings(
        kontor_data=tmp_path,
        kontor_master_key=SecretStr(raw["now"]),
        kontor_master_key_old=SecretStr(raw["then"]),
    )
    assert (await rotation.rotate(database, Secrets.load(settings))).is_complete
    await all_open(database, secrets_of("now"), values)
