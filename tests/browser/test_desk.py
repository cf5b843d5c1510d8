"""Wrong predictions reviewed one after the other, by keys alone; each act can be taken back."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from acts.models import Act
from feedback.models import Misprediction
from tests import factories
from tests.browser.signing_in import become
from training.models import Project, Tag

S = Misprediction.State


@pytest.fixture
def project(transactional_db: None) -> Project:
    project = factories.make_project()
    Tag.objects.bulk_create(Tag(project=project, name=name) for name in ("pizza", "risotto", "soup"))
    return project


def make_rows(project: Project, count: int) -> list[Misprediction]:
    """Make some, in the order in which the list shows them."""
    return [factories.make_misprediction(project=project, suggested_tag="soup") for _ in range(count)][::-1]


def open_desk(page: Page, live_server: LiveServer, row: Misprediction) -> None:
    become(page, live_server, factories.make_reviewer())
    page.goto(f"{live_server.url}/mispredictions/{row.pk}/?order=")
    page.wait_for_load_state("networkidle")


def expect_desk(page: Page, row: Misprediction) -> None:
    expect(page.locator("h1")).to_have_text(re.compile(rf" {row.pk}$"))


def state_of(row: Misprediction) -> tuple[str, list[str], str]:
    row.refresh_from_db()
    return row.state, row.right_names, row.dismissal


def test_keys_do_it_all(scripted_page: Page, live_server: LiveServer, project: Project) -> None:
    page, rows = scripted_page, make_rows(project, 7)
    open_desk(page, live_server, rows[0])

    for place, key in enumerate(("Enter", "2", "x", "m", "d")):
        expect_desk(page, rows[place])
        page.keyboard.press(key)
        expect_desk(page, rows[place + 1])
        expect(page.locator(".desk-said")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("Pizza")
    page.keyboard.press("Enter")
    expect_desk(page, rows[6])
    expect(page.locator(".desk-said")).to_contain_text("Pizza")

    assert [state_of(row) for row in rows] == [
        (S.CORRECTED, ["soup"], ""),
        (S.CORRECTED, ["risotto"], ""),
        (S.DISMISSED, [], "unknown"),
        (S.DISMISSED, [], "right"),
        (S.OPEN, [], ""),
        (S.CORRECTED, ["pizza"], ""),
        (S.OPEN, [], ""),
    ]
    assert Misprediction.objects.in_bin().get() == rows[4]
    assert Act.objects.count() == 6


def test_act_is_taken_back_by_a_key_and_shown_again(
    scripted_page: Page, live_server: LiveServer, project: Project
) -> None:
    page, rows = scripted_page, make_rows(project, 2)
    open_desk(page, live_server, rows[0])
    page.keyboard.press("1")
    expect_desk(page, rows[1])
    expect(page.locator(".said-undo button")).to_be_visible()

    page.keyboard.press("u")

    expect_desk(page, rows[0])
    assert state_of(rows[0]) == (S.OPEN, [], "")


def test_ctrl_z_takes_back_the_last_act_on_any_page(
    scripted_page: Page, live_server: LiveServer, project: Project
) -> None:
    page, rows = scripted_page, make_rows(project, 2)
    open_desk(page, live_server, rows[0])
    page.keyboard.press("x")
    expect(page.locator(".desk-said")).to_be_visible()
    page.goto(f"{live_server.url}/uploads/")

    page.keyboard.press("Control+z")
    expect(page.locator(".messages .alert")).to_have_text("Annulé.")
    assert state_of(rows[0])[0] == S.OPEN

    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".messages .alert")).to_have_text("Rétabli.")
    assert state_of(rows[0])[0] == S.DISMISSED


def test_last_one_leads_back_to_the_list(scripted_page: Page, live_server: LiveServer, project: Project) -> None:
    [row] = make_rows(project, 1)
    open_desk(scripted_page, live_server, row)

    scripted_page.keyboard.press("m")

    expect(scripted_page).to_have_url(re.compile(r"/mispredictions/\?"))
    expect(scripted_page.locator(".empty")).to_be_visible()


def test_arrows_go_through_the_list_and_the_browser_goes_back(
    scripted_page: Page, live_server: LiveServer, project: Project
) -> None:
    page, rows = scripted_page, make_rows(project, 3)
    open_desk(page, live_server, rows[0])

    page.keyboard.press("ArrowRight")
    expect_desk(page, rows[1])
    page.keyboard.press("ArrowRight")
    expect_desk(page, rows[2])
    page.keyboard.press("ArrowLeft")
    expect_desk(page, rows[1])
    page.go_back()
    expect_desk(page, rows[2])


def test_keys_that_are_off_do_nothing(scripted_page: Page, live_server: LiveServer, project: Project) -> None:
    page, rows = scripted_page, make_rows(project, 2)
    reviewer = factories.make_reviewer(uses_keys=False)
    become(page, live_server, reviewer)
    page.goto(f"{live_server.url}/mispredictions/{rows[0].pk}/")
    page.wait_for_load_state("networkidle")

    for key in ("x", "Enter", "1", "Control+z"):
        page.keyboard.press(key)

    expect_desk(page, rows[0])
    assert not Act.objects.exists()


def test_photo_is_enlarged_and_turned(scripted_page: Page, live_server: LiveServer, project: Project) -> None:
    page, rows = scripted_page, make_rows(project, 1)
    open_desk(page, live_server, rows[0])
    photo = page.locator("img.photo")

    page.keyboard.press("+")
    page.keyboard.press("r")
    expect(photo).to_have_attribute("style", re.compile(r"scale\(1.25\) rotate\(90deg\)"))
    page.keyboard.press("0")
    expect(photo).to_have_attribute("style", re.compile(r"scale\(1\) rotate\(90deg\)"))


def test_server_that_is_away_is_said(scripted_page: Page, live_server: LiveServer, project: Project) -> None:
    page, rows = scripted_page, make_rows(project, 2)
    open_desk(page, live_server, rows[0])
    page.route("**/mispredictions/act/", lambda route: route.abort())

    page.keyboard.press("x")

    expect(page.locator(".desk-said")).to_contain_text("Le serveur n’a pas répondu")
    assert state_of(rows[0])[0] == S.OPEN


def test_selection_is_corrected_with_the_mouse(scripted_page: Page, live_server: LiveServer, project: Project) -> None:
    page, rows = scripted_page, make_rows(project, 5)
    become(page, live_server, factories.make_reviewer())
    page.goto(f"{live_server.url}/mispredictions/")
    pictures = page.locator(".shot-photo")

    pictures.nth(0).click(modifiers=["Control"])
    pictures.nth(2).click(modifiers=["Shift"])
    expect(page.locator(".selection-count")).to_have_text("Sélection : 3")
    page.locator("#right-tag").fill("risotto")
    page.get_by_role("button", name="Corriger").click()

    expect(page.locator(".messages .alert")).to_contain_text("3 photos classées : risotto.")
    expect(page.locator(".shot")).to_have_count(2)
    assert [state_of(row)[0] for row in rows] == [S.CORRECTED] * 3 + [S.OPEN] * 2
