"""What Debian wants to read in a package: changelog, copyright, manual page."""

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime

from systemd.package.licences import Bundled
from systemd.package.model import SITE, Package

from tillkeeper.cli import GROUPS

MAINTAINER = "Tillkeeper maintainers <maintainers@tillkeeper.invalid>"
_FORMAT = "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
_COMMON = "/usr/share/common-licenses"
_WHOLE = {
    "Apache-2.0": ("Apache License Version 2.0, January 2004", "9. Accepting Warranty or Additional Liability."),
    "GPL-2": ("GNU GENERAL PUBLIC LICENSE Version 2, June 1991", "END OF TERMS AND CONDITIONS"),
    "GPL-3": ("GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007", "END OF TERMS AND CONDITIONS"),
    "LGPL-2.1": ("GNU LESSER GENERAL PUBLIC LICENSE Version 2.1, February 1999", "END OF TERMS AND CONDITIONS"),
    "LGPL-3": ("GNU LESSER GENERAL PUBLIC LICENSE Version 3, 29 June 2007", "permanent authorization for you to choose"),
    "MPL-2.0": ("Mozilla Public License Version 2.0", "Exhibit B"),
}
"""What a whole text begins and ends with."""
_HQ_COMMANDS = {
    "run": "serve the registers of the stores until SIGTERM",
    "user": "who may sign in to the pages",
    "token": "make a token for a program",
}


def changelog(package: Package, version: str, epoch_s: int) -> str:
    """deb-changelog(5): one entry, for the version that this is."""
    when = format_datetime(datetime.fromtimestamp(epoch_s, UTC))
    line = f"  * Tillkeeper {version}; see CHANGELOG.md.gz for what is new."
    return f"{package.name} ({version}) bookworm; urgency=medium\n\n{line}\n\n -- {MAINTAINER}  {when}\n"


def copyright_file(package: Package, parts: Iterable[Bundled]) -> str:
    """Debian's machine-readable format 1.0: whose each file is, and all texts in full."""
    made = [
        f"Format: {_FORMAT}\nUpstream-Name: Tillkeeper\nUpstream-Contact: {MAINTAINER}",
        "Files: *\nCopyright: the Tillkeeper maintainers\nLicense: Apache-2.0",
    ]
    texts = [f"License: Apache-2.0\n On Debian systems the text is in {_COMMON}/Apache-2.0."]
    for one in parts:
        name = f"{one.licence.replace(' ', '-')}-{one.name}"  # a name for each: the lines of copyright in them differ
        files = "\n ".join(f"{package.home}/app/{SITE}/{path}" for path in one.paths)
        comment = f"Comment: {one.name} {one.version}, {one.licence}"
        made.append(f"Files:\n {files}\nCopyright: {one.holder}\nLicense: {name}\n{comment}")
        words = "\n\n".join(f"{file}:\n\n{_shortened(text)}" for file, text in one.texts)
        texts.append(f"License: {name}\n{_folded(words)}")
    return "\n\n".join((*made, *texts)) + "\n"


def _shortened(text: str) -> str:
    """A text that every Debian has, by its place there (Debian Policy 12.5). The package has the file itself too."""
    for name, (head, end) in _WHOLE.items():
        if head in " ".join(text.split()) and end in " ".join(text.split()):
            return f"On Debian systems the text is in {_COMMON}/{name}."
    return text


def _folded(text: str) -> str:
    return "\n".join(f" {line.rstrip()}" if line.strip() else " ." for line in text.strip("\n\f").splitlines())


def manual(package: Package, version: str, epoch_s: int) -> str:
    """man(7): the commands, and where the rest is told."""
    day = datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d")
    program = package.program
    commands = GROUPS if program == "tillkeeper" else _HQ_COMMANDS
    lines = [
        f'.TH {program.upper()} 1 "{day}" "{program} {version}" "User Commands"',
        f".SH NAME\n{program} \\- {package.summary}",
        f".SH SYNOPSIS\n.B {program}\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.br\n.B {program}\n.I COMMAND\n.B \\-\\-help",
        ".SH DESCRIPTION",
        *(line if line != "." else ".PP" for line in package.description.splitlines()),
        ".SH COMMANDS",
        *(f".TP\n.B {name}\n{_roff(words)}" for name, words in commands.items()),
        f".SH FILES\n.TP\n.I {package.config}/\nits configuration\n.TP\n.I {package.data}/\nits books",
        f".SH SEE ALSO\n.I /usr/share/doc/{package.name}/README.md",
    ]
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
