"""A program for tests of the supervisor: it answers /health as its arguments say.

program.py PORT [--ready-after S] [--exit-after S] [--child] [--deaf] [--unhealthy-after S] [--say LINE] [--litter]
                [--questions answered|hang|busy|fail|tire|refuse] [--deaf-ears-after S] [--heart-stops-after S]
"""

import argparse
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("--ready-after", type=float, default=0)
parser.add_argument("--exit-after", type=float)
parser.add_argument("--unhealthy-after", type=float, default=1e9)
parser.add_argument("--child", action="store_true", help="have a child that outlives its parent")
parser.add_argument("--deaf", action="store_true", help="ignore SIGTERM")
parser.add_argument("--deaf-ears-after", type=float, help="take no connection from then on, and end those there are")
parser.add_argument("--heart-stops-after", type=float, default=1e9)
parser.add_argument("--say", default="")
parser.add_argument("--litter", action="store_true", help="leave a socket in the folder for temporary files")
parser.add_argument("--questions", default="answered", help="what becomes of a POST")
# hang: no answer, and no token for anybody. busy: no answer, while others get tokens. fail: errors.
# tire: errors after the first answer. refuse: errors, while others get tokens.
arguments = parser.parse_args()
asked = itertools.count()
born = time.monotonic()

if arguments.deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if arguments.child:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
if arguments.litter:
    litter = socket.socket(socket.AF_UNIX)
    litter.bind(f"{tempfile.gettempdir()}/{uuid.uuid4()}")
if arguments.say:
    print(arguments.say, flush=True)


class Health(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        if arguments.questions in {"hang", "busy"}:
            time.sleep(600)
        fails = arguments.questions in {"fail", "refuse"} or (arguments.questions == "tire" and next(asked) > 0)
        self.send_response(500 if fails else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        age = time.monotonic() - born
        if self.path == "/metrics":
            tokens = int(age * 1000) if arguments.questions in {"busy", "refuse"} else 7
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f'vllm:generation_tokens_total{{model_name="x"}} {tokens}.0\n'.encode())
            return
        self.send_response(200 if arguments.ready_after <= age <= arguments.unhealthy_after else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def leave() -> None:
    time.sleep(arguments.exit_after)
    print("leaving as told", flush=True)
    os._exit(3)


def beat(descriptor: int) -> None:
    while time.monotonic() - born < arguments.heart_stops_after:
        os.write(descriptor, b".")
        time.sleep(0.2)


if "KIMI_HEART" in os.environ:
    threading.Thread(target=beat, args=[int(os.environ["KIMI_HEART"])], daemon=True).start()
if arguments.exit_after is not None:
    threading.Thread(target=leave, daemon=True).start()
server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Health)
server.daemon_threads = True
if arguments.deaf_ears_after is not None:
    threading.Timer(arguments.deaf_ears_after, server.socket.close).start()
server.serve_forever()
