"""Serves the standard's official schemas under their own addresses, for a suite without internet.

An HTTP proxy on loopback: what a Java program asks of the schemas' host, by http or https, is
answered from a folder; everything else is refused.
"""

import datetime
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

HOST = "schemas.opengis.net"
PREFIX = "/ogcapi/processes/part1/1.0/openapi/"
PASSWORD = "changeit"


class _Mirror(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    tls: ssl.SSLContext

    def do_CONNECT(self) -> None:
        """Be the schemas' host, as far as our own certificate goes."""
        if not self.path.startswith(f"{HOST}:"):
            self.send_error(403)
            return
        self.send_response_only(200)
        self.end_headers()
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)

    def do_GET(self) -> None:
        """One schema."""
        path = urlsplit(self.path).path
        file = (self.folder / path.removeprefix(PREFIX)).resolve()
        if not (path.startswith(PREFIX) and self.folder in file.parents and file.is_file()):
            self.send_error(404)
            return
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/yaml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def finish(self) -> None:
        """Close the connection as it is now: that within the tunnel."""
        super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


@contextmanager
def schema_mirror(schemas: Path, folder: Path) -> Iterator[list[str]]:
    """What to tell Java so that it finds the schemas of `schemas` under their addresses."""
    certificate, store = _identity(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    mirror = type("Mirror", (_Mirror,), {"folder": schemas.resolve(), "tls": tls})
    server = _Quiet(("127.0.0.1", 0), mirror)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    options = [
        f"-Djavax.net.ssl.trustStore={store}",
        f"-Djavax.net.ssl.trustStorePassword={PASSWORD}",
    ]
    for scheme in ("http", "https"):
        options += [f"-D{scheme}.proxyHost=127.0.0.1", f"-D{scheme}.proxyPort={server.server_port}"]
    try:
        yield options
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _identity(folder: Path) -> tuple[Path, Path]:
    """A certificate with its key, and a Java store that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, store = folder / "mirror.pem", folder / "trusted.p12"
    chain.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    trusted = pkcs12.PKCS12Certificate(certificate, b"mirror")
    protection = serialization.BestAvailableEncryption(PASSWORD.encode())
    store.write_bytes(pkcs12.serialize_java_truststore([trusted], protection))
    return chain, store
