"""The floors of the house hold: foreign keys point down, as imports do."""

from django.apps import apps

FLOORS = ["engine", "accounts", "jobs", "catalog", "training", "classifier", "feedback", "customvision", "classifr"]


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
        and FLOORS.index(field.related_model._meta.app_label) > FLOORS.index(model._meta.app_label)
    ]

    assert not pointing_up
