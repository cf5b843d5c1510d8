"""An iteration in a real browser: the slider moves the figures, a cell opens its pictures."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests import factories
from tests.browser.signing_in import sign_in
from tests.training.test_iteration_pages import address, make_iteration, make_snapshot
from training.models import Iteration
from training.services.publishing import publish


@pytest.fixture
def developer() -> User:
    return factories.make_developer(username="dora")


@pytest.fixture
def iteration() -> Iteration:
    """At 0.5 its recall is 75%, at 0.65 it is 50%; one "b" is taken for "a"."""
    pictures = sorted((factories.make_picture() for _ in range(4)), key=lambda each: each.sha256)
    return make_iteration(factories.make_project(), make_snapshot(pictures))


def test_slider_moves_the_recall(
    scripted_page: Page, live_server: LiveServer, iteration: Iteration, developer: User
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer)
    page.goto(live_server.url + address("iteration", iteration))
    expect(page.locator("[data-figure=recall]")).to_have_text(re.compile("75,0"))

    page.locator("#curve-table summary").click()

    page.locator("#threshold").focus()
    for _ in range(15):
        page.keyboard.press("ArrowRight")

    expect(page.locator("[data-figure=recall]")).to_have_text(re.compile("50,0"))
    expect(page.locator("#curve-table table")).to_be_visible()
    expect(page.locator("#at-threshold")).to_have_text(re.compile("65,0"))
    expect(page).to_have_url(re.compile(r"\?threshold=0\.65$"))
    expect(page.locator("#threshold")).to_be_focused()


def test_threshold_is_chosen_with_the_button_too(
    browser: Browser, live_server: LiveServer, iteration: Iteration, developer: User
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    sign_in(page, live_server, developer)
    page.goto(live_server.url + address("iteration", iteration))

    page.locator("#threshold").fill("0.65")
    page.locator(".threshold-card button").click()

    expect(page.locator("[data-figure=recall]")).to_have_text(re.compile("50,0"))
    context.close()


def test_cell_opens_its_pictures(
    any_page: Page, live_server: LiveServer, iteration: Iteration, developer: User
) -> None:
    page = any_page
    sign_in(page, live_server, developer)
    page.goto(live_server.url + address("iteration", iteration))

    page.locator(".matrix a[href$='truth=b&said=a']").click()

    shown = page.locator(".shot img")
    expect(shown).to_have_count(1)
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_going_back_is_one_click(
    any_page: Page, live_server: LiveServer, iteration: Iteration, developer: User
) -> None:
    publish(iteration=iteration, by=None)
    newer = make_iteration(iteration.project)
    publish(iteration=newer, by=None)
    page = any_page
    sign_in(page, live_server, developer)
    page.goto(live_server.url + address("iteration", newer))

    page.locator("form[action$='/rollback'] button").click()

    expect(page.locator(".messages")).to_contain_text("Iteration 1")
    iteration.refresh_from_db()
    assert iteration.publish_name == "live"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_nothing_scrolls_sideways_on_a_phone(
    browser: Browser, live_server: LiveServer, iteration: Iteration, developer: User, scheme: str
) -> None:
    publish(iteration=iteration, by=None)
    newer = make_iteration(iteration.project, None)
    context = browser.new_context(viewport={"width": 320, "height": 800}, color_scheme=scheme, locale="fr-FR")  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, live_server, developer)
    base = f"/projects/{iteration.project_id}/iterations/"
    pages = ["iteration", "compare", "publish", "unpublish", "iteration_delete"]

    for path in (
        base,
        base + "publications",
        address("iteration", iteration),
        *(address(name, newer) for name in pages),
    ):
        page.goto(live_server.url + path)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, path
    context.close()
