"""A real S3 server of the tests' own: SeaweedFS, on this host alone and in a temporary directory.

An imitation would not do. What is asked here is what a server refuses: wrong digests, second writers, bad signatures.
"""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from mypy_boto3_s3.client import S3Client

ACCESS_KEY = "everpin-tests"
SECRET_KEY = "not-a-secret"  # noqa: S105 - of a server that lives as long as the tests
REGION = "us-east-1"

_START_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """A running server, at `endpoint_url`."""

    endpoint_url: str
    client: S3Client
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _buckets: list[str] = field(default_factory=list)
    _lasting: set[str] = field(default_factory=set)

    def bucket(self, *, versioned: bool = False) -> str:
        """Makes a bucket of the test's own and names it."""
        name = f"bucket-{next(self._numbers)}"
        self.client.create_bucket(Bucket=name)
        self._buckets.append(name)
        if versioned:
            self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def place(self, *, versioned: bool = False) -> str:
        """A prefix of the test's own, with its bucket, in one that lasts: a new bucket takes its time."""
        name = "lasting-versioned" if versioned else "lasting"
        if name not in self._lasting:
            self.client.create_bucket(Bucket=name)
            self._lasting.add(name)
            if versioned:
                self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return f"{name}/test-{next(self._numbers)}"

    def keys(self, bucket: str) -> list[str]:
        """The names of all objects and versions in the bucket."""
        answer = self.client.list_object_versions(Bucket=bucket)
        return sorted(entry["Key"] for entry in answer.get("Versions", []))

    def clear(self) -> None:
        """Deletes all buckets, whatever is in them."""
        while self._buckets:
            self.client.delete_bucket(Bucket=self._buckets.pop())


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Starts a server and ends it."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s3-")))
        ports = _free_ports(9)
        log = stack.enter_context((home / "log").open("wb"))
        server = stack.enter_context(_running(_command(home, ports), home, log.fileno()))
        endpoint = f"http://127.0.0.1:{ports[0]}"
        client = s3_client(endpoint)
        stack.callback(client.close)
        _wait(lambda: _answers(client), server, home / "log")
        yield S3Server(endpoint, client)


def s3_environment() -> dict[str, str]:
    """What programs find the keys in, and nothing else."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def s3_client(endpoint_url: str) -> S3Client:
    """A client that does nothing on its own: tests look at the bucket past the store."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(
            signature_version="s3v4",
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _command(home: Path, ports: list[int]) -> list[str]:
    s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc, debug = ports
    identities = home / "identities.json"
    keys = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    identities.write_text(
        json.dumps({"identities": [{"name": "everpin", "credentials": keys, "actions": ["Admin", "Read", "Write"]}]})
    )
    # A bucket takes volumes, and each of them memory: one by one will do.
    (home / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")
    data = home / "data"
    data.mkdir()
    program = Path(sys.executable).with_name("weed")
    return [
        str(program if program.exists() else shutil.which("weed") or program),
        "-v=0",
        "-logtostderr=true",
        "server",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=1024",
        f"-master.port={master}",
        f"-master.port.grpc={master_grpc}",
        "-volume.max=10000",
        "-volume.preStopSeconds=0",
        f"-volume.port={volume}",
        f"-volume.port.grpc={volume_grpc}",
        "-filer",
        f"-filer.port={filer}",
        f"-filer.port.grpc={filer_grpc}",
        f"-filer.localSocket={home / 'filer.sock'}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.port.grpc={s3_grpc}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.cacheCapacityMB=0",
        "-s3.autoCreateBucket=false",
        f"-s3.config={identities}",
        f"-s3.localSocket={home / 's3.sock'}",
        f"-debug.port={debug}",
    ]


@contextmanager
def _running(command: list[str], home: Path, log: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "GOMEMLIMIT": "300MiB"}
    server = subprocess.Popen(command, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield server
    finally:
        # It takes its time to say goodbye, and nobody needs what it holds.
        server.kill()
        server.wait()


def _answers(client: S3Client) -> bool:
    try:
        client.create_bucket(Bucket="ready")
        client.put_object(Bucket="ready", Key="ready", Body=b"ready")
    except (BotoCoreError, ClientError):
        return False
    return True


def _wait(condition: Callable[[], bool], server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the S3 server did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


def _free_ports(number: int) -> list[int]:
    """Ports that nobody listens on. They are asked for all at once, so that they differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
