"""Clients that nobody changed, and a whole site for them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.conftest import lacking
from tests.customvision.clients.pictures import make_picture, make_tree
from tests.customvision.clients.whole_site import PictureServer, Site

CLIENTS = Path(settings.BASE_DIR) / "var" / "clients"
"""Where `make clients` puts what no test may fetch."""
SDKS = {"3.1.1": None, "3.0.0": CLIENTS / "sdk-3.0.0"}
"""The folder of each SDK for Python; None: Classifr uses this one itself."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("site"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(params=SDKS)
def sdk(request: pytest.FixtureRequest) -> str:
    """The version of each SDK for Python that is here."""
    folder = SDKS[request.param]
    if folder and not folder.is_dir():
        lacking(f"The SDK {request.param} (`make clients`)")
    return str(request.param)


@pytest.fixture
def node_modules() -> Path:
    """The folder of the clients for JavaScript."""
    if shutil.which("node") is None or not (CLIENTS / "node_modules").is_dir():
        lacking("node with the clients for JavaScript (`make clients`)")
    return CLIENTS / "node_modules"


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of a few pictures, as the programs expect them."""
    return make_tree(tmp_path_factory.mktemp("images"), each=8)


@pytest.fixture(scope="session")
def picture_url() -> Iterator[str]:
    server = PictureServer(make_picture("pizza", 77))
    yield server.url
    server.stop()
