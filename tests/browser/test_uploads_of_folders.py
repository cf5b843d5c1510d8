"""Folders and ZIPs become tags in a real browser."""

import unicodedata
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from engine.splitting import Part
from tests import factories
from tests.browser.signing_in import sign_in
from tests.browser.uploading import expect_count, make_files
from training.models import Project


@pytest.fixture
def developer() -> User:
    return factories.make_developer(username="diane")


@pytest.fixture
def project() -> Project:
    return factories.make_project(name="Italian Food classifier", domain="Food")


def test_folder_becomes_tags_once_that_is_agreed_to(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    project.tags.create(name="Pizza")
    make_files(tmp_path / "Train" / "pizza", 3)
    make_files(tmp_path / "Train" / "fish, fried", 20)
    (tmp_path / "Train" / "notes.txt").write_text("no picture")
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")

    page.locator("#id_folder").set_input_files(tmp_path / "Train")
    question = page.locator("[data-missing]")
    expect(question.locator("li")).to_have_text(["fish, fried 20 photos"])
    assert not project.images.exists()
    question.locator("[data-make]").click()

    expect_count(page, "fish, fried", 20)
    expect_count(page, "Pizza", 3)
    assert project.tags.count() == 2


def test_underscores_of_folders_become_spaces_where_that_is_wanted(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    make_files(tmp_path / "Train" / "apple_pie", 2)
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")

    page.locator("#id_folder").set_input_files(tmp_path / "Train")
    page.get_by_label("Écrire des espaces").check()
    page.locator("[data-missing] [data-make]").click()

    expect_count(page, "apple pie", 2)


def test_folder_question_takes_a_second_folder_and_one_click_only(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    make_files(tmp_path / "first" / "pizza", 2)
    make_files(tmp_path / "second" / "risotto", 3)
    make_files(tmp_path / "third" / "Risotto", 1)
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")
    asked.clear()

    page.locator("#id_folder").set_input_files(tmp_path / "first" / "pizza")
    page.locator("#id_folder").set_input_files(tmp_path / "second" / "risotto")
    expect(page.locator("[data-new-tags] li")).to_have_text(["pizza 2 photos", "risotto 3 photos"])
    page.locator("[data-make]").evaluate("button => { button.click(); button.click(); }")

    expect_count(page, "pizza", 2)
    expect_count(page, "risotto", 3)
    assert len([each for each in asked if each.endswith("/tags/")]) <= 1
    assert len([each for each in asked if each.endswith("/images/upload")]) == 2
    expect(page.locator("#id_tag option")).to_have_text(["Aucune étiquette", "pizza", "risotto"])
    page.locator("#id_folder").set_input_files(tmp_path / "third" / "Risotto")
    expect_count(page, "risotto", 4)


def test_folder_named_in_decomposed_letters_is_the_tag_that_is_there(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    project.tags.create(name="pâté")
    make_files(tmp_path / unicodedata.normalize("NFD", "Pâté"), 2)
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")

    page.locator("#id_folder").set_input_files(tmp_path / unicodedata.normalize("NFD", "Pâté"))

    expect_count(page, "pâté", 2)


def test_folder_of_a_mac_and_a_disk_station_becomes_its_own_tags_alone(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    root = tmp_path / "dishes"
    for place in ("pizza", "soup", "@eaDir/a.jpg", "__MACOSX/pizza", ".git", "pizza/@eaDir"):
        make_files(root / place, 2)
    (root / "soup" / "no_ending").write_bytes(factories.make_photo())
    (root / "soup" / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(100))
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")

    page.locator("#id_folder").set_input_files(root)
    expect(page.locator("[data-new-tags] li")).to_have_text(["pizza 2 photos", "soup 3 photos"])
    page.locator("[data-make]").click()

    expect_count(page, "soup", 3)
    expect_count(page, "pizza", 2)
    expect(page.locator("[data-refusals] li")).to_have_count(1)
    expect(page.locator("[data-refusals] li")).to_contain_text("HEIC")
    assert project.tags.count() == 2


def test_zip_of_folders_becomes_tags_once_that_is_agreed_to(
    any_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = any_page
    with zipfile.ZipFile(tmp_path / "dishes.zip", "w") as archive:
        for name in ("pizza/1.jpg", "pizza/2.jpg", "soup/3.jpg", "__MACOSX/pizza/._1.jpg", ".DS_Store"):
            archive.writestr(name, factories.make_photo(size=(160, 120)))
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")
    has_script = page.locator("html.has-script").count() > 0

    def send() -> None:
        if not page.locator(".upload-fold[open]").count():
            page.locator(".upload-fold summary").click()
        page.locator("#id_zip" if has_script else "#id_plain_zip").set_input_files(tmp_path / "dishes.zip")
        if not has_script:
            page.locator("form[action$='/images/zip'] button").click()

    send()
    if has_script:
        expect(page.locator("[data-new-tags] li")).to_have_text(["pizza 2 photos", "soup 1 photo"])
        assert not project.tags.exists()
        page.locator("[data-make]").click()

    expect_count(page, "pizza", 2)
    expect_count(page, "soup", 1)


@pytest.mark.parametrize(("as_tags", "names"), [(False, ["pizza", "soup"]), (True, ["test", "train"])])
def test_parts_of_a_data_set_are_said_and_may_be_tags(
    scripted_page: Page,
    live_server: LiveServer,
    developer: User,
    project: Project,
    tmp_path: Path,
    as_tags: bool,
    names: list[str],
) -> None:
    page = scripted_page
    for place in ("train/pizza", "train/soup", "test/pizza", "test/soup"):
        make_files(tmp_path / "dishes" / place, 1)
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")

    page.locator("#id_folder").set_input_files(tmp_path / "dishes")
    expect(page.locator("[data-splits]")).to_contain_text("test, train")
    if as_tags:
        page.locator("[data-as-tags]").click()
    page.locator("[data-new-tags] li").filter(has_text=names[0]).wait_for()
    page.locator("[data-make]").click()

    for name in names:
        expect_count(page, name, 2)
    assert project.images.filter(part=Part.HELD_OUT.value).count() == (0 if as_tags else 2)
