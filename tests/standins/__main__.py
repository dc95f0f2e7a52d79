"""`python -m standins --state FILE --port 0`: a stand-in that goes on when whoever asks it is killed."""

import argparse
import json
from pathlib import Path

from golfkit.files import atomic_write
from standins import server
from standins.cloud import Cloud


def main() -> None:
    """Serve until killed; the first line on stdout is the base URL."""
    parser = argparse.ArgumentParser(prog="python -m standins", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="file that keeps the cloud; made when missing")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0: any")
    given = parser.parse_args()
    path: Path = given.state
    cloud = Cloud.of_record(json.loads(path.read_text())) if path.exists() else Cloud()

    def save() -> None:
        with cloud.lock:
            atomic_write(path, json.dumps(cloud.as_record()))

    save()
    with server.listening(cloud, given.port, save) as listening:
        print(f"http://127.0.0.1:{listening.server_port}", flush=True)
        listening.serve_forever()


main()
