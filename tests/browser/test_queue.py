"""Several photos at once: a card each, a verdict in the card, two uploads at a time."""

from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from classifier.models import Prediction
from feedback.models import Misprediction, Verdict
from tests import factories
from tests.browser.photos import drag
from tests.browser.signing_in import sign_in
from tests.browser.test_keeping import HOME, hold_uploads
from training.models import Project
from training.services.starter import install_starter


@pytest.fixture(autouse=True)
def project() -> Project:
    return install_starter()[0].project


@pytest.fixture
def person() -> User:
    return factories.make_user(username="claire")


@pytest.fixture
def page(scripted_page: Page, live_server: LiveServer, person: User) -> Page:
    """The empty page, with someone signed in."""
    sign_in(scripted_page, live_server, person)
    return scripted_page


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"dish {number}.jpg" for number in range(3)]
    for path in paths:
        path.write_bytes(factories.make_photo())
    return paths


def choose(page: Page, paths: list[Path]) -> None:
    page.locator("#id_photo").set_input_files(paths)


def test_verdict_is_given_in_the_card(page: Page, photos: list[Path], live_server: LiveServer) -> None:
    choose(page, photos)
    expect(page.locator(".queue-card .in-words")).to_have_count(3)
    expect(page.locator("#queue-count")).to_contain_text("3")

    page.locator(".queue-card").nth(1).get_by_role("button", name="NOK dish 1.jpg", exact=True).click()

    given = page.locator(".queue-card").nth(1).locator(".given")
    expect(given).to_be_focused()
    expect(page.locator(".queue-card .verdict-form")).to_have_count(2)
    assert page.url == f"{live_server.url}/"
    assert Misprediction.objects.get().verdict == Verdict.objects.get()


def test_refused_file_is_a_sentence_in_its_card(page: Page) -> None:
    drag(
        page,
        "drop",
        ("dish.jpg", "image/jpeg", factories.make_photo()),
        ("menu.jpg", "image/jpeg", b"%PDF-1.7 a menu"),
    )

    expect(page.locator(".queue-card").nth(1).locator(".field-errors")).to_contain_text("PDF")
    expect(page.locator(".queue-card").nth(0).locator(".in-words")).to_be_visible()


def test_photos_of_one_name_have_buttons_of_their_own(page: Page) -> None:
    drag(page, "drop", *[("image.jpg", "image/jpeg", factories.make_photo()) for _ in range(2)])

    for name in ("OK image.jpg", "OK image.jpg (2)"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()


def test_answer_that_belongs_in_no_card_is_not_put_there(page: Page, photos: list[Path]) -> None:
    choose(page, photos[:2])
    expect(page.locator(".queue-card .in-words")).to_have_count(2)
    page.route("**/verdict/", lambda route: route.fulfill(content_type="text/html", body="<h1>Another page</h1>"))

    page.get_by_role("button", name="OK dish 0.jpg", exact=True).click()

    expect(page.locator(".queue-card").first.get_by_role("alert")).to_be_visible()
    expect(page.locator(".queue-card .verdict-form")).to_have_count(2)


def test_two_photos_are_sent_at_a_time(page: Page, photos: list[Path]) -> None:
    waiting = hold_uploads(page)
    choose(page, photos)
    active = page.locator(".queue-text[data-state=active]")
    expect(active).to_have_count(2)
    expect(page.locator(".queue-text[data-state=waiting]")).to_have_count(1)

    page.get_by_role("button", name="dish 0.jpg").click()

    expect(page.locator(".queue-card").nth(0).locator("[data-retry]")).to_be_focused()
    expect(active).to_have_count(2)
    expect(page.locator(".queue-text[data-state=waiting]")).to_have_count(0)
    page.wait_for_timeout(50)  # a request that were too many would be there by now
    assert len(waiting) == 3


def test_photo_that_failed_is_tried_again_in_its_card(page: Page, photos: list[Path]) -> None:
    page.route(HOME, lambda route: route.abort(), times=1)
    choose(page, photos)
    expect(page.locator(".queue-card .in-words")).to_have_count(2)
    expect(page.locator("[data-close]")).to_be_hidden()

    page.locator("[data-state=failed] [data-retry]").click()

    expect(page.locator(".queue-card .in-words")).to_have_count(3)
    page.locator("[data-close]").click()
    expect(page.locator("#photo-zone")).to_be_visible()


def test_photos_beyond_the_rate_go_on_by_themselves(page: Page, settings: Settings) -> None:
    settings.CLASSIFR_PHOTOS_PER_MINUTE = 2
    photos = [(f"{number}.jpg", "image/jpeg", factories.make_photo()) for number in range(22)]
    page.clock.install()

    drag(page, "drop", *photos)

    expect(page.locator(".queue-card .in-words")).to_have_count(2)
    expect(page.locator("[data-phase]", has_text="continuera d’elle-même")).to_have_count(20)
    settings.CLASSIFR_PHOTOS_PER_MINUTE = 0
    page.clock.run_for(60_000)
    expect(page.locator(".queue-card .in-words")).to_have_count(22)


def test_rest_is_right_at_once(page: Page, photos: list[Path]) -> None:
    choose(page, photos)
    expect(page.locator(".queue-card .in-words")).to_have_count(3)
    page.get_by_role("button", name="NOK dish 1.jpg", exact=True).click()
    expect(page.locator(".given")).to_have_count(1)

    page.get_by_role("button", name="Tout le reste est juste").click()

    expect(page.locator(".given")).to_have_count(3)
    assert sorted(Verdict.objects.values_list("value", flat=True)) == ["NOK", "OK", "OK"]
    expect(page.locator("[data-all-right]")).to_be_hidden()


def test_cards_leave_no_holes_after_a_verdict(page: Page, photos: list[Path]) -> None:
    choose(page, photos)
    expect(page.locator(".queue-card .in-words")).to_have_count(3)

    page.get_by_role("button", name="NOK dish 1.jpg", exact=True).click()
    expect(page.locator(".given")).to_have_count(1)

    heights = page.locator(".queue-card").evaluate_all("all => all.map((each) => each.offsetHeight)")
    assert len(set(heights)) == 1


def test_keys_judge_the_first_open_card(page: Page, photos: list[Path]) -> None:
    choose(page, photos)
    expect(page.locator(".queue-card .in-words")).to_have_count(3)

    page.keyboard.press("n")
    expect(page.locator(".queue-card").nth(0).locator(".given")).to_be_visible()
    page.keyboard.press("o")

    expect(page.locator(".queue-card").nth(1).locator(".given")).to_be_visible()
    assert list(Verdict.objects.order_by("pk").values_list("value", flat=True)) == ["NOK", "OK"]


def test_open_answers_are_there_again_after_a_reload(page: Page, photos: list[Path]) -> None:
    sent = count()
    page.route(HOME, lambda route: None if route.request.method == "POST" and next(sent) else route.continue_())
    choose(page, photos)
    expect(page.locator(".queue-card .in-words")).to_have_count(1)
    page.on("dialog", lambda dialog: dialog.accept())

    page.reload()
    page.unroute_all()

    expect(page.locator(".queue-card .in-words")).to_have_count(1)
    expect(page.locator(".queue-card img")).to_have_js_property("complete", True)
    expect(page.locator("[data-unsent]")).to_contain_text("2. ")
    for name in ("dish 1.jpg", "dish 2.jpg"):
        expect(page.locator("[data-unsent] li", has_text=name)).to_be_visible()
    expect(page.locator("#photo-zone")).to_be_hidden()
    page.locator(".queue-card [value=OK]").click()
    expect(page.locator(".given")).to_be_visible()
    assert "data:" not in page.evaluate("JSON.stringify(sessionStorage) + JSON.stringify(localStorage)")


def test_answers_of_before_lie_below_the_page_of_who_comes_back(page: Page, person: User, project: Project) -> None:
    factories.make_pending(user=person, project=project)

    page.reload()

    expect(page.locator("#photo-zone")).to_be_visible()
    expect(page.locator(".queue-card .verdict-form")).to_be_visible()
    page.locator("[data-close]").click()
    expect(page.locator(".queue-card")).to_have_count(0)


def test_verdict_that_does_not_arrive_is_said_in_the_card(page: Page, photos: list[Path]) -> None:
    choose(page, photos[:2])
    expect(page.locator(".queue-card .in-words")).to_have_count(2)
    page.route("**/verdict/", lambda route: route.abort(), times=1)

    page.locator(".queue-card").first.get_by_role("button", name="OK dish 0.jpg", exact=True).click()
    expect(page.locator(".queue-card").first.get_by_role("alert")).to_be_visible()
    page.locator(".queue-card").first.get_by_role("button", name="OK dish 0.jpg", exact=True).click()

    expect(page.locator(".queue-card").first.locator(".given")).to_be_visible()


def test_session_that_is_over_is_said_in_the_card(
    page: Page, photos: list[Path], live_server: LiveServer, person: User
) -> None:
    choose(page, photos[:2])
    expect(page.locator(".queue-card .in-words")).to_have_count(2)
    first = page.locator(".queue-card").first
    page.context.clear_cookies(name="sessionid")

    first.get_by_role("button", name="OK dish 0.jpg", exact=True).click()
    expect(first.get_by_role("alert")).to_contain_text("onglet")
    sign_in(page.context.new_page(), live_server, person)
    first.get_by_role("button", name="OK dish 0.jpg", exact=True).click()

    expect(first.locator(".given")).to_be_visible()
    expect(page.locator(".queue-card")).to_have_count(2)


def test_photo_erased_elsewhere_is_said_in_the_card(page: Page, photos: list[Path]) -> None:
    choose(page, photos[:2])
    expect(page.locator(".queue-card .in-words")).to_have_count(2)
    Prediction.objects.all().delete()

    page.get_by_role("button", name="OK dish 0.jpg", exact=True).click()

    expect(page.locator(".queue-card").first.get_by_role("alert")).to_contain_text("plus conservée")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_cards_do_not_scroll_sideways(
    browser: Browser, live_server: LiveServer, person: User, photos: list[Path], scheme: str
) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 800}, color_scheme=scheme, locale="fr-FR")  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, live_server, person)

    choose(page, photos)

    expect(page.locator(".queue-card .in-words")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    heights = page.locator(".verdicts button:visible").evaluate_all("all => all.map((each) => each.offsetHeight)")
    assert len(heights) == 6
    assert min(heights) >= 44
    context.close()
