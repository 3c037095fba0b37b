"""`everpin check`, run as a program against a catalog or a mirror: what it prints, sends, and how it ends."""

import io
import json
import sys
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mirror.errors import StartError
from mirror.names import ProjectName
from tests.watcher.checking.story import kept_all
from tests.watcher.cli.shells import Operator, Shell
from tests.watcher.houses import House, long_ago
from watcher.checking.remote import ask_mirror
from watcher.cli.check import say
from watcher.locks import Pin


async def _lock(house: House, directory: Path) -> Path:
    """A requirements file, in two parts, of one file that is live, one that is yanked and one that is kept."""
    pypi, lines = house.pypi, []
    for name in ("live", "yanked", "kept"):
        file = pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=400))
        await house.poll()
        await kept_all(house, name)
        lines.append(f"{name}==1.0 --hash=sha256:{file.sha256}\n")
    pypi.yank("yanked", "1.0", "old")
    pypi.delete_release("kept", "1.0")
    await house.watch()
    (directory / "more.txt").write_text(lines.pop())
    (directory / "req.txt").write_text("".join([*lines, "-r more.txt\n", "acme @ file:///srv/acme\n"]))
    return directory / "req.txt"


async def test_the_own_catalog_is_asked_without_any_network(house: House, operator: Operator, tmp_path: Path) -> None:
    """One line for each that is not live, and status 1 for what is found."""
    lock = await _lock(house, tmp_path)
    before = house.pypi.count()

    ended = await operator.does("check", str(lock))

    said = ended.out.splitlines()
    assert (ended.status, ended.err) == (1, "")
    assert said[0] == f"kept      kept 1.0  ({tmp_path}/more.txt:1)"
    assert said[1].startswith("          why: deleted upstream ")
    assert said[4] == f"yanked    yanked 1.0  ({tmp_path}/req.txt:2)"
    assert said[-1] == "3 pins checked: 1 live, 1 yanked, 1 kept; 1 left out"
    assert house.pypi.count() == before


async def test_a_mirror_is_told_what_is_pinned_and_nothing_else(house: House, shell: Shell, tmp_path: Path) -> None:
    """The answer is the same as from the catalog; sources stay here. A prefix and the index's own path will do."""
    lock = await _lock(house, tmp_path)
    (tmp_path / "more.txt").write_text("")
    mirror = str(house.http.make_url("/simple/"))

    fine = await shell.run("check", str(lock), "--mirror", mirror, "--format", "json")
    strict = await shell.run("check", str(lock), "--mirror", mirror, "--format", "github", "--strict")

    report = json.loads(fine.out)
    assert (fine.status, fine.err) == (0, "")
    assert report["summary"] == {"live": 1, "yanked": 1}
    assert [file["source"] for file in report["files"]] == [f"{lock}:1", f"{lock}:2"]
    assert [one["name"] for one in report["left_out"]] == ["acme"]
    assert strict.status == 1
    assert strict.out.startswith(f"::error file={lock},line=2,title=yanked 1.0 is yanked::")


async def test_a_lock_of_other_indexes_only_is_no_success(house: House, shell: Shell) -> None:
    """Nobody is asked, and it does not pass for an all-clear, unless that index is said to be the same."""
    lock = "--index-url https://wheels.example.org/simple/\ntorch==2.0\n"
    mirror = ["check", "-", "--mirror", str(house.http.make_url("/"))]

    refused = await shell.run(*mirror, given=lock)
    same = await shell.run(*mirror, "--index", "https://wheels.example.org/simple", given=lock)

    assert (refused.status, refused.out) == (2, "")
    assert refused.err.startswith("everpin: nothing can be checked: torch comes from another index: https://wheels.")
    assert refused.err.endswith("name it with --index\n")
    assert same.status == 1
    assert same.out.startswith("unknown")


async def test_what_cannot_be_read_or_asked_is_said_in_one_line(shell: Shell, tmp_path: Path) -> None:
    """Status 2, as for every command that cannot do what it should."""
    (tmp_path / "req.txt").write_text("demo==1.0\n")
    (tmp_path / "bad.txt").write_text("demo==1.0\n???\n")
    nowhere = "http://me:hush@127.0.0.1:9"

    unread = await shell.refusal("check", str(tmp_path / "bad.txt"), "--mirror", nowhere)
    unasked = await shell.refusal("check", str(tmp_path / "req.txt"), "--mirror", nowhere)

    assert "bad.txt, line 2" in unread
    assert "127.0.0.1:9 cannot be asked" in unasked
    assert "hush" not in unasked


async def test_a_mirror_that_answers_otherwise_is_not_believed() -> None:
    """No redirect is followed to somebody else, nothing hostile is repeated, and a busy one is asked again."""
    pins = [Pin(ProjectName("demo"), "1.0", None, None, "req.txt:1")]
    told: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        told.append(await request.read())
        match request.path:
            case "/elsewhere/api/v1/check":
                return web.Response(status=307, headers={"Location": f"http://{request.host}/api/v1/check"})
            case "/other/api/v1/check":
                return web.json_response({"files": []})
            case "/short/api/v1/check":
                return web.json_response({"files": [], "summary": {}, "findings": 0})
            case "/busy/api/v1/check" if len(told) < 6:
                return web.Response(status=503)
            case _:
                return web.json_response({"title": "no", "detail": "not \x1b[31mhere"}, status=404)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        address = str(server.make_url("/"))
        for mirror, sentence in (
            (f"{address}elsewhere", "does not answer the question: 307, it sends elsewhere"),
            (f"{address}other/simple/", "is not such a mirror"),
            (f"{address}short", "does not say how demo stands"),
            (address.replace("//", "//me:hush@", 1), r"does not answer the question: 404, not \[31mhere"),
            (f"{address}busy", "does not answer the question: 404, not"),
            ("ftp://mirror.example.org", "--mirror is not an address"),
        ):
            with pytest.raises(StartError, match=sentence) as refused:
                await ask_mirror(mirror, pins)
            assert "hush" not in str(refused.value)

    assert [json.loads(body) for body in told] == [{"pins": [{"project": "demo", "version": "1.0", "source": "0"}]}] * 6


class FullDisk(io.BytesIO):
    """Where nothing can be written."""

    def write(self, _: object, /) -> int:
        """Fails."""
        raise OSError(28, "No space left on device")


def test_what_cannot_be_written_does_not_look_like_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is an error of its own; letters that a terminal has not are described, and JSON stays UTF-8."""
    written = io.BytesIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252", newline="\n"))
        say(["yanked: \u65e5", '"\u65e5"'.encode()])
        patched.setattr(sys, "stdout", io.TextIOWrapper(FullDisk(), write_through=True))
        with pytest.raises(StartError, match="No space left on device"):
            say(["1 pin checked"])

    assert written.getvalue() == b"yanked: \\u65e5\n" + '"\u65e5"\n'.encode()
