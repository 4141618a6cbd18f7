"""Static files as browsers get them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Name every file by its content, and the modules that modules import too: never a stale one, never one twice."""

    support_js_module_import_aggregation = True
