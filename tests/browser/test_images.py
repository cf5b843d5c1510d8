"""The images of a project in a real browser: seen in true proportions, selected, tagged, one after the other."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories
from tests.browser.signing_in import sign_in
from training.models import Project

RATIOS = """all => all.map((each) => {
  const { width, height } = each.getBoundingClientRect();
  return Math.abs(width / height / (each.getAttribute("width") / each.getAttribute("height")) - 1);
})"""


@pytest.fixture
def project(live_server: LiveServer, scripted_page: Page) -> Project:
    """A project of eight images whose grid is open."""
    project = factories.make_project()
    tags = [project.tags.create(name=name) for name in ("pizza", "risotto")]
    for number in range(8):
        picture = factories.make_picture(content=factories.make_photo(size=(160, 90 + 30 * (number % 4))))
        factories.make_image(project=project, picture=picture, tags=[tags[number % 2]])
    sign_in(scripted_page, live_server, factories.make_developer(), f"/projects/{project.pk}/images/")
    return project


def test_pictures_have_their_true_proportions(scripted_page: Page, project: Project) -> None:
    page = scripted_page
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert max(page.locator(".tile img").evaluate_all(RATIOS)) < 0.05
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_caption_is_there_for_screen_readers_and_seen_on_hover_and_focus(scripted_page: Page, project: Project) -> None:
    tile = scripted_page.locator(".tile").first
    caption = tile.locator(".tile-caption")
    assert "risotto" in tile.aria_snapshot()
    expect(caption).to_have_css("opacity", "0")

    tile.hover()
    expect(caption).to_have_css("opacity", "1")
    scripted_page.mouse.move(0, 0)
    expect(caption).to_have_css("opacity", "0")
    tile.locator("a").focus()
    expect(caption).to_have_css("opacity", "1")


def test_shift_selects_a_range_and_space_one(scripted_page: Page, project: Project) -> None:
    page, boxes = scripted_page, scripted_page.locator("[name=ids][form=selection]")

    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(page.locator("[name=ids]:checked")).to_have_count(4)
    page.locator(".tile-photo").nth(6).focus()
    page.keyboard.press("Space")

    expect(page.locator("[name=ids]:checked")).to_have_count(5)
    expect(page.locator("#selection output")).to_contain_text("5")
    page.locator(".tile-photo").nth(7).click(modifiers=["Shift"])
    expect(page.locator("[name=ids]:checked")).to_have_count(6)
    expect(page).to_have_url(f"{page.url.split('/projects/')[0]}/projects/{project.pk}/images/")


def test_drag_selects_what_it_touches_and_opens_nothing(scripted_page: Page, project: Project) -> None:
    page = scripted_page
    first, second = (page.locator(".tile").nth(place).bounding_box() for place in (0, 1))
    assert first
    assert second

    page.mouse.move(first["x"] + 60, first["y"] + 60)
    page.mouse.down()
    page.mouse.move(second["x"] + 60, second["y"] + 70, steps=5)
    page.mouse.up()

    expect(page.locator("[name=ids]:checked")).to_have_count(2)
    expect(page.locator(".rubber-band")).to_have_count(0)
    expect(page.locator(".tiles")).to_be_visible()


def test_selection_gets_a_tag_in_two_acts(scripted_page: Page, project: Project) -> None:
    page = scripted_page
    page.locator("[name=ids][form=selection]").first.click()

    # What a browser does when one of the proposals is chosen
    page.locator("#tag-select").evaluate(
        "field => { field.value = 'pizza'; field.dispatchEvent(new InputEvent('input', "
        "{ inputType: 'insertReplacementText', bubbles: true })); }"
    )

    expect(page.locator(".messages .alert-success")).to_be_visible()
    assert project.tags.get(name="pizza").images.count() == 5


def test_size_of_the_grid_is_remembered(any_page: Page, live_server: LiveServer) -> None:
    page, project = any_page, factories.make_project()
    factories.make_image(project=project)
    sign_in(page, live_server, factories.make_developer(), f"/projects/{project.pk}/images/")

    page.locator(".grid-size a").last.click()
    expect(page.locator(".tiles.is-large")).to_be_visible()
    page.goto(f"{live_server.url}/projects/{project.pk}/images/")

    expect(page.locator(".tiles.is-large")).to_be_visible()


def test_arrows_lead_to_the_neighbours_that_the_filter_lets_through(scripted_page: Page, project: Project) -> None:
    page, pizza = scripted_page, project.tags.get(name="pizza")
    newest, second = pizza.images.order_by("-pk")[:2]
    page.goto(f"{page.url}?tag={pizza.pk}")
    page.locator(".tile-photo").first.click()
    expect(page.locator("[rel=prev]")).to_have_count(0)

    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/images/{second.pk}/?tag={pizza.pk}")
    page.keyboard.press("ArrowLeft")

    page.wait_for_url(f"**/images/{newest.pk}/?tag={pizza.pk}")
