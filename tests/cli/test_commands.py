"""What the command line promises: each command explained, quickly, and errors in plain words."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from kontor.cli.main import COMMANDS, dispatch
from kontor.core.version import __version__
from tests.cli.program import kontor, kontor_here


def test_help_explains_every_command_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        dispatch(["--help"])
    assert end.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for command in COMMANDS:
        assert command.help.endswith(".")
        assert f"{command.name} {command.help}" in said


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_has_its_own_help_and_takes_the_data_folder(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        dispatch([command, "--help"])
    assert end.value.code == 0
    assert "--data" in capsys.readouterr().out


def test_help_comes_without_loading_the_program() -> None:
    code = "import sys; from kontor.cli.main import make_parser; make_parser().format_help(); print(len(sys.modules))"
    began = time.monotonic()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(said) < 150
    assert time.monotonic() - began < 5


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_an_unknown_command_is_a_usage_error() -> None:
    assert kontor("fly").returncode == 2


def test_a_person_can_be_looked_after_without_a_running_kontor(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    status, said, trouble = kontor_here("user", "create", "eva@example.org", "--admin", "--language", "de", *data)
    assert status == 0, trouble
    assert "/reset/" in said
    status, _, trouble = kontor_here("user", "set-role", "eva@example.org", "user", *data)
    assert status == 1
    assert "last administrator" in trouble
    assert kontor_here("user", "suspend", "nobody@example.org", *data)[0] == 1
    listed = kontor_here("user", "list", *data)[1].splitlines()
    assert [line.split()[0] for line in listed] == ["E-MAIL", "eva@example.org"]


def test_the_master_key_is_replaced_and_the_former_kept(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    assert kontor_here("migrate", *data)[0] == 0
    before = (tmp_path / "data" / "master.key").read_text()
    status, _, trouble = kontor_here("vault", "rotate", *data)
    assert status == 0, trouble
    assert (tmp_path / "data" / "master.key.1").read_text() == before
    assert (tmp_path / "data" / "master.key").read_text() != before
    assert '"title": "Datenbank"' in kontor_here("doctor", "--language", "de", "--json", *data)[1]


def test_a_key_in_the_environment_is_rotated_by_the_environment(tmp_path: Path) -> None:
    key = "6Ln1Rj0o8pWZb3m2yQvUt7cXKdE4sFhGaJkLxNzOiPM="
    outcome = kontor("vault", "rotate", "--data", str(tmp_path / "data"), KONTOR_MASTER_KEY=key)
    assert outcome.returncode == 2
    assert "KONTOR_MASTER_KEY_OLD" in outcome.stdout
    assert not (tmp_path / "data" / "postgres").exists(), "told before anything is begun"


def test_the_interface_is_described_without_a_database(tmp_path: Path) -> None:
    target = tmp_path / "openapi.json"
    assert kontor_here("openapi", "--output", str(target))[0] == 0
    assert '"/health/ready"' in target.read_text()
