"""The whole job with the keyboard alone; the focus is always seen, and nothing covers it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FileChooser, Locator, Page, Playwright, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from feedback.models import Misprediction, Verdict
from tests import factories
from tests.browser.examining import DESKTOP, PHONE, ZOOMED
from tests.browser.signing_in import PASSWORD, become
from tests.browser.test_accessibility import make_files, make_waiting
from training.services.starter import install_starter

FORCED: dict[str, Any] = {"locale": "fr-FR", "viewport": DESKTOP, "forced_colors": "active", "reduced_motion": "reduce"}
UNSEEN = """() => {
  const focused = document.activeElement;
  const shown = focused.matches(".file-input") ? focused.labels[0] : focused;
  const { left, right, top, bottom } = shown.getBoundingClientRect();
  const isOnTop = (x, y) => shown.contains(document.elementFromPoint(x, y));
  const across = [left + 3, (left + right) / 2, right - 3];
  const down = [top + 3, (top + bottom) / 2, bottom - 3];
  const isCovered = !across.some((x) => down.some((y) => isOnTop(x, y)));
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  const isMarked = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return isCovered || !isMarked ? `${shown.outerHTML.slice(0, 150)} covered=${isCovered} marked=${isMarked}` : "";
}"""
MOST_STEPS = 80


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until that has the focus; at every step one sees where it is."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        assert page.evaluate(UNSEEN) == ""
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}.")


def brightness(locator: Locator) -> float:
    """Return that of the mean pixel, 0 to 255."""
    return float(np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("L")).mean())


def ignore(chooser: FileChooser) -> None:
    """Being listened for from the start, no dialog opens before Playwright is told to take it."""


def choose(page: Page, *paths: Path) -> None:
    tab_to(page, "#id_photo")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(paths)


@pytest.fixture
def page(scripted_page: Page) -> Page:
    """A page that scrolls at once to what has the focus."""
    scripted_page.emulate_media(reduced_motion="reduce")
    scripted_page.on("filechooser", ignore)
    return scripted_page


@pytest.fixture
def person() -> User:
    install_starter()
    return factories.make_user(username="claire", password=PASSWORD)


def test_photo_is_judged_with_the_keyboard_alone(
    page: Page, live_server: LiveServer, person: User, tmp_path: Path
) -> None:
    page.goto(live_server.url)
    expect(page.locator("[name=username]")).to_be_focused()
    page.keyboard.type("claire")
    tab_to(page, "[name=password]")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#photo-form")).to_be_visible()
    page.wait_for_load_state()

    choose(page, *make_files(tmp_path, 1))
    expect(page.locator("#predictions-title")).to_be_focused()
    tab_to(page, ".btn-nok")
    page.keyboard.press("Enter")
    expect(page.locator("main a.btn-primary")).to_be_focused()
    assert Verdict.objects.get().value == "NOK"
    tab_to(page, ".undo button")
    page.keyboard.press("Space")
    expect(page.locator("[value=OK]")).to_be_visible()
    tab_to(page, "[value=OK]")
    page.keyboard.press("Space")
    expect(page.locator("main a.btn-primary")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#photo-form")).to_be_visible()
    page.wait_for_load_state()
    choose(page, *make_files(tmp_path, 1))
    expect(page.locator("#predictions-title")).to_be_focused()


def test_queue_is_judged_with_the_keyboard_alone(
    page: Page, live_server: LiveServer, person: User, tmp_path: Path
) -> None:
    become(page, live_server, person)
    page.goto(live_server.url)
    page.wait_for_load_state()
    choose(page, *make_files(tmp_path, 2))
    expect(page.locator("#queue-title")).to_be_focused()
    expect(page.locator(".queue-card .in-words")).to_have_count(2)

    tab_to(page, ".btn-nok")
    page.keyboard.press("Enter")
    expect(page.locator(".given")).to_be_focused()
    tab_to(page, ".given input[name=tag]")
    page.keyboard.type("risotto")
    page.keyboard.press("Enter")
    expect(page.locator(".given")).to_contain_text("votre correction est enregistrée")
    expect(page.locator(".given input[name=tag]")).to_be_focused()
    assert Misprediction.objects.get().suggested_tag == "risotto"
    tab_to(page, "[value=OK]")
    page.keyboard.press("Enter")

    expect(page.locator(".given")).to_have_count(2)


def test_review_is_done_with_the_keyboard_alone(page: Page, live_server: LiveServer) -> None:
    for _ in range(3):
        factories.make_misprediction()
    become(page, live_server, factories.make_reviewer())
    page.goto(live_server.url + "/mispredictions/")
    page.wait_for_load_state()

    for _ in range(2):
        tab_to(page, "[name=ids][form=selection]")
        page.keyboard.press("Space")
    tab_to(page, "#selection [value=delete]")
    page.keyboard.press("Enter")
    expect(page.locator(".messages button")).to_be_visible()
    assert Misprediction.objects.in_review().count() == 1
    tab_to(page, ".messages button")
    page.keyboard.press("Enter")

    expect(page.locator(".shot")).to_have_count(3)


@pytest.mark.parametrize("size", [DESKTOP, PHONE, ZOOMED], ids=["desktop", "phone", "zoomed"])
def test_selection_bar_never_covers_the_focus(browser: Browser, live_server: LiveServer, size: ViewportSize) -> None:
    context = browser.new_context(viewport=size, reduced_motion="reduce")
    page, developer = context.new_page(), factories.make_developer()
    project = factories.make_project()
    project.tags.create(name="a")
    for _ in range(6):
        make_waiting(developer)
        factories.make_misprediction()
        factories.make_image(project=project)
    become(page, live_server, developer)

    for place in ("/uploads/", "/mispredictions/", f"/projects/{project.pk}/images/"):
        page.goto(live_server.url + place)
        page.wait_for_load_state()
        page.locator("[name=ids][form=selection]").first.check()  # the bar is at its highest
        page.evaluate("document.activeElement.blur()")
        page.evaluate("window.scrollTo(0, 0)")
        tab_to(page, "#selection :is(.btn-danger, [value=delete])")
    context.close()


def test_camera_is_offered_on_a_phone(
    playwright: Playwright, browser: Browser, live_server: LiveServer, person: User, tmp_path: Path
) -> None:
    context = browser.new_context(**(playwright.devices["Pixel 7"] | {"viewport": {"width": 390, "height": 844}}))
    page = context.new_page()
    page.on("filechooser", ignore)
    become(page, live_server, person)
    page.goto(live_server.url)
    page.wait_for_load_state()

    with page.expect_file_chooser() as chooser:
        page.locator("[data-camera]").tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files(make_files(tmp_path, 1))

    expect(page.locator("#predictions-title")).to_be_focused()
    for name in ("OK", "NOK"):
        box = page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    context.close()


def test_forced_colours_still_show_what_is_checked(browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(**FORCED)
    page = context.new_page()
    factories.make_misprediction()
    become(page, live_server, factories.make_reviewer())
    page.goto(live_server.url + "/mispredictions/")
    box = page.locator("[name=ids][form=selection]")
    unchecked = brightness(box)

    box.check()
    page.evaluate("document.activeElement.blur()")

    assert abs(brightness(box) - unchecked) > 25
    context.close()


def test_forced_colours_still_show_bars(browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(**FORCED)
    page = context.new_page()
    row = factories.make_misprediction()
    become(page, live_server, factories.make_reviewer())
    page.goto(f"{live_server.url}/mispredictions/{row.pk}/")

    high, low = (brightness(page.locator(".probabilities .bar").nth(place)) for place in (0, 1))

    assert low - high > 100
    context.close()
