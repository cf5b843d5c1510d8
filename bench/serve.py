"""Print what HTTP, Django and the database add to a prediction, and what the web processes weigh.

Everything is measured in one run, on the same bytes: the engine alone in one process and in two, then a signed-in
browser's upload through gunicorn, by one client and by eight. The clients share the machine's cores with the server.
"""

import http.client
import io
import multiprocessing
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from urllib.parse import urlencode

import numpy as np
import psutil
from PIL import Image, ImageFilter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import backbones, heads, images

BASE = Path(__file__).resolve().parent.parent
ROUNDS = 200
CLIENTS = 8
SECONDS = 10
LEAK_ROUNDS = 1_000
PASSWORD = "bench-password"  # noqa: S105
BOUNDARY = "----bench"


def photo(width: int, height: int, *, grain: float, quality: int) -> bytes:
    """Return a JPEG with soft shapes and grain, as cameras make them."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noisy = np.asarray(image).astype(np.float32) + rng.normal(0, grain, (height, width, 1)).astype(np.float32)
    written = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(0.5)).save(
        written, "JPEG", quality=quality
    )
    return written.getvalue()


def raw(content: bytes) -> None:
    """Do what the local backend does, without anything around it."""
    backbone = backbones.get(backbones.for_domain("Food").name, threads=1)
    vector = backbone.vector(images.admit(content, limits=images.PREDICTION))
    _head().probabilities(vector[None])


def _head() -> heads.Head:
    if not hasattr(_head, "loaded"):
        _head.loaded = heads.loads((backbones.MODELS / "food-101.safetensors").read_bytes())  # type: ignore[attr-defined]
    return _head.loaded  # type: ignore[attr-defined,no-any-return]


def timed(work: object, rounds: int) -> list[float]:
    """Return the milliseconds of each round after a first one."""
    work()  # type: ignore[operator]
    times = []
    for _ in range(rounds):
        started = perf_counter()
        work()  # type: ignore[operator]
        times.append(1000 * (perf_counter() - started))
    return times


def raw_process(content: bytes, ready: object, counted: object) -> None:
    """Predict for SECONDS once all are ready, then say how often."""
    raw(content)
    ready.wait()  # type: ignore[attr-defined]
    ends, count = perf_counter() + SECONDS, 0
    while perf_counter() < ends:
        raw(content)
        count += 1
    counted.put(count)  # type: ignore[attr-defined]


def raw_per_second(content: bytes, processes: int) -> float:
    spawn = multiprocessing.get_context("spawn")
    ready, counted = spawn.Barrier(processes), spawn.Queue()
    running = [spawn.Process(target=raw_process, args=(content, ready, counted)) for _ in range(processes)]
    for process in running:
        process.start()
    total = sum(counted.get() for _ in running)
    for process in running:
        process.join()
    return total / SECONDS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """A site of its own, served by gunicorn as `make run` does, without the worker."""

    def __init__(self, folder: str, *, base: Path = BASE) -> None:
        """Keep everything in the folder; base: the checkout whose program serves."""
        self.base = base
        self.port = free_port()
        self.environment = os.environ | {
            "CLASSIFR_VAR": folder,
            "SECRET_KEY": "bench",
            "CLASSIFR_PORT": str(self.port),
            "CLASSIFR_CLIENT_PASSWORD": PASSWORD,
            "CLASSIFR_PHOTOS_PER_MINUTE": "0",
            "CLASSIFR_PHOTOS_PER_MINUTE_AND_ADDRESS": "0",
            "LOG_LEVEL": "ERROR",
        }

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=self.base, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def prepare(self) -> None:
        self.manage("migrate")
        self.manage("collectstatic", "--no-input")
        self.manage("load_starter")
        self.manage("shell", "-c", f"from accounts.services import *; create_first_users({{'client': '{PASSWORD}'}})")

    @contextmanager
    def served(self) -> Iterator[subprocess.Popen[bytes]]:
        [line] = re.findall("^web: (.*)$", (self.base / "Procfile").read_text(), flags=re.MULTILINE)
        command = shlex.split(line.replace("python", sys.executable))
        started = perf_counter()
        with subprocess.Popen(command, cwd=self.base, env=self.environment) as server:
            try:
                while not self.answers():
                    sleep(0.02)
                self.start_s = perf_counter() - started
                yield server
            finally:
                server.send_signal(signal.SIGTERM)

    def answers(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False


class Browser:
    """A signed-in client that keeps its connection."""

    def __init__(self, site: Site) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
        self.cookies: dict[str, str] = {}
        self.token = self._token(self.ask("GET", "/accounts/login/"))
        form = {"username": "client", "password": PASSWORD, "csrfmiddlewaretoken": self.token}
        self.ask("POST", "/accounts/login/", urlencode(form).encode(), "application/x-www-form-urlencoded")
        page = self.ask("GET", "/")
        self.token = self._token(page)
        self.project = re.search(r'name="project" value="(\d+)"', page).group(1)  # type: ignore[union-attr]

    @staticmethod
    def _token(page: str) -> str:
        return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page).group(1)  # type: ignore[union-attr]

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "", *, htmx: bool = False) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {"Content-Type": kind} if kind else {}
        headers |= {"HX-Request": "true"} if htmx else {}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        self.status = answer.status
        if answer.status not in (200, 302, 413):
            raise RuntimeError(f"{method} {path}: {answer.status}")
        return text

    def send(self, content: bytes) -> str:
        """Upload the file as the page does, and return the answer's fragment."""
        fields = {"csrfmiddlewaretoken": self.token, "project": self.project}
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()
        ]
        parts.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n')
        head = "".join([*parts, "Content-Type: image/jpeg\r\n\r\n"]).encode()
        body = head + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        return self.ask("POST", "/", body, f"multipart/form-data; boundary={BOUNDARY}", htmx=True)

    def refuse(self, content: bytes) -> None:
        """Have a file refused, by its sentence or for its length."""
        answer = self.send(content)
        if self.status != http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE and 'data-state="refused"' not in answer:
            raise RuntimeError(f"not refused: {answer[:400]}")

    def classify(self, content: bytes) -> int:
        """Have the photo answered, and return the prediction's number."""
        answer = self.send(content)
        if 'data-state="answered"' not in answer:
            raise RuntimeError(f"not answered: {answer[:400]}")
        return int(re.search(r"/predictions/(\d+)/", answer).group(1))  # type: ignore[union-attr]

    def judge(self, prediction: int, value: str) -> None:
        form = {"verdict": value, "csrfmiddlewaretoken": self.token}
        kind = "application/x-www-form-urlencoded"
        answer = self.ask("POST", f"/predictions/{prediction}/verdict/", urlencode(form).encode(), kind, htmx=True)
        if 'class="given"' not in answer:
            raise RuntimeError(f"no verdict: {answer[:400]}")


def acts_per_second(acts: Sequence[Callable[[], object]], *, seconds: float) -> float:
    """Return how often they are done in a second, each in a thread of its own without a pause."""
    counts = [0] * len(acts)
    ends = perf_counter() + seconds

    def work(number: int) -> None:
        while perf_counter() < ends:
            acts[number]()
            counts[number] += 1

    threads = [threading.Thread(target=work, args=[number]) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def served_per_second(site: Site, content: bytes) -> float:
    acts = [partial(Browser(site).classify, content) for _ in range(CLIENTS)]
    return acts_per_second(acts, seconds=SECONDS)


def crowd(site: Site, server: subprocess.Popen[bytes], content: bytes) -> tuple[float, float]:
    """Return how many are answered in a second, and the most that a web process held meanwhile, in MB."""
    most = 0.0
    with ThreadPoolExecutor(1) as aside:
        running = aside.submit(served_per_second, site, content)
        while not running.done():
            most = max(most, *megabytes(server))
            sleep(0.05)
    return running.result(), most


def megabytes(server: subprocess.Popen[bytes]) -> list[float]:
    """Return what each web process holds in memory of its own and shared, in MB."""
    return [child.memory_info().rss / 1e6 for child in psutil.Process(server.pid).children()]


def main() -> None:
    usual = photo(1024, 768, grain=2, quality=80)
    large = photo(4000, 3000, grain=15, quality=92)
    print(f"serve: a photo of {len(usual) / 1000:.0f} KB, one of {len(large) / 2**20:.2f} MiB and 12 megapixels")
    alone = median(timed(lambda: raw(usual), ROUNDS))
    bare = raw_per_second(usual, 2)
    with tempfile.TemporaryDirectory() as folder:
        site = Site(folder)
        site.prepare()
        with site.served() as server:
            browser = Browser(site)
            over_http = median(timed(lambda: browser.classify(usual), ROUNDS))
            print(f"serve: engine alone {alone:.1f} ms, over HTTP {over_http:.1f} ms, added {over_http - alone:.1f} ms")
            through = served_per_second(site, usual)
            print(f"serve: two raw processes {bare:.0f}/s, {CLIENTS} clients {through:.0f}/s = {through / bare:.0%}")
            whole = median(timed(lambda: browser.classify(large), 30))
            print(f"serve: the large photo over HTTP {whole:.0f} ms")
            per_second, most = crowd(site, server, large)
            print(f"serve: {CLIENTS} clients with it {per_second:.1f}/s, a web process has {most:.0f} MB at most")
            before = megabytes(server)
            for _ in range(LEAK_ROUNDS):
                browser.classify(usual)
            after = megabytes(server)
            print(f"serve: first answer {site.start_s:.1f} s after the start")
            print(f"serve: web processes {before} MB, after {LEAK_ROUNDS} more predictions {after} MB")


if __name__ == "__main__":
    main()
