"""The status parser against hand-written bytes (Epson ESC/POS reference: DLE EOT, GS a, GS r, GS ( H)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper_drivers.api import Status
from tillkeeper_drivers.escpos.status import (
    MAX_BLOCK,
    Answer,
    Automatic,
    Block,
    Event,
    PowerOn,
    ProcessId,
    Question,
    StatusParser,
    Stray,
    apply,
)


def parse(data: bytes, *questions: Question) -> list[Event]:
    parser = StatusParser()
    for question in questions:
        parser.asked(question)
    return parser.feed(data)


def status_of(data: bytes, *questions: Question) -> Status:
    status = Status()
    for event in parse(data, *questions):
        status = apply(status, event)
    return status


@pytest.mark.parametrize(
    ("question", "byte", "field", "value"),
    [
        ("realtime_1", 0x12, "online", "yes"),
        ("realtime_1", 0x1A, "online", "no"),
        ("realtime_1", 0x12, "drawer_pin_high", "no"),
        ("realtime_1", 0x16, "drawer_pin_high", "yes"),
        ("realtime_2", 0x12, "cover_open", "no"),
        ("realtime_2", 0x16, "cover_open", "yes"),
        ("realtime_2", 0x32, "paper_out", "yes"),
        ("realtime_2", 0x12, "paper_out", "unknown"),
        ("realtime_3", 0x1A, "cutter_error", "yes"),
        ("realtime_3", 0x12, "cutter_error", "no"),
        ("realtime_3", 0x16, "mechanical_error", "yes"),
        ("realtime_3", 0x12, "mechanical_error", "no"),
        ("realtime_3", 0x32, "unrecoverable_error", "yes"),
        ("realtime_3", 0x52, "auto_recoverable_error", "yes"),
        ("realtime_3", 0x12, "auto_recoverable_error", "no"),
        ("realtime_4", 0x1E, "paper_near_end", "yes"),
        ("realtime_4", 0x1E, "paper_out", "no"),
        ("realtime_4", 0x72, "paper_out", "yes"),
        ("realtime_4", 0x12, "paper_out", "no"),
        ("paper", 0x00, "paper_out", "no"),
        ("paper", 0x03, "paper_near_end", "yes"),
        ("paper", 0x0F, "paper_out", "yes"),
    ],
)
def test_each_bit_of_an_answer_means_what_the_manual_says(
    question: Question, byte: int, field: str, value: str
) -> None:
    assert getattr(status_of(bytes([byte]), question), field) == value


@pytest.mark.parametrize(
    ("frame", "field", "value"),
    [
        ("10000000", "online", "yes"),
        ("18000000", "online", "no"),
        ("14000000", "drawer_pin_high", "yes"),
        ("38000000", "cover_open", "yes"),
        ("10080000", "cutter_error", "yes"),
        ("10040000", "mechanical_error", "yes"),
        ("10200000", "unrecoverable_error", "yes"),
        ("10400000", "auto_recoverable_error", "yes"),
        ("10000000", "auto_recoverable_error", "no"),
        ("10000300", "paper_near_end", "yes"),
        ("18000f00", "paper_out", "yes"),
        ("10000000", "paper_out", "no"),
    ],
)
def test_each_bit_of_automatic_status_means_what_the_manual_says(frame: str, field: str, value: str) -> None:
    assert getattr(status_of(bytes.fromhex(frame)), field) == value


def test_silence_leaves_everything_unknown() -> None:
    assert status_of(b"") == Status()


def test_a_process_id_is_read_from_its_block() -> None:
    assert parse(b"\x37\x22ab12\x00") == [ProcessId(b"ab12")]


@pytest.mark.parametrize("data", [b"\x37\x22ab1\x00", b"\x37\x22ab123\x00", b"\x37\x22ab\x1b2\x00", b"\x37\x21ab12\x00"])
def test_a_malformed_process_id_confirms_nothing(data: bytes) -> None:
    assert parse(data) == [Block(0x37, data[1:-1])]


def test_the_tail_of_automatic_status_is_not_an_answer_to_gs_r() -> None:
    parser = StatusParser()
    parser.asked("paper")
    assert parser.feed(b"\x10\x00\x00\x00") == [Automatic(b"\x10\x00\x00\x00")]
    assert parser.outstanding() == {"paper"}
    assert parser.feed(b"\x00") == [Answer("paper", 0)]


def test_answers_that_nobody_asked_for_are_strays() -> None:
    assert parse(b"\x00") == [Stray(b"\x00")]
    assert parse(b"\x12") == [Stray(b"\x12")]


@pytest.mark.parametrize("byte", [0x20, 0x41, 0x60, 0x80, 0xFF])
def test_letters_and_noise_are_no_answer_to_gs_r(byte: int) -> None:
    assert parse(bytes([byte]), "paper") == [Stray(bytes([byte]))]


def test_one_question_of_a_kind_at_a_time() -> None:
    parser = StatusParser()
    parser.asked("realtime_1")
    parser.asked("paper")
    with pytest.raises(ValueError, match="realtime_1 is outstanding"):
        parser.asked("realtime_4")
    with pytest.raises(ValueError, match="GS r"):
        parser.asked("paper")
    assert parser.feed(b"\x12\x00") == [Answer("realtime_1", 0x12), Answer("paper", 0)]
    parser.asked("realtime_4")


def test_flow_control_is_skipped_even_inside_frames_and_blocks() -> None:
    assert parse(b"\x11\x18\x13\x00\x0f\x11\x00\x37\x22a\x13b12\x00") == [
        Automatic(b"\x18\x00\x0f\x00"),
        ProcessId(b"ab12"),
    ]


def test_flow_control_tells_whether_it_takes_anything() -> None:
    parser = StatusParser()
    parser.feed(b"\x13")
    assert parser.held
    parser.feed(b"\x11")
    assert not parser.held


def test_a_power_on_is_told_from_other_blocks() -> None:
    assert parse(b"\x3b\x31\x00") == [PowerOn()]
    assert parse(b"\x3b\x32\x00") == [Block(0x3B, b"2")]


def test_a_block_that_was_cut_short_by_a_frame_leaves_no_answers_behind() -> None:
    assert parse(b"\x37\x22ab\x10\x00\x00\x00", "paper") == [Stray(b"\x37\x22ab"), Automatic(b"\x10\x00\x00\x00")]


def test_so_many_answers_as_were_asked_for() -> None:
    parser = StatusParser()
    parser.asked("paper", 2)
    assert parser.feed(b"\x00\x00\x00") == [Answer("paper", 0), Answer("paper", 0), Stray(b"\x00")]
    parser.asked("paper")
    parser.forget_paper()
    assert parser.feed(b"\x00") == [Stray(b"\x00")]


def test_a_frame_that_breaks_off_is_dropped_and_the_next_reply_is_read() -> None:
    assert parse(b"\x10\x00\x12\x37\x22ab12\x00", "realtime_1") == [
        Stray(b"\x10\x00"),
        Answer("realtime_1", 0x12),
        ProcessId(b"ab12"),
    ]


def test_an_endless_block_is_dropped_and_the_next_reply_is_read() -> None:
    events = parse(b"\x5f" + b"x" * (MAX_BLOCK + 1) + b"\x37\x22ab12\x00")
    assert [type(event) for event in events] == [Stray, ProcessId]


QUESTIONS: list[Question] = ["realtime_1", "paper"]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_any_bytes_in_any_portions_give_the_same_events(data: bytes, cuts: list[int]) -> None:
    whole = parse(data, *QUESTIONS)
    parser = StatusParser()
    for question in QUESTIONS:
        parser.asked(question)
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    parts = [event for at, to in pairwise(edges) for event in parser.feed(data[at:to])]
    assert parts == whole


@given(st.binary(max_size=300))
def test_garbage_never_raises_and_never_confirms_a_token_it_does_not_hold(data: bytes) -> None:
    status = Status()
    for event in parse(data):
        status = apply(status, event)
        if isinstance(event, ProcessId):
            plain = data.replace(b"\x11", b"").replace(b"\x13", b"")
            assert b"\x37\x22" + event.token + b"\x00" in plain
        assert not isinstance(event, Answer)


@given(st.lists(st.sampled_from(["10000000", "38000f00", "37226162313200", "5f41424300", "11", "13"]), max_size=20))
def test_replies_after_one_another_are_all_told_apart(parts: list[str]) -> None:
    frames = [part for part in parts if len(part) > 2]
    assert len(parse(bytes.fromhex("".join(parts)))) == len(frames)


FRAMES = st.builds(
    lambda first, rest: bytes([first]) + bytes(rest),
    st.sampled_from([byte for byte in range(256) if byte & 0x93 == 0x10]),
    st.lists(st.sampled_from([byte for byte in range(256) if byte & 0x90 == 0]), min_size=3, max_size=3),
).filter(lambda frame: not {0x11, 0x13} & set(frame))
REPLIES = st.sampled_from([b"\x37\x22ab12\x00", b"\x5fTM-T88VI\x00", b"\x3b\x31\x00"])


SINGLE = st.sampled_from([b"\x12", b"\x00", b"\x11", b"\x13"])


@given(st.lists(st.one_of(FRAMES, REPLIES, SINGLE), max_size=30))
def test_automatic_status_between_everything_else_changes_no_answer(parts: list[bytes]) -> None:
    """Frames come when they like; what was asked is answered by what answers it, and by nothing of a frame."""
    parser = StatusParser()
    events: list[Event] = []
    wanted: list[Event] = []
    for part in parts:
        if part == b"\x12":
            parser.asked("realtime_1")
            wanted.append(Answer("realtime_1", 0x12))
        elif part == b"\x00":
            parser.asked("paper")
            wanted.append(Answer("paper", 0))
        elif part[0] & 0x93 == 0x10:
            wanted.append(Automatic(part))
        elif part[0] == 0x37:
            wanted.append(ProcessId(b"ab12"))
        elif part[0] == 0x5F:
            wanted.append(Block(0x5F, b"TM-T88VI"))
        elif part[0] == 0x3B:
            wanted.append(PowerOn())
        for byte in part:
            events += parser.feed(bytes([byte]))
    assert events == wanted


@given(st.binary(max_size=400))
def test_after_any_noise_a_few_bytes_are_enough_to_read_a_frame_again(noise: bytes) -> None:
    parser = StatusParser()
    parser.feed(noise)
    assert Automatic(b"\x18\x00\x0f\x00") in parser.feed(b"\x10\x00\x00\x00\x18\x00\x0f\x00")
