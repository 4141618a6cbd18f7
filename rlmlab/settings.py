"""Django settings, derived from `rlmlab.env` and, for what nobody set, from the embedded servers' places."""

import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from django.templatetags.static import static
from psycopg.conninfo import conninfo_to_dict

from rlmlab.embedded import postgres, valkey
from rlmlab.embedded.places import places
from rlmlab.embedded.secrets import read_secret
from rlmlab.env import BadEnvironment, read_environment

try:
    RLMLAB = read_environment()
except BadEnvironment as error:
    sys.exit(f"The environment is not valid.\n{error}")

BASE_DIR = Path(__file__).resolve().parent.parent
PLACES = places(RLMLAB.data_dir)


def _database(variable: str, url: str | None, role: str) -> dict[str, Any]:
    try:
        parts = conninfo_to_dict(url) if url else dict(postgres.connection_settings(PLACES, role))
    except psycopg.ProgrammingError as problem:
        sys.exit(f"The environment is not valid.\n{variable}: {str(problem).strip()}")
    known = {name: parts.pop(name, "") or "" for name in ("dbname", "user", "password", "host", "port")}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": known["dbname"],
        "USER": known["user"],
        "PASSWORD": known["password"],
        "HOST": known["host"],
        "PORT": known["port"],
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {key: value for key, value in parts.items() if value is not None},
    }


# `default` is the application's role, held by row-level security; `owner` migrates, purges and bootstraps roles.
DATABASES = {
    "default": _database("DATABASE_URL", RLMLAB.database_url, postgres.APPLICATION),
    "owner": _database("RLMLAB_OWNER_DATABASE_URL", RLMLAB.owner_database_url or RLMLAB.database_url, postgres.OWNER),
}
# Under ASGI each request has a thread of its own: lasting connections would pile up, one a request, without a pool.
DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 20, "timeout": 5}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# `manage.py up` makes a lasting key; a command that runs before it needs none that lasts.
SECRET_KEY = RLMLAB.secret_key or read_secret(PLACES, "django") or secrets.token_urlsafe(50)
DEBUG = RLMLAB.debug
ALLOWED_HOSTS = [*RLMLAB.allowed_hosts, RLMLAB.host, "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = list(RLMLAB.trusted_origins)

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "allauth",
    "allauth.account",
    "axes",
    "rlmlab.scoping",
    "rlmlab.audit",
    "rlmlab.tenancy",
    "memory",
    "trajectories",
    "rlmlab.api",
    "rlmlab.console",
    "rlmlab.apps.RlmLabConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "rlmlab.console.middleware.ContentSecurityPolicy",
    "rlmlab.api.middleware.RateLimitFields",
    "rlmlab.api.middleware.ProblemDocuments",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "rlmlab.urls"
ASGI_APPLICATION = "rlmlab.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "rlmlab.console.context.navigation",
            ],
        },
    },
]

# sign-in
AUTH_USER_MODEL = "tenancy.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "UserAttributeSimilarityValidator")
]
# Nobody signs up by themselves and no mail is sent; axes counts failures, not allauth's cache of one process.
ACCOUNT_ADAPTER = "rlmlab.tenancy.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_BY_CODE_ENABLED = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}
ACCOUNT_EMAIL_NOTIFICATIONS = False
AXES_FAILURE_LIMIT = 10
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
CSRF_FAILURE_VIEW = "rlmlab.console.views.errors.csrf_failed"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = RLMLAB.https
SECURE_SSL_REDIRECT = RLMLAB.https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if RLMLAB.https else None
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if RLMLAB.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = RLMLAB.https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# uploads: files larger than this go to disk while they arrive; how large a request may be is checked by the API
DATA_UPLOAD_MAX_MEMORY_SIZE = RLMLAB.max_request_bytes
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 << 20

# the admin panel: audit review
UNFOLD = {
    "SITE_TITLE": "RLM Lab",
    "SITE_HEADER": "RLM Lab",
    "SITE_SUBHEADER": "Audit review",
    "SITE_URL": "/",
    "SITE_SYMBOL": "fact_check",
    "SHOW_VIEW_ON_SITE": True,
    "STYLES": [lambda _: static("css/components/diff.css"), lambda _: static("css/admin.css")],
}

# static files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = RLMLAB.data_dir / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "rlmlab.console.storage.HashedStaticFiles"},
}

# language and time
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

# the live channel: a doorbell, never the record; the counts of API requests lie beside it
LIVE_URL = RLMLAB.redis_url or valkey.channels_url(PLACES)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [LIVE_URL]},
    },
}

# the queue: says that a run waits; the database decides which one is whose
CELERY_BROKER_URL = RLMLAB.broker_url or RLMLAB.redis_url or valkey.broker_url(PLACES)
BROKER_IS_RABBITMQ = CELERY_BROKER_URL.startswith("amqp")
CELERY_BROKER_HEARTBEAT = 30  # RabbitMQ: a connection that died without a word is noticed within a minute
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"confirm_publish": True}  # a message that RabbitMQ could not take is an error, and not gone
    if BROKER_IS_RABBITMQ
    else {
        "visibility_timeout": 21600,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_keepalive": True,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A message only wakes a worker, and the sweep sends one that was lost again, so that none has to outlive its task. One
# that is held until then costs a worker its life when the broker restarts: kombu fails while it puts it back.
CELERY_TASK_ACKS_LATE = False
# A run that waits is any worker's, not that of the one that heard of it first. RabbitMQ hands out as many messages as a
# worker has threads beside those in hand; they are answered at once, so that its consumer_timeout is never near.
CELERY_WORKER_DISABLE_PREFETCH = not BROKER_IS_RABBITMQ
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "runs"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_POOL = "threads"
# RLMLAB_WORKER_RUNS counts the runs on the worker's one loop. These threads only answer messages, and each holds one
# while every place is taken: the fewer there are, the more is left to workers that have places.
CELERY_WORKER_CONCURRENCY = 2
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BEAT_SCHEDULE_FILENAME = str(RLMLAB.data_dir / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep-runs": {
        "task": "trajectories.sweep_runs",
        "schedule": RLMLAB.sweep_seconds,
        "options": {"expires": RLMLAB.sweep_seconds},  # one that found no free worker is not needed any more
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": RLMLAB.log_level},
    # a line every few seconds for the sweep, and one for every model call, would bury the rest
    "loggers": {
        name: {"level": "WARNING"} for name in ("celery.beat", "celery.app.trace", "celery.worker.strategy", "httpx")
    },
}
