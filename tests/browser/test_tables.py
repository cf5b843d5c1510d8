"""On a phone rows are cards: nothing is wider than the window, and no button is out of view."""

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from accounts.keys import create_key
from accounts.models import User
from feedback.models import Misprediction
from jobs.models import Job
from tests import factories
from tests.browser.signing_in import become
from tests.browser.test_accessibility import make_job, make_rooms_of_developers
from tests.training.test_iteration_pages import address
from training.models import Contradiction

OUT_OF_VIEW = """() => {
  const width = document.documentElement.clientWidth;
  const isOut = (each) => each.checkVisibility({ visibilityProperty: true })
    && !each.closest(".matrix, pre, .file-input, .visually-hidden, .skip-link, thead")
    && each.getBoundingClientRect().right > width + 1;
  const scrolls = (each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1
    && each.querySelector("table:not(.matrix)");
  const wide = document.documentElement.scrollWidth > width ? ["document"] : [];
  const out = [...document.querySelectorAll("table, a, button, input, select, summary")].filter(isOut);
  const scrolled = [...document.querySelectorAll("[role=region]")].filter(scrolls);
  return [...wide, ...[...out, ...scrolled].slice(0, 3).map((each) => each.outerHTML.slice(0, 160))];
}"""


@pytest.fixture
def developer() -> User:
    return factories.make_developer(username="diane")


@pytest.fixture
def places(developer: User) -> list[str]:
    """Return the addresses of all pages with tables or lists of rows, with rows that are long."""
    project, iterations = make_rooms_of_developers(developer)
    project.tags.create(name="a tag of a rather long name, such as people give")
    for state in Job.State:
        make_job(state)
    create_key(name="the camera above the till of the canteen", scope="all", by=developer)
    for _ in range(2):
        factories.make_misprediction(suggested_tag="risotto", comment="Aux cèpes.")
    Contradiction.objects.create(image=project.images.all()[0], tag=project.tags.all()[0])
    base = f"/projects/{project.pk}/"
    new = iterations[1]
    return [
        *("/", "/help/", "/projects/", "/jobs/", "/jobs/tray", "/connect/", "/connect/keys/", "/uploads/"),
        *(f"{base}{tab}" for tab in ("", "images/", "tags/", "iterations/", "settings/", "access/", "delete")),
        *(f"{base}iterations/publications", f"{address('iteration', new)}?tag=a", address("publish", new)),
        *(address("compare", new), f"{address('confusion', new)}?truth=b&said=a"),
        f"{base}iterations/{new.number}/try",
        *("/mispredictions/", f"/mispredictions/{Misprediction.objects.all()[0].pk}/"),
    ]


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_out_of_view_on_a_phone(
    browser: Browser, live_server: LiveServer, developer: User, places: list[str], width: int
) -> None:
    context = browser.new_context(locale="fr-FR", viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    become(page, live_server, developer)
    found = []
    for place in places:
        page.goto(live_server.url + place)
        page.wait_for_load_state()
        page.locator("main details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
        found += [f"{place}: {each}" for each in page.evaluate(OUT_OF_VIEW)]
    context.close()

    assert not found, "\n".join(found)


@pytest.mark.parametrize("width", [320, 390])
def test_users_are_in_view_on_a_phone(browser: Browser, live_server: LiveServer, width: int) -> None:
    factories.make_user(username="a-client-of-the-canteen-with-a-rather-long-name", email="someone@canteen.example")
    context = browser.new_context(locale="fr-FR", viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    become(page, live_server, factories.make_administrator(username="ada"))
    page.goto(live_server.url + "/accounts/users/")
    page.wait_for_load_state()
    found = page.evaluate(OUT_OF_VIEW)
    context.close()

    assert not found, "\n".join(found)
