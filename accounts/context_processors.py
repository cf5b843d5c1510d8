"""What every page knows of its reader."""

from django.http import HttpRequest

from accounts.models import User


def appearance(request: HttpRequest) -> dict[str, str]:
    """Return `theme`: what the signed-in user chose, else what the browser's cookie says, else "auto"."""
    chosen = request.COOKIES.get("theme", "")
    if chosen not in User.Theme.values:
        chosen = getattr(getattr(request, "user", None), "theme", User.Theme.AUTO)
    return {"theme": str(chosen)}
