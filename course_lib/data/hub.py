"""The Hugging Face hub, met so that a lesson never hangs: a short look first, then the download."""

import http.client
import threading
import urllib.error
import urllib.request
from pathlib import Path

from course_lib.data.catalog import CatalogFile, Entry
from course_lib.data.digests import check_digest

PATIENCE_SECONDS = 4.0


def why_hub_unreachable(timeout_seconds: float = PATIENCE_SECONDS) -> str | None:
    """Say why the Hugging Face hub cannot be asked, within a few seconds.

    Args:
        timeout_seconds: How long to wait for any answer, name resolution included (> 0).

    Returns:
        The reason in words, or None if the hub answers.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "offline mode is on (HF_HUB_OFFLINE)"
    reasons = [f"{constants.ENDPOINT} did not answer within {timeout_seconds:g} seconds"]
    # In a thread, because looking up a host name knows no time limit.
    asking = threading.Thread(
        target=_ask, args=(constants.ENDPOINT, timeout_seconds, reasons), daemon=True
    )
    asking.start()
    asking.join(timeout_seconds)
    return reasons[-1] or None


def download_from_hub(entry: Entry, split: str) -> list[Path]:
    """Get the files of one split at the pinned revision, from the hub or from its local cache.

    Args:
        entry: A catalog entry of the kind "hub".
        split: train, validation or test.

    Returns:
        The files, checked against their digests.

    Raises:
        OSError: If a file is neither in the cache nor to be had; says why.
        DigestMismatchError: If a file is not what the catalog promises.
    """
    files = [file for file in entry.files if file.split == split]
    cached = [_cached_path(entry, file) for file in files]
    if None in cached and (obstacle := why_hub_unreachable()):
        missing = files[cached.index(None)].path
        raise OSError(f"{obstacle}, and {missing} is not in the hub's local cache")
    paths = []
    for file, found in zip(files, cached, strict=True):
        path = found or _download(entry, file)
        if file.sha256:
            check_digest(path, file.sha256, entry.name)
        paths.append(path)
    return paths


def _cached_path(entry: Entry, file: CatalogFile) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        entry.hub_id, file.path, repo_type="dataset", revision=entry.revision
    )
    return Path(found) if isinstance(found, str) else None


def _download(entry: Entry, file: CatalogFile) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(
            hf_hub_download(entry.hub_id, file.path, repo_type="dataset", revision=entry.revision)
        )
    except Exception as error:  # its own exceptions, those of its HTTP client, the system's
        raise OSError(f"{file.path} could not be downloaded ({error})") from error


def _ask(address: str, timeout_seconds: float, reasons: list[str]) -> None:
    request = urllib.request.Request(address, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=timeout_seconds).close()
        reasons.append("")
    except urllib.error.HTTPError as error:
        error.close()
        reasons.append("")  # it answers, if only to refuse this request
    except (OSError, http.client.HTTPException) as error:
        reasons.append(f"{address} cannot be reached ({error})")
