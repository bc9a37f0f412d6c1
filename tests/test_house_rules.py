"""What every test may rely on."""

import socket

import pytest


def test_the_network_is_closed() -> None:
    with socket.socket() as tried, pytest.raises(PermissionError, match=r"192\.0\.2\.1"):
        tried.connect(("192.0.2.1", 80))
