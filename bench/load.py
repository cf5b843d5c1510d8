"""Send good and bad photos by eight clients for a minute, and count what became of them."""

import json
import random
import subprocess
import sys
import tempfile
import threading
from time import perf_counter, sleep

from serve import BASE, CLIENTS, Browser, Site, megabytes, photo

sys.path.insert(0, str(BASE))

SECONDS = 60
_COUNT = """
import json
from catalog.models import WaitingBlob
from catalog.storage import stored_blobs
from classifier.models import PendingPhoto, Prediction
from feedback.models import Misprediction, Verdict
print(json.dumps({"predictions": Prediction.objects.count(), "photos that wait": PendingPhoto.objects.count(),
    "OK": Verdict.objects.filter(value="OK").count(), "NOK": Verdict.objects.filter(value="NOK").count(),
    "mispredictions": Misprediction.objects.count(), "blobs": len(list(stored_blobs("pictures/"))),
    "waiting blobs": WaitingBlob.objects.count()}))
"""


class Counts:
    """What the clients were told, all of them together."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.told = {"answered": 0, "refused": 0, "OK": 0, "NOK": 0}
        self.errors: list[str] = []

    def add(self, what: str) -> None:
        with self.lock:
            self.told[what] += 1


def bad_files(good: bytes) -> list[bytes]:
    """Return files that the page must refuse."""
    return [b"", good[: len(good) // 2], b"%PDF-1.7", b"GIF89a" + bytes(64), good + bytes(5 * 2**20), bytes(1000)]


def client(number: int, site: Site, counts: Counts, ends: float) -> None:
    chance = random.Random(number)  # noqa: S311
    browser = Browser(site)
    goods = [photo(640 + 16 * (CLIENTS * each + number), 480, grain=2, quality=80) for each in range(4)]
    bads = bad_files(goods[0])
    while perf_counter() < ends:
        try:
            if chance.random() < 0.3:
                browser.refuse(chance.choice(bads))
                counts.add("refused")
                continue
            prediction = browser.classify(chance.choice(goods))
            counts.add("answered")
            if chance.random() < 0.8:
                value = chance.choice(["OK", "NOK"])
                browser.judge(prediction, value)
                counts.add(value)
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is counted and shown
            counts.errors.append(f"{type(exc).__name__}: {exc}")
            browser.connection.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(folder)
        site.prepare()
        with site.served() as server:
            counts, memory = Counts(), []
            ends = perf_counter() + SECONDS
            threads = [threading.Thread(target=client, args=[each, site, counts, ends]) for each in range(CLIENTS)]
            for thread in threads:
                thread.start()
            while perf_counter() < ends:
                sleep(SECONDS / 6)
                memory.append([round(each) for each in megabytes(server)])
            for thread in threads:
                thread.join()
            shell = [sys.executable, "manage.py", "shell", "-v", "0", "-c", _COUNT]
            said = subprocess.run(shell, cwd=BASE, env=site.environment, check=True, capture_output=True, text=True)
            found = json.loads(said.stdout)
            lost = sum(counts.told[value] - found[value] for value in ("OK", "NOK"))
            print(f"load: {SECONDS} s, {CLIENTS} clients were told {counts.told}, errors {len(counts.errors)}")
            print(f"load: there are {found}; verdicts lost {lost}")
            print(f"load: web processes every {SECONDS // 6} s, MB: {memory}")
            for error in counts.errors[:5]:
                print(f"load: {error}")


if __name__ == "__main__":
    main()
