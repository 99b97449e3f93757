"""The transition table: legal steps, illegal ones, and the document made from it."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.contract.values import JobState
from tillkeeper.spool import jobs
from tillkeeper.spool.model import Job, PulseData

ROOT = Path(__file__).resolve().parents[2]


def job(state: JobState = "queued") -> Job:
    data = PulseData(drawer="drawer", cause="tender")
    return Job(job_id="j1", device="grill", document_class="drawer_pulse", data=data, created_at_ms=1, state=state)


@pytest.mark.parametrize("state", get_args(JobState))
@pytest.mark.parametrize("event", get_args(jobs.JobEvent))
def test_only_what_the_table_says_happens(state: JobState, event: jobs.JobEvent) -> None:
    before = job(state)
    if (state, event) in jobs.TABLE:
        assert jobs.move(before, event).state == jobs.TABLE[state, event]
    else:
        with pytest.raises(jobs.IllegalTransition, match=event):
            jobs.move(before, event)
    assert before == job(state)


def test_from_the_ends_nothing_leads_away_and_every_state_can_be_reached() -> None:
    assert not [state for state, _event in jobs.TABLE if state in jobs.SETTLED]
    assert {"queued", *jobs.TABLE.values()} == set(get_args(JobState))
    assert {event for _state, event in jobs.TABLE} == set(get_args(jobs.JobEvent))


def test_the_diagram_is_that_of_the_table() -> None:
    assert (ROOT / "docs" / "job-states.md").read_text() == jobs.render_states(), "run python -m tillkeeper.spool.jobs"


@given(st.lists(st.sampled_from(["a", "b", "c"])))
def test_each_mark_stands_once(marks: list[str]) -> None:
    kept: tuple[str, ...] = ()
    for mark in marks:
        kept = jobs.with_mark(kept, mark)
    assert kept == tuple(dict.fromkeys(marks))


def test_a_job_survives_the_journal() -> None:
    sending = jobs.begin(job(), "ab~ ")
    row = jobs.job_row(sending)
    assert jobs.decode(row.body) == sending
    assert (row.state, row.settled, row.job_id, row.device) == ("sending", False, "j1", "grill")
    assert jobs.job_row(jobs.settle(sending, "was_confirmed", 5)).settled
