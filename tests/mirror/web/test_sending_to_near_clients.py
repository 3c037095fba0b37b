"""What the kernel holds for a client that is near is bounded; how much a distant one needs, it finds out by itself."""

import socket

import pytest

from mirror.web import sending


def buffer_after_sending() -> int:
    """How much the kernel holds for a client on this host."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        sender, _ = server.accept()
        with sender:
            sending._keep_close(sender)
            held: int = sender.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            return held


def test_a_near_client_gets_a_bounded_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux reports twice what was asked for, since it counts its own bookkeeping, too."""
    near = buffer_after_sending()
    monkeypatch.setattr(sending, "_NEAR_MICROSECONDS", -1)
    distant = buffer_after_sending()

    assert near == 2 * sending._NEAR_BUFFER
    assert distant != near


def test_what_is_no_connection_over_tcp_is_left_alone() -> None:
    """Such as one through a Unix socket."""
    one, other = socket.socketpair()
    with one, other:
        before = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        sending._keep_close(one)

        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == before
