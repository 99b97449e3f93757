"""What can be wrong with keys, codes, joining and leaving: one class, told apart by its code."""

from typing import Any, Literal

from tillkeeper.errors import TillkeeperError

Kind = Literal[
    "mistyped_code",
    "wrong_code",
    "code_used_up",
    "no_code_open",
    "wrong_authority",
    "other_store",
    "other_register",
    "revoked",
    "already_joined",
    "no_store_keys",
    "no_authority_key",
    "no_address",
    "peer_unreachable",
    "peer_busy",
    "garbled",
    "file_rights",
    "broken_keys",
]

_STATUS: dict[Kind, int] = {
    "mistyped_code": 422, "wrong_code": 403, "code_used_up": 403, "no_code_open": 409, "wrong_authority": 403,
    "other_store": 409, "other_register": 409, "revoked": 403, "already_joined": 409, "no_store_keys": 409,
    "no_authority_key": 409, "no_address": 422, "peer_unreachable": 503, "peer_busy": 503, "garbled": 502,
    "file_rights": 409, "broken_keys": 409,
}  # fmt: skip
RETRY_SAFE: frozenset[Kind] = frozenset({"mistyped_code", "no_code_open", "peer_unreachable", "peer_busy", "garbled"})
"""The same again may succeed, and does no harm."""


class TrustTrouble(TillkeeperError):
    """`extra` may hold `tries_left`. Never holds a code, a secret or a private key."""

    def __init__(self, kind: Kind, operation: str, subject: str, cause: str, hint: str = "", **extra: Any) -> None:
        super().__init__(operation, subject, cause, hint, **extra)
        self.code = kind
        self.status = _STATUS[kind]
        self.retry_safe = kind in RETRY_SAFE
