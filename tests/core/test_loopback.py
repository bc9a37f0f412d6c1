"""This machine, in whatever spelling, and nothing that only looks like it."""

from pathlib import Path

import pytest

from kontor.core.loopback import is_loopback
from kontor.core.settings import Settings


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.2", "127.255.255.254", "::1", "[::1]", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "localhost",
     "LocalHost"],
)  # fmt: skip
def test_every_spelling_of_this_machine_is_this_machine(host: str, tmp_path: Path) -> None:
    assert is_loopback(host)
    assert Settings(kontor_data=tmp_path, kontor_host=host).is_loopback


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "128.0.0.1", "::ffff:10.0.0.1", "fe80::1", "127.1", "localhost.example",
     "127.0.0.1.nip.example", "", None],
)  # fmt: skip
def test_nothing_else_is(host: str | None) -> None:
    assert not is_loopback(host)
