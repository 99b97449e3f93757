"""Deep diagnoses as the agent knows them: asked for once, run by the prober, kept for a while. In memory only."""

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from tillkeeper.contract.network import DiagnosisState, DiagnosisStepView, DiagnosisView
from tillkeeper.errors import Conflict, NotFound
from tillkeeper.network.present import MAX_CODE, plain
from tillkeeper.network.wire import Diagnose, DiagnoseEnded, DiagnoseStep

LIMIT_S = 45.0
"""The prober ends one after 30 s by itself; a prober that does not has failed."""
KEPT = 20
MAX_STEPS = 60
MAX_VALUES = 64
"""Of a step's result, and of a list in it."""
Value = str | int | float | bool | list[str] | None


@dataclass
class _Running:
    key: str
    pcap: bool
    began_s: float
    view: DiagnosisView
    steps: dict[str, DiagnosisStepView] = field(default_factory=dict)


class Diagnoses:
    """One at a time.

    Args:
        send: to the prober; False where there is none.
        now_s: boot clock; now_ms: wall clock.
    """

    def __init__(
        self,
        send: Callable[[Diagnose], bool],
        now_s: Callable[[], float],
        now_ms: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._send, self._now_s, self._now_ms, self._new_id = send, now_s, now_ms, new_id
        self._kept: dict[str, _Running] = {}
        self._running: _Running | None = None

    def start(self, key: str, pcap: bool, by: str) -> tuple[DiagnosisView, bool]:
        """The diagnosis that begins, or the one that this key began before (True).

        Raises:
            Conflict: the key came with another wish, one is running already, or there is no prober.
        """
        for one in self._kept.values():
            if one.key == key:
                if one.pcap != pcap:
                    raise Conflict("diagnose", key, "the key came before with another wish", "make a new key")
                return self._view(one), True
        if self._running is not None:
            running = self._running.view.diagnosis_id
            raise Conflict(
                "diagnose", "network", "a diagnosis is running", "wait for its end, at most 45 s", diagnosis_id=running
            )
        request = self._new_id()
        if not self._send(Diagnose(request=request, pcap=pcap)):
            raise Conflict("diagnose", "network", "no prober is connected", "start `tillkeeper probe` (docs/network.md)")
        view = DiagnosisView(diagnosis_id=request, state="running", started_at_ms=self._now_ms(), by=by)
        self._running = self._kept[request] = _Running(key, pcap, self._now_s(), view)
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return view, False

    def get(self, diagnosis_id: str) -> DiagnosisView:
        """Raises `NotFound`, also for one that is long past."""
        found = self._kept.get(diagnosis_id)
        if found is None:
            hint = f"the last {KEPT} since the agent's start are kept"
            raise NotFound("find", f"diagnosis {diagnosis_id}", "there is none", hint)
        return self._view(found)

    def step(self, said: DiagnoseStep) -> None:
        """Progress. What belongs to no running diagnosis, or goes over the bound, is left out."""
        running = self._of(said.request)
        if running is not None and (said.check in running.steps or len(running.steps) < MAX_STEPS):
            running.steps[said.check] = DiagnosisStepView(
                check=plain(said.check, MAX_CODE), state=said.state, words=plain(said.words), result=_bounded(said.result)
            )

    def ended(self, said: DiagnoseEnded) -> None:
        if (running := self._of(said.request)) is not None:
            self._end(running, "failed" if said.trouble else "done", said.took_s, plain(said.trouble), plain(said.pcap))

    def prober_gone(self) -> None:
        if (running := self._running) is not None:
            self._fail(running, "the prober went away")

    def tick(self) -> None:
        """End what takes too long."""
        if (running := self._running) is not None and self._now_s() - running.began_s > LIMIT_S:
            self._fail(running, f"the prober did not end it within {LIMIT_S:.0f} s")

    def _of(self, request: str) -> _Running | None:
        running = self._running
        return running if running is not None and running.view.diagnosis_id == request else None

    def _fail(self, running: _Running, trouble: str) -> None:
        self._end(running, "failed", self._now_s() - running.began_s, trouble, "")

    def _end(self, running: _Running, state: DiagnosisState, took_s: float, trouble: str, pcap: str) -> None:
        running.view = replace(running.view, state=state, took_s=took_s, trouble=trouble, pcap=pcap)
        self._running = None

    def _view(self, one: _Running) -> DiagnosisView:
        return replace(one.view, steps=tuple(one.steps.values()))


def _bounded(result: dict[str, Value]) -> dict[str, Value]:
    """Names of switches and servers are in it: whatever is heard on the network."""
    return {plain(name, MAX_CODE): _bounded_value(value) for name, value in list(result.items())[:MAX_VALUES]}


def _bounded_value(value: Value) -> Value:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [plain(text) for text in value[:MAX_VALUES]]
    return value
