"""A scripted name server, over UDP and TCP.

    answers = {"a.example.net": [["192.0.2.1"], ["192.0.2.2", "2001:db8::1"]]}    first question, every later one

An answer is a list of addresses, or a word: NXDOMAIN, SERVFAIL, SILENCE, CNAME-LOOP, CNAME:name (with 127.0.0.1).
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Answer = Sequence[str] | str
UDP_LIMIT = 512


class NameServer:
    """Answers from a table; names that are not in it do not exist."""

    def __init__(self, answers: Mapping[str, Sequence[Answer]], address: str = "127.0.0.1", port: int = 0) -> None:
        self.answers = dict(answers)
        self.asked: Counter[tuple[str, str]] = Counter()
        self._address, self.port = address, port

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._tcp = await asyncio.start_server(self._serve, self._address, self.port)
        self.port = self._tcp.sockets[0].getsockname()[1]
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), local_addr=(self._address, self.port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._udp.close()
        self._tcp.close()
        await asyncio.sleep(0)

    def resolv_conf(self, folder: Path) -> Path:
        """A file that names this server."""
        path = folder / "resolv.conf"
        path.write_text(f"nameserver {self._address}\noptions timeout:1\n")
        return path

    def respond(self, wire: bytes) -> bytes | None:
        """The answer to one question; None: silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        script = self.answers.get(name, ["NXDOMAIN"])
        answer = script[min(self.asked[name, kind], len(script) - 1)]
        self.asked[name, kind] += 1
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if isinstance(answer, str):
            return _word(response, name, kind, answer)
        wanted = [address for address in answer if (":" in address) == (kind == "AAAA")]
        if wanted:
            records = [dns.rrset.from_text(question.name, 60, "IN", kind, address) for address in wanted]
            response.answer.extend(records)
        return response.to_wire(max_size=65535)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        wire = self.respond(await reader.readexactly(size))
        if wire is not None:
            writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()


def _word(response: dns.message.Message, name: str, kind: str, word: str) -> bytes | None:
    if word == "SILENCE":
        return None
    if word in ("NXDOMAIN", "SERVFAIL", "REFUSED"):
        response.set_rcode(dns.rcode.from_text(word))
    elif word == "CNAME-LOOP":
        response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"other.{name}."))
        response.answer.append(dns.rrset.from_text(f"other.{name}.", 60, "IN", "CNAME", f"{name}."))
    else:
        target = f"{word.removeprefix('CNAME:')}."
        response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", target))
        if kind == "A":
            response.answer.append(dns.rrset.from_text(target, 60, "IN", "A", "127.0.0.1"))
    return response.to_wire()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        wire = self._server.respond(data)
        if wire is None:
            return
        if len(wire) > UDP_LIMIT:
            question = dns.message.from_wire(data)
            self._server.asked[
                question.question[0].name.to_text(omit_final_dot=True).lower(),
                dns.rdatatype.to_text(question.question[0].rdtype),
            ] -= 1
            short = dns.message.make_response(question)
            short.flags |= dns.flags.TC | dns.flags.RA
            wire = short.to_wire()
        self._transport.sendto(wire, addr)  # type: ignore[attr-defined]
