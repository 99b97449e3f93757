"""What can be wrong with an exchange with HQ or with another register."""

from typing import Literal

from tillkeeper.errors import TillkeeperError

Kind = Literal[
    "unreachable", "timeout", "untrusted", "credentials_refused", "redirected", "batch_refused", "busy", "server_error",
    "garbage", "not_prepared", "not_a_member", "two_sessions", "other_store", "protocol_unknown",
]  # fmt: skip


class SinkTrouble(TillkeeperError):
    """No answer to rely on. The sink may have stored what was sent all the same: sending it again is safe and needed.

    `not_prepared`: what it takes to ask can not be read here, and nothing was sent. `untrusted`: its certificate is not
    believed, and nothing was sent. `batch_refused`: it answers, but will not
    take this batch as a whole. `code` is the kind."""

    status = 502

    def __init__(self, kind: Kind, subject: str, cause: str, hint: str = "") -> None:
        super().__init__("exchange with", subject, cause, hint)
        self.code: Kind = kind
