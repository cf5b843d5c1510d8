"""Print what the Custom Vision API adds to a prediction and to an upload, and how plain servers do beside it.

Everything is measured in one run on the same bytes, in turns, as the machine drifts: processes that only predict,
programs with a key through gunicorn, and the same programs through FastAPI. That is installed for the run into a folder
of its own, or lies in the one that CLASSIFR_BENCH_PLAIN names. The clients share the machine's cores with the server.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import sleep

from serve import BASE, BOUNDARY, CLIENTS, Site, acts_per_second, free_port, photo, raw, raw_per_second, timed

ROUNDS = 5
SECONDS = 4
ALONE = 100
PROCESSES = 2
PLAIN = ("fastapi", "uvicorn", "uvloop", "httptools")
PREPARE = """
import json
from accounts.keys import create_key
from accounts.models import ApiKey
from training.models import Iteration, Project
project = Project.objects.get(name="Food-101")
Iteration.objects.filter(pk=project.live_iteration_id).update(publish_name="live")
print(json.dumps([str(project.uid), create_key(name="bench", scope=ApiKey.Scope.ALL, by=None)[1]]))
"""
UPLOAD = "from uploads import main; main()"


class Program:
    """A client that keeps its connection."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.path, self.headers = path, headers

    def send(self, body: bytes) -> None:
        self.connection.request("POST", self.path, body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200 or text.count(b'"probability"') != 101:
            raise RuntimeError(f"{answer.status}: {text[:400]!r}")


@dataclass(frozen=True)
class Way:
    """One way to have a picture classified."""

    connect: Callable[[], Program]
    body: bytes

    def milliseconds(self) -> float:
        """Return the median that one client waits."""
        program = self.connect()
        return median(timed(lambda: program.send(self.body), ALONE))

    def per_second(self) -> float:
        """Return how many are answered while CLIENTS send without a pause."""
        programs = [self.connect() for _ in range(CLIENTS)]
        programs[0].send(self.body)
        return acts_per_second([partial(program.send, self.body) for program in programs], seconds=SECONDS)


def ways_to_classify(site: Site, content: bytes) -> dict[str, Way]:
    """Return the API's ways, once the project that the site ships is published."""
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", PREPARE]
    done = subprocess.run(command, cwd=site.base, env=site.environment, check=True, capture_output=True, text=True)
    uid, key = json.loads(done.stdout.splitlines()[-1])
    path = f"/customvision/v3.1/prediction/{uid}/classify/iterations/live/image/nostore"
    start = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="imageData"; filename="imageData"\r\n\r\n'
    form = start.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    bodies = {
        "API, octet-stream": ("application/octet-stream", content),
        "API, multipart": (f"multipart/form-data; boundary={BOUNDARY}", form),
    }
    return {
        name: Way(partial(Program, site.port, path, {"Prediction-Key": key, "Content-Type": kind}), body)
        for name, (kind, body) in bodies.items()
    }


@contextmanager
def plain_server(folder: str, content: bytes) -> Iterator[dict[str, Way]]:
    """Serve `bench/plain/app.py`; nothing where FastAPI cannot be installed."""
    packages = os.environ.get("CLASSIFR_BENCH_PLAIN") or str(Path(folder, "plain"))
    if not Path(packages).is_dir():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", packages, *PLAIN]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            print(f"api: no plain server beside it, FastAPI cannot be installed: {done.stderr.strip()[-200:]}")
            yield {}
            return
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "app:app", "--workers", str(PROCESSES), "--port", str(port)]
    command += ["--log-level", "error", "--no-access-log"]
    environment = os.environ | {"PYTHONPATH": packages}
    with subprocess.Popen(command, cwd=BASE / "bench" / "plain", env=environment) as server:
        try:
            while not listens(port):
                sleep(0.05)
            kind = {"Content-Type": "application/octet-stream"}
            addresses = {"FastAPI": "/classify", "FastAPI, reduced": "/classify/reduced"}
            yield {name: Way(partial(Program, port, path, kind), content) for name, path in addresses.items()}
        finally:
            server.terminate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def compare_alone(ways: dict[str, Way], content: bytes) -> None:
    """Print what each way adds to the engine, for one client."""
    times = defaultdict(list)
    for _ in range(ROUNDS):
        times["engine"].append(median(timed(lambda: raw(content), ALONE)))
        for name, way in ways.items():
            times[name].append(way.milliseconds())
    for name, measured in times.items():
        added = sorted(a - b for a, b in zip(measured, times["engine"], strict=True))
        spread = f"{median(added):.1f} ms ({added[0]:.1f} to {added[-1]:.1f})"
        print(f"api: one client, {name} {median(measured):.1f} ms, added {spread}")


def compare_crowds(ways: dict[str, Way], content: bytes) -> None:
    """Print how many are answered in a second, beside raw processes and the plain server."""
    figures = defaultdict(list)
    for _ in range(ROUNDS):
        figures["raw processes"].append(raw_per_second(content, PROCESSES))
        for name, way in ways.items():
            figures[name].append(way.per_second())
    for of in ("raw processes", "FastAPI", "FastAPI, reduced"):
        for name in figures if of in figures else ():
            shares = sorted(a / b for a, b in zip(figures[name], figures[of], strict=True))
            spread = f"{median(shares):.0%} ({shares[0]:.0%} to {shares[-1]:.0%})"
            print(f"api: {CLIENTS} clients, {name} {median(figures[name]):.0f}/s = {spread} of {of}")


def compare_uploads(site: Site) -> None:
    """Print how fast batches are kept: see `bench/inside/uploads.py`."""
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", UPLOAD]
    folders = os.pathsep.join(str(BASE / "bench" / name) for name in ("inside", "."))
    subprocess.run(command, cwd=BASE, env=site.environment | {"PYTHONPATH": folders}, check=True)


def main() -> None:
    content = photo(1024, 768, grain=2, quality=75)
    print(f"api: a photo of {len(content) / 1000:.0f} KB")
    with tempfile.TemporaryDirectory() as folder:
        site = Site(folder)
        site.prepare()
        ways = ways_to_classify(site, content)
        with site.served(), plain_server(folder, content) as plain:
            compare_alone(ways | plain, content)
            compare_crowds(ways | plain, content)
        with site.served():
            compare_uploads(site)


if __name__ == "__main__":
    main()
