"""An open join code: for whom, how long, how many wrong tries are left. In memory only: a restart ends it. Pure."""

import msgspec

CODE_S = 600.0
"""Of CLOCK_BOOTTIME: no clock that is set makes it longer, and a suspended machine does not either."""
AGAIN_S = 60.0
"""So long after it was proven: for an answer that was lost on its way."""
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

    def claim(self, key: str, now_s: float) -> bool:
        """Whether it is this key's from now on: the first that proves the code has it. Then it soon ends."""
        if not self.key:
            self.key, self.ends_s = key, min(self.ends_s, now_s + AGAIN_S)
        return self.key == key
