"""The fence: who has obeyed an epoch obeys no lower one any more. Pure; `keeper.py` makes it durable."""

from typing import Literal

from tillkeeper.contract.roles import Epoch

Passage = Literal["raised", "open", "closed"]


def passage(highest: Epoch, epoch: Epoch) -> Passage:
    """Whether work under `epoch` may be done by one who has seen `highest`. `raised`: once it is durable that this epoch was
    seen; a crash must not forget it."""
    if epoch > highest:
        return "raised"
    return "open" if epoch == highest else "closed"
