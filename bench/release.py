"""Print how this program does beside its first release: both run in turns in one run, on the same bytes.

The release is checked out of git's history beside this one. CLASSIFR_FOOD101 may name a folder of photographs;
without it they are made up.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from api import ways_to_classify
from embed import photographs
from serve import BASE, Browser, Site, megabytes, photo, timed

RELEASE = "6ef85b2"
COUNT = 300
ROUNDS = 5
PAGES = 60


@contextmanager
def release() -> Iterator[Path]:
    """Check the first release out, and remove it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "release")
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", place, RELEASE], cwd=BASE, check=True)
        try:
            yield place
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", place], cwd=BASE, check=True)


def compare_alone(checkouts: Mapping[str, Path]) -> None:
    """Print what the engine and the embedding take in each checkout."""
    figures = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for number, content in zip(range(COUNT), photographs(), strict=False):
            Path(folder, f"{number:03}.jpg").write_bytes(content)
        script = BASE / "bench" / "inside" / "alone.py"
        for _ in range(ROUNDS):
            for name, checkout in checkouts.items():
                done = subprocess.run(
                    [sys.executable, script, folder], cwd=checkout, env=os.environ, check=True, capture_output=True
                )
                for figure, value in json.loads(done.stdout.splitlines()[-1]).items():
                    figures[figure, name].append(value)
    for figure, less_is_better in (("prediction_ms", True), ("network_ms", True), ("embedded_per_second", False)):
        report(figure, {name: figures[figure, name] for name in checkouts}, less_is_better=less_is_better)


def compare_served(checkouts: Mapping[str, Path]) -> None:
    """Print what programs and browsers wait for in each checkout, and what its web processes weigh."""
    content = photo(1024, 768, grain=2, quality=75)
    figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as stack:
        sites = {
            name: Site(stack.enter_context(tempfile.TemporaryDirectory()), base=at) for name, at in checkouts.items()
        }
        for site in sites.values():
            site.prepare()
        programs = {name: ways_to_classify(site, content)["API, octet-stream"] for name, site in sites.items()}
        servers = {name: stack.enter_context(site.served()) for name, site in sites.items()}
        browsers = {name: Browser(site) for name, site in sites.items()}
        for _ in range(ROUNDS):
            for name in checkouts:
                figures["API, 8 clients, per second"][name].append(programs[name].per_second())
                figures["API, one client, ms"][name].append(programs[name].milliseconds())
                browsers[name].connection.close()  # gunicorn has closed it meanwhile
                page = partial(browsers[name].classify, content)
                figures["page, one client, ms"][name].append(median(timed(page, PAGES)))
        for name, server in servers.items():
            figures["web process, MB"][name].append(max(megabytes(server)))
    for figure, by_name in figures.items():
        report(figure, by_name, less_is_better="per second" not in figure)


def report(figure: str, by_name: Mapping[str, list[float]], *, less_is_better: bool) -> None:
    """Print the medians of both, and how many times as good the later one is, round by round."""
    (before, after) = by_name.values()
    shares = sorted(a / b if less_is_better else b / a for a, b in zip(before, after, strict=True))
    told = ", ".join(f"{name} {median(values):.1f}" for name, values in by_name.items())
    print(f"release: {figure}: {told}: {median(shares):.2f} times as good ({shares[0]:.2f} to {shares[-1]:.2f})")


def main() -> None:
    with release() as earlier:
        checkouts = {"0.1.0": earlier, "now": BASE}
        compare_alone(checkouts)
        compare_served(checkouts)


if __name__ == "__main__":
    main()
