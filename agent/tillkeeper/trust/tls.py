"""TLS 1.3 between registers: both show a certificate of the store's authority, dates are ignored, and what counts is whose
key it is (`contract.roster`)."""

import ssl
from pathlib import Path

from tillkeeper.trust.certificates import public_key

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of openssl/x509_vfy.h."""
PEERS, DESK = "tillkeeper-peer/1", "tillkeeper-trust/1"
"""What a connection is for (ALPN, RFC 7301): logs between members, or joining and recovering."""
NO_KEY = "none"
"""No register's key."""


def server_context(certificate: Path, key: Path, authority: str) -> ssl.SSLContext:
    """`authority`: its certificate in PEM. Raises OSError (`ssl.SSLError` is one) where a file can not be read or they do not
    belong together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols([PEERS, DESK])
    # A resumed session shows no certificate: a register that has left would come in by an old ticket.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    return _mutual(context, certificate, key, authority)


def client_context(certificate: Path, key: Path, authority: str, protocol: str = PEERS) -> ssl.SSLContext:
    """As `server_context`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols([protocol])
    return _mutual(_without_names(context), certificate, key, authority)


def joining_context(authority: str = "") -> ssl.SSLContext:
    """Of a register that has no certificate yet. Without `authority` (PEM) it believes whoever answers."""
    context = _without_names(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.set_alpn_protocols([DESK])
    if not authority:
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context
    return _checking(context, authority)


def welcome_strangers(context: ssl.SSLContext, *, welcome: bool) -> None:
    """Whether connections from now on may come without a certificate: while a join code is open. One that shows a wrong
    certificate is refused either way."""
    context.verify_mode = ssl.CERT_OPTIONAL if welcome else ssl.CERT_REQUIRED


def peer_key(ssl_object: ssl.SSLObject | ssl.SSLSocket | None) -> str:
    """The public key (hex) of the certificate that the other side showed and TLS has checked; empty where it showed none."""
    shown = ssl_object.getpeercert(binary_form=True) if ssl_object is not None else None
    if not shown:
        return ""
    try:
        return public_key(shown)
    except ValueError:
        return NO_KEY


def is_for_desk(ssl_object: ssl.SSLObject | ssl.SSLSocket | None) -> bool:
    """Whether an accepted connection is for the desk that admits, not for the logs."""
    if ssl_object is None:
        return False
    return ssl_object.selected_alpn_protocol() == DESK or not peer_key(ssl_object)


def _mutual(context: ssl.SSLContext, certificate: Path, key: Path, authority: str) -> ssl.SSLContext:
    # A key that is encrypted is none of ours: without this OpenSSL asks for its password at the terminal, and waits.
    context.load_cert_chain(certificate, key, password=lambda: b"")
    return _checking(context, authority)


def _without_names(context: ssl.SSLContext) -> ssl.SSLContext:
    context.check_hostname = False
    return context


def _checking(context: ssl.SSLContext, authority: str) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME) | ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=authority)
    return context
