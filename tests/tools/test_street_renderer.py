"""What the street renderer decides before Blender draws: the plan of a seed, the scene of a plan, maps from numbers."""

import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from street.build import build_scene
from street.ids import instance_map, label_map, read_channel, read_classes
from street.vegetation import BARE, CONIFERS, LEAFY, prototype
from street.world import FAMILIES, TOWN, WEATHERS, draw_plan, in_sight

from intarsia.data.street import STREET
from tests.data.folders import SPACE

CLASSES = [c.name for c in STREET.classes]
MATERIALS = (  # as in street.materials, which only Blender's Python can import
    *("matte", "plaster", "brick", "planks", "tiles", "glass", "paint", "metal", "leaf", "grass", "field", "rows"),
    *("asphalt", "paving", "gravel", "marking", "water", "rock", "snow", "glow"),
)
SEEDS = range(900_000, 900_003)


def test_a_seed_is_a_plan():
    assert [draw_plan(seed) for seed in range(50)] == [draw_plan(seed) for seed in range(50)]
    assert len({draw_plan(seed).view for seed in range(50)}) == 50


def test_families_and_weathers_have_their_shares():
    plans = [draw_plan(seed) for seed in range(3000)]
    for counts, shares in (
        (Counter(plan.family for plan in plans), FAMILIES),
        (Counter(plan.weather.kind for plan in plans), WEATHERS),
    ):
        assert sum(shares.values()) == pytest.approx(1)
        for name, share in shares.items():
            assert counts[name] / 3000 == pytest.approx(share, abs=0.03), name


def test_plans_stay_in_range():
    for plan in map(draw_plan, range(1000)):
        sky = plan.weather
        assert 0 < sky.sun_height < 1.2
        assert 0 < sky.sun_power < 10
        assert all(0 <= v <= 1.1 for v in (*sky.zenith, *sky.horizon, *sky.cloud_tint, *sky.haze, *sky.sun_tint))
        assert 1.4 < plan.view.height < 11.1
        assert abs(plan.view.yaw) < 1
        assert -0.6 < plan.view.pitch < 0.1
        assert 23 < plan.view.lens < 37
        assert (plan.relief.water == "lake") == (plan.relief.lake[2] > 0)
        if plan.family in TOWN:
            assert abs(plan.view.aside) < plan.half_road + plan.walk
        if sky.clouds >= 1:
            assert plan.mountains <= 45  # nothing is labelled that the haze hides
        assert (sky.season == "winter") == sky.snow


def test_what_stands_before_the_camera_is_in_sight_and_what_is_far_behind_is_not():
    for plan in map(draw_plan, range(30)):
        x, y, heading = plan.road.place(0, plan.view.aside)
        yaw = heading + plan.view.yaw
        ahead = np.asarray((-np.sin(yaw), np.cos(yaw)))
        assert in_sight(plan, *((x, y) + 60 * ahead), 1)
        assert not in_sight(plan, *((x, y) - 60 * ahead), 1)


def test_a_plan_is_a_scene_with_faces_and_numbers_that_belong_together():
    for seed in SEEDS:
        plan = draw_plan(seed)
        scene, again = build_scene(plan, CLASSES), build_scene(plan, CLASSES)
        shape, tints, slots, numbers = scene.merged(MATERIALS)
        for one, other in zip(again.merged(MATERIALS), (shape, tints, slots, numbers), strict=True):
            assert all(map(np.array_equal, one, other)) if isinstance(one, tuple) else np.array_equal(one, other)
        assert again.planted() == scene.planted()
        assert np.isfinite(shape.vertices).all()
        assert shape.faces.max() < len(shape.vertices)
        assert len(shape.faces) == len(tints) == len(slots) == len(numbers)
        assert tints.min() >= 0
        assert tints.max() <= 1.3
        assert numbers.max() < len(scene.number_classes)
        for plant in scene.planted():
            assert CLASSES[scene.number_classes[plant.number]] in ("tree", "hedge")
            assert CLASSES[scene.number_classes[plant.number + 1]] == "trunk"


def test_every_class_occurs():
    seen = set()
    for seed in (61, 15, 11):
        scene = build_scene(draw_plan(seed), CLASSES)
        numbers = scene.merged(MATERIALS)[3].astype(int)
        seen |= {CLASSES[scene.number_classes[number]] for number in np.unique(numbers)}
        seen |= {"tree", "trunk"} if scene.planted() else set()
    assert seen == set(CLASSES) - {"sky"}


@pytest.mark.parametrize("kind", [*LEAFY, *BARE, *CONIFERS, "bush"])
def test_plants_are_a_metre_high_and_stand_on_the_ground(kind: str):
    shape, shades, parts = prototype(kind)
    assert 0.7 < shape.vertices[:, 2].max() < 1.35
    assert -0.15 < shape.vertices[:, 2].min() < 0.06
    assert len(shades) == len(parts) == len(shape.faces)
    assert set(parts) <= {0, 1}


def test_labels_and_instances_follow_from_numbers():
    numbers = np.asarray([[0, 28, 28], [1, 1, 30]])
    classes = [*range(28), 8, 8, 17]
    assert label_map(numbers, classes).tolist() == [[0, 8, 8], [1, 1, 17]]
    assert instance_map(numbers).tolist() == [[0, 2, 2], [1, 1, 3]]
    assert instance_map(numbers).dtype == np.uint16


def test_classes_are_read_from_the_label_space(tmp_path: Path):
    SPACE.save(tmp_path / "label_space.json")
    names, colours = read_classes(tmp_path / "label_space.json")
    assert names == ["sky", "sea", "sand"]
    assert colours[2] == [236, 208, 144]


def exr(path: Path, channels: dict[str, np.ndarray], kind: int = 2) -> None:
    """An OpenEXR file of scan lines without compression, with 32-bit channels."""
    [(height, width)] = {channel.shape for channel in channels.values()}
    table = b"".join(name.encode() + b"\0" + struct.pack("<iiii", kind, 0, 1, 1) for name in channels) + b"\0"
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    header = b"".join(
        name + b"\0" + of + b"\0" + struct.pack("<i", len(value)) + value
        for name, of, value in ((b"channels", b"chlist", table), (b"dataWindow", b"box2i", window))
    )
    start = 8 + len(header) + 1 + 8 * height
    length = 8 + 4 * width * len(channels)
    offsets = struct.pack(f"<{height}Q", *(start + row * length for row in range(height)))
    rows = b"".join(
        struct.pack("<ii", row, length - 8)
        + b"".join(channel[row].astype("<f4").tobytes() for channel in channels.values())
        for row in range(height)
    )
    path.write_bytes(struct.pack("<ii", 20000630, 2) + header + b"\0" + offsets + rows)


def test_a_channel_is_read_from_openexr(tmp_path: Path):
    wanted = np.arange(12, dtype=np.float32).reshape(3, 4) * 1000
    exr(tmp_path / "a.exr", {"Layer.Combined.R": wanted + 1, "Layer.number.X": wanted})
    assert np.array_equal(read_channel(tmp_path / "a.exr", "number.X"), wanted)


def test_half_precision_is_refused_since_it_would_lose_numbers(tmp_path: Path):
    exr(tmp_path / "a.exr", {"Layer.number.X": np.zeros((3, 4), np.float32)}, kind=1)
    with pytest.raises(ValueError, match=r"channel Layer\.number\.X is not 32-bit"):
        read_channel(tmp_path / "a.exr", "number.X")
