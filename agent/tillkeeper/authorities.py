"""Whose certificates are believed when a server is called: those of a file that the configuration names, else those of this
machine, else those that come with the package."""

import errno
import os
import re
import ssl
from pathlib import Path

from tillkeeper.plain_file import open_plain

MAX_BYTES = 16 * 1024 * 1024
"""All authorities that browsers believe take a quarter of one."""
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""As OpenSSL finds an authority in a folder."""
_NOT_IN_TIME = (9, 10)
_OTHER_NAME = (62, 63, 64)
_UNKNOWN = (2, 18, 19, 20, 21)
"""X509_V_ERR_ of OpenSSL: not yet valid, expired; of another host, mail address or IP address; nobody known has signed it."""


def context(ca_file: str = "") -> ssl.SSLContext:
    """Raises: OSError, ssl.SSLError: `ca_file` can not be read, or holds no certificate."""
    if ca_file:
        _check_plain(ca_file)
        return ssl.create_default_context(cafile=ca_file)
    if of_machine():
        return ssl.create_default_context()
    import httpx  # slow to import; it brings the authorities that browsers believe

    return httpx.create_ssl_context(trust_env=False)


def _check_plain(path: str) -> None:
    """OpenSSL waits for a pipe's writer, and looks for certificates to the end."""
    with open_plain(Path(path)) as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)


def of_machine() -> str:
    """Where this machine keeps the authorities that it believes; empty where it has none."""
    paths = ssl.get_default_verify_paths()
    try:
        if paths.cafile and os.path.getsize(paths.cafile):
            return paths.cafile
        if paths.capath and any(_HASHED.fullmatch(name) for name in os.listdir(paths.capath)):
            return paths.capath
    except OSError:
        return ""
    return ""


def unreadable(error: OSError) -> str:
    """Why nobody can be believed by the file, where `context` raised this."""
    return "holds no certificates in PEM form" if isinstance(error, ssl.SSLError) else f"can not be read: {error.strerror}"


def refusal(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The refused certificate behind what a library raised, if that is what it was."""
    at: BaseException | None = error
    while at is not None and not isinstance(at, ssl.SSLCertVerificationError):
        at = at.__cause__ or at.__context__
    return at


def words(error: ssl.SSLCertVerificationError, ca_file: str, setting: str) -> tuple[str, str]:
    """Cause and hint. `setting`: how the configuration calls `ca_file`."""
    why = error.verify_message.rstrip(".")
    cause = f"its certificate is not believed: {why}"
    if error.verify_code in _NOT_IN_TIME:
        return cause, "look at the clock of this register, then have the certificate renewed"
    if error.verify_code in _OTHER_NAME:
        return cause, "the address has to be one that the certificate names"
    if error.verify_code not in _UNKNOWN:
        return cause, "it, or its authority's, has to be made anew: `openssl verify` on the server's machine says the same"
    cause = f"its certificate is of an authority that is not believed here ({why})"
    if ca_file:
        return cause, f"only the authorities in {ca_file} ({setting}) are believed: is the one of this certificate among them?"
    believed = of_machine()
    whose = f"this machine ({believed})" if believed else "the package, for this machine has none,"
    another = f"name the file of another one as {setting}, or add it to this machine's (`update-ca-certificates`)"
    return cause, f"the authorities of {whose} are believed: {another}"
