"""The bill of materials: CycloneDX 1.6 as JSON, of what is in a package. The same package gives the same bytes.

What a wheel tells of the libraries inside it (PEP 770: `.dist-info/sboms/`) comes along as components of its own. The tests
hold the result against the schema of CycloneDX's own library.
"""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from packaging.requirements import Requirement
from systemd.package.licences import Bundled
from systemd.package.model import PLATFORMS, PYTHON, Package

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
"""RFC 9562's for URLs."""


def sbom(package: Package, arch: str, version: str, epoch_s: int, parts: Iterable[Bundled]) -> str:
    """The document's text."""
    parts = list(parts)
    root = f"pkg:deb/{package.name}@{version}?arch={arch}"
    components = [_component(one) for one in parts]
    body: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": package.name,
                "version": version,
                "purl": root,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": components,
        "dependencies": _dependencies(root, arch, parts),
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(body, sort_keys=True))
    return json.dumps({**body, "serialNumber": f"urn:uuid:{serial}"}, indent=1, sort_keys=True) + "\n"


def purl(one: Bundled) -> str:
    """Package URL; what has no metadata of a Python distribution came from npm."""
    return f"pkg:{'npm' if one.info is None else 'pypi'}/{one.name}@{one.version}"


def _component(one: Bundled) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl(one),
        "name": one.name,
        "version": one.version,
        "purl": purl(one),
        "authors": [{"name": one.holder}],
        "licenses": [{"expression": one.licence}],
    }
    if inside := list(_inside(one)):
        made["components"] = inside
    return made


def _inside(one: Bundled) -> Iterable[dict[str, Any]]:
    """Libraries within a wheel, as its own bills name them; reduced to what says which they are."""
    seen = {one.name}
    for path in sorted(one.info.glob("sboms/*.json")) if one.info is not None else ():
        for part in json.loads(path.read_text("utf-8")).get("components", ()):
            told = {name: part[name] for name in ("type", "name", "version", "purl") if part.get(name)}
            key = f"{told['name']}@{told.get('version', '')}"
            if told["name"].lower() not in seen and key not in seen:
                seen.add(key)
                yield {**told, "bom-ref": f"{purl(one)}#{key}"}


def _dependencies(root: str, arch: str, parts: list[Bundled]) -> list[dict[str, Any]]:
    known = {one.name: purl(one) for one in parts}
    machine = "x86_64" if PLATFORMS[arch].startswith("x86_64") else "aarch64"
    where = {
        "implementation_name": "cpython", "os_name": "posix", "platform_machine": machine, "platform_system": "Linux",
        "platform_python_implementation": "CPython", "python_full_version": f"{PYTHON}.2", "python_version": PYTHON,
        "sys_platform": "linux", "extra": "",
    }  # fmt: skip
    edges = []
    for one in parts:
        wanted = (Requirement(text) for text in one.requires)
        names = {need.name.lower().replace("_", "-") for need in wanted if need.marker is None or need.marker.evaluate(where)}
        edges.append({"ref": purl(one), "dependsOn": sorted(known[name] for name in names if name in known)})
    return [{"ref": root, "dependsOn": sorted(known.values())}, *edges]
