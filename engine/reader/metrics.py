"""What the reader counts, in Prometheus' text format."""

from bisect import bisect_left


class Counter:
    """A number that only grows."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.value = 0

    def add(self, amount: int = 1) -> None:
        """Add `amount`."""
        self.value += amount

    def render(self) -> list[str]:
        """Return the lines of this metric."""
        return [*_head(self.name, self.text, "counter"), f"{self.name} {self.value}"]


class Histogram:
    """How values spread over fixed, rising upper bounds."""

    def __init__(self, name: str, text: str, bounds: tuple[float, ...]) -> None:
        self.name = name
        self.text = text
        self.bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self._sum += value

    def render(self) -> list[str]:
        """Return the lines of this metric, buckets cumulative."""
        lines = _head(self.name, self.text, "histogram")
        total = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self._counts, strict=True):
            total += count
            lines.append(f'{self.name}_bucket{{le="{bound}"}} {total}')
        return [*lines, f"{self.name}_sum {self._sum:.6f}", f"{self.name}_count {total}"]


REQUESTS = Counter("reader_requests_total", "Chat completions that were begun.")
ERRORS = Counter("reader_request_errors_total", "Requests answered with an error.")
CANCELLED = Counter("reader_pictures_cancelled_total", "Pictures whose request left before they were read.")
CACHE_HITS = Counter("reader_cache_hits_total", "Pictures answered from memory.")
CHARACTERS = Counter("reader_generation_tokens_total", "Characters sent; a token is one character.")
SECONDS = Histogram("reader_picture_seconds", "Seconds to read one picture.", (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64))


def render(waiting: int, running: int) -> str:
    """Return all metrics; `waiting` and `running` are pictures in the queue and in the recogniser."""
    lines = [
        line for metric in (REQUESTS, ERRORS, CANCELLED, CACHE_HITS, CHARACTERS, SECONDS) for line in metric.render()
    ]
    for name, text, value in (
        ("reader_pictures_waiting", "Pictures in the queue.", waiting),
        ("reader_pictures_running", "Pictures in the recogniser.", running),
    ):
        lines += [*_head(name, text, "gauge"), f"{name} {value}"]
    return "\n".join(lines) + "\n"


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
