"""A real Chromium on a real server."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pytest_django import Settings

from tests.conftest import lacking

# Playwright's loop runs in this thread; the database is still used from one thread at a time.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

FRENCH_DESKTOP: dict[str, Any] = {"locale": "fr-FR", "viewport": {"width": 1280, "height": 900}}
# The shell first: the same engine without the windows that no test looks at, in two thirds of the time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
QUICK = {
    "test_wrong_prediction_reaches_the_reviewer_who_deletes_it",
    "test_ok_leads_to_the_confirmation_and_keeps_nothing",
    "test_verdict_is_in_sight_with_the_answer",
}
"""What `make test` does in a browser: a page costs there what a hundred cost a test client."""
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.name.partition("[")[0] not in QUICK:
        item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    if CHROMIUM is None:
        lacking("Chromium")
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    return {"executable_path": CHROMIUM, "args": switches}


@pytest.fixture(autouse=True)
def everything_real(transactional_db: None, settings: Settings) -> None:
    """Rows that the server's threads see."""
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]


@pytest.fixture
def scripted_page(browser: Browser) -> Iterator[Page]:
    """A page of a browser as people have it."""
    context = browser.new_context(**FRENCH_DESKTOP)
    yield context.new_page()
    context.close()


@pytest.fixture(
    params=[
        pytest.param(True, id="with JavaScript"),
        pytest.param(False, id="without JavaScript", marks=pytest.mark.slow),
    ]
)
def any_page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page of a browser with JavaScript, then of one without, whose forms test_without_javascript.py sends too."""
    context = browser.new_context(java_script_enabled=request.param, **FRENCH_DESKTOP)
    yield context.new_page()
    context.close()
