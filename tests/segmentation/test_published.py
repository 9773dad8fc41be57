"""Published segmenters: every key of their files has its place; photos are prepared as their scripts do."""

import sys
import types

import numpy as np
import pytest
import torch
from torch import nn

from intarsia.blocks.bottlenecks import BLOCKS, DeepLabV2, DrnD105, UperNet101
from intarsia.data.spaces import label_space_of
from intarsia.errors import CheckpointError
from intarsia.evaluation.recogniser import find_recogniser
from intarsia.segmentation import published
from intarsia.segmentation.published import PUBLISHED_KINDS, PublishedSegmenter, fill_renamed, open_published

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def conv_and_norm(conv, norm):
    return [f"{conv}.weight", *(f"{norm}.{part}" for part in NORM)]


def torchvision_blocks(stem, count):
    """Keys of a stage of bottlenecks as torchvision names them; the first one has a projection."""
    keys = []
    for block in range(count):
        for number in (1, 2, 3):
            keys += conv_and_norm(f"{stem}.{block}.conv{number}", f"{stem}.{block}.bn{number}")
        if block == 0:
            keys += conv_and_norm(f"{stem}.0.downsample.0", f"{stem}.0.downsample.1")
    return keys


def drn_keys():
    keys = [key for layer in (0, 1, 2, 7, 8) for key in conv_and_norm(f"base.{layer}.0", f"base.{layer}.1")]
    for layer, count in zip((3, 4, 5, 6), BLOCKS, strict=True):
        keys += torchvision_blocks(f"base.{layer}", count)
    return [*keys, "seg.weight", "seg.bias", "up.weight"]


def upernet_keys():
    keys = [key for number in (1, 2, 3) for key in conv_and_norm(f"conv{number}", f"bn{number}")]
    for layer, count in zip((1, 2, 3, 4), BLOCKS, strict=True):
        keys += torchvision_blocks(f"layer{layer}", count)
    for stem in (*(f"ppm_conv.{n}" for n in range(4)), "ppm_last_conv", *(f"fpn_in.{n}" for n in range(3))):
        keys += conv_and_norm(f"{stem}.0", f"{stem}.1")
    for stem in (*(f"fpn_out.{n}.0" for n in range(3)), "conv_last.0"):
        keys += conv_and_norm(f"{stem}.0", f"{stem}.1")
    return [*keys, "conv_last.1.weight", "conv_last.1.bias"]


def deeplab_keys(root="base", projection="shortcut", aspp="aspp.c"):
    keys = conv_and_norm(f"{root}.layer1.conv1.conv", f"{root}.layer1.conv1.bn")
    for layer, count in zip((2, 3, 4, 5), BLOCKS, strict=True):
        for block in range(1, count + 1):
            parts = ["reduce", "conv3x3", "increase", *([projection] if block == 1 else [])]
            for part in parts:
                stem = f"{root}.layer{layer}.block{block}.{part}"
                keys += conv_and_norm(f"{stem}.conv", f"{stem}.bn")
    return [*keys, *(f"{root}.{aspp}{number}.{part}" for number in range(4) for part in ("weight", "bias"))]


@pytest.mark.parametrize(
    ("name", "build", "keys"),
    [
        ("drn-d-105", DrnD105, drn_keys()),
        ("drn-d-105", DrnD105, [f"module.{key}" for key in drn_keys()]),
        ("upernet-101", UperNet101, upernet_keys()),
        ("deeplab-v2-101", DeepLabV2, deeplab_keys()),
        ("deeplab-v2-101", DeepLabV2, deeplab_keys("scale", "proj", "aspp.stages.c")),
    ],
)
def test_every_key_of_the_published_file_has_its_place(name, build, keys):
    with torch.device("meta"):
        own = build(5).state_dict()
    names = PUBLISHED_KINDS[name].names
    assert sorted(published.renamed(key, names) for key in keys) == sorted(own)


@pytest.mark.parametrize(
    ("build", "parameters"),
    # Of ImageNet's ResNet-101 or DRN-D-105 without classifier, and the heads of 19, 150 and 182 classes.
    [(lambda: DrnD105(19), 54.4e6), (lambda: UperNet101(150), 86e6), (lambda: DeepLabV2(182), 56e6)],
)
def test_sizes_are_those_published(build, parameters):
    with torch.device("meta"):
        network = build()
    assert sum(each.numel() for each in network.parameters()) == pytest.approx(parameters, rel=0.1)


class Brightness(nn.Module):
    """Scores: brightness against half of it, at a quarter of the size."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(x)
        grey = x.mean(1, keepdim=True)
        return nn.functional.avg_pool2d(torch.cat([grey, -grey], 1), 4)


class Whole(Brightness):
    def forward(self, x):
        self.seen.append(x)
        grey = x.mean(1, keepdim=True)
        return torch.cat([grey, -grey], 1)


def photo(height=40, width=60):
    """Bright on the left, dark on the right."""
    return (
        np.repeat(np.where(np.arange(width) < width // 2, 250, 5)[None], height, 0)[..., None]
        .repeat(3, 2)
        .astype(np.uint8)
    )


def seen_by(name, network, size, given):
    kind = PUBLISHED_KINDS[name]
    segmenter = PublishedSegmenter(name, label_space_of(kind.space), {}, network, kind.logits, torch.device("cpu"))
    return segmenter(given, size)


@pytest.mark.parametrize(
    ("name", "network"), [("drn-d-105", Whole), ("upernet-101", Brightness), ("deeplab-v2-101", Brightness)]
)
def test_ids_are_of_the_size_asked_for(name, network):
    ids = seen_by(name, network(), (50, 70), photo())
    assert ids.shape == (50, 70)
    assert set(np.unique(ids[:, :20])) == {0}
    assert name == "deeplab-v2-101" or set(np.unique(ids[:, 50:])) == {1}


def test_drn_looks_at_the_size_of_the_label_map_in_multiples_of_eight():
    network = Whole()
    seen_by("drn-d-105", network, (50, 70), photo())
    (given,) = network.seen
    assert given.shape == (1, 3, 56, 72)
    assert float(given[0, 0, 0, 0]) == pytest.approx((250 / 255 - 0.29010095) / 0.18295405, abs=1e-5)


def test_upernet_looks_at_five_sizes():
    network = Brightness()
    seen_by("upernet-101", network, (50, 70), photo(40, 60))
    assert [tuple(each.shape[2:]) for each in network.seen] == [
        (320, 480),
        (384, 576),
        (480, 704),
        (544, 800),
        (608, 928),
    ]
    wide = Brightness()
    seen_by("upernet-101", wide, (10, 50), photo(20, 100))
    assert wide.seen[-1].shape[2:] == (224, 1024)  # the long side would be beyond 1000


def test_deeplab_looks_at_blue_first_less_the_mean():
    network = Brightness()
    given = photo()
    given[..., 2] = 100
    seen_by("deeplab-v2-101", network, (40, 60), given)
    assert network.seen[0][0, :, 0, 0].tolist() == pytest.approx(
        [100 - 104.008, 250 - 116.669, 250 - 122.675], abs=1e-3
    )


def test_networks_run_at_their_strides():
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        image = torch.randn(1, 3, 64, 64)
        deeplab = DeepLabV2(3).eval()
        scores = deeplab(image)
        assert scores.shape == (1, 3, 9, 9)
        # The largest of three scales: never below that of the first.
        assert bool((scores >= deeplab.at_one_scale(image)).all())
        assert DrnD105(2).eval()(image[..., :32, :48]).shape == (1, 2, 32, 48)
        assert UperNet101(2).eval()(image).shape == (1, 2, 16, 16)


def test_files_that_do_not_fit_are_refused():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(2, 3), nn.Linear(3, 1)

    tensors = Two().state_dict()
    names = (("^first", "one"),)
    given = {key.replace("one", "first"): value for key, value in tensors.items()}
    fill_renamed(Two(), given, names, "a net", "a.pth")
    for spoil, reason in (
        (lambda w: w.pop("first.bias"), "it has nothing for one.bias"),
        (lambda w: w.update({"first.bias": torch.zeros(4)}), "first.bias has shape (4,), not (3,)"),
        (lambda w: w.update({"third.bias": torch.zeros(4)}), "third.bias is unknown"),
    ):
        spoilt = dict(given)
        spoil(spoilt)
        with pytest.raises(CheckpointError) as caught:
            fill_renamed(Two(), spoilt, names, "a net", "a.pth")
        assert str(caught.value) == f"weight file a.pth is not a net: {reason}. Get the file again."


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        open_published("upernet-101", "cpu", tmp_path)
    assert str(caught.value) == (
        "UPerNet-101 needs the weight file ade20k-resnet101-upernet/encoder_epoch_50.pth "
        f"(CSAILVision/semantic-segmentation-pytorch, ade20k-resnet101-upernet), which is not in {tmp_path}. "
        "Put it there, or give the folder that holds it with --weights."
    )


class FakeProcessor:
    @classmethod
    def from_pretrained(cls, hub_id, local_files_only):
        assert local_files_only  # nothing is downloaded unasked
        if "missing" in hub_id:
            raise OSError("not in the cache")
        return cls()

    def __call__(self, images, return_tensors):
        values = torch.from_numpy(np.array(images)).float()
        return types.SimpleNamespace(to=lambda device: {"pixels": values})

    def post_process_semantic_segmentation(self, outputs, target_sizes):
        return [torch.full(target_sizes[0], int(outputs))]


class FakeNetwork:
    def __init__(self, labels=19):
        self.config = types.SimpleNamespace(num_labels=labels, _commit_hash="abc")

    @classmethod
    def from_pretrained(cls, hub_id, local_files_only):
        return cls(7 if "other" in hub_id else 19)

    def eval(self):
        return self

    def to(self, device):
        return self

    def __call__(self, pixels):
        return 3 if pixels.mean() > 100 else 5


@pytest.fixture
def _transformers(monkeypatch):
    fake = types.ModuleType("transformers")
    fake.__version__ = "0"
    fake.AutoImageProcessor = FakeProcessor
    fake.AutoModelForUniversalSegmentation = fake.AutoModelForSemanticSegmentation = FakeNetwork
    monkeypatch.setitem(sys.modules, "transformers", fake)


@pytest.mark.usefixtures("_transformers")
@pytest.mark.parametrize("name", ["mask2former-cityscapes", "segformer-cityscapes"])
def test_segmenters_of_transformers_stand_behind_the_same_door(name):
    segmenter = find_recogniser(name, "cpu")
    assert segmenter.label_space == label_space_of("cityscapes-19")
    assert (segmenter.name, segmenter.about["commit"]) == (name, "abc")
    assert np.array_equal(segmenter(np.full((4, 4, 3), 200, np.uint8), (6, 8)), np.full((6, 8), 3))
    assert np.array_equal(segmenter(np.full((4, 4, 3), 20, np.uint8), (6, 8)), np.full((6, 8), 5))


@pytest.mark.usefixtures("_transformers")
def test_what_transformers_cannot_give_is_told(monkeypatch):
    wanted = published.OF_TRANSFORMERS
    monkeypatch.setitem(wanted, "lost", published.OfTransformers("missing/one", "cityscapes-19", universal=True))
    monkeypatch.setitem(wanted, "other", published.OfTransformers("an/other", "cityscapes-19", universal=False))
    with pytest.raises(CheckpointError) as caught:
        open_published("lost", "cpu")
    assert str(caught.value) == (
        "segmenter lost is not in the hub's cache (OSError). Fetch it with: hf download missing/one"
    )
    with pytest.raises(CheckpointError) as caught:
        open_published("other", "cpu")
    assert str(caught.value) == (
        "segmenter other tells 7 classes apart, not the 19 of cityscapes-19. Fetch it again with: hf download an/other"
    )


def test_transformers_may_be_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CheckpointError) as caught:
        open_published("mask2former-ade20k", "cpu")
    assert str(caught.value) == (
        "segmenter mask2former-ade20k needs transformers, which is not installed or does not fit this torch. "
        "Install it with: pip install 'intarsia[segmenters]'"
    )
