"""Device and number format in which a model runs: those asked for, or what the machine is good at."""

from __future__ import annotations

import torch

from intraneuron.config import Device, DType
from intraneuron.errors import SettingError


def device_of(device: Device) -> torch.device:
    """Return a device, or raise SettingError when it is not there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if there[name]))
    if not there.get(device, False):
        usable = ", ".join(name for name, yes in there.items() if yes)
        msg = f"There is no device {device!r} that torch can use here. Use --device auto, or one of: {usable}."
        raise SettingError(msg)
    return torch.device(device)


def number_format(dtype: DType, device: torch.device) -> DType:
    """Return the number format of the forward pass; ``auto`` is resolved.

    bfloat16 on a CPU with matrix tiles for it (AMX), where it runs about three times as fast as float32, and on a GPU
    that has it in hardware; else float32, which is also the default: bfloat16 keeps 8 bits of each number, and some
    core tokens change.
    """
    if dtype != "auto":
        return dtype
    good = {"cpu": _has_tiles, "cuda": _gpu_has_bfloat16}.get(device.type)
    return "bfloat16" if good is not None and good() else "float32"


def _has_tiles() -> bool:
    """Whether this CPU multiplies matrices of bfloat16 in tiles; no, when this version of torch cannot tell."""
    known = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(known is not None and known())


def _gpu_has_bfloat16() -> bool:
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))
