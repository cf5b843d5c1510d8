"""`make_x(**fields)` builds a valid x; a test names only what it is about."""

import hashlib
import io
from datetime import timedelta
from itertools import count
from typing import Any

import numpy as np
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from PIL import Image as Pixels

from accounts.models import DEVELOPERS, REVIEWERS, User
from catalog.models import Picture
from catalog.services import store_picture
from classifier.models import PendingPhoto, Prediction
from engine import backbones, fitting, heads, images
from feedback.models import Misprediction, Verdict
from training.models import Image, Project
from training.services.tagging import Pair, tag_here

_numbers = count(1)


def make_user(**fields: Any) -> User:
    number = next(_numbers)
    return User.objects.create_user(**{"username": f"user{number}", "password": "s3cret-enough", **fields})


def make_reviewer(**fields: Any) -> User:
    user = make_user(is_staff=True, **fields)
    user.groups.add(_role(REVIEWERS, "review"))
    return user


def make_developer(**fields: Any) -> User:
    user = make_user(**fields)
    user.groups.add(_role(DEVELOPERS, "review", "develop"))
    return user


def make_administrator(**fields: Any) -> User:
    return make_user(is_staff=True, is_superuser=True, **fields)


def _role(name: str, *codenames: str) -> Group:
    """Return the group; a test that empties all tables has taken away what the migration made."""
    group, _ = Group.objects.get_or_create(name=name)
    group.permissions.set(Permission.objects.filter(codename__in=codenames, content_type__app_label="accounts"))
    return group


def make_project(**fields: Any) -> Project:
    return Project.objects.create(**{"name": f"Project {next(_numbers)}", **fields})


def make_photo(
    *, seed: int | None = None, size: tuple[int, int] = (320, 240), format: str = "JPEG", **options: Any
) -> bytes:
    """Return the bytes of a coloured picture; another seed makes another content."""
    random = np.random.default_rng(next(_numbers) if seed is None else seed)
    coarse = Pixels.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    coarse.resize(size, Pixels.Resampling.BICUBIC).save(buffer, format, **options)
    return buffer.getvalue()


def admit(content: bytes) -> images.AdmittedPicture:
    return images.admit(content, limits=images.PREDICTION)


def make_picture(**fields: Any) -> Picture:
    by = fields.pop("created_by", None)
    content = fields.pop("content", None) or make_photo(**fields)
    return store_picture(admit(content), by=by)


def make_image(**fields: Any) -> Image:
    """Put a picture into a project; what is not about the image is about the photo."""
    names = ("project", "part", "source", "quarantine", "picture")
    about = {name: fields.pop(name) for name in names if name in fields}
    tags = fields.pop("tags", ())
    content = fields.pop("content", None) or make_photo(**fields)
    values = {
        "project": about.get("project") or make_project(),
        "picture": about.get("picture") or make_picture(content=content),
        "original_sha256": hashlib.sha256(content).hexdigest(),
        "name": "photo.jpg",
        **about,
    }
    image = Image.objects.create(**values)
    tag_here(image.project, [Pair(image, tag) for tag in tags])
    return image


def make_prediction(**fields: Any) -> Prediction:
    values = {
        "project": fields.get("project") or make_project(),
        "iteration_name": "Iteration 1",
        "probabilities": [["pizza", 0.9], ["risotto", 0.1]],
        "top_tag": "pizza",
        "top_probability": 0.9,
        "photo_sha256": "0" * 64,
        "photo_byte_size": 1000,
        "milliseconds": 10.0,
        **fields,
    }
    return Prediction.objects.create(**values)


def make_pending(**fields: Any) -> PendingPhoto:
    """A photo that waits for its verdict; fields are the prediction's."""
    expires_at = timezone.now() + timedelta(hours=1)
    return PendingPhoto.objects.create(
        prediction=make_prediction(**fields), content=make_photo(), expires_at=expires_at
    )


def make_misprediction(**fields: Any) -> Misprediction:
    user = fields.pop("user", None) or make_user()
    made = {"project": fields["project"]} if "project" in fields else {}
    prediction = fields.pop("prediction", None) or make_prediction(user=user, **made)
    picture = fields.pop("picture", None) or make_picture(created_by=user)
    values = {
        "verdict": Verdict.objects.create(prediction=prediction, user=user, value="NOK"),
        "picture": picture,
        "image_url": f"file:{picture.blob_key}",
        "tag": prediction.top_tag,
        "probability": 100 * prediction.top_probability,
        "username": user.username,
        "probabilities": prediction.probabilities,
        "iteration_name": prediction.iteration_name,
        "project": prediction.project,
        "project_name": prediction.project.name,
        "suggestion": "tag" if fields.get("suggested_tag") else "",
        **fields,
    }
    return Misprediction.objects.create(**values)


def make_head(*tags: str, domain: str = "Food") -> bytes:
    """Return the file of a head on the domain's backbone that knows those tags, "a" and "b" if none are named.

    Without the search for the best C and temperature, which takes half a second.
    """
    names = tags or ("a", "b")
    card = backbones.for_domain(domain)
    random = np.random.default_rng(next(_numbers))
    vectors = random.normal(size=(8 * len(names), card.vector_length)).astype(np.float32)
    labels = np.tile(np.arange(len(names)), 8)
    choice = fitting.Choice(strength=1.0, temperature=1.0, loss=0.0)
    return heads.dumps(fitting.fit_as_chosen(fitting.Examples(vectors, labels), choice, tags=names, card=card))
