"""A door that is locked before it is closed: real sockets, and the system's own handshake."""

import socket
import sys

import pytest

from kontor.web.door import lock


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be told")
@pytest.mark.parametrize("family, address", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_nobody_new_is_let_in_and_nobody_who_waits_is_lost(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        place = listener.getsockname()[:2]
        with socket.create_connection(place, timeout=5) as waiting:
            waiting.sendall(b"a question")
            assert lock(listener.fileno())
            with pytest.raises(TimeoutError):
                socket.create_connection(place, timeout=0.3)
            accepted, _ = listener.accept()
            listener.close()
            with accepted:
                accepted.settimeout(5)
                waiting.sendall(b", and more")
                assert accepted.recv(10) == b"a question"
                accepted.sendall(b"an answer")
                assert waiting.recv(100) == b"an answer"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place, timeout=5)
