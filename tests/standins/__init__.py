"""A stand-in for RunPod on the loopback interface: REST v2 and GraphQL over one `Cloud`, with faults to order.

In the test's process, with a clock of its own:

    cloud = Cloud(now=clock.now, address=("127.0.0.1", sshd.port))
    with server.running(cloud) as url:
        cloud.boot_looks = 2                                   # RUNNING at the third look
        cloud.fault("create", status=429, retry_after=1, times=5)
        cloud.fault("create", after=True, drop=True)           # made, then the connection is cut
        ...                                                    # RUNPOD_API_BASE_URL=url, RUNPOD_API_KEY=cloud.key
        assert cloud.alive() == [] and cloud.creates == 1 and cloud.billed_s("pod1") == 75.0

As a process of its own, which outlives a golf that is killed (tests/ must be on PYTHONPATH, as it is in pytest):

    with process.started(tmp_path / "cloud.json") as remote:
        remote.set(boot_looks=1, address=["127.0.0.1", sshd.port])
        remote.fault("terminate", status=500, times=3)
        remote.fault("create", delay_s=30)                     # made at once, answered late: time to kill whoever asked
        ...                                                    # RUNPOD_API_BASE_URL=remote.url
        assert remote.cloud().alive() == []                    # a copy of the Cloud as it is now

The state file is written after every request, so that a cloud started again on it goes on with the same pods. By hand:
`python -m standins --state cloud.json --port 0` prints its URL.
"""
