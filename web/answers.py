"""What views ask of a request and say of a form, in whatever room."""

from django.forms import Form
from django.http import HttpRequest


def form_sentence(form: Form) -> str:
    """Return all that a form has against its fields, as one line."""
    return " ".join(str(message) for found in form.errors.values() for message in found)


def wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")
