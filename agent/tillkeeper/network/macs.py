"""Who claims an address on the LAN: the gateway's MAC, and this register's own address. Pure.

A MAC that is new for the gateway starts an enquiry: two broadcast ARP requests, and whoever answers them within `COLLECT_S` is
counted. Only the new one: another router (or VRRP, RFC 5798, 7.3, whose virtual MACs begin with 00:00:5e:00:01). Both: somebody
speaks for a router that is still there.
"""

from collections import deque
from typing import Literal

COLLECT_S = 0.12
ASK_AGAIN_S = 0.05
REPEAT_S = 0.25
CLEAN_S = 0.6
"""So long the stranger must be unheard, while enquiries go on, until it is taken to have gone."""
ADOPT_S = 600.0
PRETENDED_S = 300.0
"""Who once spoke for a router that was there is not believed to have replaced it, for so long."""
CLAIMS = 2
CLAIM_S = 5.0
CLAIMS_MISSED = 2.3
"""Who claimed it at even times and has now left so many of them out has stopped."""
OWN_CLEAN_S = 0.7
"""Asked every quarter of a second then: two or three questions without an answer."""
OWN_WITHIN_S = 3.0
OWN_LATELY_S = 5.0
VIRTUAL = {"00:00:5e:00:01": "VRRP", "00:00:5e:00:02": "VRRP", "00:00:0c:07:ac": "HSRP", "00:00:0c:9f:f0": "HSRP"}
MOST = 8


def virtual(mac: str) -> str:
    return VIRTUAL.get(mac[:14], "")


class GatewayWatch:
    """One gateway address. `usual`: whom it belongs to; `state`: what the last enquiry found."""

    def __init__(self, pinned: str = "") -> None:
        self.pinned = pinned.lower()
        self.usual = self.pinned
        self.other = ""
        self.state: Literal["", "changed", "two"] = ""
        self.since_s = 0.0
        self._enquiry_s: float | None = None
        self._asked = 0
        self._again_s = 0.0
        self._answers: dict[str, float] = {}
        self._pretender = ""
        self._pretended_s = -1e9
        self._claims: deque[tuple[float, str]] = deque(maxlen=MOST)

    def saw(self, mac: str, at_s: float, *, claim: bool = False, asked_s: float | None = None) -> None:
        """`claim`: nobody had asked (a gratuitous ARP, the kernel's table); `asked_s`: when the question was sent that this
        answers. What was asked before an enquiry may have been answered before the change."""
        mac = mac.lower()
        if not mac or mac in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"):
            return
        if not self.usual:
            if claim:
                return  # an old entry of the kernel's table is no baseline
            self.usual = mac
        if claim:
            self._claims.append((at_s, mac))
        else:
            self._answers[mac] = at_s if asked_s is None else asked_s
            if len(self._answers) > MOST:
                del self._answers[min(self._answers, key=self._answers.__getitem__)]
        expected = self.other if self.state == "changed" else self.usual
        back = self.state == "changed" and mac == self.usual  # or too late for the enquiry, at a router that is slow
        if mac != expected and self._enquiry_s is None and (at_s >= self._again_s or self.state == "" or back):
            self._begin(at_s)

    def _begin(self, now_s: float) -> None:
        self._enquiry_s = now_s
        self._asked = 0

    def question_due(self, now_s: float) -> bool:
        """Whether a broadcast request should go out now; `asked` when it has."""
        if self._enquiry_s is None and self.state == "two" and now_s >= self._again_s:
            self._begin(now_s)
        if self._enquiry_s is None or self._asked >= self._questions:
            return False
        return now_s >= self._enquiry_s + self._asked * ASK_AGAIN_S

    @property
    def _questions(self) -> int:
        """Of an enquiry; those that follow a finding one after the other need no second."""
        return 1 if self.state == "two" else 2

    def asked(self) -> None:
        self._asked += 1

    def next_s(self) -> float | None:
        """When something is due here."""
        if self._enquiry_s is not None:
            return self._enquiry_s + (ASK_AGAIN_S * self._asked if self._asked < self._questions else COLLECT_S)
        return self._again_s if self.state == "two" else None

    def judge(self, now_s: float) -> bool:
        """Ends an enquiry whose time is over. Whether something else is known now."""
        before = self.state
        begun_s = self._enquiry_s
        if begun_s is not None and now_s >= begun_s + COLLECT_S:
            self._decide(begun_s, now_s)
        if self.state == "changed" and not self.pinned and now_s - self.since_s > ADOPT_S:
            self.usual, self.other = self.other, ""
            self._become("", now_s)
        return self.state != before

    def _decide(self, begun_s: float, now_s: float) -> None:
        self._enquiry_s = None
        self._again_s = now_s + REPEAT_S
        answers = {mac for mac, at_s in self._answers.items() if at_s >= begun_s - 0.001}
        claimed = [(at_s, mac) for at_s, mac in self._claims if now_s - at_s <= CLAIM_S and mac != self.usual]
        claims = [mac for _, mac in claimed] if not _stopped([at_s for at_s, _ in claimed], now_s) else []
        strangers = {mac for mac in answers if mac != self.usual}
        if len(claims) >= CLAIMS:  # whoever they say they are: some spoofers change their MAC each time
            strangers.add(claims[-1])
        if strangers:
            newest = max(strangers, key=lambda mac: (self._last(mac), mac))
            self.other = newest
            both = self.usual in answers
            if both:
                self._pretender, self._pretended_s = newest, now_s
            both = both or (newest == self._pretender and now_s - self._pretended_s < PRETENDED_S)
            self._become("two" if both else "changed", now_s)
        elif self.usual in answers and (self.state != "two" or now_s - self._last(self.other) > CLEAN_S):
            self.other = ""
            self._become("", now_s)

    def _last(self, mac: str) -> float:
        claimed = max((at_s for at_s, claimed in self._claims if claimed == mac), default=-1e9)
        return max(self._answers.get(mac, -1e9), claimed)

    def _become(self, state: Literal["", "changed", "two"], now_s: float) -> None:
        if state != self.state:
            self.state = state
            self.since_s = now_s

    @property
    def current(self) -> str:
        """Where a unicast question goes."""
        return self.other if self.state == "changed" else self.usual

    def words(self) -> str:
        kind = virtual(self.other)
        return f"{self.usual} -> {self.other}" + (f" {kind}" if kind else "")


def _stopped(times_s: list[float], now_s: float) -> bool:
    if len(times_s) < CLAIMS:
        return True
    apart_s = max(times_s[-1] - times_s[-2], ASK_AGAIN_S)
    return now_s - times_s[-1] > max(CLAIMS_MISSED * apart_s, CLEAN_S)


class OwnAddressWatch:
    """Who else answers for one of this register's own addresses (RFC 5227, 2.4). Two sightings are needed."""

    def __init__(self) -> None:
        self._sightings: deque[tuple[float, str]] = deque(maxlen=MOST)
        self._since_s: float | None = None
        self.asking = False
        """Somebody was seen for the first time: ask again at once."""

    def saw(self, mac: str, at_s: float) -> None:
        self.asking = not self.suspected(at_s)
        self._sightings.append((at_s, mac))

    def suspected(self, now_s: float) -> bool:
        return bool(self._sightings) and now_s - self._sightings[-1][0] < OWN_CLEAN_S

    def lately(self, now_s: float) -> bool:
        """Whether it is worth asking again soon: who answers for my address also swallows half of the answers."""
        return bool(self._sightings) and now_s - self._sightings[-1][0] < OWN_LATELY_S

    def seen(self, now_s: float) -> tuple[float, str] | None:
        """(since when, the other's MAC) while it is there."""
        if not self.suspected(now_s):
            self._since_s = None
            return None
        if self._since_s is None:
            if sum(1 for at_s, _ in self._sightings if now_s - at_s <= OWN_WITHIN_S) < 2:
                return None
            self._since_s = now_s
        return self._since_s, self._sightings[-1][1]
