"""Settings, all read from the environment; docs/settings.md says what each is for.

`NAME_FILE` names a file that holds the value of a secret `NAME`, as Docker secrets do.
"""

import os
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from classifr import environment as env
from classifr import logs
from classifr.environment import secret

BASE_DIR = Path(__file__).resolve().parent.parent

env.read_file(BASE_DIR / ".env")


# Where it runs
DEBUG = env.flag("DEBUG")
CLASSIFR_VAR = env.folder("CLASSIFR_VAR", BASE_DIR / "var")  # embedded database, blobs, caches
CLASSIFR_HOST = env.read(
    "CLASSIFR_HOST", "127.0.0.1", env.listening, accepted="a name or an address of this machine"
)  # that `make run` listens on
CLASSIFR_PORT = env.whole("CLASSIFR_PORT", 8000, least=1, most=65535)
CLASSIFR_PATH_PREFIX = env.read(  # that a proxy puts before all addresses
    "CLASSIFR_PATH_PREFIX", "", env.path_prefix, accepted="a path such as /classifr, without a slash at its end"
)
CLASSIFR_HTTPS = env.flag("CLASSIFR_HTTPS")  # behind a proxy that speaks HTTPS: secure cookies, HSTS, redirect
CLASSIFR_PROXIES = env.whole("CLASSIFR_PROXIES", 0)  # in front of Classifr
WEB_CONCURRENCY = env.whole("WEB_CONCURRENCY", 2, least=1)  # web processes

CLASSIFR_GIVEN_SECRET_KEY = secret("SECRET_KEY")
CLASSIFR_SECRET_KEY_FILE = CLASSIFR_VAR / "secret_key"  # made by `make run` when no key is given
SECRET_KEY = CLASSIFR_GIVEN_SECRET_KEY or (
    CLASSIFR_SECRET_KEY_FILE.read_text() if CLASSIFR_SECRET_KEY_FILE.exists() else ""
)
ALLOWED_HOSTS = env.several(
    "ALLOWED_HOSTS",
    ["localhost", "127.0.0.1", "[::1]"],
    env.host,
    accepted="names such as classifr.example.org, .example.org, 192.0.2.1 or [2001:db8::1], without scheme and port",
)
CSRF_TRUSTED_ORIGINS = env.several(
    "CSRF_TRUSTED_ORIGINS", [], env.origin, accepted="origins such as https://classifr.example.org, without a path"
)

FORCE_SCRIPT_NAME = CLASSIFR_PATH_PREFIX or None
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = CLASSIFR_PATH_PREFIX or "/"

ROOT_URLCONF = "classifr.urls"
WSGI_APPLICATION = "classifr.wsgi.application"

INSTALLED_APPS = [
    "classifr.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_bootstrap5",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "accounts",
    "acts",
    "jobs",
    "catalog",
    "training",
    "classifier",
    "azurecv",
    "feedback",
    "customvision",
    "classifr",
]

MIDDLEWARE = [
    "web.request_log.log_request",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "web.headers.keep_to_ourselves",
    "customvision.middleware.speak_custom_vision",
    "csp.middleware.CSPMiddleware",
    "accounts.middleware.SignInRefusals",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "web.limits.Limits",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "web.request_log.log_user",
    "accounts.middleware.language_of_user",
    "accounts.middleware.time_zone_of_browser",
    "accounts.middleware.signing_in_from_htmx",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.appearance",
            ],
        },
    },
]

# Database: PostgreSQL, embedded unless DATABASE_URL names another
DATABASE_URL = secret("DATABASE_URL")
if DATABASE_URL:
    env.check_database_url(DATABASE_URL)
_external: dict[str, Any] = dict(dj_database_url.parse(DATABASE_URL)) if DATABASE_URL else {}
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "classifr.embedded_postgres",
        "NAME": "classifr",
        "USER": "postgres",
        **_external,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Blobs: files under var/ unless an Azure storage account is named
CLASSIFR_AZURE_CONNECTION_STRING = secret("CLASSIFR_AZURE_CONNECTION_STRING")
CLASSIFR_AZURE_CONTAINER = env.read(
    "CLASSIFR_AZURE_CONTAINER",
    "classifr",
    env.container,
    accepted="3 to 63 small letters, digits and single hyphens between them",
)
CLASSIFR_SAS_SECONDS = env.whole(
    "CLASSIFR_SAS_SECONDS",
    0,
)  # over 0: browsers get pictures by a link that lives so long

BLOB_ORIGINS = [env.blob_origin(CLASSIFR_AZURE_CONNECTION_STRING)] if CLASSIFR_AZURE_CONNECTION_STRING else []
if CLASSIFR_AZURE_CONNECTION_STRING:
    _blobs = {
        "BACKEND": "catalog.azure_blobs.AzureBlobs",
        "OPTIONS": {
            "connection_string": CLASSIFR_AZURE_CONNECTION_STRING,
            "azure_container": CLASSIFR_AZURE_CONTAINER,
            "overwrite_files": True,
            "timeout": 20,
        },
    }
else:
    _blobs = {"BACKEND": "catalog.storage.LocalBlobs", "OPTIONS": {"location": CLASSIFR_VAR / "blobs"}}

STORAGES = {
    "default": _blobs,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "thumbnails": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": CLASSIFR_VAR / "cache" / "thumbnails",
        "TIMEOUT": 7 * 24 * 3600,  # seconds
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    },
}
CLASSIFR_BLOB_OWNERS = {  # folder: who has rows that name the blobs below it
    "pictures/": "catalog.owners.PictureBlobs",
    "heads/": "training.blobs.HeadBlobs",
    "snapshots/": "training.blobs.SnapshotBlobs",
    "exports/": "customvision.blobs.ExportBlobs",
}
STATIC_URL = f"{CLASSIFR_PATH_PREFIX}/static/"
STATIC_ROOT = env.folder("CLASSIFR_STATIC", CLASSIFR_VAR / "static")  # what `collectstatic` fills
STATICFILES_DIRS = [BASE_DIR / "static"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # bytes of form fields; photos are files and have their own limit
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # bytes of a whole request: a photo and its form are not written to disk

# People
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["accounts.hashers.OneByOnePBKDF2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "classifier:home"
LOGOUT_REDIRECT_URL = "accounts:login"

CLASSIFR_REVIEWER_PASSWORD = secret("CLASSIFR_REVIEWER_PASSWORD")  # of the first users; random when not given
CLASSIFR_CLIENT_PASSWORD = secret("CLASSIFR_CLIENT_PASSWORD")
CLASSIFR_DEVELOPER_PASSWORD = secret("CLASSIFR_DEVELOPER_PASSWORD")

# Languages
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "classifr.formats"
TIME_ZONE = env.time_zone("TIME_ZONE", "Europe/Paris")  # where a browser has not told its own
USE_TZ = True

# Background work
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
CLASSIFR_SCHEDULE = {  # task: every so many seconds
    "catalog.tasks.deliver_waiting": 10,
    "classifier.tasks.purge_pending": 300,
    "feedback.tasks.empty_bin": 3600,
    "customvision.tasks.queue_for_review": 30,
    "customvision.tasks.purge_predictions": 3600,
    "accounts.tasks.forget_request_counts": 3600,
    "customvision.tasks.erase_old_packages": 3600,
    "training.tasks.drop_old_vectors": 24 * 3600,
    "jobs.tasks.prune_results": 24 * 3600,
}
CLASSIFR_VERBS = {  # what may be done, and what takes it back
    "verdict": "feedback.services.verdicts.VERDICT",
    "correct": "feedback.services.review.CORRECT",
    "dismiss": "feedback.services.review.DISMISS",
    "reopen": "feedback.services.review.REOPEN",
    "delete": "feedback.services.review.DELETE",
    "restore": "feedback.services.review.RESTORE",
}
CLASSIFR_JOBS = {  # kind: the work
    "train": "training.services.learning.run_training",
    "embed": "training.services.images.run_embedding",
    "upload": "training.services.folders.run_upload",
    "discard": "training.services.projects.run_discarding",
    "review": "feedback.services.gestures.run_gesture",
    "export": "customvision.exports.run_export",
    "import_customvision": "azurecv.importing.project.run_import",
}
CLASSIFR_JOB_HOOKS = {  # kind: what is called when the last job of a group has ended
    "train": "training.services.learning.mark_failed",
    "export": "customvision.exports.mark_failed",
}
CLASSIFR_PROJECT_OWNERS = {  # room: what it has of a project, and deletes with it
    "feedback": "feedback.owners.ReviewedPhotos",
    "customvision": "customvision.owners.StoredAnswers",
}
CLASSIFR_JOB_LOST_SECONDS = env.whole("CLASSIFR_JOB_LOST_SECONDS", 30, least=5)  # of silence

# Classification
CLASSIFR_PROJECT = env.text("CLASSIFR_PROJECT", "Food-101")  # the project of commands
CLASSIFR_THREADS = env.whole("CLASSIFR_THREADS", 1, least=1)  # per process, for the backbone
CLASSIFR_PREDICTIONS_AT_ONCE = env.whole(
    "CLASSIFR_PREDICTIONS_AT_ONCE",
    max(1, (os.cpu_count() or 1) // WEB_CONCURRENCY),
    least=1,
)  # in each web process; other photos wait for their turn
CLASSIFR_PENDING_SECONDS = env.whole("CLASSIFR_PENDING_SECONDS", 3600, least=1)
CLASSIFR_UNDO_SECONDS = env.whole("CLASSIFR_UNDO_SECONDS", 600)  # of a verdict
CLASSIFR_BIN_DAYS = env.whole("CLASSIFR_BIN_DAYS", 30, least=0, most=36500)  # what reviewers deleted can be restored
CLASSIFR_PREDICTION_DAYS = env.whole(
    "CLASSIFR_PREDICTION_DAYS", 30, least=0, most=36500
)  # that answers to programs are stored with their pictures; 0: not at all
CLASSIFR_PREDICTION_BACKENDS = {
    "local": "classifier.backends.local.LocalBackend",
    "customvision": "azurecv.prediction.CustomVisionBackend",
}
CLASSIFR_TRAINING_BACKENDS = {
    "local": "training.backends.local.LocalTrainer",
    "customvision": "azurecv.training.trainer.CustomVisionTrainer",
}
CLASSIFR_EMBED_THREADS = env.whole(
    "CLASSIFR_EMBED_THREADS", os.cpu_count() or 1, least=1
)  # of a worker, each with a backbone of its own

# Azure Custom Vision
AN_ADDRESS = "an address such as https://name.cognitiveservices.azure.com/"
CLASSIFR_CUSTOMVISION_ENDPOINT = env.read("CLASSIFR_CUSTOMVISION_ENDPOINT", "", env.endpoint, accepted=AN_ADDRESS)
CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT = env.read(
    "CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT", CLASSIFR_CUSTOMVISION_ENDPOINT, env.endpoint, accepted=AN_ADDRESS
)  # where training is another resource than prediction
CLASSIFR_CUSTOMVISION_TRAINING_KEY = secret("CLASSIFR_CUSTOMVISION_TRAINING_KEY")
CLASSIFR_CUSTOMVISION_PREDICTION_KEY = secret("CLASSIFR_CUSTOMVISION_PREDICTION_KEY")
CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID = env.text("CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID", "")
CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND = env.positive(
    "CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND", 2.0
)  # of training; a free resource allows 2
CLASSIFR_CUSTOMVISION_PUBLISH_NAME = env.text("CLASSIFR_CUSTOMVISION_PUBLISH_NAME", "")
CLASSIFR_CUSTOMVISION_STORE = env.flag("CLASSIFR_CUSTOMVISION_STORE")  # True: Azure keeps photos for 30 days
CLASSIFR_CUSTOMVISION_TIMEOUT_SECONDS = env.positive("CLASSIFR_CUSTOMVISION_TIMEOUT_SECONDS", 10.0)

# What one may send: 0 means no limit
CLASSIFR_PHOTOS_PER_MINUTE = env.whole("CLASSIFR_PHOTOS_PER_MINUTE", 120)  # by one user
CLASSIFR_PHOTOS_PER_MINUTE_AND_ADDRESS = env.whole(
    "CLASSIFR_PHOTOS_PER_MINUTE_AND_ADDRESS",
    600,
)

CLASSIFR_BATCH_MIB = env.whole(
    "CLASSIFR_BATCH_MIB", 128, least=8
)  # of one request that adds images; one image of 6 MiB is one of 8 in JSON
CLASSIFR_CORS_ORIGINS: list[str] = env.read(  # whose pages may call the API from a browser
    "CLASSIFR_CORS_ORIGINS",
    [],
    env.cors_origins,
    accepted="* alone, or a list with commas of origins such as https://shop.example.org, without a path",
)
CLASSIFR_URL_FETCH_ALLOW = env.several(
    "CLASSIFR_URL_FETCH_ALLOW",
    [],
    env.host_or_network,
    accepted="names, addresses and networks such as pictures.intranet or 10.1.0.0/16, without ports",
)  # hosts and networks from which pictures are fetched although they are not public

# Safety of pages
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "classifr.views.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:", "data:", *(BLOB_ORIGINS if CLASSIFR_SAS_SECONDS else [])],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
if CLASSIFR_HTTPS:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

# Logs
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", among=["DEBUG", "INFO", "WARNING", "ERROR"])
LOG_FILE = env.file("LOG_FILE")  # None: standard error; `make run` has one under var/
LOGGING = logs.configuration(level=LOG_LEVEL, file=LOG_FILE)
