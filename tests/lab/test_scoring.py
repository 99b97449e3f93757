"""What counts as right, ambiguous, wrong and missed in the lab."""

from collections.abc import Sequence

from tests.lab.faults import FAULTS, Fault
from tests.lab.scoring import Moments, judge
from tests.lab.tables import grouped, rows, table

from tillkeeper.network.model import Evidence, Phase, Report, Verdict

AT = Moments(broke_s=100.0, healed_s=104.0, ended_s=110.0)
CABLE, ROUTER, BACKUP, PEERS = (FAULTS[name] for name in ("own cable", "router dead", "on the backup line", "peers gone"))


def heard(*said: tuple[float, Phase, str], also: str = "") -> list[tuple[float, Report]]:
    """(when, phase, codes) -> reports that arrived at once."""
    evidence = Evidence(at_s=0.0, interface="eth0", columns={})
    return [
        (
            at_s,
            Report(
                at_s=at_s,
                verdict=Verdict(phase=phase, faults=tuple(codes.split()), also=tuple(also.split())),
                evidence=evidence,
            ),
        )
        for at_s, phase, codes in said
    ]


def verdict(fault: Fault, *said: tuple[float, Phase, str], alone: bool = False, also: str = "") -> str:
    return judge(fault, heard(*said, also=also), [], AT, alone=alone).verdict


def test_the_set_of_the_design_is_right_and_a_wider_one_is_ambiguous() -> None:
    assert verdict(CABLE, (100.1, "confirmed", "cable switch_power")) == "right"
    assert verdict(ROUTER, (100.1, "confirmed", "router_dead router_cable")) == "right"
    assert verdict(ROUTER, (100.1, "confirmed", "router_dead router_hung")) == "ambiguous"
    assert verdict(ROUTER, (100.1, "confirmed", "router_hung")) == "wrong"
    assert verdict(ROUTER, (100.1, "suspect", "router_dead")) == "missed"


def test_a_wrong_verdict_is_not_made_good_by_a_right_one() -> None:
    assert verdict(ROUTER, (100.5, "confirmed", "isp_upstream"), (101.0, "confirmed", "router_dead")) == "wrong"
    assert verdict(ROUTER, (100.5, "confirmed", "router_dead"), (101.0, "confirmed", "isp_upstream")) == "wrong"


def test_what_was_said_before_the_fault_or_after_the_heal_is_not_held_against_it() -> None:
    assert verdict(CABLE, (99.9, "confirmed", "dhcp_lost"), (100.1, "confirmed", "cable")) == "right"
    assert verdict(CABLE, (100.1, "confirmed", "cable"), (104.9, "confirmed", "dhcp_lost")) == "right"


def test_a_set_that_is_too_wide_at_first_is_told_from_one_that_stays_so() -> None:
    wide: tuple[float, Phase, str] = (100.5, "confirmed", "router_dead router_hung")
    narrow: tuple[float, Phase, str] = (101.0, "confirmed", "router_dead")
    found = [judge(ROUTER, heard(*said), [], AT, alone=False) for said in ((wide, narrow), (wide,))]
    assert [(one.verdict, one.narrowed) for one in found] == [("ambiguous", True), ("ambiguous", False)]


def test_an_advisory_is_named_without_a_fault() -> None:
    assert verdict(BACKUP, (101.0, "fine", ""), also="on_backup_line") == "right"
    assert verdict(BACKUP, (101.0, "confirmed", "isp_upstream"), also="on_backup_line") == "wrong"
    assert verdict(BACKUP, (101.0, "fine", "")) == "missed"
    assert verdict(PEERS, (101.0, "fine", "")) == "right"
    assert verdict(PEERS, (101.0, "confirmed", "own_port")) == "wrong"


def test_times_count_from_the_breaking_and_from_the_heal() -> None:
    said: Sequence[tuple[float, Phase, str]] = (
        (100.4, "suspect", "router_dead"), (100.9, "confirmed", "router_dead"), (105.2, "fine", ""),
    )  # fmt: skip
    found = judge(ROUTER, heard(*said), [], AT, alone=False)
    assert found.suspect_s is not None
    assert found.detect_s is not None
    assert found.recovery_s is not None
    assert [round(value, 3) for value in (found.suspect_s, found.detect_s, found.recovery_s)] == [0.4, 0.9, 1.2]
    assert found.flaps == 0


def test_a_verdict_that_comes_back_is_a_flap() -> None:
    said: Sequence[tuple[float, Phase, str]] = (
        (100.9, "confirmed", "router_dead"), (105.2, "fine", ""), (106.0, "confirmed", "router_dead"), (107.0, "fine", ""),
    )  # fmt: skip
    assert judge(ROUTER, heard(*said), [], AT, alone=False).flaps == 1


def test_another_register_says_only_what_holds_for_it() -> None:
    own = heard((100.1, "confirmed", "cable"))
    assert judge(CABLE, own, [heard((100.2, "confirmed", "switch_power"))], AT, alone=False).others == ("switch_power",)
    assert judge(CABLE, own, [heard((100.2, "suspect", "switch_power"))], AT, alone=False).others == ()
    assert judge(ROUTER, own, [heard((100.2, "confirmed", "router_cable"))], AT, alone=False).others == ()


def test_a_row_says_how_many_were_not_right_and_holds_against_the_goal() -> None:
    outcomes = [judge(ROUTER, heard((at_s, "confirmed", "router_dead")), [], AT, alone=False) for at_s in (100.5, 100.7, 101.9)]
    groups = grouped(("router dead", False, outcome) for outcome in outcomes)
    found = {row.name: row for row in rows(groups)}
    assert (found["lab: router dead: CONFIRMED p95"].value, found["lab: router dead: CONFIRMED p95"].holds) == (1.9, False)
    assert (found["lab: router dead: not right"].value, found["lab: router dead: not right"].holds) == (0.0, True)
    assert table(groups).splitlines()[1].split()[:5] == ["router", "dead", "3", "0.700", "1.900"]
