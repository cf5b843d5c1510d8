"""A developer's way in a real browser: a project, tags, images, another tag for some of them, a training."""

import re
import unicodedata
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from engine.splitting import Part
from jobs.models import Job
from tests import factories
from tests.browser.signing_in import sign_in
from training.models import Project


@pytest.fixture
def developer() -> User:
    return factories.make_developer(username="diane")


@pytest.fixture
def project() -> Project:
    return factories.make_project(name="Italian Food classifier", domain="Food")


def make_files(folder: Path, count: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"dish_{number}.jpg" for number in range(count)]
    for path in paths:
        path.write_bytes(factories.make_photo(size=(160, 120)))
    return paths


def upload(page: Page, name: str, paths: list[Path]) -> None:
    form = page.locator(f"[data-tag-name='{name}'] form[data-upload]")
    form.locator("input[type=file]").set_input_files(paths)
    if page.locator("html.has-script").count() == 0:
        form.locator("button[type=submit]").click()


def wait_for_tray(page: Page) -> None:
    """Return once the tray, which comes after the page, listens to events."""
    expect(page.locator("#tray")).to_be_attached()
    expect(page.locator(".htmx-added")).to_have_count(0)


def expect_count(page: Page, name: str, count: int) -> None:
    expect(page.locator(f"[data-tag-name='{name}'] .tag-count")).to_contain_text(re.compile(rf"^\s*{count}\s"))


def test_developer_makes_a_project_tags_images_and_a_training(
    any_page: Page, live_server: LiveServer, developer: User, tmp_path: Path
) -> None:
    page = any_page
    sign_in(page, live_server, developer, "/projects/")
    page.locator("main a[href='/projects/new']").click()
    page.locator("input[name=name]").fill("Italian Food classifier")
    page.locator("select[name=domain]").select_option("Food")
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Italian Food classifier")

    page.locator("textarea[name=names]").fill("pizza, risotto")
    page.locator("#new-tags button[type=submit]").click()
    upload(page, "pizza", make_files(tmp_path / "a", 7))
    expect_count(page, "pizza", 7)
    upload(page, "risotto", make_files(tmp_path / "b", 5))
    expect_count(page, "risotto", 5)

    page.locator("[data-tag-name='pizza'] h3 a").click()
    boxes = page.locator("input[name=ids]")
    expect(boxes).to_have_count(7)
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.locator("#selection select[name=tag]").select_option("risotto")
    page.locator("#selection button.btn-primary").click()
    expect(boxes).to_have_count(5)
    project = Project.objects.get()
    assert project.tags.get(name="risotto").images.count() == 7

    page.goto(f"{live_server.url}/projects/{project.pk}/")
    page.locator("#training form button.btn-primary").click()
    expect(page.locator("#training progress")).to_be_visible()
    assert Job.objects.get(kind="train").state == "queued"


def test_tray_shows_the_job_and_cancels_it(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project
) -> None:
    page = scripted_page
    job = Job.objects.create(kind="train", msgid="Train Italian Food", arguments={"iteration": 0}, user=developer)
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    expect(page.locator("#tray-count")).to_contain_text("1")

    page.locator("[popovertarget=tray-panel]").click()
    expect(page.locator("#tray progress")).to_be_visible()
    page.locator(f"#tray-cancel-{job.pk}").click()

    expect(page.locator("#tray progress")).to_have_count(0)
    expect(page.locator("#tray .is-cancelled")).to_be_visible()
    expect(page.locator("#tray-said")).to_contain_text("Train Italian Food")
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_folder_becomes_tags_once_that_is_agreed_to(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    project.tags.create(name="Pizza")
    make_files(tmp_path / "Train" / "pizza", 3)
    make_files(tmp_path / "Train" / "fish, fried", 20)
    (tmp_path / "Train" / "notes.txt").write_text("no picture")
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")

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
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")

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
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
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
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")

    page.locator("#id_folder").set_input_files(tmp_path / unicodedata.normalize("NFD", "Pâté"))

    expect_count(page, "pâté", 2)


def test_end_of_an_upload_leaves_a_name_that_is_typed(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    project.tags.create(name="pizza")
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    page.locator(".tag-more summary").click()
    page.locator(".tag-more input[name=name]").fill("pizza bianca")

    page.locator("#id_files").set_input_files(make_files(tmp_path, 2))

    expect(page.locator("#figures strong").first).to_have_text("2")
    expect(page.locator(".tag-more input[name=name]")).to_have_value("pizza bianca")


def test_name_of_a_file_is_kept_as_it_is(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    [path] = make_files(tmp_path, 1)
    path = path.rename(tmp_path / 'a "good" &eacute; dish%22.jpg')
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")

    page.locator("#id_files").set_input_files(path)

    expect(page.locator("#figures strong").first).to_have_text("1")
    expect(page.locator("[data-refusals]")).to_be_hidden()
    assert project.images.get().name == path.name


@pytest.mark.parametrize(("status", "attribute"), [(413, "data-text-too-large"), (404, "data-text-gone")])
def test_answer_without_a_sentence_gets_ours(
    scripted_page: Page,
    live_server: LiveServer,
    developer: User,
    project: Project,
    tmp_path: Path,
    status: int,
    attribute: str,
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    page.route(re.compile("/images/upload$"), lambda route: route.fulfill(status=status, body="<h1>No</h1>"))

    page.locator("#id_files").set_input_files(make_files(tmp_path, 1))

    expect(page.locator("#uploads")).to_contain_text(page.locator("#uploads").get_attribute(attribute) or "?")


def test_progress_of_an_upload_from_a_card_is_in_sight(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    page.set_viewport_size({"width": 390, "height": 700})
    for number in range(6):
        project.tags.create(name=f"tag {number}")
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    page.route(re.compile("/images/upload$"), lambda route: None)
    page.locator(".tag-card").last.scroll_into_view_if_needed()
    expect(page.locator("#uploads")).not_to_be_in_viewport()

    upload(page, "tag 5", make_files(tmp_path, 1))

    expect(page.locator("[data-progress] progress")).to_be_in_viewport()


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_too_wide_without_javascript(
    browser: Browser, live_server: LiveServer, developer: User, project: Project, width: int
) -> None:
    project.tags.create(name="pizza")
    context = browser.new_context(java_script_enabled=False, locale="fr-FR", viewport={"width": width, "height": 800})
    page = context.new_page()
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("label[for=id_files]")).to_be_hidden()
    context.close()


def test_failure_to_fetch_is_said_until_it_succeeds(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    wait_for_tray(page)
    page.route(re.compile("/jobs/tray"), lambda route: route.fulfill(status=502))
    fetch = "htmx.trigger(document.body, 'jobs-changed')"

    page.evaluate(fetch)
    expect(page.locator(".trouble")).to_be_visible()

    page.unroute(re.compile("/jobs/tray"))
    page.evaluate(fetch)
    expect(page.locator(".trouble")).to_be_empty()


def test_page_left_open_leads_to_the_sign_in(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    wait_for_tray(page)
    page.context.clear_cookies()

    page.evaluate("htmx.trigger(document.body, 'jobs-changed')")

    expect(page).to_have_url(re.compile("/login/.*projects"))


def test_refused_files_are_listed_and_the_others_kept(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    paths = make_files(tmp_path, 2)
    (tmp_path / "menu.jpg").write_bytes(b"%PDF-1.7 a menu")
    (tmp_path / "heavy.jpg").write_bytes(b"\xff\xd8" + bytes(6 * 1024 * 1024))
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")

    page.locator("#id_files").set_input_files([*paths, tmp_path / "menu.jpg", tmp_path / "heavy.jpg"])

    refused = page.locator("[data-refusals] li")
    expect(refused).to_have_count(2)
    expect(refused.filter(has_text="menu.jpg")).to_contain_text("PDF")
    expect(page.locator("#figures")).to_contain_text("2")
    assert project.images.count() == 2


def test_upload_outlives_a_server_that_fails_once(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    failures = iter([True])
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    page.route(
        re.compile("/images/upload$"),
        lambda route: route.fulfill(status=502) if next(failures, False) else route.continue_(),
    )

    page.locator("#id_files").set_input_files(make_files(tmp_path, 3))

    expect(page.locator("#figures strong").first).to_have_text("3")
    assert project.images.count() == 3


def test_upload_is_cancelled(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    page.route(re.compile("/images/upload$"), lambda route: None)

    page.locator("#id_files").set_input_files(make_files(tmp_path, 40))
    page.locator("[data-progress] [data-cancel]").click()

    expect(page.locator("[data-progress]")).to_be_hidden()
    expect(page.locator("[data-said]")).not_to_be_empty()
    assert not project.images.exists()


def test_folder_of_a_mac_and_a_disk_station_becomes_its_own_tags_alone(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    root = tmp_path / "dishes"
    for place in ("pizza", "soup", "@eaDir/a.jpg", "__MACOSX/pizza", ".git", "pizza/@eaDir"):
        make_files(root / place, 2)
    (root / "soup" / "no_ending").write_bytes(factories.make_photo())
    (root / "soup" / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(100))
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")

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
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    has_script = page.locator("html.has-script").count() > 0

    def send() -> None:
        page.locator("#id_zip" if has_script else "#id_plain_zip").set_input_files(tmp_path / "dishes.zip")
        if not has_script:
            page.locator("form[action$='/images/zip'] button").click()

    send()
    expect(page.locator("[data-new-tags] li")).to_have_text(["pizza 2 photos", "soup 1 photo"])
    assert not project.tags.exists()
    page.locator("[data-make]" if has_script else "main form button.btn-primary").click()
    if not has_script:
        send()

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
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")

    page.locator("#id_folder").set_input_files(tmp_path / "dishes")
    expect(page.locator("[data-splits]")).to_contain_text("test, train")
    if as_tags:
        page.locator("[data-as-tags]").click()
    page.locator("[data-new-tags] li").filter(has_text=names[0]).wait_for()
    page.locator("[data-make]").click()

    for name in names:
        expect_count(page, name, 2)
    assert project.images.filter(part=Part.HELD_OUT.value).count() == (0 if as_tags else 2)
