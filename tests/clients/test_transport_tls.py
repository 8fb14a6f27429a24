"""The transport over TLS: the authority it trusts, and where the proof of "not sent" ends."""

import datetime as dt
import ipaddress
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from outward.results import NotSent, Unknown
from outward.transport import Answer, Transport

from . import server as scripted
from .server import Script, http_json, serving

SECONDS = 5.0


def certify(folder: Path) -> Path:
    """A key and a certificate of its own for 127.0.0.1, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "operator.example")])
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certify(tmp_path_factory.mktemp("tls"))


def over_tls(pem: Path, script: Script) -> Script:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def wrapped(server: scripted.Server, connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                script(server, secured)
        except ssl.SSLError:
            return  # the client does not trust us

    return wrapped


def ask(script: Script, ca_file: str, seconds: float = SECONDS) -> object:
    with serving(script) as server:
        client = Transport(server.url.replace("http:", "https:"), ca_file=ca_file)
        return client.send("POST", "/", json={}, deadline_seconds=seconds)


def test_the_pinned_authority_is_trusted(pem: Path) -> None:
    answer = ask(over_tls(pem, scripted.replying(200, {"a": 1})), str(pem))

    assert answer == Answer(200, b'{"a": 1}')


def test_another_authority_is_not_and_nothing_was_sent(pem: Path, tmp_path: Path) -> None:
    script = over_tls(pem, scripted.replying(200, {"a": 1}))

    assert isinstance(ask(script, str(certify(tmp_path))), NotSent)
    assert isinstance(ask(script, ""), NotSent)


@pytest.mark.parametrize("fault", [scripted.reset_read, scripted.close_read])
def test_a_connection_lost_after_the_handshake_proves_nothing(pem: Path, fault: Script) -> None:
    assert isinstance(ask(over_tls(pem, fault), str(pem)), Unknown)


def test_a_broken_record_in_the_place_of_an_answer_proves_nothing(pem: Path) -> None:
    def broken(server: scripted.Server, connection: socket.socket) -> None:
        server.read(connection)
        # Application data (type 23) that no key of this connection made.
        with socket.socket(fileno=connection.detach()) as plain:
            plain.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))

    assert isinstance(ask(over_tls(pem, broken), str(pem)), Unknown)


@pytest.mark.parametrize("at_once", [0, 40])
def test_a_trickle_ends_at_the_deadline(pem: Path, at_once: int) -> None:
    script = over_tls(pem, scripted.trickling(http_json(200, {"a": 1}), at_once=at_once))

    assert isinstance(ask(script, str(pem), 0.3), Unknown)
