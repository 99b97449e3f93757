"""Sales first: what catches up with days of books is done in small pieces, and between them a sale that is in hand goes on.

All of a register runs on one loop, so an order waits for whatever piece is being worked on when it comes.
"""

import asyncio
from collections.abc import Callable

LOOK_S = 0.001
LOOKS = 10
"""Then the next piece is done whatever happens: sales may come without a pause, and the books must get on."""


class Courtesy:
    """`in_hand`: whether a command is on its way to being durable; set once there is a till."""

    def __init__(self) -> None:
        self.in_hand: Callable[[], bool] = lambda: False

    async def step_aside(self) -> None:
        """What waits for the loop goes first; a sale that is in hand too, for about `LOOKS * LOOK_S` at most."""
        for _ in range(LOOKS):
            await asyncio.sleep(0)
            if not self.in_hand():
                return
            await asyncio.sleep(LOOK_S)
