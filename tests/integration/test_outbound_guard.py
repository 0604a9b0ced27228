"""The guard of the tests themselves."""

import socket

import httpx
import pytest

from tests.support.guard import Strayed


@pytest.mark.parametrize("address", ["192.0.2.1", "8.8.8.8", "::ffff:192.0.2.1"])
def test_no_test_connects_to_another_machine(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(Strayed):
        sock.connect((address, 80))


async def test_nor_does_a_library() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises((Strayed, BaseExceptionGroup)):
            await client.get("http://192.0.2.1/", timeout=1)


def test_nor_is_a_name_server_asked() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(Strayed):
        sock.sendto(b"question", ("192.0.2.53", 53))
