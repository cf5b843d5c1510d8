"""Packages by their signed links: no key, no session."""

import logging
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from catalog import storage
from catalog.exceptions import StorageUnavailable
from customvision.errors import problem
from customvision.files import is_signed
from customvision.models import Export

logger = logging.getLogger(__name__)


@csrf_exempt
@require_safe
def download(request: HttpRequest, path: str) -> HttpResponseBase:
    """Return the package, or lead to a short-lived link of the storage where that is configured.

    path: `exports/<uid>.zip`, below `files.PREFIX`.
    """
    if not is_signed(request, path):
        return problem("Forbidden", "The link is not ours, or has expired: ask for it again.", status=403)
    export = Export.objects.select_related("iteration").filter(blob_key=path).first()
    if export is None:
        return problem("NotFound", "There is no such package any more.", status=404)
    seconds = settings.CLASSIFR_SAS_SECONDS
    if seconds and (url := storage.blobs().temporary_url(path, seconds=seconds)):
        return redirect(url)
    try:
        content = storage.read_blob(path)
    except StorageUnavailable as exc:
        logger.warning("Package not sent: %s", exc, exc_info=exc)
        sentence = "The package cannot be read just now."
        return problem("ErrorUnknown", sentence, status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "30"})
    name = f"{export.iteration.uid.hex}.{export.platform}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private"}
    return HttpResponse(content, content_type="application/zip", headers=headers)
