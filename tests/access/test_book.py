"""Which devices are paired: two sets that grow, whatever the order in which the logs are heard."""

import itertools

from tillkeeper.access.book import MAX_DEVICES, MAX_ENDED, Book, decode, encode
from tillkeeper.contract.access import DevicePaired, DeviceUnpaired

TOKEN = "t" * 43
DIGEST = "6fdcd90e4e4b9f7bc8f4f0b3a3a4f0f0" * 2


def paired(device_id: str, name: str = "grill", digest: str = DIGEST) -> DevicePaired:
    return DevicePaired(device_id=device_id, name=name, scope="kitchen", token_sha256=digest, by="ana", address="10.0.0.2")


def test_every_order_of_the_logs_comes_to_the_same() -> None:
    said = [paired("1"), paired("2", "bar"), DeviceUnpaired(device_id="1", name="grill"), paired("3", "grill")]
    books = set()
    for order in itertools.permutations(said):
        book = Book()
        for event in order:
            book = book.heard(event, "front", 5)
        books.add((tuple(sorted(book.devices)), *book.ended.items()))
    assert books == {(("2", "3"), ("front", frozenset({"1"})))}


def test_what_is_heard_twice_changes_nothing() -> None:
    book = Book().heard(paired("1"), "front", 5)
    assert book.heard(paired("1"), "side", 9) is book
    ended = book.heard(DeviceUnpaired(device_id="1", name="grill"), "side", 9)
    assert ended.heard(DeviceUnpaired(device_id="1", name="grill"), "side", 9) is ended
    assert ended.heard(paired("1"), "front", 5) is ended
    assert not ended.devices


def test_joining_two_books_keeps_what_either_ended() -> None:
    one = Book().heard(paired("1"), "front", 5).heard(paired("2", "bar"), "front", 6)
    other = one.heard(DeviceUnpaired(device_id="2", name="bar"), "side", 7)
    assert set(one.joined(other).devices) == set(other.joined(one).devices) == {"1"}


def test_a_token_is_found_by_its_digest_alone() -> None:
    import hashlib

    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    book = Book().heard(paired("1", digest=digest), "front", 5)
    found = book.of_token(TOKEN.encode())
    assert found is not None
    assert found.device_id == "1"
    assert book.of_token(digest.encode()) is None
    assert book.of_token(b"") is None
    assert TOKEN not in encode(book).decode()


def test_names_are_for_people_whatever_their_capitals() -> None:
    book = Book().heard(paired("1", "Grill"), "front", 5)
    assert [one.device_id for one in book.named("gRILL")] == ["1"]


def test_it_is_kept_as_it_is_and_stays_bounded() -> None:
    book = Book().heard(paired("x"), "front", 5)
    many = [f"{number:08}" for number in range(MAX_ENDED + 10)]
    for ids in (many[:-10], many[-10:]):
        book = book.joined(Book({}, {"front": frozenset(ids)}))
    assert book.ended == {"front": frozenset(many[10:])}
    assert decode(encode(book)) == book


def test_a_register_in_bad_hands_brings_no_ended_device_back_and_takes_nobodys_room() -> None:
    book = Book().heard(paired("1"), "front", 5).heard(DeviceUnpaired(device_id="1", name="grill"), "front", 6)
    book = book.joined(Book({}, {"side": frozenset(f"z{number:08}" for number in range(MAX_ENDED))}))
    book = book.heard(DeviceUnpaired(device_id="zz", name="grill"), "side", 7)
    assert book.heard(paired("1"), "front", 5) is book, "its log is heard once more"

    for number in range(MAX_DEVICES + 1):
        book = book.heard(paired(f"s{number}", f"s{number}"), "side", 8)
    assert len(book.devices) == MAX_DEVICES
    assert "2" in book.heard(paired("2"), "front", 9).devices
