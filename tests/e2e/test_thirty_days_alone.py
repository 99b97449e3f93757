"""A register that sold alone for thirty days, nobody else within reach, comes back: HQ's books have every sale on its day."""

import shutil
from pathlib import Path

from tests.bench.accepting import ORDER
from tests.bench.branch import Branch
from tests.bench.history import days_of

from tillkeeper.journal.verify import verify_file

DAYS, ORDERS_A_DAY = 30, 30
DEADLINE_S = 120.0


def test_thirty_days_of_sales_reach_hq_and_a_register_once_the_links_are_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(days_of(DAYS, ORDERS_A_DAY, tmp_path), data)
    with Branch(tmp_path / "branch", "front", "side", data={"front": data}, alone="front") as branch:
        with branch["front"].local() as client:
            client.order(ORDER)  # it sells as on any other day
        assert branch.sales_at_hq() == 0
        branch.mend("front")
        branch.wait_equal("front", DEADLINE_S)
        written = branch.own_seq("front")
        branch.wait("front", lambda _: branch.held_by_hq("front") == branch.own_seq("front"), DEADLINE_S)
        branch.wait("front", lambda _: branch.held("side", "front") == branch.own_seq("front"), DEADLINE_S)
        assert written > 10 * DAYS * ORDERS_A_DAY
        assert branch.sales_at_hq() == DAYS * ORDERS_A_DAY + 1
        assert len(branch.days_at_hq()) > DAYS
        with branch["front"].local() as client:
            status = client.get("/v1/status")
        assert status["only_here"] == 0
    assert not any(report.problem for report in verify_file(data / "journal.db"))
