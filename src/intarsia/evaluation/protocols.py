"""Protocols by name: how each published figure came about, as far as its authors told, in fields that can be followed.

The same checkpoint scores 8 FID and 12 points of accuracy apart under two of them: without its protocol a figure says
little. A field is what is done here; `unknown` says what the authors left open or what is done otherwise. To add one,
add a row to `PROTOCOLS`.
"""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from intarsia.blocks.lpips import Net
from intarsia.data.transforms import Size
from intarsia.errors import ConfigError
from intarsia.evaluation.frechet import Precision
from intarsia.evaluation.inception import PREPARATIONS, Preparation
from intarsia.evaluation.pictures import Codec, Quantisation, StyleOf, Truth

LITE = "lite0"
"""The protocol of the bundled network, for machines without the weights that papers use (`evaluate.py`)."""


@dataclass(frozen=True)
class Protocol:
    """Every choice that moves a figure."""

    name: str
    told_by: str  # who told of these choices: paper, issue
    size: Size | None = None  # height, width of the made photos; None: as the model was trained
    statistics: Literal["val", "train"] = "val"  # whose photos the made ones are compared with
    quantise: Quantisation = "truncated"
    codec: Codec = "none"
    style: StyleOf = "random"
    both_resized: Size | None = None  # real and made photos alike, before Inception: Pillow bicubic
    preparation: Preparation = "pytorch-fid"
    covariance: Precision = "float64"
    whole_batches_of: int = 1  # what does not fill a batch is left out, as some scripts do without saying
    segmenter: str | None = None  # None: one that knows the data's classes
    truth: Truth = "file"  # the label map that is compared with: as its file has it, or at the made photo's size
    at_least: float = 0.0  # classes that cover less of the truth are left out of mIoU
    lpips: tuple[Net, ...] = ()
    ms_ssim: bool = False
    samples: int = 0  # of each label map, for diversity; all pairs of them are compared
    unknown: str = ""

    def facts(self) -> dict[str, Any]:
        """For JSON: every field, and what its words mean."""
        return asdict(self) | {
            "photo_resize": "Pillow bicubic, antialiased, rounded to uint8",
            "label_resize": "nearest: the pixel under the centre (Pillow's rounding)",
            "to_inception": PREPARATIONS[self.preparation],
            "kid": "unbiased, kernel (x . y / d + 1) ^ 3, of all images; subsets as torch-fidelity draws them",
            "dont_care": "left out of IoU and of accuracy; accuracy_dont_care_wrong counts it as wrong",
            "inception_precision": "float32, no TF32",
        }


CITYSCAPES, SQUARE = (256, 512), (256, 256)
SEGMENTERS = {
    "ade20k": "upernet-101",
    "ade20k-outdoor": "upernet-101",
    "cityscapes": "drn-d-105",
    "coco-stuff": "deeplab-v2-101",
}
SIZES = dict.fromkeys(SEGMENTERS, SQUARE) | {"cityscapes": CITYSCAPES}
UPERNET_SCALES = "the sizes that UPerNet looks at were not told; here CSAILVision's own list (300 to 600)"

_SPADE = Protocol(
    "spade",
    "NVlabs/SPADE#14 (pytorch-fid as it is), #39 (segmenters), #100; boschresearch/OASIS#5",
    truth="generated",
)
_OASIS = replace(
    _SPADE,
    name="oasis",
    told_by="boschresearch/OASIS#2 (real set), #5 (labels nearest at 512x256), #16 (LPIPS of VGG, MS-SSIM)",
    quantise="none",
    covariance="float32",
    lpips=("vgg",),
    ms_ssim=True,
    samples=20,
)
_CCFPSE = replace(
    _SPADE,
    name="ccfpse",
    told_by="xh-liu/CC-FPSE#4 (labels nearest at 256x256); its test scripts encode the style of the real photo",
    style="encoded",
)
_CLADE = replace(
    _SPADE,
    name="clade",
    told_by="tzt101/CLADE: README (real photos of the training set), #3 (DRN without --ms)",
    statistics="train",
)
_SDM = replace(
    _SPADE,
    name="sdm",
    told_by="scripts that came with OASIS, SDM and SCDM (skimage to 256x256, batches of 50)",
    quantise="rounded",
    whole_batches_of=50,
    lpips=("alex",),
    samples=10,
)


def _rows() -> list[Protocol]:
    rows = []
    for family, names in (
        (_SPADE, tuple(SEGMENTERS)),
        (_OASIS, tuple(SEGMENTERS)),
        (_CCFPSE, ("ade20k", "cityscapes", "coco-stuff")),
        (_CLADE, tuple(SEGMENTERS)),
        (_SDM, ("ade20k", "coco-stuff")),
    ):
        for data in names:
            unknown = UPERNET_SCALES if SEGMENTERS[data] == "upernet-101" else family.unknown
            if family is _CCFPSE:
                unknown = "; ".join(filter(None, (unknown, "the encoder's mean is taken; the scripts draw around it")))
            rows.append(
                replace(
                    family,
                    name=f"{family.name}-{data}",
                    size=SIZES[data],
                    segmenter=SEGMENTERS[data],
                    unknown=unknown,
                )
            )
    return rows


PROTOCOLS: dict[str, Protocol] = {
    row.name: row
    for row in (
        Protocol(
            "intarsia",
            "Intarsia: photos rounded as in a PNG file, label maps as in their files, both LPIPS",
            quantise="rounded",
            at_least=0.001,
            lpips=("vgg", "alex"),
            ms_ssim=True,
            samples=10,
        ),
        *_rows(),
        Protocol(
            "pix2pixhd-cityscapes",
            "Wang et al. 2018, section 4; its script writes JPEG files",
            size=(512, 1024),
            codec="jpeg",
            truth="generated",
            segmenter="drn-d-105",
            unknown="the paper's segmenter, a PSPNet, was not told more of; here DRN-D-105, as later papers took",
        ),
        Protocol(
            "freestyle-ade20k",
            "essunny310/FreestyleNet#3: both photos bicubic to 256, label maps as they are",
            size=(512, 512),
            quantise="rounded",
            both_resized=SQUARE,
            segmenter="upernet-101",
        ),
        *(
            Protocol(
                f"aldm-{data}",
                "boschresearch/ALDM#1: clean-fid",
                size=size,
                quantise="rounded",
                preparation="clean-fid",
                segmenter=segmenter,
                unknown="the size of the photos is from memory of the paper",
            )
            for data, size, segmenter in (
                ("ade20k", (512, 512), "upernet-101"),
                ("cityscapes", (512, 1024), "drn-d-105"),
            )
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        ConfigError: there is none; the nearest names are proposed.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    near = difflib.get_close_matches(name, [LITE, *PROTOCOLS], 3) or [LITE, *PROTOCOLS]
    raise ConfigError(f"no protocol is called {name}. Did you mean {', '.join(near)}?")
