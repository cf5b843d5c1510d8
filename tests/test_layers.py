"""The floors of the house hold: foreign keys point down, as imports do."""

import tomllib
from pathlib import Path

from django.apps import apps
from django.conf import settings

PYPROJECT = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
LAYERS = next(each for each in PYPROJECT["tool"]["importlinter"]["contracts"] if each["type"] == "layers")["layers"]
FLOORS = {room: floor for floor, rooms in enumerate(reversed(LAYERS)) for room in rooms.split(" | ")}
"""0 is the ground floor."""


def test_every_room_has_a_floor() -> None:
    rooms = {app.label for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}

    assert rooms <= FLOORS.keys()


def test_no_foreign_key_points_up() -> None:
    pointing_up = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if model._meta.app_label in FLOORS
        and field.concrete
        and field.related_model is not None
        and field.related_model != "self"
        and field.related_model._meta.app_label in FLOORS
        and FLOORS[field.related_model._meta.app_label] > FLOORS[model._meta.app_label]
    ]

    assert not pointing_up
