"""Packages of iterations: asked for, built in a job, fetched by a link."""

import io
import json
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import onnx
import pytest
from azure.cognitiveservices.vision.customvision.training.models import CustomVisionErrorException
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog import storage
from customvision import exports, files
from customvision.models import Export
from customvision.tasks import erase_old_packages
from jobs.models import Job
from jobs.services import cancel_job, do_here, take_up_lost_jobs
from tests import factories
from tests.customvision.answers import Call, code_of
from training.models import Iteration, Project
from training.services.learning import delete_iteration
from training.services.starter import add_iteration

pytestmark = pytest.mark.slow

FOOD_COMPACT = "8882951b-82cd-4c32-970b-d5f8cb8bf6d7"


@pytest.fixture
def iteration(db: None) -> Iteration:
    project = factories.make_project(domain=Project.Domain.FOOD, api_settings={"domainId": FOOD_COMPACT})
    return add_iteration(project=project, head=factories.make_head("cannoli", "risotto"), metrics={})


@pytest.fixture
def ask(call: Call, iteration: Iteration) -> Call:
    """Ask for a package; or list them."""
    path = f"/projects/{iteration.project.uid}/iterations/{iteration.uid}/export"

    def send(query: str = "", method: str = "post") -> Any:
        answer = call(method, f"{path}?{query}")
        return answer.json() | {"http": answer.status_code} if method == "post" else answer.json()

    return send


def work() -> Job:
    """Do what a worker would."""
    return do_here(Job.objects.get(kind="export", state=Job.State.QUEUED))


def test_a_package_is_asked_for_built_and_fetched_without_a_key(trainer: Any, iteration: Iteration) -> None:
    ids = (iteration.project.uid, iteration.uid)
    assert trainer.get_exports(*ids) == []

    asked = trainer.export_iteration(*ids, "ONNX")
    work()
    (done,) = trainer.get_exports(*ids)

    assert (asked.status, asked.download_uri) == ("Exporting", None)
    assert (done.status, done.platform, done.flavor) == ("Done", "ONNX", None)
    with urlopen(done.download_uri) as answer:  # noqa: S310
        assert answer.headers["Content-Type"] == "application/zip"
        assert f"{iteration.uid.hex}.ONNX.zip" in answer.headers["Content-Disposition"]
        package = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert json.loads(package.read("cvexport.manifest"))["IterationId"] == str(iteration.uid)


def test_answers_are_as_recorded(ask: Call) -> None:
    named = {"platform": "ONNX", "flavor": None, "newerVersionAvailable": False}
    recorded = {**named, "status": "Exporting", "downloadUri": None}

    assert ask("platform=ONNX") == recorded | {"http": 200}
    assert ask(method="get") == [recorded]
    work()
    (done,) = ask(method="get")
    assert done.pop("downloadUri").startswith("http://testserver/customvision/files/exports/")
    assert done == {**named, "status": "Done"}


def test_a_container_is_a_package_of_its_own(ask: Call, iteration: Iteration) -> None:
    ask("platform=ONNX")
    work()

    assert ask("platform=dockerfile&flavor=linux")["flavor"] == "Linux"
    assert work().state == Job.State.DONE
    package = zipfile.ZipFile(io.BytesIO(storage.read_blob(Export.objects.get(platform="DockerFile").blob_key)))
    assert "Dockerfile" in package.namelist()
    assert json.loads(package.read("cvexport.manifest"))["Flavor"] == "Linux"


def test_the_same_package_is_not_built_twice(trainer: Any, iteration: Iteration) -> None:
    ids = (iteration.project.uid, iteration.uid)
    trainer.export_iteration(*ids, "ONNX")

    for _state in ("waiting", "done"):
        with pytest.raises(CustomVisionErrorException) as raised:
            trainer.export_iteration(*ids, "ONNX")
        assert code_of(raised.value) == "BadRequestExportAlreadyInProgress"
        assert raised.value.message == f"{iteration.uid} is already queued for export"
        Job.objects.filter(state=Job.State.QUEUED).exists() and work()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("platform=CoreML", "DockerFile and ONNX"),
        ("platform=TensorFlow&flavor=TensorFlowLite", "ONNX file"),
        ("platform=ONNX&flavor=ONNX11", "no flavor or ONNX10 or ONNX12"),
        ("platform=", "ONNX"),
    ],
)
def test_an_unknown_target_is_refused_with_what_is_accepted(ask: Call, query: str, named: str) -> None:
    answer = ask(query)

    assert (answer["http"], answer["code"]) == (400, "BadRequestExportValidationFailed")
    assert named in answer["message"]


@pytest.mark.parametrize("flavor", ["ONNX10", "ONNX12", "onnx12"])
def test_flavors_that_the_sdk_names_are_the_one_file(ask: Call, flavor: str) -> None:
    assert ask(f"platform=ONNX&flavor={flavor}")["flavor"] == flavor.upper()
    work()

    (done,) = ask(method="get")
    assert done["flavor"] == flavor.upper()
    package = zipfile.ZipFile(io.BytesIO(storage.read_blob(Export.objects.get().blob_key)))
    assert json.loads(package.read("cvexport.manifest"))["Flavor"] == flavor.upper()
    model = onnx.load_from_string(package.read("model.onnx"))
    [opset] = [each.version for each in model.opset_import if not each.domain]
    readme = package.read("README.md").decode()
    assert f"operator set {opset}." in readme
    assert f"version {model.ir_version} " in readme


def test_a_platform_must_be_named(ask: Call) -> None:
    assert ask()["code"] == "BadRequest"


def test_a_project_that_is_not_compact_is_not_exported(ask: Call, iteration: Iteration) -> None:
    Project.objects.update(api_settings={})

    assert ask("platform=ONNX")["code"] == "BadRequestUnsupportedDomain"


@pytest.mark.parametrize("status", [Iteration.Status.NEW, Iteration.Status.TRAINING])
def test_an_iteration_in_training_is_not_exported(ask: Call, iteration: Iteration, status: str) -> None:
    Iteration.objects.update(status=status)

    assert ask("platform=ONNX")["code"] == "BadRequestIterationIsNotTrained"


def test_an_iteration_that_was_trained_elsewhere_is_not_exported(ask: Call, iteration: Iteration) -> None:
    Iteration.objects.update(head_key="", remote_id=uuid4())

    assert ask("platform=ONNX")["code"] == "BadRequestExportValidationFailed"


def test_an_unknown_iteration_is_not_found(call: Call, iteration: Iteration) -> None:
    path = f"/projects/{iteration.project.uid}/iterations/{uuid4()}/export"

    for method in ("get", "post"):
        assert call(method, f"{path}?platform=ONNX").json()["code"] == "NotFoundIteration"


def test_an_export_that_failed_can_be_asked_for_again(ask: Call, iteration: Iteration) -> None:
    storage.delete_blob(iteration.head_key)
    ask("platform=ONNX")
    work()
    assert [each["status"] for each in ask(method="get")] == ["Failed"]
    assert iteration.head_key in Export.objects.get().error

    storage.write_blob(iteration.head_key, factories.make_head("cannoli", "risotto"))
    assert ask("platform=ONNX")["status"] == "Exporting"
    work()

    assert [each["status"] for each in ask(method="get")] == ["Done"]


def test_an_export_that_is_cancelled_has_failed(ask: Call) -> None:
    ask("platform=ONNX")

    cancel_job(Job.objects.get(kind="export"))

    assert [each["status"] for each in ask(method="get")] == ["Failed"]


def test_an_export_whose_process_died_is_taken_up_again(ask: Call) -> None:
    ask("platform=ONNX")
    job = Job.objects.claim(Job.objects.get(kind="export").pk, now=timezone.now())
    assert job
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))

    assert take_up_lost_jobs() == 1
    assert work().attempts == 2

    assert [each["status"] for each in ask(method="get")] == ["Done"]


def test_an_iteration_that_is_deleted_meanwhile_leaves_nothing(
    ask: Call, iteration: Iteration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(found: Iteration, **options: Any) -> bytes:
        delete_iteration(found)
        return b"package"

    ask("platform=ONNX")
    monkeypatch.setattr(exports, "package", slow)

    assert work().state == Job.State.DONE
    assert list(storage.stored_blobs("exports/")) == []


@pytest.mark.django_db(transaction=True)
def test_a_package_of_an_iteration_that_is_deleted_while_it_is_asked_for_is_told(
    ask: Call, iteration: Iteration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(**options: Any) -> Export | None:
        Iteration.objects.filter(pk=iteration.pk).delete()
        return exports.start_export(**options)

    monkeypatch.setattr("customvision.views.exports.start_export", late)

    told = ask("platform=ONNX")

    assert (told["http"], told["code"]) == (409, "Conflict")
    assert not Job.objects.filter(kind="export").exists()


# The file


@pytest.fixture
def link(ask: Call) -> str:
    ask("platform=ONNX")
    work()
    return str(ask(method="get")[0]["downloadUri"]).removeprefix("http://testserver")


def test_a_link_opens_one_file_for_a_day(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Client()
    assert browser.get(link).status_code == 200
    assert browser.get(link.partition("?")[0]).json()["code"] == "Forbidden"
    assert browser.get(link.replace("sig=", "sig=x")).status_code == 403

    in_a_day = time.time() + files.LIFE_S + 1
    monkeypatch.setattr(time, "time", lambda: in_a_day)

    assert browser.get(link).status_code == 403


def test_nothing_can_be_sent_to_a_link(link: str) -> None:
    assert Client(enforce_csrf_checks=True).post(link).json()["code"] == "BadRequestNotSupported"


def test_a_link_to_what_is_gone_says_so(link: str, iteration: Iteration) -> None:
    delete_iteration(iteration)

    assert Client().get(link).json()["code"] == "NotFound"


@pytest.mark.usefixtures("link")
def test_a_storage_that_is_away_is_told(link: str, storage_refuses: None) -> None:
    answer = Client().get(link)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_azure_hands_the_package_out_by_itself(azure_blobs: None, link: str, settings: Settings) -> None:
    settings.CLASSIFR_SAS_SECONDS = 60

    answer = Client().get(link)

    assert answer.status_code == 302
    with urlopen(answer.headers["Location"]) as package:  # noqa: S310
        assert zipfile.is_zipfile(io.BytesIO(package.read()))


def make_old(blobs: Path) -> None:
    """Make every package two hours old."""
    for path in (blobs / "exports").iterdir():
        two_hours_ago = time.time() - 2 * 3600
        import os

        os.utime(path, (two_hours_ago, two_hours_ago))


def test_the_package_goes_with_its_iteration(link: str, iteration: Iteration, blobs: Path) -> None:
    make_old(blobs)
    assert erase_old_packages.func() == 0

    delete_iteration(iteration)

    assert erase_old_packages.func() == 1
    assert list(storage.stored_blobs("exports/")) == []
    assert storage.has_blob(iteration.head_key)  # not its business


@pytest.mark.usefixtures("storage_refuses")
def test_packages_are_erased_later_when_the_storage_is_away(db: None) -> None:
    assert erase_old_packages.func() == 0


def test_a_package_that_is_lost_can_be_asked_for_again(link: str, ask: Call) -> None:
    storage.delete_blob(Export.objects.get().blob_key)
    output = io.StringIO()

    call_command("reconcile_blobs", stdout=output)

    assert "ONNX package of Iteration 1" in output.getvalue()
    assert ask("platform=ONNX")["status"] == "Exporting"
