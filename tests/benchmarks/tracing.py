"""The cost of traces: `python -m tests.benchmarks.tracing [FOLDER OF ANOTHER VERSION]`.

The page's processor time for a turn of 200 tokens, with traces off, sent to a collector, and sent to one that is down.
The turns alternate, so that a busy machine affects all alike. Compare ratios, not absolute figures.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from tests.instruments import scripted_product
from tests.instruments.collector import Collector
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import Visitor

TURNS = 25
TOKENS = 100
"""Of reasoning, and as many of answer."""
RATE = 200


def _cpu(product: ScriptedProduct) -> float:
    """Seconds of processor time so far, to the nanosecond where `times` has hundredths of a second."""
    assert product._process
    threads = Path(f"/proc/{product._process.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


async def _turns(products: dict[str, ScriptedProduct]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in products}
    async with AsyncExitStack() as stack:
        visitors = {name: await stack.enter_async_context(Visitor(product)) for name, product in products.items()}
        for number in range(TURNS + 2):
            for name, visitor in visitors.items():
                before = _cpu(products[name])
                await visitor.ask(f"Question {number}?")
                # The spans go a moment later, in a thread of their own.
                await asyncio.sleep(0.3)
                if number >= 2:
                    taken[name].append((_cpu(products[name]) - before) * 1000)
    return taken


def main() -> None:
    """Prints a line for each way."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        collector = stack.enter_context(Collector())
        often = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
        ways: dict[str, dict[str, str]] = {
            "off": {},
            "to a collector": {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **often},
            "collector away": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", **often},
        }
        products = {
            name: stack.enter_context(ScriptedProduct(folder / str(number), **environment))
            for number, (name, environment) in enumerate(ways.items())
        }
        if len(sys.argv) > 1:
            scripted_product.ROOT = Path(sys.argv[1]).resolve()
            products["other version"] = stack.enter_context(ScriptedProduct(folder / "other"))
        for product in products.values():
            product.engine.script = Script(reasoning=["so "] * TOKENS, answer=["word "] * TOKENS, rate=RATE)
        taken = asyncio.run(_turns(products))
    off = statistics.median(taken["off"])
    for name, times in taken.items():
        middle = statistics.median(times)
        mean = statistics.mean(times)
        print(
            f"{name:16} median {middle:6.1f} ms   {middle / off:5.3f} of off   mean {mean:6.1f} ms   {len(times)} turns"
        )
    print(f"{len(collector.spans)} spans came")


if __name__ == "__main__":
    main()
