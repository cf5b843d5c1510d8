"""Every act of a person can be done without JavaScript, by the forms that stand in the pages."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.keys import find_key
from accounts.models import ApiKey, User
from accounts.roles import Role, role_of
from acts.models import Act
from catalog.models import Picture
from classifier.models import PendingPhoto, Prediction
from feedback.models import Misprediction, Verdict
from jobs.models import Job
from tests import factories
from tests.azurecv.azure import PROJECT_ID, RecordedAzure, error
from tests.plain import PlainBrowser
from tests.training.test_iteration_pages import address, make_iteration, make_snapshot
from training.models import Iteration, Project
from training.services.publishing import publish

pytestmark = pytest.mark.django_db


def photo(name: str = "dish.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, factories.make_photo(), "image/jpeg")


def key_text(content: str) -> str:
    [text] = re.findall('id="key-text"[^>]*>([^<]+)</textarea>', content)
    return str(text)


def figure(name: str, content: str) -> str:
    [text] = re.findall(f'data-figure="{name}"><span class="number">([^<]+)<', content)
    return str(text)


@pytest.fixture
def iteration() -> Iteration:
    """At 0.5 its recall is 75%, at 0.65 it is 50%; one "b" is taken for "a"."""
    pictures = sorted((factories.make_picture() for _ in range(4)), key=lambda each: each.sha256)
    return make_iteration(factories.make_project(), make_snapshot(pictures))


def test_wrong_prediction_reaches_the_reviewer_who_erases_it(food_project: Project) -> None:
    factories.make_user(username="claire", password="a-good-s3cret")
    sender, reviewer = PlainBrowser(), PlainBrowser(factories.make_reviewer())
    sender.open("/")
    sender.send("/accounts/login/", username="claire", password="a-good-s3cret")
    sender.send("/", photo=photo())
    assert re.fullmatch("/predictions/[0-9]+/", sender.url)
    sender.send("/verdict/", verdict="NOK")
    sender.send("/correction/", tag="risotto")
    sender.send("/correction/", comment="aux cèpes")
    sender.send("/accounts/logout/")
    assert sender.url.startswith("/accounts/login/")

    row = Misprediction.objects.get()
    reviewer.open("/mispredictions/")
    assert re.search("Plutôt.: risotto", reviewer.content)
    reviewer.open(f"/mispredictions/{row.pk}/")
    assert "aux cèpes" in reviewer.content
    reviewer.send("/mispredictions/act/", act="delete", ids=str(row.pk))
    reviewer.open("/mispredictions/bin/")
    reviewer.send("/mispredictions/bin/erase/", ids=str(row.pk))
    reviewer.send("/mispredictions/bin/erase/", confirmed="1")

    assert reviewer.url == "/mispredictions/bin/"
    assert not Misprediction.objects.exists()
    assert not Picture.objects.exists()
    assert Verdict.objects.get().value == "NOK"


def test_iteration_is_tried(iteration: Iteration) -> None:
    newer = make_iteration(iteration.project)
    publish(iteration=iteration, by=None)
    browser = PlainBrowser(factories.make_developer())

    browser.open(reverse("classifier:trial", args=[newer.project_id, newer.number]))
    browser.send("/try", photo=photo())

    assert re.findall('role="group" aria-label="([^"]+)"', browser.content) == [
        "Iteration 2 – dish.jpg",
        "Iteration 1 – dish.jpg",
    ]
    assert not Prediction.objects.exists()


def test_iterations_are_compared(iteration: Iteration) -> None:
    newer = make_iteration(iteration.project)
    browser = PlainBrowser(factories.make_developer())
    browser.open(address("compare", newer), **{"with": "1"})
    [link] = re.findall('href="([^"]+/comparison[^"]+)"', browser.content)

    browser.open(link)

    assert "n’a pas été entraînée ici" in unescape(browser.content)
    assert 'name="with"' in browser.content


def test_ok_leads_to_the_confirmation_and_keeps_nothing(food_project: Project) -> None:
    browser = PlainBrowser(factories.make_user())
    browser.open("/")
    browser.send("/", photo=photo())

    browser.send("/verdict/", verdict="OK")

    assert browser.url.endswith("/verdict/given/")
    assert Verdict.objects.get().value == "OK"
    assert not Picture.objects.exists()


def test_project_is_opened_to_one_person(food_project: Project) -> None:
    guest, other, developer = factories.make_user(), factories.make_user(), PlainBrowser(factories.make_developer())
    developer.open(f"/projects/{food_project.pk}/access/")

    developer.send("/access/", is_open="no", more=guest.username)

    assert [Project.objects.visible_to(each).exists() for each in (guest, other)] == [True, False]


def test_refused_file_is_a_sentence_beside_the_former_photo(food_project: Project) -> None:
    browser = PlainBrowser(factories.make_user())
    browser.open("/")
    browser.send("/", photo=photo())

    browser.send("/", photo=SimpleUploadedFile("menu.jpg", b"%PDF-1.7 a menu", "image/jpeg"))

    assert "PDF" in browser.content
    browser.send("/verdict/", verdict="NOK")
    assert Verdict.objects.get().prediction == Prediction.objects.get()


def test_photo_is_kept_while_no_model_answers(recorded_azure: RecordedAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azurecv.prediction.BACK_OFF_S", 0.01)
    factories.make_project(backend="customvision", remote_id=PROJECT_ID)
    recorded_azure.answers = [error(503, "x", "trouble")] * 6
    browser = PlainBrowser(factories.make_user())
    browser.open("/")
    browser.send("/", photo=photo())

    for _ in range(2):
        held = str(PendingPhoto.objects.get().pk)
        assert f"/held/{held}/photo" in browser.content
        browser.send("/", held=held)

    assert re.fullmatch("/predictions/[0-9]+/", browser.url)
    assert Prediction.objects.count() == PendingPhoto.objects.count() == 1


def test_samples_are_tried_and_stay_within_reach(food_project: Project) -> None:
    browser = PlainBrowser(factories.make_user())
    browser.open("/")
    sample = re.findall('name="sample" value="([^"]+)"', browser.content)
    assert sample == ["doughnuts", "rocket"]

    browser.send("/", sample=sample[0])
    assert re.fullmatch("/predictions/[0-9]+/", browser.url)
    browser.open("/")

    assert re.findall('name="sample" value="([^"]+)"', browser.content) == sample


def test_photo_is_chosen_on_the_confirmation(food_project: Project) -> None:
    user = factories.make_user()
    prediction = factories.make_prediction(user=user, project=food_project)
    factories.make_misprediction(user=user, prediction=prediction)
    browser = PlainBrowser(user)
    browser.open(f"/predictions/{prediction.pk}/verdict/given/")

    browser.send("/", photo=photo())

    assert browser.url == f"/predictions/{Prediction.objects.latest('pk').pk}/"


def test_verdict_is_undone_and_given_again() -> None:
    user = factories.make_user()
    waiting = factories.make_prediction(user=user)
    expiry = timezone.now() + timedelta(hours=1)
    PendingPhoto.objects.create(prediction=waiting, content=factories.make_photo(), expires_at=expiry)
    browser = PlainBrowser(user)
    browser.open(f"/predictions/{waiting.pk}/")
    browser.send("/verdict/", verdict="NOK")

    browser.send("/verdict/undo/")

    assert browser.url == f"/predictions/{waiting.pk}/"
    assert f"/predictions/{waiting.pk}/photo" in browser.content
    assert not Picture.objects.exists()
    browser.send("/verdict/", verdict="OK")
    assert Verdict.objects.get().value == "OK"


def test_sender_erases_a_photo_that_reviewers_have() -> None:
    user = factories.make_user()
    row, other = (factories.make_misprediction(user=user) for _ in range(2))
    browser = PlainBrowser(user)
    browser.open("/uploads/")

    browser.send("/uploads/delete/", ids=[str(row.prediction.pk)])
    browser.send("/uploads/delete/", confirmed="1")

    assert browser.url == "/uploads/"
    assert f"/uploads/{row.prediction.pk}/thumbnail" not in browser.content
    assert Misprediction.objects.get() == other
    assert not default_storage.exists(row.picture.blob_key)


def test_reviewer_undoes_a_deletion() -> None:
    row = factories.make_misprediction()
    browser = PlainBrowser(factories.make_reviewer())
    browser.open("/mispredictions/")
    browser.send("/mispredictions/act/", act="delete", ids=str(row.pk))
    assert f"/mispredictions/{row.pk}/" not in browser.content

    browser.send(f"/acts/{Act.objects.get().pk}/undo/")

    assert f"/mispredictions/{row.pk}/" in browser.content
    assert Misprediction.objects.in_review().get() == row


def test_threshold_is_chosen_with_the_button(iteration: Iteration) -> None:
    browser = PlainBrowser(factories.make_developer())
    browser.open(address("iteration", iteration))
    assert figure("recall", browser.content).startswith("75,0")

    browser.send(address("iteration", iteration), threshold="0.65")

    assert figure("recall", browser.content).startswith("50,0")


def test_cell_opens_its_pictures(iteration: Iteration) -> None:
    browser = PlainBrowser(factories.make_developer())
    browser.open(address("iteration", iteration))
    cell, *_ = re.findall('href="([^"]*truth=b&amp;said=a)"', browser.content)

    browser.open(unescape(cell))

    [picture] = re.findall('<img src="(/pictures/[^"]+)"', browser.content)
    assert browser.client.get(picture).status_code == 200


def test_going_back_is_one_click(iteration: Iteration) -> None:
    newer = make_iteration(iteration.project)
    for each in (iteration, newer):
        publish(iteration=each, by=None)
    browser = PlainBrowser(factories.make_developer())
    browser.open(address("iteration", newer))

    browser.send("/rollback")

    assert "Iteration 1" in browser.content
    iteration.refresh_from_db()
    assert iteration.publish_name == "live"


def test_developer_makes_a_project_tags_images_and_a_training() -> None:
    browser = PlainBrowser(factories.make_developer())
    browser.open("/projects/new")
    browser.send("/projects/new", name="Italian Food classifier", domain="Food")
    project = Project.objects.get()
    assert browser.url == f"/projects/{project.pk}/"

    browser.open(f"/projects/{project.pk}/tags/")
    browser.send("/tags/", names="pizza, risotto")
    pizza, risotto = project.tags.order_by("name")
    for tag, count in ((pizza, 7), (risotto, 5)):
        for number in range(count):
            browser.send("/images/upload", tag=str(tag.pk), files=photo(f"dish_{number}.jpg"))
    browser.open(f"/projects/{project.pk}/images/", tag=pizza.pk)
    ids = re.findall('name="ids" value="([0-9]+)"', browser.content)
    assert len(ids) == 7
    browser.send("/images/tag", ids=ids[:2], tag=risotto.name)
    assert (pizza.images.count(), risotto.images.count()) == (5, 7)

    browser.open(f"/projects/{project.pk}/")
    browser.send("/train")

    assert Job.objects.get(kind="train").state == "queued"


def test_key_is_made_shown_once_and_revoked() -> None:
    browser = PlainBrowser(factories.make_developer())
    browser.open("/connect/keys/new")
    browser.send("/connect/keys/new", name="Caméra")
    text = key_text(browser.content)
    key = find_key(text, now=timezone.now())
    assert key
    browser.open("/connect/keys/")
    assert text not in browser.content

    browser.open(f"/connect/keys/{key.pk}/revoke")
    browser.send("/revoke")

    assert find_key(text, now=timezone.now()) is None


def test_page_sent_again_neither_shows_the_key_nor_makes_another() -> None:
    browser = PlainBrowser(factories.make_developer())
    browser.open("/connect/keys/new")
    form = browser.content
    browser.send("/connect/keys/new", name="Caméra")
    text = key_text(browser.content)

    browser.content = form  # as when it is reloaded
    browser.send("/connect/keys/new", name="Caméra")

    assert "invalid-feedback" in browser.content
    assert text not in browser.content
    assert ApiKey.objects.count() == 1


def link_on(content: str) -> str:
    [text] = re.findall('id="link-text"[^>]*>[^<]*(/accounts/password/set[^<]+)</textarea>', content)
    return unescape(text)


def test_administrator_invites_somebody_who_sets_a_password() -> None:
    administrator, invited = PlainBrowser(factories.make_administrator()), PlainBrowser()
    administrator.open("/accounts/users/new")
    administrator.send("/users/new", username="anne", role="user")

    invited.open(link_on(administrator.content))
    invited.send("/password/set", new_password1="a-good-s3cret", new_password2="a-good-s3cret")

    assert invited.url == "/"
    assert User.objects.get(username="anne").check_password("a-good-s3cret")


def test_administrator_changes_a_role_deactivates_and_lets_in_again() -> None:
    factories.make_reviewer()
    person = factories.make_user(username="anne")
    browser = PlainBrowser(factories.make_administrator())
    browser.open("/accounts/users/", q="anne")
    assert f"/accounts/users/{person.pk}/" in browser.content

    browser.open(f"/accounts/users/{person.pk}/")
    browser.send(f"/users/{person.pk}/", role="reviewer")
    browser.open(f"/accounts/users/{person.pk}/deactivate")
    browser.send("/deactivate")
    person.refresh_from_db()
    assert not person.is_active

    browser.open(f"/accounts/users/{person.pk}/")
    browser.send("/activate")
    person.refresh_from_db()
    assert person.is_active
    assert role_of(person) == Role.REVIEWER


def test_examples_are_about_the_project_that_is_chosen(food_project: Project) -> None:
    other = factories.make_project(name="Another")
    browser = PlainBrowser(factories.make_developer())
    browser.open("/connect/")

    browser.send("/connect/", project=str(other.uid))

    assert browser.content.count(str(other.uid)) > 1
