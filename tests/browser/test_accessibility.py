"""Every page of every room, in both languages and both themes, is WCAG 2.2 AA."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.keys import create_key
from accounts.models import ApiKey, PasswordLink, User
from acts.services import Doer
from classifier.exceptions import BackendUnavailable
from classifier.models import PendingPhoto, Prediction
from feedback.models import Misprediction, Verdict
from feedback.services import review
from jobs.models import Job
from tests import factories
from tests.browser.examining import DESKTOP, PHONE, ZOOMED, broken_rules, examine
from tests.browser.signing_in import become
from tests.browser.test_keeping import HOME
from tests.training.test_iteration_pages import address, make_iteration, make_snapshot
from training.models import Iteration, Project
from training.services.publishing import publish
from training.services.starter import install_starter

LANGUAGES = "all => all.map((each) => each.closest('[lang]').lang)"
BROKEN = {400: SuspiciousOperation, 403: PermissionDenied, 500: RuntimeError}


def broken(request: HttpRequest, status: int) -> HttpResponse:
    raise BROKEN[status]("This page is broken.")


handler400 = "classifr.views.bad_request"
urlpatterns = [path("broken/<int:status>", broken), path("", include("classifr.urls"))]


@dataclass
class Walk:
    """A browser that goes from page to page; what is wrong with them is noted."""

    page: Page
    server: LiveServer
    sizes: Sequence[ViewportSize]
    notes: list[str] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)

    def go(self, place: str, name: str) -> None:
        self.page.goto(self.server.url + place)
        self.page.wait_for_load_state()
        self.look(name)

    def look(self, name: str) -> None:
        """Examine the page as it stands; pages of different addresses have different titles."""
        self.notes += [f"{name}: {note}" for note in examine(self.page, sizes=self.sizes)]
        place = re.sub("[0-9]+", "1", self.page.url.removeprefix(self.server.url).split("?")[0])
        title = re.sub("[0-9]+", "1", self.page.title())
        if self.titles.setdefault(title, place) != place:
            self.notes.append(f"{name}: has the title of {self.titles[title]}")


# What differs from one language to the other is in test_languages.py: axe need not find the same twice.
@pytest.fixture(params=["fr-FR", pytest.param("en-GB", marks=pytest.mark.slow)])
def walk(request: pytest.FixtureRequest, browser: Browser, live_server: LiveServer, settings: Settings) -> Any:
    settings.ROOT_URLCONF = __name__
    context = browser.new_context(locale=request.param, viewport=DESKTOP, reduced_motion="reduce")
    # French is the longer language: where it has room, English has.
    sizes = (PHONE, ZOOMED, DESKTOP) if request.param == "fr-FR" else (DESKTOP,)
    yield Walk(context.new_page(), live_server, sizes)
    context.close()


def make_files(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"dish {number}.jpg" for number in range(count)]
    for each in paths:
        each.write_bytes(factories.make_photo())
    return paths


def make_waiting(user: User) -> Prediction:
    prediction = factories.make_prediction(user=user)
    expiry = timezone.now() + timedelta(hours=1)
    PendingPhoto.objects.create(prediction=prediction, content=factories.make_photo(), expires_at=expiry)
    return prediction


def test_pages_before_signing_in(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.sign_ins.MOST_BY_NAME", 1)
    page = walk.page
    factories.make_user(username="claire")

    walk.go("/accounts/login/", "sign-in")
    for name in ("sign-in refused", "locked out"):
        page.locator("input[name=username]").fill("claire")
        page.locator("input[name=password]").fill("a wrong one")
        page.locator("main form button[type=submit]").click()
        page.wait_for_load_state()
        walk.look(name)
    expect(page.locator("main form")).to_have_count(0)
    walk.go("/nothing/here", "404")
    for status in BROKEN:
        walk.go(f"/broken/{status}", str(status))
    page.goto(walk.server.url + "/accounts/login/")
    page.evaluate("document.querySelector('main [name=csrfmiddlewaretoken]').value = 'another'")
    page.locator("input[name=username]").fill("claire")
    page.locator("input[name=password]").fill("a wrong one")
    page.locator("main form button[type=submit]").click()
    walk.look("form expired")

    assert not walk.notes, "\n".join(walk.notes)


def test_pages_of_who_sends_photos(walk: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, photos = walk.page, make_files(tmp_path, 3)
    install_starter()
    user = factories.make_user(username="claire")
    become(page, walk.server, user)

    walk.go("/", "home, first visit")
    page.locator("#id_photo").set_input_files(photos[0])
    expect(page.locator(".in-words")).to_be_visible()
    page.locator(".rest summary").click()
    walk.look("answered")
    page.reload()
    walk.look("answered, opened again")
    page.get_by_role("button", name="NOK", exact=True).click()
    expect(page.locator("#confirmation-title")).to_be_visible()
    walk.look("confirmation of NOK")
    walk.go(f"/predictions/{Prediction.objects.get().pk}/", "answered, with a verdict")
    page.locator("#id_photo").set_input_files({"name": "menu.jpg", "mimeType": "image/jpeg", "buffer": b"%PDF-1.7"})
    expect(page.locator("#photo-errors p, #upload-failure p").first).to_be_visible()
    walk.look("refused")
    waiting = make_waiting(user)
    Verdict.objects.create(prediction=waiting, user=user, value="OK")
    walk.go(f"/predictions/{waiting.pk}/verdict/given/", "confirmation of OK")
    walk.go("/accounts/password/", "password")
    for box in page.locator("input[type=password]").all():
        box.fill("1")
    page.locator("main form button[type=submit]").click()
    walk.look("password refused")
    walk_the_queue(walk, photos)
    walk_the_uploads(walk, user)

    monkeypatch.setattr("classifier.services.predict", unavailable)
    page.goto(walk.server.url)
    page.wait_for_load_state()
    page.locator("#id_photo").set_input_files(photos[0])
    expect(page.locator("#upload-failure [data-retry]")).to_be_visible()
    walk.look("no model answers")

    assert not walk.notes, "\n".join(walk.notes)


def test_english_words_are_marked_as_such_on_french_pages(scripted_page: Page, live_server: LiveServer) -> None:
    page = scripted_page
    install_starter()
    page.goto(live_server.url)
    words = page.get_by_text(re.compile("^(Username|Password)$"))
    expect(words).to_have_count(2)
    assert words.evaluate_all(LANGUAGES) == ["en"] * 2

    become(page, live_server, factories.make_user())
    page.goto(live_server.url)
    words = page.get_by_text(re.compile(r"^\s*(Image uploaded|Browse local|File formats|File size|Tag$|Probability$)"))
    expect(words).to_have_count(6)

    assert words.evaluate_all(LANGUAGES) == ["en"] * 6


def unavailable(**about: object) -> None:
    raise BackendUnavailable("No model.")


def walk_the_queue(walk: Walk, photos: list[Path]) -> None:
    page = walk.page
    page.goto(walk.server.url)
    page.wait_for_load_state()
    page.route(HOME, lambda route: route.abort(), times=1)
    menu = photos[0].with_name("menu.jpg")
    menu.write_bytes(b"%PDF-1.7")
    page.locator("#id_photo").set_input_files([*photos, menu])
    answered = page.locator(".queue-card .in-words, .queue-card [data-retry]:visible")
    expect(answered).to_have_count(4)  # with one of before
    expect(page.locator(".queue-card [data-cancel]:visible")).to_have_count(1)
    walk.look("queue")
    for count in (1, 2):
        page.locator(".queue-card .btn-nok").first.click()
        expect(page.locator(".queue-card .given")).to_have_count(count)
    for summary in page.locator(".queue-card .given summary").all():
        summary.click()
    walk.look("queue, with verdicts")


def walk_the_uploads(walk: Walk, user: User) -> None:
    page = walk.page
    for _ in range(2):
        make_waiting(user)
        factories.make_misprediction(user=user)
    factories.make_prediction(user=user, top_tag="a tag of a name that is long enough to be broken somewhere")
    walk.go("/uploads/", "uploads")
    page.locator("[data-select-all] input").check()
    walk.look("uploads, selected")
    page.locator("#selection button").click()
    walk.look("erase uploads?")
    page.locator("[name=confirmed]").click()
    expect(page.locator(".empty")).to_be_visible()
    walk.look("uploads, none")


def test_pages_of_reviewers(walk: Walk) -> None:
    page, reviewer = walk.page, factories.make_reviewer(username="remi")
    become(page, walk.server, reviewer)
    walk.go("/mispredictions/", "nothing to review")
    project = factories.make_project()
    tag = project.tags.create(name="risotto")
    rows = [
        factories.make_misprediction(project=project, suggested_tag="risotto", comment="Aux cèpes.") for _ in range(3)
    ]
    factories.make_misprediction(deleted_at=timezone.now(), deleted_by=reviewer)

    walk.go("/mispredictions/", "review")
    page.locator(".filters summary").click()
    page.locator("[data-select-all] input").check()
    walk.look("review, filters open, all selected")
    walk.go("/mispredictions/?tag=pizza&since=x", "review, filtered, with an error")
    walk.go(f"/mispredictions/?user={reviewer.username}", "review, nothing passes")
    walk.go(f"/mispredictions/{rows[0].pk}/", "one of them")
    page.goto(walk.server.url + "/mispredictions/")
    page.locator("[name=ids][form=selection]").first.check()
    page.locator("#selection [value=delete]").click()
    expect(page.locator(".messages button")).to_be_visible()
    walk.look("review, with undo")
    walk.go("/acts/mine/", "my acts")
    review.correct(Misprediction.objects.filter(pk=rows[0].pk), tags=[tag], by=Doer.person(reviewer))
    walk.go("/mispredictions/?state=corrected", "corrected")
    walk.go(f"/mispredictions/{rows[0].pk}/?state=corrected", "one that is corrected")
    page.locator("[popovertarget=desk-keys]").click()
    walk.look("keys")
    walk.go("/mispredictions/bin/", "bin")
    walk.go(f"/mispredictions/{max(row.pk for row in rows)}/", "one in the bin")
    page.goto(walk.server.url + "/mispredictions/bin/")
    page.locator("[data-select-all] input").check()
    page.locator("#selection .btn-danger").click()
    walk.look("erase?")
    page.locator("[name=confirmed]").click()
    expect(page.locator(".empty")).to_be_visible()
    walk.look("bin, empty")

    assert not walk.notes, "\n".join(walk.notes)


def make_rooms_of_developers(user: User) -> tuple[Project, list[Iteration]]:
    """A project with images, a live iteration, a newer one, a failed one and one in training."""
    project = factories.make_project(name="Italian Food classifier", domain="Food", description="Dishes.")
    tags = [project.tags.create(name=name) for name in ("a", "b")]
    pictures = sorted((factories.make_picture() for _ in range(4)), key=lambda each: each.sha256)
    for picture in pictures:
        factories.make_image(project=project, picture=picture, tags=tags[:1])
    factories.make_image(project=project, quarantine="rejected")
    iterations = [make_iteration(project, make_snapshot(pictures)) for _ in range(2)]
    for each in iterations:
        publish(iteration=each, by=user, reason="Better.")
    make_iteration(project, status="Failed", error="Too few images.", head_key="")
    return project, iterations


def make_job(state: str) -> Job:
    now = timezone.now()
    running = {"run": uuid.uuid4(), "started_at": now, "heartbeat_at": now, "done": 3, "total": 10}
    ended = {"finished_at": now, "error": "It broke." if state == "failed" else ""}
    fields = {"queued": {}, "running": running}.get(state, ended)
    return Job.objects.create(kind="train", msgid=f"Train {state}", state=state, **fields)


@pytest.mark.slow
def test_pages_of_developers(walk: Walk, tmp_path: Path) -> None:
    page, developer = walk.page, factories.make_developer(username="diane")
    become(page, walk.server, developer)
    for place in ("", "new"):
        walk.go(f"/projects/{place}", f"projects, none {place}")
    page.locator("input[name=name]").fill(" ")
    page.locator("main form button[type=submit]").click()
    walk.look("new project, refused")
    empty = factories.make_project(name="Nothing yet")
    for place in ("", "images/", "tags/", "settings/", "iterations/", "iterations/publications"):
        walk.go(f"/projects/{empty.pk}/{place}", f"empty project {place}")
    walk.go("/jobs/", "no jobs")
    walk.go("/jobs/tray", "empty tray")

    project, iterations = make_rooms_of_developers(developer)
    walk_the_project(walk, project, tmp_path)
    walk_the_iterations(walk, project, iterations, tmp_path)
    starter = install_starter()[0].project
    walk.go(f"/projects/{starter.pk}/iterations/1/", "iteration of the starter")
    for state in Job.State:
        make_job(state)
    walk.go("/jobs/", "jobs")
    page.locator("[popovertarget=tray-panel]").click()
    expect(page.locator("#tray progress").first).to_be_visible()
    walk.look("tray open")
    walk.go("/jobs/tray", "tray by itself")

    assert not walk.notes, "\n".join(walk.notes)


def walk_the_project(walk: Walk, project: Project, folder: Path) -> None:
    page, base = walk.page, f"/projects/{project.pk}/"
    walk.go("/projects/", "projects")
    walk.go(base, "project")
    walk.go(f"{base}settings/", "settings")
    page.locator("form[action$='/archive'] button").click()
    expect(page.locator("[name=bring_back]")).to_be_visible()
    walk.look("settings, archived")
    walk.go("/projects/", "projects, one archived")
    page.goto(f"{walk.server.url}{base}settings/")
    page.locator("[name=bring_back]").click()
    walk.go(f"{base}tags/?q=nothing", "tags, none found")
    walk.go(f"{base}tags/?sort=recall", "tags")
    page.locator(".tag-more summary").first.click()
    page.locator(".tag-more summary").last.click()
    (folder / "menu.jpg").write_bytes(b"%PDF-1.7")
    page.locator("#id_files").set_input_files([*make_files(folder, 2), folder / "menu.jpg"])
    expect(page.locator("[data-refusals] li")).to_be_visible()
    walk.look("tags, uploaded")
    walk.go(f"{base}?unchanged=1", "project, unchanged")
    walk.go(f"{base}images/", "images")
    page.locator(".filters summary").click()
    page.locator("[data-select-all] input").check()
    walk.look("images, selected")
    page.locator("#selection .btn-danger").click()
    walk.look("delete images?")
    walk.go(f"{base}images/?tag=x&untagged=on", "images, filtered")
    walk.go(f"{base}images/{project.images.order_by('pk')[0].pk}/", "image")
    walk.go(f"{base}tags/{project.tags.order_by('pk')[0].pk}/delete", "delete tag?")
    walk.go(f"{base}delete", "delete project?")
    walk.go(f"{base}access/", "access")
    page.locator("input[name=is_open][value=no]").check()
    page.locator("input[name=more]").fill("nobody")
    page.locator(".access button[type=submit]").click()
    walk.look("access, refused")
    job = make_job("running")
    training = make_iteration(project, status="Training", head_key="", job=job)
    walk.go(base, "project, in training")
    training.delete()


def walk_the_iterations(walk: Walk, project: Project, iterations: list[Iteration], folder: Path) -> None:
    page, (old, new) = walk.page, iterations
    base = f"/projects/{project.pk}/iterations/"
    walk.go(base, "iterations")
    walk.go(base + "publications", "publications")
    walk.go(f"{address('iteration', new)}?threshold=0.65&tag=b", "iteration")
    for summary in page.locator("main summary").all():
        summary.click()
    walk.look("iteration, unfolded")
    walk.go(f"{address('iteration', new)}?threshold=x", "iteration, with nonsense for a threshold")
    walk.go(f"{base}3/", "failed iteration")
    walk.go(address("confusion", new) + "?truth=b&said=a", "confusion")
    page.goto(f"{walk.server.url}{address('compare', new)}?with={old.number}")
    expect(page.locator("#compared")).to_be_visible()
    walk.look("compare")
    walk.go(reverse("classifier:trial", args=[new.project_id, new.number]), "try")
    (folder / "dish.jpg").write_bytes(factories.make_photo())
    page.locator("#id_photo").set_input_files([folder / "dish.jpg", folder / "menu.jpg"])
    expect(page.locator(".queue-text[data-state=answered]")).to_be_visible()
    expect(page.locator(".queue-text[data-state=refused]")).to_be_visible()
    walk.look("try, answered")
    for name in ("publish", "unpublish", "iteration_delete"):
        walk.go(address(name, new), name)
    walk.go(address("publish", old), "publish the older one")
    page.locator("input[name=name]").fill(" ")
    page.locator(".publish-form button[type=submit]").click()
    expect(page.locator(".invalid-feedback")).to_be_visible()
    walk.look("publish, refused")


def test_pages_of_developers_on_programs(walk: Walk) -> None:
    page, developer = walk.page, factories.make_developer(username="diane")
    become(page, walk.server, developer)
    walk.go("/connect/", "connect, no project")
    walk.go("/connect/keys/", "no keys")
    project = install_starter()[0].project
    walk.go(f"/connect/?project={project.uid}", "connect")
    page.locator("main details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    page.locator("[data-copy]").first.click()
    walk.look("connect, all examples open, copied")
    walk.go("/connect/keys/new", "new key")
    page.locator("input[name=name]").fill(" ")
    page.locator("main form button[type=submit]").click()
    walk.look("new key, refused")
    page.locator("input[name=name]").fill("camera")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#key-text")).to_be_visible()
    walk.look("the new key")
    key = ApiKey.objects.get()
    create_key(name="old", scope="all", by=None, expires_at=timezone.now() - timedelta(days=1))
    walk.go("/connect/keys/", "keys")
    walk.go(f"/connect/keys/{key.pk}/revoke", "revoke?")
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".alert")).to_be_visible()
    walk.look("keys, one revoked")
    walk.go(f"/connect/keys/{key.pk}/revoke", "revoked already")

    assert not walk.notes, "\n".join(walk.notes)


def test_pages_of_administrators_on_users(walk: Walk) -> None:
    page, leaver = walk.page, factories.make_developer(username="diane")
    successor, anne = factories.make_developer(username="denis"), factories.make_user(username="anne")
    create_key(name="camera", scope="all", by=leaver)
    User.objects.create_user("invited")
    factories.make_user(username="gone", is_active=False)
    become(page, walk.server, factories.make_administrator(username="root"))

    walk.go("/accounts/users/", "users")
    walk.go("/accounts/users/?q=nobody", "users, nobody found")
    walk.go("/accounts/users/new", "new user")
    page.locator("input[name=username]").fill("ROOT")
    page.locator("main form button[type=submit]").click()
    walk.look("new user, refused")
    walk.go(f"/accounts/users/{anne.pk}/", "user")
    page.get_by_role("button", name=re.compile("lien|link")).click()
    link = page.locator("#link-text").input_value()
    walk.look("the new link")
    walk.go(f"/accounts/users/{leaver.pk}/deactivate", "deactivate?")
    walk.go(f"/accounts/users/{leaver.pk}/", "user")
    page.locator("input[value=user]").check()
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("option", has_text=successor.username)).to_have_count(1)
    walk.notes += [f"keys of whom: {note}" for note in examine(page, sizes=walk.sizes)]
    walk.go(link.removeprefix(walk.server.url), "set a password")
    for box in page.locator("input[type=password]").all():
        box.fill("1")
    page.locator("main form button[type=submit]").click()
    walk.look("set a password, refused")
    PasswordLink.objects.all().delete()
    page.goto(link)
    walk.notes += [f"dead link: {note}" for note in examine(page, sizes=walk.sizes)]

    assert not walk.notes, "\n".join(walk.notes)


def test_pages_of_the_admin(walk: Walk) -> None:
    """Django's pages are held to axe's rules alone: they look as they always do."""
    page, leaver = walk.page, factories.make_developer(username="diane")
    project, iterations = make_rooms_of_developers(leaver)
    wrong = factories.make_misprediction()
    key, _text = create_key(name="camera", scope="all", by=leaver)
    shown = [
        leaver,
        Group.objects.first(),
        key,
        project,
        project.tags.first(),
        iterations[0],
        wrong.prediction,
        wrong.verdict,
    ]
    become(page, walk.server, factories.make_administrator(username="root"))
    user = f"/admin/accounts/user/{leaver.pk}/"
    models = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in site._registry]
    rows = [f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/" for row in shown if row]
    forms = ["/admin/accounts/user/add/", f"{user}password/", f"{user}history/", f"{user}delete/"]
    notes = []

    for place in ["/admin/", *models, *rows, *forms]:
        page.goto(walk.server.url + place)
        notes += [f"{place}: {note}" for note in broken_rules(page)]
    page.goto(walk.server.url + forms[0])
    page.locator("input[name=_save]").click()
    expect(page.locator(".errornote")).to_be_visible()
    page.wait_for_load_state()
    notes += [f"add a user, refused: {note}" for note in broken_rules(page)]
    page.goto(walk.server.url + "/admin/accounts/user/")
    page.locator(f"input[name=_selected_action][value='{leaver.pk}']").check()
    page.locator("select[name=action]").select_option("deactivate")
    page.locator("button[name=index]").click()
    expect(page.locator(f"#id_key-{key.pk}")).to_be_visible()
    notes += [f"deactivate?: {note}" for note in broken_rules(page)]

    assert not notes, "\n".join(notes)
