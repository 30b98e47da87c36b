"""Which builds of FAISS are installed, and whether a GPU can be used: FAISS is three packages that share one module."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = ("faiss-cpu", "faiss-gpu", "faiss-gpu-cuvs")
_INSTALL = "Install it with: pip install 'mmsearch[gpu]' (Linux on x86-64; docs/gpu.md)."


@dataclass(frozen=True, slots=True)
class GpuInstall:
    """What is installed.

    Attributes:
        packages: Versions of the packages of FAISS.
        imports: Whether the module can be imported and is whole.
        gpu_build: Whether it is one with GPU code.
        gpus: How many GPUs it finds.
        cuvs: Whether it has NVIDIA's cuVS, and with it graphs on the GPU.
    """

    packages: dict[str, str]
    imports: bool
    gpu_build: bool = False
    gpus: int = 0
    cuvs: bool = False

    @property
    def problem(self) -> tuple[str, str]:
        """Why no GPU can be used, and what can be done; two empty texts if one can."""
        gpu_packages = [name for name in self.packages if name.startswith("faiss-gpu")]
        if gpu_packages and not self.gpu_build:
            name, other = gpu_packages[0], "faiss-cpu" if "faiss-cpu" in self.packages else "another package"
            repair = f"pip install --force-reinstall --no-deps {name}=={self.packages[name]}"
            return f"the files of {name} were removed or replaced by {other}", f"Put them back: {repair}"
        if not self.imports:
            repair = "pip install --force-reinstall --no-deps faiss-cpu"
            return "FAISS cannot be imported", f"Install it again: {repair}"
        if not self.gpu_build:
            return "FAISS is installed without GPU code", _INSTALL
        if not self.gpus:
            return "no GPU was found", "See that `nvidia-smi` lists it, and that CUDA_VISIBLE_DEVICES does not hide it."
        return "", ""


def gpu_install() -> GpuInstall:
    """Look what is installed. This asks the driver, which takes a moment the first time if there is a GPU."""
    packages = dict(filter(None, map(_installed, _PACKAGES)))
    faiss = _module()
    if faiss is None:
        return GpuInstall(packages, imports=False)
    if not hasattr(faiss, "StandardGpuResources"):
        return GpuInstall(packages, imports=True)
    return GpuInstall(packages, True, True, int(faiss.get_num_gpus()), hasattr(faiss, "GpuIndexCagra"))


def _installed(name: str) -> tuple[str, str] | None:
    try:
        return name, version(name)
    except PackageNotFoundError:
        return None


def _module() -> Any:  # noqa: ANN401
    """Import FAISS. What is left when one package was removed under another is an empty module, or half of one."""
    try:
        faiss = import_module("faiss")
    except ImportError:
        return None
    return faiss if hasattr(faiss, "IndexFlatIP") else None
