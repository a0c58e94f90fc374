"""An instrument for tests of supervision: a real program that answers /health as its arguments say.

program.py PORT [--ready-after S] [--exit-after S] [--child] [--deaf] [--unhealthy-after S] [--say LINE]
"""

import argparse
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("--ready-after", type=float, default=0)
parser.add_argument("--exit-after", type=float)
parser.add_argument("--unhealthy-after", type=float, default=1e9)
parser.add_argument("--child", action="store_true", help="have a child that outlives its parent")
parser.add_argument("--deaf", action="store_true", help="ignore SIGTERM")
parser.add_argument("--say", default="")
arguments = parser.parse_args()
born = time.monotonic()

if arguments.deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if arguments.child:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
if arguments.say:
    print(arguments.say, flush=True)


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        age = time.monotonic() - born
        self.send_response(200 if arguments.ready_after <= age <= arguments.unhealthy_after else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def leave() -> None:
    time.sleep(arguments.exit_after)
    print("leaving as told", flush=True)
    import os

    os._exit(3)


if arguments.exit_after is not None:
    threading.Thread(target=leave, daemon=True).start()
HTTPServer(("127.0.0.1", arguments.port), Health).serve_forever()
