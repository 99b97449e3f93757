"""The packages from outside, as dpkg sees them."""

import hashlib
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from systemd.package.__main__ import lint
from systemd.package.debs import epoch, ready_debs
from systemd.package.maintainer import launcher, scripts
from systemd.package.model import PACKAGES, PLATFORMS, ROOT, SITE
from systemd.package.tree import wheels
from tests.package.machine import chroot
from tests.support.prerequisites import need

pytestmark = pytest.mark.timeout(600)

NAMES = tuple(PACKAGES)


@pytest.fixture(scope="module")
def debs() -> Mapping[str, Path]:
    need("dpkg-deb", root=False)
    return ready_debs()


@pytest.fixture(scope="module")
def tars(debs: Mapping[str, Path]) -> Mapping[str, tarfile.TarFile]:
    def opened(deb: Path) -> tarfile.TarFile:
        stream = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True).stdout
        return tarfile.open(fileobj=io.BytesIO(stream))

    return {name: opened(deb) for name, deb in debs.items()}


def text_of(tar: tarfile.TarFile, name: str) -> str:
    file = tar.extractfile(name)
    assert file is not None, name
    return file.read().decode()


@pytest.mark.parametrize("name", NAMES)
def test_all_is_roots_and_nobody_else_may_write(tars: Mapping[str, tarfile.TarFile], name: str) -> None:
    for member in tars[name]:
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "root", "root"), member.name
        if member.issym():
            assert member.linkname == "/usr/bin/python3.11", member.name
            continue
        assert member.isdir() or member.isfile(), member.name
        program = member.isdir() or member.name.startswith("./usr/bin/")
        assert member.mode == (0o755 if program else 0o644), f"{member.name}: {member.mode:o}"


@pytest.mark.parametrize("name", NAMES)
def test_files_carry_the_date_of_the_sources(tars: Mapping[str, tarfile.TarFile], name: str) -> None:
    """By it a register knows that a clock of before is wrong (`installed.made_ms`)."""
    assert {member.mtime for member in tars[name]} == {epoch()}
    assert f"./usr/lib/{name}/app/pyvenv.cfg" in tars[name].getnames()


@pytest.mark.parametrize("name", NAMES)
def test_no_path_of_the_machine_that_built_it_is_inside(tars: Mapping[str, tarfile.TarFile], name: str) -> None:
    for member in tars[name]:
        if member.isfile():
            file = tars[name].extractfile(member)
            assert file is not None
            assert str(ROOT).encode() not in file.read(), member.name


@pytest.mark.parametrize("name", NAMES)
def test_every_module_is_compiled_and_its_pyc_is_never_checked(tars: Mapping[str, tarfile.TarFile], name: str) -> None:
    """PEP 552: flags 1 in the second word is a hash that is not checked."""
    there = set(tars[name].getnames())
    sources = [path for path in there if path.endswith(".py")]
    assert len(sources) > 200
    for source in sources:
        folder, _, file = source.rpartition("/")
        compiled = f"{folder}/__pycache__/{file.removesuffix('.py')}.cpython-311.pyc"
        assert compiled in there, source
        opened = tars[name].extractfile(compiled)
        assert opened is not None
        assert int.from_bytes(opened.read(8)[4:], "little") == 1, compiled


@pytest.mark.parametrize("name", NAMES)
def test_the_sums_are_those_of_the_files(debs: Mapping[str, Path], tars: Mapping[str, tarfile.TarFile], name: str) -> None:
    control = subprocess.run(["dpkg-deb", "--ctrl-tarfile", debs[name]], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(control)) as tar:
        sums = dict(reversed(line.split("  ", 1)) for line in text_of(tar, "./md5sums").splitlines())
    files = {member.name.removeprefix("./") for member in tars[name] if member.isfile()}
    assert set(sums) == files
    for path in list(files)[::50]:
        file = tars[name].extractfile(f"./{path}")
        assert file is not None
        assert hashlib.md5(file.read()).hexdigest() == sums[path], path


def test_units_and_settings_are_those_of_the_tree(tars: Mapping[str, tarfile.TarFile]) -> None:
    for name, package in PACKAGES.items():
        for file, where in package.files.items():
            source = ROOT / "systemd" / file
            assert text_of(tars[name], f"./{where}/{source.name}") == source.read_text(), file
    carried = {Path(file).name for package in PACKAGES.values() for file in package.files}
    folders = ("system", "sysusers.d", "tmpfiles.d", "sysctl.d", "udev")
    of_tree = {path.name for folder in folders for path in (ROOT / "systemd" / folder).iterdir()}
    assert of_tree <= carried, "a file of systemd/ is in no package"


def test_hq_carries_nothing_of_a_register(tars: Mapping[str, tarfile.TarFile]) -> None:
    site = f"./usr/lib/tillkeeper-hq/app/{SITE}/"
    tops = {path.removeprefix(site).split("/")[0] for path in tars["tillkeeper-hq"].getnames() if path.startswith(site)}
    assert {"tillkeeper", "tillkeeper_hq", "psycopg", "apsw"} <= tops
    assert not tops & {"tillkeeper_drivers", "scapy", "escpos", "PIL", "serial"}
    inside = {path.removeprefix(f"{site}tillkeeper/") for path in tars["tillkeeper-hq"].getnames()}
    assert not [path for path in inside if path.startswith(("sales/", "journal/", "web/", "api/"))]


@pytest.mark.parametrize("name", NAMES)
def test_what_runs_before_the_unpacking_is_there_by_then(debs: Mapping[str, Path], name: str) -> None:
    """Debian policy 7.2: `preinst` may use what is essential or in Pre-Depends."""
    assert "python3 -I -" in scripts(PACKAGES[name], "0.1.0")["preinst"]
    field = subprocess.run(["dpkg-deb", "-f", debs[name], "Pre-Depends"], capture_output=True, text=True, check=True).stdout
    assert field.strip() == "python3 (>= 3.11), python3 (<< 3.12)"


def test_lintian_finds_no_error(debs: Mapping[str, Path]) -> None:
    """In HQ's, the smaller one of two that are made in the same way; `make deb` lets it look at all four (half a minute of a
    processor each)."""
    need("lintian", root=False)
    lint(debs["tillkeeper-hq"])
    for name in NAMES:
        overridden = (ROOT / f"systemd/package/{name}.lintian").read_text()
        tags = re.findall(rf"^{name}: (\S+)", overridden, re.MULTILINE)
        assert tags == ["unstripped-binary-or-object", "embedded-library", "package-installs-python-pycache-dir"]


@pytest.mark.parametrize("name", NAMES)
def test_shellcheck_finds_nothing_in_the_maintainer_scripts(name: str, tmp_path: Path) -> None:
    need("shellcheck", root=False)
    for script, text in {**scripts(PACKAGES[name], "0.1.0"), "launcher": launcher(PACKAGES[name])}.items():
        (tmp_path / script).write_text(text)
        assert "@" not in re.sub(r'"\$@"|maintainers@', "", text.partition("<<'PYTHON'")[0]), script
        assert not re.search(r"^\s*read ", text, re.MULTILINE), f"{script}: lintian takes it for a question to a person"
        done = subprocess.run(["shellcheck", "-s", "dash", tmp_path / script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.root
@pytest.mark.parametrize("name", NAMES)
def test_what_it_depends_on_is_all_that_its_libraries_need(debs: Mapping[str, Path], tmp_path: Path, name: str) -> None:
    """In a bare Debian each shared library of the environment finds its own; and nothing else asks for a package."""
    need("mmdebstrap", "dpkg-deb")
    with chroot(tmp_path) as machine:
        assert machine.install(debs[name]).returncode == 0
        home = f"/usr/lib/{name}/current"
        listed = machine.run("find", f"{home}/", "-name", "*.so*", "-type", "f").split()
        assert len(listed) > 10
        missing = [line for line in machine.run("ldd", *listed).splitlines() if "not found" in line]
        assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_arm64_has_the_same_libraries_as_amd64(tmp_path: Path, name: str) -> None:
    """Of the same lock file; every library of the one is there for the other, and of its machine (e_machine of ELF: 62 is
    x86-64, 183 AArch64)."""
    found: dict[str, set[str]] = {}
    for arch, machine in (("amd64", 62), ("arm64", 183)):
        site = tmp_path / arch
        wheels(PACKAGES[name], arch, site)
        libraries = [path for path in site.rglob("*.so*") if path.is_file()]
        for path in libraries:
            head = path.read_bytes()[:20]
            assert head[:4] == b"\x7fELF", path
            assert int.from_bytes(head[18:20], "little") == machine, path
        found[arch] = {_plain(str(path.relative_to(site))) for path in site.rglob("*") if path.is_file()}
    assert PLATFORMS.keys() == found.keys()
    assert found["amd64"] == found["arm64"]


def _plain(path: str) -> str:
    """Without what differs by machine: its name, and the digests that are in names of libraries inside wheels."""
    path = re.sub(r"x86_64|aarch64", "MACHINE", path)
    return re.sub(r"-[0-9a-f]{8}(\.\d+)*\.so(\.\d+)*", ".so", path)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_that_a_message_names_is_there(tars: Mapping[str, tarfile.TarFile], name: str) -> None:
    """A register in an outage has no other place to read it."""
    sources = [path.read_text() for part in PACKAGES[name].keep for path in (ROOT / "agent" / part).rglob("*.py")]
    named = {page for source in sources for page in re.findall(r"docs/([a-z0-9-]+\.md)", source)}
    pages = f"./usr/share/doc/{name}/docs/"
    assert named
    assert named <= {path.removeprefix(pages) for path in tars[name].getnames() if path.startswith(pages)}


@pytest.mark.parametrize("name", NAMES)
def test_the_bill_of_materials_is_one(tars: Mapping[str, tarfile.TarFile], name: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = text_of(tars[name], f"./usr/share/doc/{name}/sbom.cdx.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    listed = {one["name"]: one["version"] for one in bill["components"]}
    lock = (ROOT / "requirements" / PACKAGES[name].lock).read_text()
    locked = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock, re.MULTILINE))
    left_out = {"colorama", "setuptools"}  # another system's, and what nothing imports
    pypi = {one: version for one, version in listed.items() if one != "htm"}
    assert {one.lower().replace("_", "-") for one in pypi} == set(locked) - left_out
    assert ("htm" in listed) == (name == "tillkeeper")
    references = {one["ref"] for one in bill["dependencies"]}
    assert all(need in references for one in bill["dependencies"] for need in one["dependsOn"])


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_others_has_a_licence_with_its_text(tars: Mapping[str, tarfile.TarFile], name: str) -> None:
    text = text_of(tars[name], f"./usr/share/doc/{name}/copyright")
    patterns: dict[str, str] = {}
    for files, licence in re.findall(r"^Files:((?:\n .*| .*)+)\nCopyright:.*\nLicense: (\S+)", text, re.MULTILINE):
        patterns |= dict.fromkeys(files.split(), licence)
    texts = dict(re.findall(r"^License: (\S+)\n((?: .*\n?)+)", text, re.MULTILINE))
    assert all(len(texts[licence]) > 40 for licence in patterns.values())
    site = f"usr/lib/{name}/app/{SITE}/"
    tops = {path.removeprefix(f"./{site}").split("/")[0] for path in tars[name].getnames() if path.startswith(f"./{site}")}
    ours = {"tillkeeper", "tillkeeper_hq", "tillkeeper_drivers", "tillkeeper_systemd", "__pycache__"}
    for top in tops - ours:
        covered = {f"{site}{top}", f"{site}{top}/*"} & patterns.keys()
        assert covered or top.startswith("tillkeeper-"), f"nobody says whose {top} is"
