"""The brief's two stories in a real browser, on real photographs, with a worker in the background."""

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django_tasks_db.management.commands.db_worker import Worker
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests import factories
from tests.browser.signing_in import PASSWORD, sign_in, sign_in_by_form
from training.models import Project

pytestmark = pytest.mark.slow

PATIENCE_MS = 60_000
PHOTOGRAPHS_A_TAG = 40
COUNT_CLICKS = """
addEventListener("click", (event) => {
  if (event.isTrusted && event.detail) sessionStorage.clicks = 1 + Number(sessionStorage.clicks ?? 0);
}, true);
"""
"""Those of the mouse: a key that presses a button is none."""


@pytest.fixture
def developer() -> User:
    return factories.make_developer(username="diane", password=PASSWORD)


@pytest.fixture
def worker() -> Iterator[None]:
    """Do what pages queue, in a thread."""
    ending = threading.Event()

    def work() -> None:
        while not ending.wait(0.2):
            Worker(  # without signals, which belong to the main thread
                queue_names=["default"],
                excluded_queue_names=[],
                interval=0,
                batch=True,
                backend_name="default",
                startup_delay=False,
                max_tasks=None,
                worker_id="in a thread",
            ).run()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ending.set()
    thread.join()


def add_tags(page: Page, photographs: Path, *names: str) -> None:
    """Make the tags and give each photographs of its folder."""
    if not page.locator("textarea[name=names]").is_visible():  # folded once there are tags
        page.locator("summary", has_text="Nouvelles étiquettes").click()
    page.locator("textarea[name=names]").fill("\n".join(names))
    page.locator("#new-tags button[type=submit]").click()
    for name in names:
        paths = sorted((photographs / "Train" / name).iterdir())[:PHOTOGRAPHS_A_TAG]
        page.locator(f"[data-tag-name='{name}'] form[data-upload] input[type=file]").set_input_files(paths)
        expect_count_soon(page, name, len(paths))


def expect_count_soon(page: Page, name: str, count: int) -> None:
    counted = page.locator(f"[data-tag-name='{name}'] .tag-count")
    expect(counted).to_contain_text(re.compile(rf"^\s*{count}\s"), timeout=PATIENCE_MS)


def train_and_publish(page: Page, server: LiveServer, project: Project, number: int) -> None:
    page.goto(f"{server.url}/projects/{project.pk}/")
    page.locator("#training form button.btn-primary").click()
    expect(page.locator("#training a.btn-primary")).to_be_visible(timeout=PATIENCE_MS)
    page.locator(f".waiting a[href='/projects/{project.pk}/iterations/{number}/']").click()
    expect(page.locator("#performance")).to_be_visible()
    page.locator(f"a[href='/projects/{project.pk}/iterations/{number}/publish']").click()
    page.locator(".publish-form button[type=submit]").click()
    expect(page.locator(".messages .alert-success")).to_be_visible()


def expect_answer(page: Page, server: LiveServer, photograph: Path, tag: str) -> None:
    page.goto(server.url)
    page.wait_for_load_state()
    page.locator("input[type=file]").set_input_files(photograph)
    expect(page.locator("#in-words")).to_contain_text(tag, timeout=PATIENCE_MS)


@pytest.mark.proven
def test_two_stories(
    scripted_page: Page,
    live_server: LiveServer,
    developer: User,
    worker: None,
    food101: Path,
    settings: Settings,
) -> None:
    page, photographs = scripted_page, food101 / "images"
    settings.CLASSIFR_PROJECT = "Italian Food classifier"
    sign_in(page, live_server, developer, "/projects/")
    page.locator("main a[href='/projects/new']").click()
    page.locator("input[name=name]").fill("Italian Food classifier")
    page.locator("select[name=domain]").select_option("Food")
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Italian Food classifier")
    project = Project.objects.get()

    page.goto(f"{live_server.url}/projects/{project.pk}/tags/")
    page.wait_for_load_state()
    add_tags(page, photographs, "cannoli", "risotto")
    train_and_publish(page, live_server, project, 1)
    expect_answer(page, live_server, photographs / "Held-out" / "risotto" / first(photographs, "risotto"), "risotto")

    page.goto(f"{live_server.url}/projects/{project.pk}/tags/")
    page.wait_for_load_state()
    add_tags(page, photographs, "pizza", "tiramisu")
    train_and_publish(page, live_server, project, 2)
    expect_answer(page, live_server, photographs / "Held-out" / "pizza" / first(photographs, "pizza"), "pizza")
    assert dict(project.iterations.values_list("number", "publish_name")) == {1: "", 2: "live"}


def first(photographs: Path, tag: str) -> str:
    return sorted(path.name for path in (photographs / "Held-out" / tag).iterdir())[0]


def test_newcomer_publishes_four_tags_of_their_own_in_nine_clicks(
    scripted_page: Page, live_server: LiveServer, developer: User, worker: None, food101: Path, tmp_path: Path
) -> None:
    page, tags = scripted_page, ("cannoli", "pizza", "risotto", "tiramisu")
    for tag in tags:
        (tmp_path / "dishes" / tag).mkdir(parents=True)
        for photograph in sorted((food101 / "images" / "Train" / tag).iterdir())[:15]:
            shutil.copy(photograph, tmp_path / "dishes" / tag)
    page.add_init_script(COUNT_CLICKS)
    sign_in_by_form(page, live_server, developer)

    page.get_by_role("link", name="Nouveau projet").click()
    page.locator("input[name=name]").fill("Plats")
    page.get_by_role("button", name="Créer le projet").click()
    with page.expect_file_chooser() as chooser:
        page.locator("label[for=id_folder]").click()
    chooser.value.set_files(tmp_path / "dishes")
    page.get_by_role("button", name="Les créer et envoyer").click()
    page.get_by_role("button", name="Entraîner", exact=True).click(timeout=PATIENCE_MS)
    page.get_by_role("link", name="Publier…").click(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Publier", exact=True).click()
    expect(page.locator(".messages .alert-success")).to_be_visible()

    project = Project.objects.get()
    assert project.live_iteration is not None
    assert sorted(project.tags.values_list("name", flat=True)) == list(tags)
    assert int(page.evaluate("sessionStorage.clicks")) <= 9
