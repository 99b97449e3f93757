"""`tillkeeper-hq token`: a fresh token for a register, a reader or an integration. HQ keeps its digest only."""

import argparse
import hashlib
import json
import secrets

_KINDS = {"register": "registers", "reader": "readers", "integration": "integrations"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=list(_KINDS), help="integration: a web shop, which gives the store orders")
    parser.add_argument("--store", required=True, help="whose")
    parser.add_argument("--name", default="", help="of the register or the integration")


def run(args: argparse.Namespace) -> int:
    """Prints the token, and the entry for the credentials. Exit code 0; 2 where a name is missing."""
    if (args.kind == "reader") == bool(args.name):
        print("tillkeeper-hq: a reader has no --name; a register or an integration needs one")
        return 2
    token = secrets.token_urlsafe(32)
    named = {"register": "register", "integration": "name"}.get(args.kind)
    lines = [f"[[{_KINDS[args.kind]}]]", f"store = {json.dumps(args.store)}"]
    lines += [f"{named} = {json.dumps(args.name)}"] if named else []
    lines += [f'token_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"']
    print(f"The token, which is shown once and belongs to the {args.kind} alone:\n\n{token}\n")
    print("For HQ's credentials:\n\n" + "\n".join(lines))
    return 0
