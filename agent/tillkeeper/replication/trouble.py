"""What can be wrong with an exchange with HQ."""

from typing import Literal

from tillkeeper.errors import TillkeeperError

Kind = Literal[
    "unreachable", "timeout", "credentials_refused", "redirected", "batch_refused", "busy", "server_error", "garbage"
]


class HqTrouble(TillkeeperError):
    """No answer to rely on. HQ may have stored what was sent all the same: sending it again is safe and needed.

    `batch_refused`: HQ answers, but will not take this batch as a whole. `code` is the kind."""

    status = 502

    def __init__(self, kind: Kind, subject: str, cause: str, hint: str = "") -> None:
        super().__init__("exchange with", subject, cause, hint)
        self.code = kind
