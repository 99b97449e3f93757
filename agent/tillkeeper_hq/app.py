"""HQ's HTTP interface: `docs/hq-contract.md` is its text for vendors."""

import asyncio
import contextlib
import logging
import time
import zlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.contract.signing import HeadRefused
from tillkeeper_hq import heard, openapi, queries
from tillkeeper_hq.credentials import Caller, Credentials
from tillkeeper_hq.database import Database, Overloaded
from tillkeeper_hq.heard import HeardLogs
from tillkeeper_hq.ingest import Taking
from tillkeeper_hq.online import EXPIRE_EVERY_S, OnlineOrders
from tillkeeper_hq.pages.site import Pages
from tillkeeper_hq.pages.visit import Site
from tillkeeper_hq.problems import Problem, on_problem
from tillkeeper_hq.requests import Requests
from tillkeeper_hq.rosters import NoAuthority, RosterBody, RosterDesk, Rosters
from tillkeeper_hq.shield import Shield, on_no_route
from tillkeeper_hq.sql import DatabaseAway, Sql, StoreFailed
from tillkeeper_hq.witness import Witness

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Of a request's body, also after unpacking gzip."""
MAX_EVENTS = 2000
BODY_TIMEOUT_S = 20.0
KEEP_HEARD_S = 5.0

log = logging.getLogger(__name__)

_batches = msgspec.json.Decoder(HqBatch)
_rosters = msgspec.json.Decoder(RosterBody)

T = TypeVar("T")
R = TypeVar("R")


class _App:
    def __init__(self, database: Database, credentials: Credentials, keep_heard_s: float) -> None:
        self._keep_heard_s = keep_heard_s
        self._database = database
        self._credentials = credentials
        self._rosters = Rosters(credentials.authorities)
        """Used in the reading thread only; the desk in the writing one."""
        self._desk = RosterDesk(credentials.authorities)
        self._heard = HeardLogs()
        requests = Requests(self._caller, _body, self._write, self._read)
        self.online, self.witness = OnlineOrders(database, requests), Witness(database, requests)

    async def post_events(self, request: Request) -> Response:
        caller = self._writer(request)
        batch = _decoded(await _body(request))
        if batch.store != caller.store:
            raise Problem(
                403, "not_your_register", "The token is another register's", f"it speaks for {caller.store}/{caller.register}"
            )
        _check_identity(batch)
        taking, held_seq, digest = await self._checked(batch, caller)
        if batch.events:
            answer = msgspec.structs.replace(await self._write(self._database.write, taking), roster=digest)
        else:
            answer = HqAnswer(held_seq, hq_time_ms=_now_ms(), roster=digest)
        if not taking.relayed:
            self._heard.note(batch, answer.hq_time_ms)
            self.witness.heard(batch.store, batch.register)
        return _json(answer)

    @contextlib.asynccontextmanager
    async def beside(self, _app: Starlette) -> AsyncIterator[None]:
        beside = {"hq-heard": self._keep_heard(), "hq-online": self._expire()}
        tasks = [asyncio.create_task(work, name=name) for name, work in beside.items()]
        tasks += self.witness.start()
        yield
        for task in tasks:
            task.cancel()

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(EXPIRE_EVERY_S)
            try:
                await asyncio.wrap_future(self._database.change(self.online.expire()))
            except (Overloaded, StoreFailed) as error:
                log.warning("orders of web shops do not expire now: %s", error)

    async def _keep_heard(self) -> None:
        while True:
            await asyncio.sleep(self._keep_heard_s)
            if not (rows := self._heard.waiting()):
                continue
            try:
                await asyncio.wrap_future(self._database.change(partial(heard.keep, rows=rows)))
            except (Overloaded, StoreFailed) as error:
                log.warning("when registers were heard is not written down: %s", error)
            else:
                self._heard.written(rows)

    async def post_roster(self, request: Request) -> Response:
        caller = self._writer(request)
        body = await _body(request)
        try:
            roster = _rosters.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, "bad_request", "The body is not a roster", str(error)) from error
        if roster.store != caller.store:
            raise Problem(403, "not_your_store", "The token belongs to another store")
        take = partial(self._desk.take, store=roster.store, statements=roster.statements)
        try:
            answer = await self._write(self._database.change, take)
        except NoAuthority:
            raise _no_authority(caller) from None
        return _json(answer)

    async def _checked(self, batch: HqBatch, caller: Caller) -> tuple[Taking, int, str]:
        """The batch as it may be taken in, how far its log is held, and the digest of the roster that it was checked by."""

        def checked(sql: Sql) -> tuple[Taking, int, str]:
            taking, digest = self._rosters.checked(sql, batch, caller.register)
            return taking, 0 if batch.events else queries.held_seq(sql, *taking.log), digest

        try:
            return await self._read(checked)
        except NoAuthority:
            raise _no_authority(caller) from None
        except HeadRefused as error:
            raise Problem(422, error.code, "The batch is not signed as it must be", error.cause) from error

    async def get_books(self, request: Request) -> Response:
        store = self._store(request)
        return _json(await self._look(queries.store_books, store, request.query_params.get("day", "")))

    async def get_registers(self, request: Request) -> Response:
        logs = await self._look(queries.register_logs, self._store(request, may_be_all=True))
        return _json({"registers": [self.with_beat(log) for log in logs]})

    async def get_quarantine(self, request: Request) -> Response:
        store = self._store(request, may_be_all=True)
        reason = request.query_params.get("reason", "")
        rows = await self._look(queries.quarantine, store, reason, _number(request, "after", 0))
        page = {"events": [row for _id, row in rows], "next_after": rows[-1][0] if rows else None}
        return _json({**page, "reasons": await self._look(queries.reasons, store)})

    async def get_check(self, request: Request) -> Response:
        store = self._store(request)
        found = await self._look(queries.check, store, request.path_params["reference"])
        if found is None:
            raise Problem(404, "not_found", "No such check", f"store {store}")
        return _json(found)

    async def get_events(self, request: Request) -> Response:
        query = request.query_params
        log = (self._store(request), query.get("register", ""), query.get("incarnation", ""))
        rows = await self._look(queries.events, log, _number(request, "after", 0), _number(request, "limit", 200))
        return _json({"events": rows})

    async def get_health(self, _request: Request) -> Response:
        if not self._database.is_writing:
            raise Problem(503, "not_writing", "HQ cannot store anything now")
        await self._read(lambda sql: sql.rows("SELECT 1"))
        return _json({"status": "ok", "hq_time_ms": _now_ms()})

    async def get_openapi(self, _request: Request) -> Response:
        return _json(openapi.document())

    def _caller(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        caller = self._credentials.caller(token.strip()) if scheme.lower() == "bearer" and token else None
        if caller is None:
            raise Problem(401, "unauthorised", "No valid token", "send Authorization: Bearer with the register's token")
        return caller

    def _store(self, request: Request, *, may_be_all: bool = False) -> str:
        """The store that is asked about: by `?store=`, else the caller's own. Empty: all, for those who may."""
        caller = self._caller(request)
        store = request.query_params.get("store", "")
        if not store and caller.may_read("") and not may_be_all:
            raise Problem(400, "bad_request", "Which store?", "add ?store=")
        store = store or ("" if caller.may_read("") else caller.store)
        if not caller.may_read(store):
            raise Problem(403, "not_your_store", "The token belongs to another store")
        return store

    def with_beat(self, log: queries.RegisterLog) -> queries.RegisterLog:
        """With what this process heard since it was last written down."""
        beat = self._heard.get((log.store, log.register, log.incarnation))
        if beat is None or beat.at_ms < log.last_seen_ms:
            return log
        claimed_seq = None if beat.said is None else beat.said.last_seq
        return msgspec.structs.replace(log, last_seen_ms=beat.at_ms, claimed_seq=claimed_seq)

    def _writer(self, request: Request) -> Caller:
        caller = self._caller(request)
        if not caller.register:
            raise Problem(403, "forbidden", "A reader cannot write")
        return caller

    async def _write(self, write: Callable[[T], "Future[R]"], what: T) -> R:
        try:
            return await asyncio.wrap_future(write(what))
        except Overloaded as error:
            raise Problem(503, "overloaded", "HQ is busy", str(error), retry_after_s=1) from error
        except DatabaseAway as error:
            raise _away(error) from error
        except StoreFailed as error:
            raise Problem(507, "storage_refused", "HQ could not store the batch", str(error), retry_after_s=5) from error

    async def _look(self, query: Callable[..., R], *args: object) -> R:
        try:
            return await asyncio.wrap_future(self._database.look(lambda sql: query(sql, *args)))
        except StoreFailed as error:
            raise _away(error) from error

    async def _read(self, query: Callable[..., R], *args: object) -> R:
        try:
            return await asyncio.wrap_future(self._database.read(lambda sql: query(sql, *args)))
        except StoreFailed as error:
            raise _away(error) from error


def _away(error: StoreFailed) -> Problem:
    return Problem(503, "database_away", "HQ's database does not answer", str(error), retry_after_s=1)


def _no_authority(caller: Caller) -> Problem:
    words = f"HQ's credentials pin no authority of store {caller.store}: what others signed cannot be checked"
    return Problem(403, "no_authority", "HQ believes no signature of this store", words)


def create_app(
    database: Database,
    credentials: Credentials,
    *,
    https: bool = False,
    now_ms: Callable[[], int] | None = None,
    keep_heard_s: float = KEEP_HEARD_S,
) -> Starlette:
    """`database` is open; the caller closes it after the server has stopped. `https`: whoever comes from another machine has a
    TLS connection. `now_ms`: the wall clock of the pages. `keep_heard_s`: how often it is written down when registers were
    heard."""
    app = _App(database, credentials, keep_heard_s)
    pages = Pages(Site(database, credentials, app.with_beat, now_ms or _now_ms, https=https))
    made = Starlette(
        routes=[
            *pages.routes(),
            *app.online.routes(),
            *app.witness.routes(),
            Route("/v1/events", app.post_events, methods=["POST"]),
            Route("/v1/events", app.get_events, methods=["GET"]),
            Route("/v1/roster", app.post_roster, methods=["POST"]),
            Route("/v1/books", app.get_books),
            Route("/v1/registers", app.get_registers),
            Route("/v1/quarantine", app.get_quarantine),
            Route("/v1/checks/{reference}", app.get_check),
            Route("/healthz", app.get_health),
            Route("/openapi.json", app.get_openapi),
        ],
        middleware=[Middleware(Shield, https=https)],
        exception_handlers={Problem: on_problem, HTTPException: on_no_route},
        lifespan=app.beside,
    )
    made.router.redirect_slashes = False  # a redirected POST would be sent twice
    return made


async def _body(request: Request) -> bytes:
    """The body, unpacked, within bounds of size and time."""
    packing = request.headers.get("content-encoding", "identity").lower()
    if packing not in ("identity", "gzip"):
        raise Problem(415, "unknown_encoding", "Content-Encoding must be gzip or absent")
    too_large = Problem(413, "too_large", "The body is too large", f"at most {MAX_BODY_BYTES} bytes: send fewer events")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise too_large
    except TimeoutError:
        raise Problem(408, "too_slow", "The body did not arrive in time", f"{BODY_TIMEOUT_S:g} s") from None
    except ClientDisconnect:
        raise Problem(400, "bad_request", "The body ended early") from None
    if packing == "identity":
        return bytes(body)
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(bytes(body), MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise Problem(400, "bad_request", "The body is not gzip", str(error)) from error
    if len(plain) > MAX_BODY_BYTES:
        raise too_large
    return plain


def _decoded(body: bytes) -> HqBatch:
    try:
        batch = _batches.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "bad_request", "The body is not a batch of events", str(error)) from error
    if len(batch.events) > MAX_EVENTS:
        raise Problem(413, "too_large", "Too many events", f"at most {MAX_EVENTS} in a batch")
    return batch


def _check_identity(batch: HqBatch) -> None:
    """Every event must be of the log that the batch names: the token speaks for no other."""
    if not 0 < len(batch.incarnation) <= 64:
        raise Problem(422, "bad_identity", "The incarnation must have 1 to 64 characters")
    own = (batch.store, batch.register, batch.incarnation)
    for event in batch.events:
        if (event.store, event.register, event.incarnation) != own:
            raise Problem(422, "bad_identity", "An event of another log", f"seq {event.seq} is not of {'/'.join(own)}")
        if not -(2**53) <= event.seq <= 2**53:
            raise Problem(422, "bad_identity", "A seq out of range")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Problem(400, "bad_request", f"{name} must be a whole number")
    return int(text)


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
