"""Findings as commands of GitHub's workflows, which shows them beside the lines they are about. Pure.

What is escaped, and how, is as GitHub's own toolkit does it: `%`, carriage return and line feed everywhere, in
properties also `:` and `,`.
"""

from collections.abc import Iterator, Sequence

from watcher.checking.findings import Finding, PinState, is_finding
from watcher.checking.groups import Group, grouped
from watcher.checking.text import total_of
from watcher.locks import LeftOut


def commands_of(findings: Sequence[Finding], left_out: Sequence[LeftOut], *, strict: bool = False) -> Iterator[str]:
    """An error for each group of findings, a warning for what is none but not live either, and how many there are."""
    for group in grouped(findings):
        if group.state is not PinState.LIVE:
            yield _command(group, "error" if is_finding(group.state, strict=strict) else "warning")
    yield total_of(findings, left_out)


def _command(group: Group, level: str) -> str:
    file, line = group.place
    properties = {"file": file} if file else {}
    if line is not None:
        properties["line"] = str(line)
    properties["title"] = f"{group.release} is {group.state}"
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    advice = f" - {group.advice}" if group.advice else ""
    files = f" ({group.named_files})" if group.files else ""
    return f"::{level} {said}::{_data(f'{group.release} is {group.state}: {group.reason}{advice}{files}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
