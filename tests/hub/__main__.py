"""The stand-in as a process: says its endpoint on a line, and serves until its stdin ends."""

import sys

from hub import running

if __name__ == "__main__":
    with running(*sys.argv[1:]) as site:
        print(site.url, flush=True)
        sys.stdin.read()
