"""`python -m engine.reader`: serves the reader. The key, if any, comes from the environment: `KIMI_ENGINE_KEY`."""

import argparse
import logging
import os
from pathlib import Path

import uvicorn

from engine.reader.reading.read import Recogniser
from engine.reader.server import Options, create_app

logger = logging.getLogger(__name__)


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    args = _parser().parse_args()
    logging.basicConfig(level=args.log_level.upper(), format="%(levelname)s %(asctime)s %(message)s")
    options = Options(
        model=args.model,
        uploads=args.uploads,
        key=os.environ.get("KIMI_ENGINE_KEY", ""),
        context=args.max_model_len,
        pictures=args.max_pictures,
        picture_seconds=args.picture_seconds,
    )

    def load() -> Recogniser:
        # Imported in the worker's thread: the port answers while OpenCV, onnxruntime and the models load.
        from engine.reader.reading.recogniser import Recogniser as PaddleRecogniser  # noqa: PLC0415

        logger.info("Loading the recogniser on %d thread(s).", args.threads)
        recogniser = PaddleRecogniser(args.threads)
        recogniser.warm_up()
        logger.info("The recogniser is ready.")
        return recogniser

    uvicorn.run(
        create_app(options, load),
        host=args.host,
        port=args.port,
        log_level=args.log_level,
        access_log=False,  # health checks come every second; the worker logs what is read
        timeout_graceful_shutdown=5,  # lets open streams end, but a client that hangs must not hold the port
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine.reader", description="Reads the text in pictures: OCR behind the OpenAI API."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--uploads", type=Path, help="the one directory whose pictures file:// may name (default: none)"
    )
    parser.add_argument("--model", default="reader", help="the name to serve under (default: %(default)s)")
    parser.add_argument(
        "--max-model-len", type=int, default=1_048_576, help="characters of prompt and answer (default: %(default)s)"
    )
    parser.add_argument("--max-pictures", type=int, default=24, help="pictures in one prompt (default: %(default)s)")
    parser.add_argument(
        "--picture-seconds", type=float, default=120.0, help="time limit for one picture (default: %(default)s)"
    )
    parser.add_argument(
        "--threads", type=int, default=_cores(), help="cores for the recogniser (default: those allowed, %(default)s)"
    )
    parser.add_argument(
        "--log-level", default="info", choices=["debug", "info", "warning", "error"], help="(default: %(default)s)"
    )
    return parser


def _cores() -> int:
    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    main()
