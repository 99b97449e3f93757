"""An open join code: for whom, how long, how many wrong tries are left. In memory only: a restart ends it. Pure."""

import msgspec

CODE_S = 600.0
"""Of CLOCK_BOOTTIME: no clock that is set makes it longer, and a suspended machine does not either."""
TRIES = 5


class Invitation(msgspec.Struct, kw_only=True):
    """`key`: the joining register's, once it has proven the code: until the code ends the same key gets the same answer
    again, for an answer may be lost on its way."""

    register: str
    secret: bytes
    ends_s: float
    may_admit: bool = False
    by: str = ""
    tries_left: int = TRIES
    key: str = ""

    def is_open(self, now_s: float) -> bool:
        return self.tries_left > 0 and now_s < self.ends_s

    def missed(self) -> int:
        """A wrong try. How many are left."""
        self.tries_left -= 1
        return self.tries_left

    def claim(self, key: str) -> bool:
        """Whether it is this key's from now on: the first that proves the code has it."""
        self.key = self.key or key
        return self.key == key
