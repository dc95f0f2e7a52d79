"""The seeds of a promotion on one machine: copy, fetch the data there, train each, bring back what counts."""

import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from golfkit import files
from golfkit.budget.promote.plan import Plan
from golfkit.budget.remote import abort, follow, job
from golfkit.budget.remote.processes import RemoteError
from golfkit.budget.remote.ssh import Shell
from golfkit.errors import Exit, GolfError
from golfkit.measure import artifact
from golfkit.train.logs.steps import Reading, reading_of

SCRIPT = "train_gpt.py"
WANTED = (job.LOG, *(f"*{suffix}" for suffix in artifact.COMPRESSED))  # raw checkpoints stay: they are large
POD_PATH = "[ ! -f /etc/rp_environment ] || . /etc/rp_environment"  # RunPod's images keep the container's PATH there
SLACK_S = 30.0  # the machine ends a job by itself before we do


@dataclass(kw_only=True)
class SeedRun:
    """How one seed ended."""

    seed: int
    log: Path
    rc: int | None = None
    why: str = ""
    payload: Path | None = None


@dataclass(kw_only=True)
class Seeds:
    """Runs the seeds of a plan. Times are those of the shell's clock."""

    plan: Plan
    shell: Shell
    folder: Path  # the run's, here
    best: abort.Curve  # of the best run so far; empty: only a loss that is no number ends a run early
    same_tokens: bool  # whether that one trained on the same tokens
    left: Callable[[], float]  # seconds until the machine is ended
    on_line: Callable[[str], None]
    say: Callable[[str], None]
    done: list[SeedRun] = field(default_factory=list)

    def run(self) -> None:
        """All seeds, one after the other; the first that fails ends it. What is done so far is in `done`."""
        self._prepare()
        for seed in self.plan.seeds:
            ended = self._train(seed)
            self.done.append(ended)
            self._collect(ended)
            if ended.rc != 0:
                raise GolfError(f"{ended.log}: seed {seed} ended with {_told(ended)}; see the end of the log", Exit.NO)

    def _prepare(self) -> None:
        """Put the script into every seed's folder, and have the machine fetch its data."""
        deadline = self._deadline(self.plan.setup_s)
        with tempfile.TemporaryDirectory() as staging:
            for seed in self.plan.seeds:
                place = Path(staging, f"seed{seed}")
                place.mkdir()
                (place / SCRIPT).write_text(self.plan.code, "utf-8")
            self.say(f"copying to {self.plan.folder}")
            self.shell.up(Path(staging), self.plan.folder, deadline)
        if not self.plan.data_command:
            return
        self.say("fetching the data on the machine")
        folder = f"{self.plan.folder}/data"
        home = shlex.quote(str(PurePosixPath(self.plan.folder).parent))  # pod_folder
        command = f"{POD_PATH}\ncd {home} || exit 1\n{self.plan.data_command}"
        self._patiently(
            lambda: job.start(self.shell, folder, command, self.plan.env, self.plan.setup_s),
            deadline,
        )
        ended = follow.follow(self.shell, folder, on_line=self.say, deadline=deadline)
        if ended.rc != 0:
            raise GolfError(
                f"pod_data_command ended with {ended.rc if ended.rc is not None else ended.why}, expected 0; "
                "its last lines are above, correct it in golf.toml",
                Exit.NO,
            )

    def _train(self, seed: int) -> SeedRun:
        first = seed == self.plan.seeds[0]
        ended = SeedRun(seed=seed, log=self.folder / ("train.log" if first else f"train.{seed}.log"))
        there, deadline = self.plan.seed_folder(seed), self._deadline(self.plan.run_s)
        env = {**self.plan.env, "SEED": str(seed), "RUN_ID": f"{self.plan.run}_seed{seed}"}
        limit_s = max(1.0, deadline - self.shell.now() - SLACK_S)
        self.say(f"seed {seed}: {self.plan.command}")
        self._patiently(
            lambda: job.start(self.shell, there, f"{POD_PATH}\n{self.plan.command}", env, limit_s), deadline
        )
        readings: list[Reading] = []
        told: list[str] = []
        outcome = None
        try:
            with ended.log.open("w", encoding="utf-8", newline="\n") as log:

                def on_line(line: str) -> None:
                    print(line, file=log, flush=True)
                    if (read := reading_of(line)) is not None:
                        readings.append(read)
                    self.on_line(line)

                def hopeless() -> bool:
                    why = abort.verdict(abort.Curve.of(readings), self.best, same_tokens=self.same_tokens)
                    told.extend([why] if why else [])
                    return why is not None

                outcome = follow.follow(self.shell, there, on_line=on_line, deadline=deadline, should_stop=hopeless)
        finally:
            if outcome is None or outcome.rc is None:  # of ^C, too: one's own machine would go on
                self._stop(there)
        ended.rc, ended.why = outcome.rc, told[0] if told else outcome.why
        return ended

    def _collect(self, ended: SeedRun) -> None:
        """Bring back log and payload; a run that failed may have none."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".down") as place:
            self.say(f"seed {ended.seed}: copying back")
            try:
                there = self.plan.seed_folder(ended.seed)
                self.shell.down(there, Path(place), self._deadline(self.plan.collect_s), WANTED)
            except RemoteError:
                if ended.rc == 0:
                    raise
                return  # what was streamed has to do
            whole = Path(place, job.LOG)
            if whole.exists():
                whole.replace(ended.log)
            payloads = [path for path in artifact.candidates(Path(place)).compressed if path.name != job.LOG]
            if len(payloads) == 1:
                first = ended.seed == self.plan.seeds[0]
                ended.payload = self.folder / (payloads[0].name if first else f"seed{ended.seed}.{payloads[0].name}")
                payloads[0].replace(ended.payload)
            elif payloads:
                names = ", ".join(path.name for path in payloads)
                ended.why = f"several payloads ({names}): none was kept, as they cannot be told apart"

    def _patiently(self, step: Callable[[], object], deadline: float) -> None:
        """A step that may be repeated, through dropped connections."""
        while True:
            try:
                step()
                return
            except RemoteError as error:
                if not error.dropped or self.shell.now() > deadline:
                    raise
                self.say(f"connection lost ({error}); trying again")
                self.shell.sleep(min(follow.LONGEST_WAIT_S, max(0.0, deadline - self.shell.now())))

    def _stop(self, folder: str) -> None:
        if self.plan.tier != "ssh":
            return  # the machine itself is ended next
        try:
            job.stop(self.shell, folder)
        except GolfError as error:  # then its own deadline ends it
            self.say(f"the job could not be stopped: {error}")

    def _deadline(self, seconds: float) -> float:
        return self.shell.now() + min(seconds, max(0.0, self.left()))


def _told(ended: SeedRun) -> str:
    return f"exit code {ended.rc}" if ended.rc is not None else files.neutralise(ended.why)
