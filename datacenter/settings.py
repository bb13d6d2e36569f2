"""The site's settings; every one that differs between hosts comes from the environment (see `environment.py`).

There is no database and there are no sessions: who is signed in is a ticket signed with the cluster's key, and
everything shown comes from the node's daemon over its control socket (`gateway.py`).
"""

from __future__ import annotations

import secrets
from pathlib import Path

from datacenter import environment

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = environment.flag("QUIRE_DEBUG")
# Django signs nothing that outlives the process, so a key made at start is as good as a kept one.
SECRET_KEY = environment.secret("QUIRE_SECRET_KEY") or secrets.token_urlsafe(48)
# A node is reached by any of its names and addresses. What guards against a foreign page is the exact Origin check
# (`access/middleware.py`, `live/origin.py`), not the host's name.
ALLOWED_HOSTS = environment.words("QUIRE_ALLOWED_HOSTS", "*")

# --- Quire's own ----------------------------------------------------------------------------------------------------

QUIRE_STATE = Path(environment.text("QUIRE_STATE", "/var/lib/quire"))
QUIRE_SOCKET = environment.text("QUIRE_SOCKET") or str(QUIRE_STATE / "control.sock")
QUIRE_REDIS_URL = environment.text("QUIRE_REDIS_URL")
# How pages name this site in Origin; the socket compares it exactly.
QUIRE_ORIGIN_SCHEME = environment.text("QUIRE_ORIGIN_SCHEME", "https")
QUIRE_CALL_TIMEOUT_S = environment.number("QUIRE_CALL_TIMEOUT_S", 10, 1, 120)

# --- Django ---------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "channels",
    "django_htmx",
    "datacenter.apps.DatacenterConfig",
]
MIDDLEWARE = [
    "datacenter.headers.SecurityHeadersMiddleware",
    "datacenter.language.middleware.LanguageMiddleware",
    "datacenter.access.middleware.TicketMiddleware",
    "datacenter.seen.SeenMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "datacenter.problems.ProblemMiddleware",
]
ROOT_URLCONF = "datacenter.urls"
ASGI_APPLICATION = "datacenter.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "datacenter.templatetags.quire",
                "datacenter.templatetags.widgets",
            ],
        },
    }
]
DATABASES: dict[str, dict[str, str]] = {}
# They look for Django's middleware by its name; ours does the same (`checks.py` sees that it is there): W001 and W002
# `headers.py` (and https `web/doorway.py`), W003 `access/middleware.py`. Why not Django's: docs/threat-model.md.
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002", "security.W003"]
APPEND_SLASH = False
LOGIN_URL = "/"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "QuireLanguage"
LANGUAGE_COOKIE_AGE = 365 * 86400
# Figures in pages are written by our own filters; what scripts and drawings read is the same in every language.
FORMAT_MODULE_PATH = ["datacenter.language.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_CHARSET = "utf-8"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1536 * 1024  # of a file; what others may send is bounded at the door: `web/channel.py`
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# Static files are served from memory, bundled and compressed at start: see `assets.py`.
STATIC_URL = "/static/"
STATIC_DIR = BASE_DIR / "static"

# One process: changes travel in memory. Daemon and site as two services: through Redis, with the Pub/Sub layer,
# whose subscriptions outlive a restart of Redis.
if QUIRE_REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [QUIRE_REDIS_URL], "prefix": environment.text("QUIRE_REDIS_PREFIX", "quire")},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 256}}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    # An answer of 5xx is a refusal with its reason, told to who asked; only what nobody foresaw is worth a line here.
    "filters": {"unforeseen": {"()": "django.utils.log.CallbackFilter", "callback": lambda record: record.exc_info}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": environment.text("QUIRE_LOG_LEVEL", "WARNING").upper()},
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["unforeseen"]},
        "django.channels.server": {"level": "ERROR"},
    },
}
