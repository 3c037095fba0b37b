"""The GitHub action and the pre-commit hook do what `everpin check` does, whatever they are given."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own, for these few lines
from aiohttp import web
from aiohttp.test_utils import TestServer

from watcher.checking.report import read_question, report_of

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "action" / "action.yml").read_text())
INSTALL, CHECK = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{ (inputs\.([a-z]+)|github\.action_path) \}\}")


async def run_check(directory: Path, **inputs: str) -> tuple[int | None, str, str]:
    """Runs the action's script as a runner does: what is not given is as it is declared."""
    given = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()} | inputs
    variables = {name: EXPRESSION.sub(lambda found: given[found[2]], value) for name, value in CHECK["env"].items()}
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("EVERPIN_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        "bash",
        "--noprofile",
        "--norc",
        "-eo",
        "pipefail",
        "-c",
        CHECK["run"],
        cwd=directory,
        env=kept | variables | {"PATH": path, "EVERPIN_DATA_DIR": str(directory / "data")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def test_no_input_becomes_part_of_a_script() -> None:
    """Each is read from the environment, whole, and all that are declared are read."""
    for step in ACTION["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        assert all(EXPRESSION.fullmatch(value) for value in step["env"].values())
        # What is checked out stands beside the script, and could be called like a module of Python's.
        assert "python3 -I -m" in step["run"] or "python" not in step["run"]
    values = [value for step in (INSTALL, CHECK) for value in step["env"].values()]
    assert {found[2] for value in values if (found := EXPRESSION.fullmatch(value)) and found[2]} == set(
        ACTION["inputs"]
    )


async def test_the_action_checks_all_files_and_fails_for_what_is_found(tmp_path: Path) -> None:
    """Names with spaces or a dash are names; nothing in an input is run."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        pins = read_question(await request.read(), most=10)
        asked.extend(pin.project for pin in pins)
        body = report_of([], []).replace(b'"left_out":[]', b'"left_out":' + _left_out(len(pins)))
        return web.Response(body=body, content_type="application/json")

    for name, project in (("my req.txt", "one"), ("-v.txt", "two"), ("$(touch ran).txt", "three")):
        (tmp_path / name).write_text(f"{project}==1.0\n")
    app = web.Application()
    app.router.add_post("/api/v1/check", answer)
    async with TestServer(app) as server:
        mirror = str(server.make_url("/"))
        status, out, err = await run_check(
            tmp_path, files="\n  my req.txt \n-v.txt\n$(touch ran).txt\n", mirror=mirror, output="said.txt"
        )

    assert (status, out) == (0, ""), err
    assert asked == ["one", "two", "three"]
    assert (tmp_path / "said.txt").read_text() == "0 pins checked; 3 left out\n"
    assert not (tmp_path / "ran").exists()


async def test_the_action_ends_as_the_command_does(tmp_path: Path) -> None:
    """Where nothing can be asked, and where an input is none."""
    (tmp_path / "req.txt").write_text("demo==1.0\n")

    status, _, err = await run_check(tmp_path, files="req.txt", mirror="http://127.0.0.1:9", strict="true")
    refused, _, why = await run_check(tmp_path, files="req.txt", strict="$(id)")
    none, _, named = await run_check(tmp_path, files=" \n")

    assert (status, err.count("cannot be asked")) == (2, 1)
    assert (refused, why) == (2, "strict is true or false\n")
    assert (none, named) == (2, "files names no file\n")


@pytest.mark.parametrize(
    ("name", "is_meant"),
    [
        ("uv.lock", True),
        ("sub/poetry.lock", True),
        ("pdm.lock", True),
        ("Pipfile.lock", True),
        ("pylock.toml", True),
        ("a/pylock.dev.toml", True),
        ("requirements.txt", True),
        ("dev-requirements-3.11.txt", True),
        ("requirements/base.txt", True),
        ("constraints.txt", True),
        ("pyproject.toml", False),
        ("Cargo.lock", False),
        ("my-uv.lock", False),
        ("requirements.in", False),
        ("requirements/readme.md", False),
        ("notes.txt", False),
    ],
)
def test_the_hook_is_for_locks(name: str, is_meant: bool) -> None:
    """By the names that `everpin check` knows, wherever they are in a repository."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    assert (hook["id"], hook["entry"], hook["language"]) == ("everpin-check", "everpin check", "python")
    assert (re.search(hook["files"], name) is not None) is is_meant


def _left_out(count: int) -> bytes:
    rows = ",".join(f'{{"source":"{number}","name":"x","why":"not ours"}}' for number in range(count))
    return f"[{rows}]".encode()
