"""The page on connecting a program: its examples run as they stand there."""

import html
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests import factories
from tests.conftest import lacking
from tests.customvision.conftest import run_program, tool
from training.models import Iteration, Project
from training.services.starter import install_starter

SignIn = Callable[[User], Client]
NODE_MODULES = Path(settings.BASE_DIR) / "var" / "clients" / "node_modules"
LINE = re.compile(r"^[\w ]+: [\d.]+%$", re.MULTILINE)


@pytest.fixture
def site(signed_in: SignIn, db: None) -> Client:
    return signed_in(factories.make_developer(language="en"))


def page_of(site: Client, project: Project | None = None, **options: Any) -> str:
    return site.get("/connect/", {"project": str(project.uid)} if project else {}, **options).content.decode()


def example(page: str, name: str) -> str:
    """Return an example as it is copied."""
    found = re.search(rf'<pre id="{name}".*?><code.*?>(.*?)</code></pre>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


@pytest.fixture
def copied(site: Client, live_server: LiveServer, api_key: str) -> Callable[..., str]:
    """Copy an example from the page about a project, and fill in the key."""

    def copy(name: str, project: Project) -> str:
        host = live_server.url.removeprefix("http://")
        return example(page_of(site, project, headers={"Host": host}), name).replace("YOUR_KEY", api_key)

    return copy


@pytest.fixture
def answering(live_server: LiveServer) -> Project:
    """A project that answers, under a name that has to be quoted."""
    iteration = install_starter()[0]
    Iteration.objects.filter(pk=iteration.pk).update(publish_name="Été & co / 1")
    return iteration.project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photo.jpg").write_bytes(factories.make_photo())
    return tmp_path


def test_page_is_about_the_project_that_is_chosen(site: Client) -> None:
    install_starter()
    other = factories.make_project(name="Another")

    usual, chosen = page_of(site), page_of(site, other)

    assert str(other.uid) not in usual.replace(f'value="{other.uid}"', "")
    assert chosen.count(str(other.uid)) > len(re.findall("<pre", chosen))
    assert "Nothing is published yet" in chosen


@pytest.mark.parametrize("asked", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_unknown_project_is_told(site: Client, asked: str) -> None:
    install_starter()

    answer = site.get("/connect/", {"project": asked})

    assert answer.status_code == 200
    assert "This project no longer exists." in answer.content.decode()


def test_page_without_any_project_leads_to_a_new_one(site: Client) -> None:
    page = page_of(site)

    assert "/projects/new" in page
    assert "PROJECT_ID" in example(page, "python")


def test_examples_name_the_address_that_was_asked(site: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["photos.example"]

    page = page_of(site, headers={"Host": "photos.example"})

    assert 'ENDPOINT = "http://photos.example/"' in example(page, "python")
    assert "http://photos.example/customvision/v3.1/prediction/" in example(page, "curl")


def test_python_classifies(copied: Callable[..., str], answering: Project, folder: Path) -> None:
    (folder / "classify.py").write_text(copied("python", answering))

    done = run_program(sys.executable, "classify.py", folder=folder)

    assert len(LINE.findall(done.stdout)) == 101, done.stderr


def test_curl_classifies_a_file(copied: Callable[..., str], answering: Project, folder: Path) -> None:
    tool("curl")

    done = run_program("sh", "-c", copied("curl", answering), folder=folder)

    assert len(json.loads(done.stdout)["predictions"]) == 101


def test_javascript_classifies(
    copied: Callable[..., str], answering: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (NODE_MODULES / "@azure" / "cognitiveservices-customvision-prediction").is_dir():
        lacking("npm's @azure/cognitiveservices-customvision-prediction (`make clients`)")
    monkeypatch.setenv("NODE_PATH", str(NODE_MODULES))
    (folder / "classify.js").write_text(copied("javascript", answering))

    done = run_program(tool("node"), "classify.js", folder=folder)

    assert len(LINE.findall(done.stdout)) == 101, done.stderr


def test_curl_classifies_a_photo_by_its_address(
    copied: Callable[..., str], answering: Project, folder: Path, live_server: LiveServer, settings: Settings
) -> None:
    settings.CLASSIFR_URL_FETCH_ALLOW = ["127.0.0.0/8", "localhost", "::1"]
    picture = f"{live_server.url}/static/samples/cat.jpg"
    command = copied("curl-url", answering).replace("https://example.com/photo.jpg", picture)

    done = run_program(tool("sh"), "-c", command, folder=folder)

    assert len(json.loads(done.stdout)["predictions"]) == 101, done.stdout


def test_python_uploads_trains_and_publishes(
    copied: Callable[..., str], live_server: LiveServer, folder: Path, worker: None
) -> None:
    project = factories.make_project()
    for tag in ("pizza", "risotto"):
        (folder / "images" / tag).mkdir(parents=True)
        for number in range(6):
            (folder / "images" / tag / f"{number}.jpg").write_bytes(factories.make_photo())
    (folder / "train.py").write_text(copied("python-train", project))

    done = run_program(sys.executable, "train.py", folder=folder)

    assert done.stdout == "Iteration 1 Completed\n", done.stderr
    assert project.iterations.get().publish_name == "live"
