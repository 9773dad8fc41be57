"""How different the photos of one label map are: LPIPS (more is more diverse) and MS-SSIM (less is)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from intarsia.blocks.lpips import Lpips, Net
from intarsia.data.transforms import image_tensor
from intarsia.evaluation.bootstrap import mean_interval
from intarsia.evaluation.ms_ssim import ms_ssim
from intarsia.evaluation.pictures import MadeViews, finished
from intarsia.evaluation.store import Rows, Store, Watch
from intarsia.files import sha256
from intarsia.pretrained import LPIPS_TRUNKS, lpips, lpips_levels_file
from intarsia.records import derived_seed
from intarsia.weights import find_weights, read_weights

FORMAT = 1


@dataclass(frozen=True)
class Similarities:
    """The networks and formulas by which photos are compared."""

    networks: Mapping[Net, Lpips]
    ms_ssim: bool
    device: torch.device
    weights_sha256: dict[str, str]

    @classmethod
    def installed(cls, nets: Sequence[Net], *, ms_ssim: bool, device: str, weights: Path | None = None) -> Similarities:
        """LPIPS on each of `nets`, with the trunk's weights in the folder `weights` or in torch's hub cache.

        Raises:
            CheckpointError: a file is not there, or is another one.
        """
        networks: dict[Net, Lpips] = {}
        sums: dict[str, str] = {}
        for net in nets:
            trunk, levels = find_weights(LPIPS_TRUNKS[net], weights), lpips_levels_file(net)
            network = lpips(net, read_weights(trunk.path), read_weights(levels), str(trunk.path))
            networks[net] = network.to(device)
            sums |= {f"lpips_{net}": trunk.sha256, f"lpips_{net}_levels": sha256(levels)}
        return cls(networks, ms_ssim, torch.device(device), sums)

    def between(self, first: torch.Tensor, second: torch.Tensor) -> dict[str, float]:
        """Each measure of two images, 3 H W float32 in [-1, 1]."""
        one, other = first[None].to(self.device), second[None].to(self.device)
        with torch.inference_mode():
            found = {f"lpips_{net}": float(network(one, other)) for net, network in self.networks.items()}
            if self.ms_ssim:
                found["ms_ssim"] = float(ms_ssim((one + 1) / 2, (other + 1) / 2))
        return found


def diversity(made: MadeViews, similarities: Similarities, samples: int, watch: Watch, store: Store) -> dict[str, Any]:
    """`samples` photos of each label map, and the mean over maps of the mean over all pairs of photos of one map.

    Raises:
        DataError: photos are too small for MS-SSIM.
    """

    def of_maps(numbers: Sequence[int]) -> Rows:
        found = [_of_map(made, number, similarities, samples) for number in numbers]
        return {name: np.asarray([each[name] for each in found]) for name in found[0]}

    identity = made.identity
    about = None
    if identity is not None:
        about = {
            "format": FORMAT,
            "diversity": identity,
            "samples": samples,
            "weights": similarities.weights_sha256,
            "ms_ssim": similarities.ms_ssim,
        }
    rows = store.rows(about, len(made), of_maps, "diversity", watch)
    return {
        "samples": samples,
        "pairs": samples * (samples - 1) // 2,
        "maps": len(made),
        "weights_sha256": similarities.weights_sha256,
        "input": "photos as the protocol rounds them, in [-1, 1]; MS-SSIM in [0, 1]",
        **{name: asdict(mean_interval(values)) for name, values in rows.items()},
    }


def _of_map(made: MadeViews, number: int, similarities: Similarities, samples: int) -> dict[str, float]:
    seeds = [derived_seed(made.seed, 1, sample) for sample in range(samples)]
    images = [image_tensor(finished(made.images([number], [seed]), made.quantise, made.codec)[0][0]) for seed in seeds]
    found = [similarities.between(one, other) for one, other in combinations(images, 2)]
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}
