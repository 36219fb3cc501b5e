import http.server
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import huggingface_hub.constants
import pytest

from course_lib.data import CatalogFile, Entry, sha256_of, why_hub_unreachable
from course_lib.data.hub import download_from_hub
from course_lib.errors import DigestMismatchError

REVISION = "0123456789" * 4


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def point_at(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)


def test_offline_mode_is_believed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("asked"))
    assert why_hub_unreachable() == "offline mode is on (HF_HUB_OFFLINE)"


@pytest.mark.usefixtures("online")
def test_a_silent_server_costs_no_more_than_the_patience(
    monkeypatch: pytest.MonkeyPatch, silent_server: str
) -> None:
    point_at(monkeypatch, silent_server)
    begin = time.monotonic()
    reason = why_hub_unreachable(0.3)
    assert time.monotonic() - begin < 2.0
    assert reason is not None
    assert silent_server in reason


@pytest.mark.usefixtures("online")
def test_a_name_server_that_hangs_costs_no_more_either(monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(monkeypatch, "http://hub.example")
    done = threading.Event()

    def look_up_for_ever(*_: object, **__: object) -> None:
        done.wait(30)
        raise OSError("name not known")

    monkeypatch.setattr(urllib.request, "urlopen", look_up_for_ever)
    begin = time.monotonic()
    reason = why_hub_unreachable(0.2)
    seconds = time.monotonic() - begin
    done.set()
    assert reason == "http://hub.example did not answer within 0.2 seconds"
    assert seconds < 2.0


@pytest.mark.usefixtures("online")
def test_a_closed_door_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    point_at(monkeypatch, f"http://127.0.0.1:{port}")
    reason = why_hub_unreachable()
    assert reason is not None
    assert f"127.0.0.1:{port} cannot be reached" in reason


@pytest.mark.usefixtures("online")
@pytest.mark.parametrize("status", [200, 404])
def test_any_answer_will_do(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        point_at(monkeypatch, f"http://127.0.0.1:{server.server_port}")
        assert why_hub_unreachable() is None
        thread.join()


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    """A data set of one training file; the hub's copy is tmp_path/remote."""
    (tmp_path / "remote").write_bytes(b"content")
    file = CatalogFile(
        path="raw/train.parquet", split="train", n_bytes=7, sha256=sha256_of(tmp_path / "remote")
    )
    return Entry(
        name="toy",
        kind="hub",
        returns="Corpus",
        description="d",
        licence="l",
        citation="c",
        size="s",
        hub_id="us/toy",
        revision=REVISION,
        files=(file,),
    )


def in_hub_cache(tmp_path: Path, content: bytes) -> Path:
    """Lay a file where the hub's client keeps what it has downloaded."""
    path = tmp_path / "hub" / "datasets--us--toy" / "snapshots" / REVISION / "raw" / "train.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_what_is_cached_needs_no_network(entry: Entry, tmp_path: Path) -> None:
    path = in_hub_cache(tmp_path, b"content")
    assert download_from_hub(entry, "train") == [path]


@pytest.mark.parametrize("content", [b"conten", b"kontent"])
def test_a_damaged_cache_is_refused(entry: Entry, tmp_path: Path, content: bytes) -> None:
    in_hub_cache(tmp_path, content)
    with pytest.raises(DigestMismatchError, match=r"toy: .*train\.parquet must have sha256"):
        download_from_hub(entry, "train")


def test_offline_and_not_cached(entry: Entry) -> None:
    with pytest.raises(
        OSError, match=r"HF_HUB_OFFLINE\), and raw/train\.parquet is not in the hub"
    ):
        download_from_hub(entry, "train")


@pytest.mark.usefixtures("online")
def test_the_pinned_revision_is_asked_for(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def download(repo_id: str, filename: str, *, repo_type: str, revision: str) -> str:
        asked.append((repo_id, filename, repo_type, revision))
        return str(tmp_path / "remote")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr("course_lib.data.hub.why_hub_unreachable", lambda: None)
    assert download_from_hub(entry, "train") == [tmp_path / "remote"]
    assert asked == [("us/toy", "raw/train.parquet", "dataset", REVISION)]
    (tmp_path / "remote").write_bytes(b"something else")
    with pytest.raises(DigestMismatchError):
        download_from_hub(entry, "train")


@pytest.mark.usefixtures("online")
def test_a_failed_download_says_what_failed(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> str:
        raise RuntimeError("connection reset")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr("course_lib.data.hub.why_hub_unreachable", lambda: None)
    with pytest.raises(
        OSError, match=r"raw/train\.parquet could not be downloaded \(connection re"
    ):
        download_from_hub(entry, "train")
