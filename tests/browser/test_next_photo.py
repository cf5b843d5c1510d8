"""The next photo, straight from the confirmation."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from classifier.models import PendingPhoto, Prediction
from tests import factories
from tests.browser.photos import drag, make_heavy_photo, paste
from tests.browser.signing_in import sign_in
from training.services.starter import install_starter

ANSWER = re.compile("/predictions/[0-9]+/$")


@pytest.fixture
def person() -> User:
    return factories.make_user(username="claire")


@pytest.fixture
def address(person: User) -> str:
    """Of the confirmation of a NOK."""
    project = install_starter()[0].project
    prediction = factories.make_prediction(user=person, project=project)
    factories.make_misprediction(user=person, prediction=prediction)
    return f"/predictions/{prediction.pk}/verdict/given/"


@pytest.fixture
def page(scripted_page: Page, live_server: LiveServer, person: User, address: str) -> Page:
    """The confirmation, with its sender signed in."""
    sign_in(scripted_page, live_server, person)
    scripted_page.goto(live_server.url + address)
    scripted_page.wait_for_load_state()
    return scripted_page


def test_photo_is_chosen_on_the_confirmation(
    any_page: Page, live_server: LiveServer, person: User, address: str, tmp_path: Path
) -> None:
    sign_in(any_page, live_server, person)
    any_page.goto(live_server.url + address)
    any_page.wait_for_load_state()
    (tmp_path / "dish.jpg").write_bytes(factories.make_photo())

    has_script = any_page.locator("html.has-script").count() == 1
    any_page.locator("input[type=file]").set_input_files(tmp_path / "dish.jpg")
    if not has_script:
        any_page.locator("#next-photo button[type=submit]").click()

    expect(any_page).to_have_url(ANSWER)
    expect(any_page.locator(".in-words")).to_be_visible()


def test_photo_is_pasted_on_the_confirmation(page: Page) -> None:
    paste(page, ("dish.jpg", "image/jpeg", factories.make_photo()))

    expect(page).to_have_url(ANSWER)


def test_heavy_photo_is_dropped_on_the_confirmation(page: Page, tmp_path: Path) -> None:
    drag(page, "drop", ("dish.jpg", "image/jpeg", make_heavy_photo(tmp_path / "heavy.jpg").read_bytes()))

    expect(page).to_have_url(ANSWER)
    assert Prediction.objects.latest("pk").photo_byte_size < 4 * 1024 * 1024


def test_several_photos_are_not_sent_from_the_confirmation(page: Page) -> None:
    photo = ("dish.jpg", "image/jpeg", factories.make_photo())

    drag(page, "drop", photo, photo)

    expect(page.locator("#next-photo-said")).not_to_be_empty()
    assert not PendingPhoto.objects.exists()


def test_nothing_is_taken_from_a_paste_into_a_comment(page: Page) -> None:
    page.locator("summary", has_text="commentaire").click()
    page.locator("textarea[name=comment]").fill("it was")

    paste(page, ("dish.jpg", "image/jpeg", factories.make_photo()), on="textarea[name=comment]")

    expect(page.locator("#next-photo-said")).to_be_empty()
    assert not PendingPhoto.objects.exists()


def test_picture_that_comes_with_a_text_stays_out_of_a_comment(page: Page) -> None:
    sheet = ("image.png", "image/png", factories.make_photo())

    assert paste(page, sheet, on="textarea[name=comment]", text="a cell of a sheet")
    assert not paste(page, sheet, on="textarea[name=comment]")


def test_enter_opens_the_next_step(page: Page, live_server: LiveServer) -> None:
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(rf"^{live_server.url}/\?project=\d+$"))
