"""A small site with something of everything, filled and looked at by processes of its own."""

import hashlib
import json
import sys
import time
from itertools import count

import django
from django.conf import settings
from django.test import Client, override_settings

django.setup()

from django.apps import apps  # noqa: E402
from django.core import serializers  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.services import create_first_users  # noqa: E402
from acts.services import Doer  # noqa: E402
from catalog.storage import read_blob, stored_blobs  # noqa: E402
from classifier.models import PendingPhoto, Prediction  # noqa: E402
from feedback.models import Misprediction  # noqa: E402
from feedback.services.bin import erase_mispredictions  # noqa: E402
from feedback.services.review import move_to_bin  # noqa: E402
from tests import factories  # noqa: E402
from training.models import Iteration, Project  # noqa: E402
from training.services.images import upload_images  # noqa: E402
from training.services.projects import create_project, create_tags  # noqa: E402
from training.uploads import ImageUpload  # noqa: E402

PASSWORD = "s3cret-enough"
TRANSIENT = {
    "accounts.requestcount",
    "classifier.pendingphoto",
    "django_tasks_database.dbtaskresult",
    "sessions.session",
}


def fill() -> None:
    """Users, starter model, a trained project, a photo called wrong, one that waits for its verdict."""
    call_command("migrate", verbosity=0)
    call_command("load_starter")
    create_first_users({"reviewer": PASSWORD, "client": PASSWORD})
    train()
    client = sign_in("client")
    say_nok(client, factories.make_photo(seed=101))
    send(client, factories.make_photo(seed=102))


def train() -> None:
    project = create_project(name="Colours")
    tags, _ = create_tags(project=project, names=["red", "blue"])
    batch = [
        ImageUpload(f"{number}.jpg", factories.make_photo(seed=number), (tags[number % 2],)) for number in range(12)
    ]
    upload_images(project=project, batch=batch, by=User.objects.get(username="reviewer"))
    call_command("train", "--project", "Colours", "--wait", "--no-progress")


def sign_in(username: str) -> Client:
    client = Client()
    answer = client.post("/accounts/login/", {"username": username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return client


def send(client: Client, photo: bytes) -> Prediction:
    project = Project.objects.get(name="Food-101")
    answer = client.post("/", {"project": project.pk, "photo": SimpleUploadedFile("p.jpg", photo, "image/jpeg")})
    assert answer.status_code == 302, answer.content
    return Prediction.objects.latest("pk")


def say_nok(client: Client, photo: bytes) -> None:
    prediction = send(client, photo)
    assert client.post(f"/predictions/{prediction.pk}/verdict/", {"verdict": "NOK"}).status_code == 302


def write_and_erase() -> None:
    """Send photos, call them wrong and erase some, until this process is ended."""
    client = sign_in("client")
    for number in count():
        say_nok(client, factories.make_photo(seed=1000 + number))
        if number % 3 == 0:
            newest = Misprediction.objects.filter(pk=Misprediction.objects.latest("pk").pk)
            move_to_bin(newest, by=Doer.person(User.objects.get(username="client")))
            erase_mispredictions(newest)
        print(number, flush=True)  # noqa: T201  # whoever started this waits for it
        time.sleep(0.01)


def tell() -> None:
    """Print what there is, as JSON."""
    rows = {
        model._meta.label_lower: json.loads(serializers.serialize("json", model._base_manager.order_by("pk")))
        for model in apps.get_models()
        if model._meta.label_lower not in TRANSIENT
    }
    for row in rows["feedback.misprediction"]:
        row["fields"].pop("image_url")
    # Each sign-in is a fact of its own.
    for row in rows["accounts.user"]:
        row["fields"].pop("last_login")
    found = {
        "rows": rows,
        "addresses": sorted(Misprediction.objects.values_list("image_url", flat=True)),
        "blobs": {blob.key: hashlib.sha256(read_blob(blob.key)).hexdigest() for blob in stored_blobs("")},
        "pending": PendingPhoto.objects.count(),
        "pages": _pages(),
        "snapshots": list(Iteration.objects.exclude(snapshot_key="").values_list("name", flat=True)),
    }
    print(json.dumps(found))  # noqa: T201


def _pages() -> list[int]:
    """What a reviewer's browser is answered after signing in."""
    reviewer = sign_in("reviewer")
    row = Misprediction.objects.earliest("pk")
    paths = ["/", "/mispredictions/", f"/mispredictions/{row.pk}/thumbnail"]
    return [reviewer.get(path).status_code for path in paths]


if __name__ == "__main__":
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES=settings.STORAGES | {"staticfiles": static}):
        {"fill": fill, "tell": tell, "write_and_erase": write_and_erase}[sys.argv[1]]()
