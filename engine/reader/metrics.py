"""The reader's metrics, for Prometheus."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)

# The time when a counter began is of no use.
disable_created_metrics()
# Its own registry, without metrics about the process.
_REGISTRY = CollectorRegistry()

REQUESTS = Counter("reader_requests_total", "Chat completions that were started.", registry=_REGISTRY)
ERRORS = Counter("reader_request_errors_total", "Requests answered with an error.", registry=_REGISTRY)
CANCELLED = Counter(
    "reader_pictures_cancelled_total", "Pictures whose request left before they were read.", registry=_REGISTRY
)
CACHE_HITS = Counter("reader_cache_hits_total", "Pictures answered from memory.", registry=_REGISTRY)
CHARACTERS = Counter("reader_generation_tokens_total", "Characters sent; a token is one character.", registry=_REGISTRY)
SECONDS = Histogram("reader_picture_seconds", "Seconds to read one picture.", buckets=_SECONDS, registry=_REGISTRY)
_WAITING = Gauge("reader_pictures_waiting", "Pictures in the queue.", registry=_REGISTRY)
_RUNNING = Gauge("reader_pictures_running", "Pictures in the recogniser.", registry=_REGISTRY)


def render(waiting: int, running: int) -> bytes:
    """All metrics as text; `waiting` and `running` are pictures in the queue and in the recogniser."""
    _WAITING.set(waiting)
    _RUNNING.set(running)
    return generate_latest(_REGISTRY)
