"""The example of a configuration shows every setting, with its default, as it is declared."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from mirror.settings import Settings, load

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
FILES = {"upstream.ca_file", "upstream.password_file", "database.url_file", "admin.token_file"}
SEVERAL = ("webhooks", "admin.tokens")
DEPENDS_ON_THE_MACHINE = {"data_dir", "upstream.index_url"} | FILES


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("EVERPIN_")]:
        monkeypatch.delenv(name)


def declared(owner: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each setting in the order of its declaration, as `section.key`, and its explanation."""
    for name, field in owner.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        section = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if section is None or section is not field.annotation:
            yield prefix + name, field.description or ""
        if section is not None:
            yield from declared(section, f"{prefix}{name}.")


def explained() -> Iterator[tuple[str, str, bool]]:
    """Each setting of the example as `section.key`, the comment above it, and whether it is only a comment itself.

    What can be there several times is a comment, and explained above its header.
    """
    section, comment = "", ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\[(\w+)\]$", line):
            section, comment = f"{found[1]}.", ""
        elif found := re.match(r"# \[\[([\w.]+)\]\]$", line):
            yield found[1], comment, True
            section, comment = f"{found[1]}.", ""
        elif found := re.match(r"(# )?([a-z_]+) = ", line):
            yield section + found[2], comment, found[1] is not None
            comment = ""
        elif line.startswith("# "):
            comment = f"{comment} {line.removeprefix('# ')}".strip()
        else:
            comment = ""


def test_the_example_holds_nothing_but_defaults(tmp_path: Path) -> None:
    """Who copies the example changes nothing."""
    assert load(EXAMPLE, data_dir=tmp_path) == load(None, data_dir=tmp_path)


def test_the_example_shows_every_setting_in_the_order_of_declaration() -> None:
    """None is missing, none is invented; commented out are only those whose default depends on the machine."""
    shown = list(explained())

    assert [name for name, _, _ in shown] == [name for name, _ in declared()]
    commented = {name for name, _, is_comment in shown if is_comment and not name.startswith(SEVERAL)}
    assert commented == DEPENDS_ON_THE_MACHINE


def test_the_example_explains_every_setting_as_its_declaration_does() -> None:
    """The reference is written once; the example repeats it word by word."""
    assert {name: comment for name, comment, _ in explained()} == {
        name: " ".join(explanation.split()) for name, explanation in declared()
    }


def test_every_setting_is_explained() -> None:
    """A setting without a sentence is not finished."""
    assert [name for name, explanation in declared() if not explanation.endswith((".", ")"))] == []


def test_the_example_is_complete_toml() -> None:
    """Each section is there, even where all of it could be left out."""
    sections = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))

    assert list(sections) == [name for name in Settings.model_fields if name not in ("data_dir", "webhooks")]
