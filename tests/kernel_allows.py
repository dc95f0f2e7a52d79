"""What the kernel lets a program do, asked without golf: tests skip for the kernel's sake, never for golf's."""

import functools
import shutil
import subprocess

_TRIALS = {
    "bwrap": ("bwrap", "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "true"),
    "unshare": ("unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "true"),
}


@functools.cache
def isolation(how: str) -> bool:
    """Whether a sandbox of this kind (bwrap, unshare) can be had here."""
    if not shutil.which(_TRIALS[how][0]):
        return False
    return subprocess.run(_TRIALS[how], capture_output=True, check=False).returncode == 0


def any_isolation() -> bool:
    """Whether any sandbox can be had here."""
    return any(isolation(how) for how in _TRIALS)
