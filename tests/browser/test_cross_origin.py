"""A page of another site, in a real browser, classifies a photo and shows a picture."""

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Error, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.keys import create_key
from tests import factories
from training.models import Project
from training.services.starter import install_starter

CLASSIFY = """async ([url, key, photo]) => {
  const body = Uint8Array.from(atob(photo), (each) => each.charCodeAt(0));
  const headers = { "Prediction-Key": key, "Content-Type": "application/octet-stream" };
  const answer = await fetch(url, { method: "POST", headers, body });
  return [answer.status, await answer.json()];
}"""
SHOW = """async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const bytes = await (await fetch(url)).arrayBuffer();
  return [image.naturalWidth, bytes.byteLength];
}"""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of an empty page of another site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(everything_real: None) -> Project:
    return install_starter()[0].project


def classify(page: Page, server: LiveServer, project: Project, key: str) -> Any:
    url = f"{server.url}/customvision/v3.1/Prediction/{project.uid}/classify/iterations/live/image"
    return page.evaluate(CLASSIFY, [url, key, base64.b64encode(factories.make_photo()).decode()])


def test_page_of_another_site_classifies_and_shows(
    scripted_page: Page, live_server: LiveServer, elsewhere: str, project: Project, settings: Settings
) -> None:
    settings.CLASSIFR_CORS_ORIGINS = [elsewhere]
    key = create_key(name="shop", scope="all", by=None)[1]
    scripted_page.goto(elsewhere)

    status, said = classify(scripted_page, live_server, project, key)
    assert (status, len(said["predictions"])) == (200, 101)
    status, said = classify(scripted_page, live_server, project, "wrong")
    assert (status, "error" in said) == (401, True)
    stored = scripted_page.evaluate(
        """async ([url, key]) => (await fetch(url, { method: "POST", headers: { "Training-Key": key,
        "Content-Type": "application/json" }, body: "{}" })).json()""",
        [f"{live_server.url}/customvision/v3.3/Training/projects/{project.uid}/predictions/query", key],
    )
    width, size = scripted_page.evaluate(SHOW, stored["results"][0]["originalImageUri"])
    assert (width, size > 1000) == (320, True)


def test_page_of_a_site_that_is_not_named_reads_nothing(
    scripted_page: Page, live_server: LiveServer, elsewhere: str, project: Project
) -> None:
    key = create_key(name="shop", scope="all", by=None)[1]
    scripted_page.goto(elsewhere)

    with pytest.raises(Error, match="Failed to fetch"):
        classify(scripted_page, live_server, project, key)
