"""What an operator can get wrong is said by `manage.py check`."""

from pytest_django import Settings

from classifier import checks


def test_path_that_leads_nowhere_is_an_error(settings: Settings) -> None:
    settings.CLASSIFR_PREDICTION_BACKENDS = {"mine": "nowhere.Backend"}

    (found,) = checks.backends_can_be_imported()

    assert found.id == "classifier.E001"
    assert "nowhere" in found.msg


def test_half_configured_custom_vision_is_a_warning_that_names_the_rest(settings: Settings) -> None:
    settings.CLASSIFR_CUSTOMVISION_ENDPOINT = "https://example.cognitiveservices.azure.com/"
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_KEY = settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME = ""

    (found,) = checks.custom_vision_is_whole()

    assert "CLASSIFR_CUSTOMVISION_PREDICTION_KEY" in found.msg
    assert "CLASSIFR_CUSTOMVISION_ENDPOINT" not in found.msg


def test_publish_name_is_needed_by_nobody_who_publishes_from_here(settings: Settings) -> None:
    settings.CLASSIFR_CUSTOMVISION_ENDPOINT = "https://example.cognitiveservices.azure.com/"
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_KEY = "a-key"
    settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME = ""

    assert checks.custom_vision_is_whole() == []


def test_everything_in_order_says_nothing() -> None:
    assert checks.backends_can_be_imported() + checks.custom_vision_is_whole() == []
