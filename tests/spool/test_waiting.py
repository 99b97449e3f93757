"""What waits is listed oldest first, and each job is found by its id, however it came into the queues."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from tests.spool.virtual import run_virtual
from tests.spool.world import EPOCH_MS, World

from tillkeeper.contract.values import DocumentClass, JobState
from tillkeeper.spool import model
from tillkeeper.spool.model import Job, PulseData
from tillkeeper.spool.queue import DeviceQueue


def job(number: int, created_at_ms: int, order: int, state: JobState, document_class: DocumentClass) -> Job:
    data = PulseData("drawer", "no_sale") if document_class == "drawer_pulse" else model.TestSlipData(created_at_ms)
    return Job(
        job_id=f"J{number}", device="grill", document_class=document_class, data=data,
        created_at_ms=created_at_ms, order=order, state=state,
    )  # fmt: skip


STEPS = st.lists(
    st.one_of(
        st.builds(
            job,
            st.integers(0, 12), st.integers(0, 5), st.integers(1, 5),
            st.sampled_from(["queued", "held"]), st.sampled_from(["test_slip", "drawer_pulse"]),
        ),
        st.builds("J{}".format, st.integers(0, 12)),
    ),
    max_size=60,
)  # fmt: skip
"""A job is put into the queue, or the one with this id is settled."""


@given(STEPS)
def test_a_queue_tells_all_that_waits_by_age_and_how_many(steps: list[Job | str]) -> None:
    queue, waits = DeviceQueue(), dict[str, Job]()
    for step in steps:
        if isinstance(step, str):
            queue.drop(step)
            waits.pop(step, None)
        else:
            queue.put(step)
            waits[step.job_id] = step
        held = [one for one in waits.values() if one.state == "held"]
        queued = [one for one in waits.values() if one.state == "queued"]
        assert queue.counts == (len(queued), len(held))
        for found, wanted in ((queue.by_age(held=False), [*held, *queued]), (queue.by_age(held=True), held)):
            listed = list(found)
            assert {one.job_id: one for one in listed} == {one.job_id: one for one in wanted}
            assert len(listed) == len(wanted)
            assert all(
                (one.created_at_ms, one.order) <= (other.created_at_ms, other.order)
                for one, other in itertools.pairwise(listed)
            )
        oldest = queue.oldest_queued
        assert (oldest is None) == (not queued)
        assert oldest is None or oldest.created_at_ms == min(one.created_at_ms for one in queued)
        assert all(queue.find(job_id) == one for job_id, one in waits.items())


def test_what_waits_for_several_devices_is_one_list_in_the_order_of_acceptance() -> None:
    async def scenario() -> None:
        world = World()
        for printer in world.printers.values():
            printer.script = ["unreachable"] * 1_000
        async with world.living():
            for number in range(12):
                await world.accept(world.job(f"T-{number}", ("grill", "bar")[number % 2]))
            await world.until(lambda: all(one.status is not None for one in world.spool.snapshot()), 60)
            listed = tuple(world.spool.waiting())
            assert [one.created_at_ms for one in listed] == sorted(one.created_at_ms for one in listed)
            assert len(listed) == 12
            assert {one.device for one in listed} == {"grill", "bar"}
            assert {one.job_id for one in world.spool.jobs_of("grill")} == {
                one.job_id for one in listed if one.device == "grill"
            }
            assert all(world.spool.find(one.job_id) == one for one in listed)
            assert world.spool.find("nobody's") is None
            assert not tuple(world.spool.waiting(held=True))
            assert all(one.oldest_ms is None or one.oldest_ms >= EPOCH_MS for one in world.spool.snapshot())

    run_virtual(scenario())
