"""What every page knows of its reader."""

from django.http import HttpRequest

from accounts.models import User


def appearance(request: HttpRequest) -> dict[str, str]:
    """Return `theme`: what the signed-in user chose; for strangers what the browser's cookie says, else "auto"."""
    chosen = getattr(getattr(request, "user", None), "theme", None) or request.COOKIES.get("theme")
    return {"theme": str(chosen) if chosen in User.Theme.values else User.Theme.AUTO.value}
