"""What the agent's own exchanges with HQ show: an answer, a failure of some kind, or that one took oddly long. Pure."""

from collections.abc import Callable

from tillkeeper.network.evidence import EvidenceKeeper
from tillkeeper.network.heard import Heard
from tillkeeper.network.model import Family, UplinkSeen
from tillkeeper.network.plan import Plan
from tillkeeper.network.questions import STIR_ROUNDS, Questions
from tillkeeper.network.surroundings import Surroundings

SLOW_AGAIN_S = 3.0
"""A slow exchange is looked into so often at most."""
DOUBT_STIR_S = 2.0
ACCEPTED_S = 1.5


class Uplink:
    """`doubtful`: HQ was heard and is not any more."""

    def __init__(
        self, known: Surroundings, plan: Plan, keeper: EvidenceKeeper, heard: Heard, questions: Questions, family: Family,
        at: Callable[[float], float], now_s: float,
    ) -> None:  # fmt: skip
        """`at`: a fact's time, as it is to be believed."""
        self._known, self._plan, self._keeper = known, plan, keeper
        self._heard, self._questions, self._family = heard, questions, family
        self._at = at
        self._slow_s = now_s
        self.doubtful = False

    def take(self, fact: UplinkSeen) -> None:
        ok, failed = self._known.take_uplink(fact)
        at_s = self._at(fact.at_s)
        if ok:
            self._answered(fact, at_s)
        if failed:
            self._failed(fact.trouble, at_s)

    def expect(self, now_s: float) -> None:
        """What should have come by now, and has not."""
        doubtful = self._known.uplink_doubtful(now_s)
        if doubtful and not self.doubtful:
            stir = self._questions.stir
            stir.column("hq", now_s, 2)
            stir.wan_s = max(stir.wan_s, now_s + DOUBT_STIR_S)
        self.doubtful = doubtful

    def _answered(self, fact: UplinkSeen, at_s: float) -> None:
        questions, stir = self._questions, self._questions.stir
        if self._keeper.run("hq"):
            stir.column("hq", at_s, 0)
        self._keeper.hit(self._family, "hq", questions.round, at_s, fact.ok_at_s or at_s)
        self._keeper.detail("hq", "")
        self._known.hq_objects = False
        self._heard.hq_answered()
        if self._known.exchange_slow and at_s - self._slow_s > SLOW_AGAIN_S:
            # Something of it was lost: a question that cost nothing. Whether that goes on, others have to show.
            self._slow_s = at_s
            stir.losses(at_s)

    def _failed(self, trouble: str, at_s: float) -> None:
        keeper, questions, known, family = self._keeper, self._questions, self._known, self._family
        self._heard.take_trouble(trouble, at_s)
        keeper.detail("hq", trouble)
        questions.poked = True
        # Its connections are answered, its application is not.
        answered = [path.answered_s for path in self._plan.paths if path.target.role == "hq" and path.answered_s is not None]
        accepts = bool(answered) and at_s - max(answered) < ACCEPTED_S
        known.hq_objects = False
        if trouble in ("credentials_refused", "batch_refused", "busy"):
            keeper.hit(family, "hq", questions.round, at_s, at_s)
        elif trouble in ("server_error", "garbage", "redirected") or (accepts and keeper.run("hq")):
            known.hq_objects = True
            self._heard.hq_alive.saw(at_s, trouble)
            keeper.refute(family, "hq", questions.round, at_s, trouble)
        elif trouble != "untrusted":  # somebody answered, be it a login page: whether HQ is there others have to show
            keeper.miss(family, "hq", questions.round, at_s)
        if keeper.run("hq") < STIR_ROUNDS:
            questions.stir.column("hq", at_s, 0)
