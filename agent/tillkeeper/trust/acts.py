"""What `tillkeeper store` does on the register's own disk: create a store, join one, bring its authority back."""

import asyncio
import logging
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tillkeeper.contract.roster import Admitted, Roster, Signed, Statement, leavings
from tillkeeper.people.roster import SECRET_FILE
from tillkeeper.trust import files, staff, tls
from tillkeeper.trust.admitting import signed
from tillkeeper.trust.asking import Place, join, tell
from tillkeeper.trust.certificates import authority_certificate, pem, register_certificate
from tillkeeper.trust.codes import JoinCode, recovery_code
from tillkeeper.trust.keys import RECOVERY_BYTES, KeyPair, authority_pair
from tillkeeper.trust.shelf import CERTIFICATE, KEY, Act, Kept, Shelf
from tillkeeper.trust.store_keys import check_place
from tillkeeper.trust.trouble import TrustTrouble

log = logging.getLogger(__name__)

ASIDE = ".before-joining"
BEACON_MODE = 0o640
"""The prober reads it too, as a member of the file's group."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where a register is: its store, its name, its data folder, where its beacon key belongs (None: nowhere yet), and where
    the roster of its people (None: nobody signs in)."""

    store: str
    register: str
    data_dir: Path
    key_file: Path | None = None
    staff: Path | None = None

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.data_dir)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`recovery`: the code that the store's authority can be made of, where it was made now. `notes`: what a person should
    know or do, in words."""

    roster: Roster
    key: str
    at: str = ""
    recovery: str = ""
    notes: tuple[str, ...] = ()


def create(site: Site, by: str) -> Outcome:
    """A new authority, and this register as the first of the store. Raises `TrustTrouble`, `StorageRefused`."""
    shelf = site.shelf
    if shelf.kept() is not None or shelf.authority_secret() is not None:
        hint = (
            "`tillkeeper store status` shows it; to begin anew remove the folder `trust`: all other registers must join again"
        )
        raise TrustTrouble("already_joined", "create", f"store {site.store}", "this register has keys of a store", hint)
    pair = shelf.draft_key()
    secret = secrets.token_bytes(RECOVERY_BYTES)
    authority = authority_pair(secret)
    roster = _grown(Roster(site.store, authority.key), authority, _admission(site, pair, 1))
    shelf.keep_authority(secret)
    _keep(site, "created", pair, authority, roster, by)
    return Outcome(roster=roster, key=pair.key, recovery=recovery_code(secret))


def join_store(site: Site, code: JoinCode, by: str) -> Outcome:
    """Become a member with a code. What an unfinished try has left is used again, so the same code still works.

    Raises:
        TrustTrouble, StorageRefused: nothing has changed here; the other side may have admitted this register, and says so
        again as long as the code lasts.
    """
    shelf = site.shelf
    if (kept := shelf.kept()) is not None:
        roster = shelf.roster(kept)
        pair = shelf.key()
        if kept.store == site.store and kept.register == site.register and pair is not None and roster.admits(pair.key):
            cause = "as far as is known here this register belongs to the store already"
            hint = "if the others have let it go, remove the folder `trust` in its data folder first"
            raise TrustTrouble("already_joined", "join", f"store {site.store}", cause, hint)
        shelf.drop_key()
    pair = shelf.draft_key()
    admission = asyncio.run(join(code, pair, site.store, site.register))
    done = admission.done
    shelf.keep_certificates(done.certificate, admission.authority)
    if done.authority_secret:
        shelf.keep_authority(done.authority_secret)
    notes = _take_secrets(site, done.store_secret, done.beacon_key)
    notes += _take_staff(site, done.store_secret, done.staff)
    roster = admission.roster
    shelf.keep(_kept(site, "joined", roster, by or done.by, admission.at))
    return Outcome(roster=roster, key=pair.key, at=admission.at, notes=notes)


def recover(site: Site, secret: bytes, peers: Sequence[Place], *, alone: bool, by: str) -> Outcome:
    """The authority's key comes (back) to this register, which becomes a member by that where it is none.

    Args:
        secret: what the recovery code holds.
        peers: registers of the store; one that answers is enough.
        alone: there is no other register.

    Raises:
        TrustTrouble: wrong_code, or nobody answers and `alone` is not said.
    """
    shelf, authority = site.shelf, authority_pair(secret)
    if (kept := shelf.kept()) is not None:
        check_place(kept, site.store, site.register)
        roster, pair = shelf.roster(kept), shelf.key()
        if kept.authority != authority.key:
            cause = "it is not the code of the store that this register belongs to"
            raise TrustTrouble("wrong_code", "recover", f"store {site.store}", cause, "is it the newest print?")
        if pair is not None and roster.admits(pair.key):
            shelf.keep_authority(secret)
            return Outcome(roster=roster, key=pair.key)
        shelf.drop_key()
    pair = shelf.draft_key()
    _keep_certificates(site, pair, authority)
    asked = Roster(site.store, authority.key)
    known, finals, unheard = _asked(site, asked, peers, ())
    if peers and not known.statements and not alone:
        raise unheard[0]
    if not peers and not alone:
        cause, hint = "no other register is named", "name one with --peer HOST, or say --alone where there is none"
        raise TrustTrouble("peer_unreachable", "recover", f"store {site.store}", cause, hint)
    old = sorted(known.staying(site.register) - {pair.key})
    said: list[Statement] = [_admission(site, pair, known.next_term(site.register))]
    said += [one for key in old for one in leavings(site.store, site.register, key, finals)]
    news = [signed(authority, one) for one in said]
    roster = known.merged(news).roster
    secrets_told: list[tuple[str, str]] = []
    later, _finals, unheard = _asked(site, roster, peers, news, secrets_told)
    notes = tuple(f"not reached: {one.subject} ({one.cause})" for one in unheard)
    store_secret, beacon_key = secrets_told[0] if secrets_told else ("", "")
    notes += _take_secrets(site, store_secret, beacon_key) if secrets_told else ()
    notes += _take_staff(site, store_secret, b"")
    shelf.keep_authority(secret)
    _keep(site, "recovered", pair, authority, later, by)
    return Outcome(roster=later, key=pair.key, notes=notes)


# --- parts ---


def _asked(
    site: Site, roster: Roster, peers: Sequence[Place], news: Sequence[Signed], told: list[tuple[str, str]] | None = None
) -> tuple[Roster, dict[str, int], list[TrustTrouble]]:
    """What the peers know together, and who did not answer. A wrong code is no matter of who is reachable: it is raised."""
    shelf = site.shelf
    context = tls.client_context(
        shelf.path(CERTIFICATE), shelf.path(KEY), pem(shelf.authority_certificate(roster.authority)), tls.DESK
    )
    finals: dict[str, int] = {}
    unheard = []
    for place in peers:
        try:
            answer = asyncio.run(tell(place, context, roster, site.register, news))
        except TrustTrouble as trouble:
            if trouble.code == "wrong_authority":
                cause = f"{trouble.subject} is a register of another store, or the code is another store's"
                raise TrustTrouble(
                    "wrong_code", "recover", f"store {site.store}", cause, "is it the newest print?"
                ) from trouble
            unheard.append(trouble)
            continue
        roster = roster.merged(answer.statements).roster
        for incarnation, seq in answer.finals.items():
            finals[incarnation] = max(seq, finals.get(incarnation, 0))
        if told is not None and answer.store_secret:
            told.append((answer.store_secret, answer.beacon_key))
    return roster, finals, unheard


def _admission(site: Site, pair: KeyPair, term: int) -> Admitted:
    return Admitted(store=site.store, register=site.register, key=pair.key, term=term, may_admit=True)


def _grown(roster: Roster, authority: KeyPair, *statements: Statement) -> Roster:
    return roster.merged([signed(authority, one) for one in statements]).roster


def _keep(site: Site, act: Act, pair: KeyPair, authority: KeyPair, roster: Roster, by: str) -> None:
    _keep_certificates(site, pair, authority)
    site.shelf.keep(_kept(site, act, roster, by))


def _keep_certificates(site: Site, pair: KeyPair, authority: KeyPair) -> None:
    own = register_certificate(authority, site.store, site.register, pair.key)
    site.shelf.keep_certificates(own, authority_certificate(authority, site.store))


def _kept(site: Site, act: Act, roster: Roster, by: str, at: str = "") -> Kept:
    return Kept(
        store=site.store,
        register=site.register,
        authority=roster.authority,
        act=act,
        by=by,
        at=at,
        statements=roster.statements,
    )


def _take_staff(site: Site, store_secret: str, handed: bytes) -> tuple[str, ...]:
    note = staff.take(site.staff, handed, site.store, store_secret) if site.staff is not None and store_secret else ""
    return (note,) if note else ()


def _take_secrets(site: Site, store_secret: str, beacon_key: str) -> tuple[str, ...]:
    """Put them where they belong; what was there before is set aside. What a person has to know of it."""
    notes = []
    place = site.data_dir / SECRET_FILE
    before = files.read(place)
    if store_secret and before is not None and before.decode("ascii", "replace").strip() != store_secret:
        files.write(place.with_name(SECRET_FILE + ASIDE), before)
    if store_secret:
        files.write(place, store_secret.encode() + b"\n")
    if not beacon_key:
        if site.key_file is not None and not site.key_file.exists():
            notes.append(f"the beacon key was not handed over: copy it to {site.key_file} by hand (docs/network.md)")
    elif (target := site.key_file) is None:
        target = site.shelf.path("beacon.key")
        files.write(target, beacon_key.encode() + b"\n", BEACON_MODE)
        notes.append(
            f"{target} holds the beacon key: put it where the prober may read it and name it as `key_file` in [network]"
        )
    elif not target.exists():
        files.write(target, beacon_key.encode() + b"\n", BEACON_MODE)
        notes.append(f"{target} was made: the prober's group must be able to read it")
    elif os.access(target, os.R_OK) and target.read_bytes().split(b"\n")[0].strip().lower() != beacon_key.lower().encode():
        notes.append(f"{target} holds another beacon key than the store's: the registers do not hear each other")
    return tuple(notes)
