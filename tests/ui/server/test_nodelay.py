"""Tests of sending without delay."""

import asyncio
import os
import socket
from contextlib import contextmanager

import pytest

from e2lm_core.ui.server import lifespan, nodelay


@contextmanager
def listening(family=socket.AF_INET, address=("127.0.0.1", 0)):
    """A socket that listens, made as Streamlit makes it: without a protocol."""
    with socket.socket(family=family) as server:
        server.bind(address)
        server.listen()
        yield server


def is_sent_at_once(server):
    with socket.create_connection(server.getsockname()[:2]), server.accept()[0] as connection:
        return bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET6, ("::1", 0))]
)
def test_connections_to_a_listening_socket_wait_for_no_acknowledgement(family, address):
    with listening(family, address) as server:
        assert not is_sent_at_once(server)  # as asyncio, which looks at the protocol, leaves it
        assert nodelay.send_without_delay() >= 1
        assert is_sent_at_once(server)


def test_asyncio_itself_leaves_such_a_socket_delayed():
    """The reason for the module; once this fails it can go."""

    async def accepted(server):
        seen = asyncio.get_running_loop().create_future()

        def connected(_, writer):
            seen.set_result(
                writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            )
            writer.close()

        async with await asyncio.start_server(connected, sock=server):
            _, writer = await asyncio.open_connection(*server.getsockname())
            writer.close()
            return await seen

    with listening() as server:
        server.setblocking(False)
        assert asyncio.run(accepted(server)) == 0


def test_other_descriptors_are_left_alone_and_none_stays_open(tmp_path):
    path = str(tmp_path / "socket")
    with listening(socket.AF_UNIX, path), socket.socket() as idle, (tmp_path / "file").open("w"):
        before = len(os.listdir("/dev/fd"))
        nodelay.send_without_delay()
        assert len(os.listdir("/dev/fd")) == before
        assert not idle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_machine_that_lists_no_descriptors_is_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(nodelay, "_DESCRIPTORS", tmp_path / "none")
    with listening() as server:
        assert nodelay.send_without_delay() == 0
        assert not is_sent_at_once(server)


def test_the_server_sends_without_delay_from_its_start(tmp_path, monkeypatch):
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))

    async def started():
        async with lifespan.running(None):
            pass

    with listening() as server:
        asyncio.run(started())
        assert is_sent_at_once(server)
