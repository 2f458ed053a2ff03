"""The self-signed certificate of the web and the browser phones.

Browsers let a page use the microphone, and a phone its socket, only over TLS or on `localhost`. A company puts its
own certificate in the same place, or a TLS front before OneCall.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core.errors import Invalid
from onecall.files import write_whole

# Browsers refuse certificates that are valid for longer.
_VALID = datetime.timedelta(days=397)
_RENEW_BEFORE = datetime.timedelta(days=30)


def certificate_files(state: Path) -> tuple[Path, Path]:
    """Where the certificate and its private key are, in the state folder."""
    folder = (state / "tls").resolve()
    return folder / "certificate.pem", folder / "key.pem"


def certificate_names(host: str, public_host: str) -> list[str]:
    """Every name by which browsers may reach this machine."""
    names = ["localhost", "127.0.0.1", public_host, socket.gethostname()]
    if host != "0.0.0.0":
        names.append(host)
    return list(dict.fromkeys(name for name in names if name))


def ensure_certificate(state: Path, host: str, public_host: str) -> None:
    """Make a self-signed one where none is there that can be used; one at a time, as several processes may start."""
    names = certificate_names(host, public_host)
    certificate, private_key = certificate_files(state)
    certificate.parent.mkdir(parents=True, exist_ok=True)
    with (certificate.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if certificate_problem(certificate, private_key, names):
            make_certificate(certificate, private_key, names)


def certificate_problem(certificate: Path, private_key: Path, names: Iterable[str]) -> str | None:
    """Why a new certificate is needed, or None. One that we did not make is never found wanting for its names.

    Raises Invalid when one that we did not make has a key that is not its own: no start could mend that.
    """
    if not (certificate.is_file() and private_key.is_file()):
        return "there is none yet"
    try:
        known = x509.load_pem_x509_certificate(certificate.read_bytes())
    except ValueError:
        return "the one there cannot be read"
    is_ours = known.issuer == known.subject
    if not _belong_together(known, private_key):
        if not is_ours:
            what = f"The private key {private_key} does not belong to the certificate {certificate}."
            raise Invalid(what, "Put the certificate's own key there, or remove both for a self-signed pair.")
        return "the key there is not that of the certificate"
    if not is_ours:
        return None
    if known.not_valid_after_utc - _RENEW_BEFORE < datetime.datetime.now(datetime.UTC):
        return f"the one there ends on {known.not_valid_after_utc:%d %B %Y}"
    missing = set(names) - _names_in(known)
    return f"the one there does not name {', '.join(sorted(missing))}" if missing else None


def make_certificate(certificate: Path, private_key: Path, names: Iterable[str]) -> None:
    """Write a new key (readable by its owner only) and a certificate for `names`, each whole or not at all."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "OneCall")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.parent.mkdir(parents=True, exist_ok=True)
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    write_whole(private_key, text)
    write_whole(certificate, signed.public_bytes(serialization.Encoding.PEM))


def _belong_together(certificate: x509.Certificate, private_key: Path) -> bool:
    try:
        key = serialization.load_pem_private_key(private_key.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return key.public_key() == certificate.public_key()


def _general_name(name: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _names_in(certificate: x509.Certificate) -> set[str]:
    with contextlib.suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
        return addresses | set(names.get_values_for_type(x509.DNSName))
    return set()
