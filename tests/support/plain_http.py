"""What an httpx client is given that only ever asks `http://`."""

import ssl

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For its `verify`: trusts nobody. Without one each client, and each `httpx.get`, loads all certificates that the machine
trusts: 25 ms of processor, more than most answers."""
