"""Authorities that sign certificates for servers of tests, made with the `openssl` command."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Authority:
    """`certificate` is what clients need to trust it."""

    directory: Path

    @property
    def certificate(self) -> Path:
        return self.directory / "authority.pem"

    def server_context(self, *names: str) -> ssl.SSLContext:
        """What a server needs that is known by these names and addresses."""
        alternatives = ",".join(f"IP:{name}" if name[0].isdigit() else f"DNS:{name}" for name in names)
        server, key = self.directory / "server.pem", self.directory / "server.key"
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-subj", "/CN=server", "-addext", f"subjectAltName={alternatives}"),
            *("-addext", "basicConstraints=critical,CA:FALSE", "-CA", self.certificate),
            *("-CAkey", self.directory / "authority.key", "-keyout", key, "-out", server),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server, key)
        return context


def authority(directory: Path) -> Authority:
    """A new authority, whose files are in that directory."""
    directory.mkdir()
    made = Authority(directory)
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
        *("-subj", "/CN=An authority of tests", "-addext", "keyUsage=critical,keyCertSign"),
        *("-keyout", directory / "authority.key", "-out", made.certificate),
    )
    return made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
