"""`everpin webhooks`, run as an operator runs it, beside what delivers."""

import json
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from mirror.catalog import dead_letters, webhooks
from mirror.settings import load
from tests.pypi_sim import PyPISim
from tests.subscribers import SECRET
from tests.watcher.cli.shells import Operator, Shell
from tests.watcher.houses import House, long_ago
from tests.watcher.webhooks.receivers import receiver
from watcher.webhooks.chosen import chosen

OTHER_SECRET = "whsec_" + "T3Ro" * 8


def config_of(path: Path, **urls: str) -> str:
    """A file that names targets with these URLs."""
    path.write_text(
        "".join(
            f'[[webhooks]]\nname = "{name}"\nurl = "{url}"\nsecret = "{SECRET}"\nprevious_secret = "{OTHER_SECRET}"\n'
            f'allow_private = true\nformat = "{"slack" if name == "chat" else "cloudevents"}"\n'
            for name, url in urls.items()
        )
    )
    return str(path)


async def test_a_test_is_sent_right_away_and_signed(operator: Operator, tmp_path: Path) -> None:
    """A line for each target with status and time, never a URL or a secret; who fails makes the status 1."""
    async with receiver() as good, receiver() as bad:
        bad.status = 500
        config = config_of(tmp_path / "e.toml", ops=f"{good.url}?token=hush", chat=f"{bad.url}?token=hush")

        everybody = await operator.does("webhooks", "test", "--config", config)
        one = await operator.says("webhooks", "test", "ops", "--config", config)

    assert everybody.status == 1
    first, second = everybody.out.splitlines()
    assert first.split()[:3] == ["ops", "answered", "204"]
    assert second.split()[:3] == ["chat", "answered", "500"]
    assert [line.split()[:3] for line in one] == [["ops", "answered", "204"]]
    for hidden in ("hush", "127.0.0.1", SECRET, OTHER_SECRET):
        assert hidden not in everybody.out + everybody.err
    assert [len(good.got), len(bad.got)] == [2, 1]
    for secret in (SECRET, OTHER_SECRET):
        said = Webhook(secret).verify(good.got[0].content, good.got[0].headers)
        assert said["type"] == "dev.everpin.test"
        assert said["id"] == good.got[0].headers["webhook-id"]
        Webhook(secret).verify(bad.got[0].content, bad.got[0].headers)
    assert good.got[0].headers["content-type"] == "application/cloudevents+json"
    assert "This is a test" in json.loads(bad.got[0].content)["text"]


async def test_what_was_given_up_is_shown_and_sent_once_more(
    operator: Operator, house: House, pypi: PyPISim, tmp_path: Path
) -> None:
    """From `list` over `dead` and `enable` to `replay`: names, states and reasons, never a URL."""
    urls = {name: f"http://127.0.0.1:9/{name}?token=hush" for name in ("gone", "quiet", "left", "new")}
    seen = chosen(
        load(Path(config_of(tmp_path / "e.toml", **{name: urls[name] for name in ("gone", "quiet", "left")})))
    )
    config = config_of(tmp_path / "e.toml", **{name: urls[name] for name in ("gone", "quiet", "new")})
    async with house.catalog.writing() as conn:
        await webhooks.see(conn, [(one.key, one.name) for one in seen], now=pypi.now())
        target = next(one for one in await webhooks.targets(conn) if one.name == "gone")
    for version in ("1.0", "1.1", "1.2"):
        pypi.upload("demo", version, uploaded_at=long_ago(pypi, days=200))
    await house.page("demo")
    for version in ("1.0", "1.1", "1.2"):
        pypi.delete_release("demo", version)
    await house.poll()
    now = pypi.now()
    async with house.catalog.writing() as conn:
        for number in (1, 2):
            await webhooks.give_up(conn, target.id, number, status=503, error="answered 503", next_at=now, now=now)
        await webhooks.disable(conn, target.id, status=410, reason="answered 410", now=now)

    listed = await operator.says("webhooks", "list", "--config", config)
    dead = await operator.says("webhooks", "dead", "gone", "--config", config)
    enabled = await operator.says("webhooks", "enable", "gone", "--config", config)
    refused = await operator.says("webhooks", "replay", "gone", "1-2", "1-3", "--config", config, status=2)
    replayed = await operator.says("webhooks", "replay", "gone", "1-2", "--config", config)

    assert [line.split()[0] for line in listed] == ["gone", "left", "quiet", "new"]
    assert f"disabled since {now:%Y-%m-%d %H:%M:%S}: answered 410; 1 event waits, 2 given up" in listed[0]
    assert "not in the settings since" in listed[1]
    assert "ok; 3 events wait" in listed[2]
    assert "not begun" in listed[3]
    assert [line.split()[0] for line in dead] == ["1-1", "1-2"]
    assert "release.deleted demo 1.0  tried once: answered 503" in dead[0]
    assert enabled == ["gone: was disabled, and is tried at once"]
    assert refused == [
        "everpin: 1 of these events were not given up for gone; `everpin webhooks dead gone` shows those that were"
    ]
    assert replayed == ["gone: 1 event is sent once more by the watcher"]
    assert not any(hidden in line for line in (*listed, *dead) for hidden in ("hush", "127.0.0.1"))
    async with house.catalog.reading() as conn:
        letters = await dead_letters.of_target(conn, target.id)
        after = await webhooks.find(conn, target.id)
    assert [letter.replay_at is not None for letter in letters] == [False, True]
    assert after is not None
    assert after.disabled_at is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["test", "nobody"], "no webhook of the settings is called nobody; there is ops"),
        (["dead", "nobody"], "no webhook is called nobody; there are none yet"),
    ],
)
async def test_who_is_not_there_is_said_in_a_line(
    operator: Operator, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    """With the names of those who are."""
    config = config_of(tmp_path / "e.toml", ops="http://127.0.0.1:9/")

    (said,) = await operator.says("webhooks", *arguments, "--config", config, status=2)

    assert said.startswith(f"everpin: {sentence}")


@pytest.mark.parametrize("command", [["up"], ["watch"]])
async def test_a_target_that_cannot_work_is_refused_before_anything_starts(
    shell: Shell, reachable_tmp_path: Path, command: list[str]
) -> None:
    """The line names target and setting; no database was made for nothing."""
    config = reachable_tmp_path / "everpin.toml"
    config.write_text(f'[[webhooks]]\nurl = "http://127.1/hush"\nsecret = "{SECRET}"\n')

    said = await shell.refusal(*command, "--config", str(config))

    assert said.startswith("webhooks: 127.1: its url leads to a private address;")
    assert "allow_private" in said
    assert "hush" not in said
    assert not (reachable_tmp_path / "data").exists()
