"""A stand-in for the Hugging Face hub on the loopback interface: buckets, and the Xet storage behind them.

    with hub.running() as site:
        site.hub.make("org/board")  # tokens: hub.TOKEN is alice's; every other is refused
        BucketHome("hf://buckets/org/board", token=hub.TOKEN, endpoint=site.url)
        site.hub.put("org/board", "results/x.md", b"...")  # as another client would
        site.hub.contents("org/board")  # path to bytes
        site.hub.fault("batch", 503, times=2)  # by route; see Hub.fault
        site.hub.now = 1_800_000_000.0  # the server's clock, for uploadedAt; None: the machine's
        site.down(); site.up()  # closes the port, and opens the same one again

`python -m hub BUCKET...` is the same as a process of its own.
"""

from hub.server import Site, running
from hub.state import TOKEN, Hub

__all__ = ["TOKEN", "Hub", "Site", "running"]
