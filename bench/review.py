"""Print how long the reviewers' pages take with 100,000 wrong predictions: rows, without their blobs."""

import hashlib
import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

COUNT = 100_000
BINNED = 10_000
TAGS, ITERATIONS, USERS = 101, 20, 500
DAYS = 365
ROUNDS = 20
BATCH = 5_000


def fill() -> None:
    """Make so many wrong predictions of a year, a tenth of them in the bin, each on a photo of its own."""
    from django.utils import timezone

    from accounts.models import User
    from catalog.models import Picture
    from classifier.models import Prediction
    from feedback.models import Misprediction, Verdict
    from training.services.projects import create_project

    now, project, user = timezone.now(), create_project(name="Bench"), User.objects.create_user("somebody")
    pictures = Picture.objects.bulk_create(map(picture, range(COUNT)), batch_size=BATCH)
    predictions = Prediction.objects.bulk_create(
        (
            Prediction(
                project=project,
                user=user,
                iteration_name=f"Iteration {number * ITERATIONS // COUNT}",
                probabilities=[[f"tag {(number + shift) % TAGS}", 1 / TAGS] for shift in range(TAGS)],
                top_tag=f"tag {number % TAGS}",
                top_probability=1 / TAGS,
                photo_sha256=picture.sha256,
                photo_byte_size=40_000,
                milliseconds=10,
            )
            for number, picture in enumerate(pictures)
        ),
        batch_size=BATCH,
    )
    verdicts = Verdict.objects.bulk_create(
        (Verdict(prediction=each, user=user, value="NOK") for each in predictions), batch_size=BATCH
    )
    Misprediction.objects.bulk_create(
        (
            Misprediction(
                verdict=verdict,
                picture=pictures[number],
                tag=verdict.prediction.top_tag,
                probability=number * 37 % 100,
                suggestion="tag" if number % 3 == 0 else "",
                suggested_tag=f"tag {number * 7 % TAGS}" if number % 3 == 0 else "",
                username=f"user {number % USERS}",
                probabilities=verdict.prediction.probabilities,
                iteration_name=verdict.prediction.iteration_name,
                project=project,
                project_name=project.name,
                deleted_at=now - timedelta(seconds=number) if number % (COUNT // BINNED) == 0 else None,
            )
            for number, verdict in enumerate(verdicts)
        ),
        batch_size=BATCH,
    )
    spread_over_the_year()


def picture(number: int) -> Any:
    from catalog.models import Picture

    name = hashlib.sha256(str(number).encode()).hexdigest()
    return Picture(sha256=name, format="JPEG", width=512, height=384, byte_size=40_000, blob_key=f"pictures/{name}")


def spread_over_the_year() -> None:
    """Date the rows evenly, the first one a year ago: the model dates what is made now."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE feedback_misprediction SET created_at = now() - (%s - id) * make_interval(days => %s) / %s",
            [COUNT, DAYS, COUNT],
        )
        cursor.execute("VACUUM ANALYZE")


def reviewer() -> Any:
    """Return a client of the site in which a reviewer is signed in."""
    from django.contrib.auth.models import Group
    from django.test import Client

    from accounts.models import REVIEWERS, User

    user = User.objects.create_user("reviewer")
    user.groups.add(Group.objects.get(name=REVIEWERS))
    client = Client()
    client.force_login(user)
    return client


def timed(client: Any, what: str, address: str) -> None:
    """Print the median and the slowest but one of some answers, after one that is not counted."""
    times = []
    for _ in range(ROUNDS + 1):
        started = perf_counter()
        status = client.get(address).status_code
        times.append(1000 * (perf_counter() - started))
        if status != 200:
            raise SystemExit(f"{address} answers {status}.")
    times = sorted(times[1:])
    print(f"review, {COUNT} rows, {what}: p50 {times[ROUNDS // 2]:.0f} ms, p95 {times[ROUNDS * 95 // 100 - 1]:.0f} ms")


def main() -> None:
    os.environ |= {"CLASSIFR_VAR": tempfile.mkdtemp(), "SECRET_KEY": "bench", "LOG_LEVEL": "ERROR"}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "classifr.settings", "ALLOWED_HOSTS": "testserver", "DEBUG": "true"}
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    fill()
    client = reviewer()
    today = timezone.localdate()
    old_day, half_a_year = today - timedelta(days=DAYS - 10), today - timedelta(days=DAYS // 2)
    deep_in_the_bin = timezone.now() - timedelta(seconds=COUNT - 1_000)
    pages = {
        "first page": "",
        "a deep page": "?before=1000",
        "one tag": "?tag=tag+50",
        "one tag, a deep page": "?tag=tag+50&before=2000",
        "one user": "?user=user+7",
        "one iteration": "?iteration=Iteration+3",
        "one iteration, a deep page": "?iteration=Iteration+3&before=16000",
        "an old day": f"?since={old_day}&until={old_day}",
        "the older half": f"?until={half_a_year}",
        "the older half, a deep page": f"?until={half_a_year}&before=1000",
        "the newer half": f"?since={half_a_year}",
        "tag and user": "?tag=tag+50&user=user+50",
        "tag and iteration": "?tag=tag+50&iteration=Iteration+3",
        "user and an old day": f"?user=user+7&since={old_day}&until={old_day}",
        "iteration and days in which it did not answer": f"?iteration=Iteration+1&since={half_a_year}",
        "days before the first": f"?until={today - timedelta(days=2 * DAYS)}",
        "everything at once": f"?tag=tag+50&user=user+50&iteration=Iteration+3&since={old_day}&until={half_a_year}",
        "a suggested tag": "?offered=tag+50",
        "a range of probabilities": "?least=40&most=60",
        "most confident first, a deep page": "?order=confident&before=500@20.0000",
        "most doubtful first, a deep page": "?order=doubtful&before=500@80.0000",
        "one by one": f"{COUNT // 2 + 2}/",
        "one by one, most doubtful first, one tag": f"{COUNT // 2 + 2}/?order=doubtful&tag=tag+50",
        "the bin": "bin/",
        "the bin, a deep page": f"bin/?before=1@{quote(deep_in_the_bin.isoformat())}",
    }
    for what, query in pages.items():
        timed(client, what, f"/mispredictions/{query}")


if __name__ == "__main__":
    main()
