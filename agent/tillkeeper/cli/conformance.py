"""Test an HQ of your own against the contract that registers rely on (docs/conformance.md). What is sent stays there for ever,
in logs that begin with `conformance-`: use a store that is made for tests."""

import argparse
from typing import TYPE_CHECKING

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json, read_token

if TYPE_CHECKING:
    from tillkeeper.conformance.model import Report, Result

WORDS = {"passed": "passed", "failed": "FAILED", "skipped": "skipped", "not_run": "NOT RUN"}
_SEED_DIGITS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="HQ's address, as in hq.url: requests go to URL/v1/events")
    parser.add_argument("--token-file", required=True, metavar="FILE", help="file whose first line is the register's token")
    parser.add_argument("--store", required=True, help="the store that the token belongs to")
    parser.add_argument("--register", required=True, help="the register that the token belongs to")
    parser.add_argument(
        "--test-store", action="store_true", help="yes, this store is made for tests (without it nothing is sent)"
    )
    parser.add_argument("--reader-token-file", metavar="FILE", help="token for what HQ shows (the register's own)")
    parser.add_argument(
        "--authority-file",
        metavar="FILE",
        help=f"seed of the test store's authority, {_SEED_DIGITS} hex digits: admits made-up registers, whose logs are relayed",
    )
    parser.add_argument("--timeout", type=_seconds, default=10.0, metavar="S", help="for one answer (10)")
    parser.add_argument("--deadline", type=_seconds, default=180.0, metavar="S", help="for the whole run (180)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    import asyncio

    import msgspec

    from tillkeeper.conformance.model import NoHq, TokenRefused
    from tillkeeper.conformance.run import examine

    if not args.test_store:
        raise exits.UsageError("what this sends stays at HQ for ever: say with --test-store that the store is made for tests")
    if not args.url.startswith(("http://", "https://")):
        raise exits.UsageError(f"{args.url} is not an address that begins with http:// or https://")
    running = examine(
        args.url,
        read_token(args.token_file),
        args.store,
        args.register,
        reader_token=read_token(args.reader_token_file),
        authority=_seed(args.authority_file),
        timeout_s=args.timeout,
        deadline_s=args.deadline,
    )
    try:
        report = asyncio.run(running)
    except TokenRefused as error:
        raise exits.UsageError(f"HQ refuses the token for {args.store}/{args.register}: {error}") from error
    except NoHq as error:
        silent = exits.UsageError(f"nothing at {args.url} answers as HQ: {error}")
        return exits.explain(silent, as_json=args.json, code=exits.UNREACHABLE)
    answer = {"conforms": report.conforms, "counts": report.counts} | msgspec.to_builtins(report)
    output.show(args, answer, text(report))
    return exits.OK if report.conforms else exits.VERIFICATION


def text(report: "Report") -> str:
    """For people: one line a check, then each failure with the contract's sentence and what went over the wire."""
    rows = [
        (one.clause, one.check, WORDS[one.verdict], one.reason if one.verdict in ("skipped", "not_run") else "")
        for one in report.results
    ]
    parts = [output.table(("CLAUSE", "CHECK", "RESULT", ""), rows)]
    parts += [_failure(one) for one in report.results if one.verdict == "failed"]
    summary = ", ".join(f"{count} {WORDS[verdict].lower()}" for verdict, count in report.counts.items() if count)
    parts.append(f"{summary}; logs {output.clean(report.logs)}-* of {output.clean(f'{report.store}/{report.register}')}")
    return "\n\n".join(parts)


def _failure(result: "Result") -> str:
    lines = [
        f"{output.clean(result.check)} (clause {result.clause})",
        f"  contract: {output.clean(result.sentence)}",
        f"  found:    {output.clean(result.reason)}",
    ]
    for exchange in result.exchanges:
        lines.append(f"  sent:     {output.clean(exchange.sent)}")
        lines.append(f"  came:     {exchange.status or 'no answer'} {output.clean(exchange.came)}")
    return "\n".join(lines)


def _seconds(given: str) -> float:
    try:
        value = float(given)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{given} is not a number of seconds from 0.1 to 3600")
    return value


def _seed(path: str | None) -> bytes | None:
    if not path:
        return None
    try:
        seed = bytes.fromhex(read_token(path))
    except ValueError:
        seed = b""
    if len(seed) * 2 != _SEED_DIGITS:
        raise exits.UsageError(f"{path}: the first line must be {_SEED_DIGITS} hex digits")
    return seed
