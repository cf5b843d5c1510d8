"""The page: a photo in, probabilities out, without JavaScript and with htmx."""

import re
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeAlias

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.services import share
from classifier.models import PendingPhoto, Prediction
from classifier.offers import offers_of
from classifier.samples import SAMPLES, Sample, read_sample
from engine import images
from tests import factories
from tests.azurecv.azure import PROJECT_ID, RecordedAzure, error
from training.models import Project, Tag
from training.services.projects import set_default
from training.services.publishing import publish
from training.services.starter import add_iteration

Answer: TypeAlias = Any  # the test client's response, with `context`
SignIn = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
VERDICTS = r"<button[^>]*value=\"N?OK\"[^>]*>"


def send(browser: Client, content: bytes, project: Project, **fields: Any) -> Answer:
    upload = SimpleUploadedFile("photo.jpg", content, "image/jpeg")
    headers = fields.pop("headers", None)
    data = {"photo": upload, "project": project.pk, **fields}
    return browser.post(reverse("classifier:home"), data, headers=headers)


def text_of(answer: Answer) -> str:
    return str(answer.content.decode()).replace("\N{NO-BREAK SPACE}", " ")


def test_stranger_is_sent_to_sign_in(client: Client, db: None) -> None:
    answer = client.get(reverse("classifier:home"))

    assert answer.headers["Location"].startswith(reverse("accounts:login"))


def test_page_has_the_labels_of_the_brief(signed_in: SignIn, person: User, food_project: Project) -> None:
    page = text_of(signed_in(person).get(reverse("classifier:home")))

    for label in (
        "Bonjour",
        "Image uploaded will show up here",
        "Browse local files",
        "File formats accepted: jpg",
        "File size should not exceed: 4mo",
        "Prédictions",
        "Tag",
        "Probability",
        "Déconnexion",
        "2023, CLASSIFR",
    ):
        assert label in page
    assert re.search(
        "En cliquant sur NOK, l(’|'|&#x27;)image va s(’|'|&#x27;)enregistrer dans nos bases de données pour analyse "
        "et ainsi améliorer le modèle d(’|'|&#x27;)IA futur",
        page,
    )


def test_verdict_is_asked_for_once_there_is_an_answer(signed_in: SignIn, person: User, food_project: Project) -> None:
    browser = signed_in(person)
    assert not re.findall(VERDICTS, text_of(browser.get(reverse("classifier:home"))))

    send(browser, factories.make_photo(), food_project)
    page = text_of(browser.get(reverse("classifier:prediction", args=[Prediction.objects.get().pk])))

    assert len(re.findall(VERDICTS, page)) == 2
    assert "Validation de la prédiction" in page


def test_page_says_that_no_model_is_live(signed_in: SignIn, person: User) -> None:
    assert "Aucun modèle ne vous répond encore" in text_of(signed_in(person).get(reverse("classifier:home")))


def test_photo_is_answered_with_every_probability(signed_in: SignIn, person: User, food_project: Project) -> None:
    answer = send(signed_in(person), factories.make_photo(), food_project)

    prediction = Prediction.objects.get()
    assert answer.headers["Location"] == reverse("classifier:prediction", args=[prediction.pk])
    assert len(prediction.probabilities) == 101
    assert prediction.iteration == food_project.live_iteration
    assert sum(each for _, each in prediction.probabilities) == pytest.approx(1, abs=1e-4)


def test_result_shows_decimals_as_the_language_writes_them(signed_in: SignIn, person: User) -> None:
    prediction = factories.make_prediction(user=person, top_probability=0.975, probabilities=[["pizza", 0.975]])
    url = reverse("classifier:prediction", args=[prediction.pk])

    assert "97,5 %" in text_of(signed_in(person).get(url))
    person.language = "en"
    person.save()
    assert "97.5%" in text_of(signed_in(person).get(url))


def test_htmx_gets_the_result_alone_and_the_new_address(signed_in: SignIn, person: User, food_project: Project) -> None:
    answer = send(signed_in(person), factories.make_photo(), food_project, headers=HTMX)

    assert answer.headers["HX-Push-Url"] == reverse("classifier:prediction", args=[Prediction.objects.get().pk])
    assert "<html" not in text_of(answer)


def test_photo_waits_for_its_verdict(signed_in: SignIn, person: User, food_project: Project) -> None:
    photo = factories.make_photo()
    browser = signed_in(person)

    send(browser, photo, food_project)

    shown = browser.get(reverse("classifier:photo", args=[Prediction.objects.get().pk]))
    assert shown.content == factories.admit(photo).content
    assert "no-store" in shown.headers["Cache-Control"]


def test_photo_is_gone_when_its_time_is_over(signed_in: SignIn, person: User, food_project: Project) -> None:
    browser = signed_in(person)
    send(browser, factories.make_photo(), food_project)
    PendingPhoto.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = browser.get(reverse("classifier:photo", args=[Prediction.objects.get().pk]))

    assert answer.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("name", ["classifier:prediction", "classifier:photo"])
def test_nobody_sees_another_persons_prediction(
    signed_in: SignIn, person: User, reviewer: User, food_project: Project, name: str
) -> None:
    send(signed_in(person), factories.make_photo(), food_project)
    url = reverse(name, args=[Prediction.objects.get().pk])

    assert signed_in(person).get(url).status_code == HTTPStatus.OK
    assert signed_in(reviewer).get(url).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7 not a photo", "PDF"),
        (b"hello", "JPEG"),
        (b"", "vide"),
        (factories.make_photo(format="PNG"), "PNG"),
        (factories.make_photo()[:2000], "JPEG"),
        (factories.make_photo(size=(2600, 100)), "25"),
        (b"\xff\xd8" + b"\0" * (4 * 1024 * 1024), "4"),
    ],
    ids=["pdf", "text", "empty", "png", "truncated", "elongated", "too big"],
)
def test_refusal_is_a_sentence_and_keeps_the_former_photo(
    signed_in: SignIn, person: User, food_project: Project, content: bytes, sentence: str
) -> None:
    former = factories.make_prediction(user=person, project=food_project)

    answer = send(signed_in(person), content, food_project, shown=former.pk)

    (refusal,) = answer.context["form"].errors["photo"]
    assert answer.status_code == HTTPStatus.OK
    assert sentence in refusal
    assert refusal.endswith(".")
    assert answer.context["prediction"] == former
    assert Prediction.objects.count() == 1
    assert not PendingPhoto.objects.exists()


def test_refusal_speaks_the_readers_language(signed_in: SignIn, person: User, food_project: Project) -> None:
    french = send(signed_in(person), factories.make_photo(format="PNG"), food_project)
    person.language = "en"
    person.save()
    english = send(signed_in(person), factories.make_photo(format="PNG"), food_project)

    assert "L’image est au format PNG" in text_of(french)
    assert "The picture is in PNG format" in text_of(english)


def test_form_without_a_photo_says_so(signed_in: SignIn, person: User, food_project: Project) -> None:
    answer = signed_in(person).post(reverse("classifier:home"), {"project": food_project.pk})

    assert answer.context["form"].errors["photo"]


@pytest.mark.parametrize("status", [503, 401])
def test_azure_in_trouble_is_a_sentence(
    signed_in: SignIn, person: User, recorded_azure: RecordedAzure, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("azurecv.prediction.BACK_OFF_S", 0.01)
    recorded_azure.answers = [error(status, "x", "trouble")] * 3
    project = factories.make_project(backend="customvision", remote_id=PROJECT_ID)

    answer = send(signed_in(person), factories.make_photo(), project)

    assert len(answer.context["form"].errors["photo"]) == 1
    assert not Prediction.objects.exists()


def test_other_iteration_answers_from_the_next_photo_on(signed_in: SignIn, person: User, food_project: Project) -> None:
    browser = signed_in(person)
    send(browser, factories.make_photo(), food_project)
    second = add_iteration(project=food_project, head=factories.make_head(), metrics={})
    publish(iteration=second, by=None)

    send(browser, factories.make_photo(), food_project)

    names = list(Prediction.objects.order_by("pk").values_list("iteration_name", flat=True))
    assert names == ["Iteration 1", "Iteration 2"]


def test_page_offers_a_choice_of_projects(signed_in: SignIn, person: User, food_project: Project) -> None:
    factories.make_project(name="At Azure", remote_id=PROJECT_ID, backend="customvision")

    page = text_of(signed_in(person).get(reverse("classifier:home")))

    assert "<select" in page
    assert "At Azure" in page


def test_form_fields_are_limited_in_size(signed_in: SignIn, person: User, settings: Settings) -> None:
    answer = signed_in(person).post(reverse("classifier:home"), {"shown": "1" * (300 * 1024)})

    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_nonsense_in_the_hidden_field_is_ignored(signed_in: SignIn, person: User, food_project: Project) -> None:
    answer = send(signed_in(person), b"no photo", food_project, shown="9" * 5000)

    assert answer.context["prediction"] is None


def test_default_is_offered_first(signed_in: SignIn, person: User, food_project: Project) -> None:
    first = factories.make_project(name="A first in the alphabet", remote_id=PROJECT_ID, backend="customvision")
    browser = signed_in(person)
    assert browser.get(reverse("classifier:home")).context["form"].chosen == food_project

    set_default(first, is_default=True)

    assert browser.get(reverse("classifier:home")).context["form"].chosen == first
    assert list(Project.objects.filter(is_default=True)) == [first]


def test_project_that_was_used_last_is_selected_in_every_browser(
    signed_in: SignIn, person: User, food_project: Project
) -> None:
    last = factories.make_project(name="Z", remote_id=PROJECT_ID, backend="customvision")
    factories.make_prediction(user=person, project=food_project)
    factories.make_prediction(user=person, project=last)
    factories.make_prediction(project=food_project)

    form = signed_in(person).get(reverse("classifier:home")).context["form"]
    assert form.chosen == last

    share(last, is_open=False, users=[], groups=[])
    assert signed_in(person).get(reverse("classifier:home")).context["form"].chosen == food_project


def test_new_photo_stays_in_the_project_of_the_verdict(signed_in: SignIn, person: User, food_project: Project) -> None:
    factories.make_project(name="Z", remote_id=PROJECT_ID, backend="customvision")
    earlier = factories.make_prediction(user=person, project=food_project)
    factories.make_prediction(user=person, project=Project.objects.get(name="Z"))
    browser = signed_in(person)
    browser.post(reverse("feedback:give", args=[earlier.pk]), {"verdict": "OK"})

    [new_photo] = re.findall(
        r'href="(/\?project=[0-9]+)"', text_of(browser.get(reverse("feedback:confirmation", args=[earlier.pk])))
    )

    assert browser.get(new_photo).context["form"].chosen == food_project
    assert browser.get("/?project=nonsense").context["form"].chosen == food_project  # the default
    shown = browser.get(reverse("classifier:prediction", args=[earlier.pk]))
    assert shown.context["form"].chosen == food_project


def test_page_names_the_project_and_its_first_tags(signed_in: SignIn, person: User, food_project: Project) -> None:
    page = text_of(signed_in(person).get(reverse("classifier:home")))

    offer = re.sub(r"\s+", " ", page.partition('class="offer"')[2].partition("</p>")[0])
    assert "<strong>Food-101</strong>" in offer
    assert "apple pie, baby back ribs" in offer
    assert "96" in offer


def test_photo_that_cannot_be_stripped_is_refused_at_once(
    signed_in: SignIn, person: User, food_project: Project
) -> None:
    """Else its NOK could not be stored later: a marker with a senseless length stands within the scan."""
    photo = factories.make_photo()
    middle = (photo.index(b"\xff\xda") + len(photo)) // 2
    damaged = photo[:middle] + b"\xff\xfe\x00\x01" + photo[middle:]

    answer = send(signed_in(person), damaged, food_project)

    assert len(answer.context["form"].errors["photo"]) == 1
    assert not Prediction.objects.exists()


def test_card_is_a_fragment_with_the_files_name(signed_in: SignIn, person: User, food_project: Project) -> None:
    page = text_of(send(signed_in(person), factories.make_photo(), food_project, card="1", headers=HTMX))

    assert "<html" not in page
    assert 'data-state="answered"' in page
    assert "photo.jpg" in page
    assert reverse("feedback:give", args=[Prediction.objects.get().pk]) in page


def test_refused_photo_is_a_sentence_in_its_card(signed_in: SignIn, person: User, food_project: Project) -> None:
    page = text_of(send(signed_in(person), b"%PDF-1.7 a menu", food_project, card="1", headers=HTMX))

    assert 'data-state="refused"' in page
    assert "PDF" in page


def test_samples_are_open_on_the_first_visit_and_stay(signed_in: SignIn, person: User, food_project: Project) -> None:
    browser = signed_in(person)
    assert browser.get(reverse("classifier:home")).context["samples_open"]

    browser.post(reverse("classifier:home"), {"sample": "doughnuts", "project": food_project.pk})

    assert Prediction.objects.get().top_tag == "donuts"
    later = browser.get(reverse("classifier:home")).context
    assert not later["samples_open"]
    assert [[sample.name for sample in each.samples.known] for each in later["offers"]] == [["doughnuts"]]


def test_trap_is_a_sample_that_the_project_cannot_recognise(food_project: Project) -> None:
    pets = factories.make_project(name="Pets")
    for name in ("Cat", "dog"):
        Tag.objects.create(project=pets, name=name)
    tiles = factories.make_project(name="Tiles")

    food, pet, tile = (offer.samples for offer in offers_of([food_project, pets, tiles]))

    assert food
    assert pet
    assert tile is None
    assert [sample.name for sample in pet.known] == ["cat"]
    assert food.trap.name == pet.trap.name == "rocket"


def test_starter_is_right_on_its_samples_and_unsure_of_the_trap(
    signed_in: SignIn, person: User, food_project: Project
) -> None:
    [offer] = offers_of([food_project])
    samples = offer.samples
    assert samples
    browser = signed_in(person)
    for sample in (*samples.known, samples.trap):
        browser.post(reverse("classifier:home"), {"sample": sample.name, "project": food_project.pk})

    *known, trap = Prediction.objects.order_by("pk")
    assert all(each.top_tag in sample.tags for each, sample in zip(known, samples.known, strict=True))
    assert trap.confidence == Prediction.Confidence.LOW


@pytest.mark.parametrize("sample", SAMPLES)
def test_sample_is_small_and_accepted(sample: Sample) -> None:
    content = read_sample(sample.name) or b""

    assert len(content) < 60_000
    assert images.admit(content, limits=images.PAGE_PHOTO).format == "JPEG"


def test_unknown_sample_is_no_photo(signed_in: SignIn, person: User, food_project: Project) -> None:
    data = {"sample": "../favicon", "project": food_project.pk}

    assert signed_in(person).post(reverse("classifier:home"), data).context["form"].errors["photo"]
