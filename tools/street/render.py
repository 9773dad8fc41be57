"""Renders one scene to a photo, a label map and an instance map."""

from __future__ import annotations

import io
import math
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image, ImageEnhance

from street import ids, vegetation
from street.build import build_scene
from street.materials import MATERIALS, NUMBER, TINT, make_materials
from street.meshes import NONE, Floats, Ints, Shape
from street.scene import Scene
from street.sky import hang_sun, make_sky
from street.world import Plan, draw_plan

SAMPLES = 4
QUALITY = 93  # of WebP
VIVID = 1.2  # colours beside what the film-like view transform leaves of them
KINDS = {"photos": ".webp", "labels": ".png", "instances": ".png"}


def render_scene(
    seed: int, size: tuple[int, int], classes: Sequence[str], colours: Sequence[Sequence[int]]
) -> dict[str, bytes]:
    """The files of a seed by kind; `size` is height and width."""
    plan = draw_plan(seed)
    scene = build_scene(plan, classes)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    stage = bpy.context.scene
    _fill_stage(stage, plan, scene)
    _aim(stage, plan, scene, size)
    with tempfile.TemporaryDirectory() as folder:
        photo = _render_photo(stage, plan, Path(folder) / "photo.png")
        numbers = _render_numbers(stage, Path(folder) / "numbers.exr")
    labels = Image.fromarray(ids.label_map(numbers, scene.number_classes))
    labels.putpalette([value for colour in colours for value in colour])
    instances = ids.instance_map(numbers)
    few = instances.max() < 256
    return {
        "photos": _encoded(photo, "WEBP", quality=QUALITY, method=5),
        "labels": _encoded(labels, "PNG", optimize=True),
        "instances": _encoded(Image.fromarray(instances.astype(np.uint8) if few else instances), "PNG", optimize=True),
    }


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def _fill_stage(stage: Any, plan: Plan, scene: Scene) -> None:
    """Hand all faces and plants to Blender."""
    materials = make_materials(plan.weather)
    shape, tints, slots, numbers = scene.merged(MATERIALS)
    mesh = _mesh("everything", shape, tints, numbers)
    for name in MATERIALS:
        mesh.materials.append(materials[name])
    mesh.polygons.foreach_set("material_index", slots)
    stage.collection.objects.link(bpy.data.objects.new("everything", mesh))
    prototypes: dict[str, Any] = {}
    for plant in scene.planted():
        if plant.kind not in prototypes:
            whole, shades, parts = vegetation.prototype(plant.kind)
            made = _mesh(plant.kind, whole, shades, parts.astype(np.float32))
            made.materials.append(materials["leaf"])
            prototypes[plant.kind] = made
        thing = bpy.data.objects.new("plant", prototypes[plant.kind])
        thing.location, thing.rotation_euler, thing.scale = plant.at, (0, 0, plant.turn), plant.size
        thing.color = (*plant.tint, 1)
        thing.pass_index = plant.number
        stage.collection.objects.link(thing)
    eye = plan.road.place(plan.view.along, plan.view.aside)
    yaw = eye[2] + plan.view.yaw
    stage.collection.objects.link(hang_sun(plan.weather, yaw))
    stage.world = make_sky(plan.weather, yaw, random.Random(f"sky {plan.seed}"))


def _mesh(name: str, shape: Shape, tints: Floats, numbers: Floats | Ints) -> Any:
    mesh = bpy.data.meshes.new(name)
    used = shape.faces != NONE
    corners = used.sum(1)
    mesh.vertices.add(len(shape.vertices))
    mesh.vertices.foreach_set("co", shape.vertices.ravel())
    mesh.loops.add(int(corners.sum()))
    mesh.loops.foreach_set("vertex_index", shape.faces[used])
    mesh.polygons.add(len(corners))
    mesh.polygons.foreach_set("loop_start", np.concatenate([[0], np.cumsum(corners)[:-1]]).astype(np.int32))
    colour = mesh.attributes.new(TINT, "FLOAT_COLOR", "FACE")
    colour.data.foreach_set("color", np.column_stack([tints, np.ones(len(tints))]).astype(np.float32).ravel())
    mesh.attributes.new(NUMBER, "FLOAT", "FACE").data.foreach_set("value", numbers)
    mesh.update()
    return mesh


def _aim(stage: Any, plan: Plan, scene: Scene, size: tuple[int, int]) -> None:
    """Place the camera and set all that both passes share."""
    view = plan.view
    x, y, heading = plan.road.place(view.along, view.aside)
    lens = bpy.data.cameras.new("camera")
    lens.lens, lens.clip_start, lens.clip_end = view.lens, 0.05, 5000
    camera = bpy.data.objects.new("camera", lens)
    camera.location = (x, y, scene.ground(x, y) + view.height)
    camera.rotation_euler = (math.pi / 2 + view.pitch, 0, heading + view.yaw)
    stage.collection.objects.link(camera)
    stage.camera = camera
    render, cycles = stage.render, stage.cycles
    render.engine = "CYCLES"
    render.resolution_y, render.resolution_x = size
    render.resolution_percentage = 100
    render.threads_mode, render.threads = "FIXED", 1
    render.use_persistent_data = True
    render.use_compositing = render.use_sequencer = False
    cycles.device = "CPU"
    cycles.use_adaptive_sampling = False
    cycles.use_auto_tile = False
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.max_bounces = 1
    cycles.use_light_tree = False
    cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = 1, 1, 0
    cycles.sample_clamp_indirect = 4
    cycles.seed = 0
    aov = bpy.context.view_layer.aovs.add()
    aov.name, aov.type = NUMBER, "VALUE"


def _render_photo(stage: Any, plan: Plan, path: Path) -> Image.Image:
    stage.cycles.samples = SAMPLES
    stage.cycles.use_denoising = True
    stage.cycles.denoiser = "OPENIMAGEDENOISE"
    stage.cycles.denoising_prefilter = "FAST"
    stage.cycles.denoising_quality = "BALANCED"
    stage.view_settings.view_transform = "AgX"
    stage.view_settings.look = "AgX - Punchy"
    stage.view_settings.exposure = plan.weather.exposure
    settings = stage.render.image_settings
    settings.file_format, settings.color_mode, settings.compression = "PNG", "RGB", 0
    stage.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return ImageEnhance.Color(Image.open(path).convert("RGB")).enhance(VIVID)


def _render_numbers(stage: Any, path: Path) -> ids.Numbers:
    """What the middle of each pixel shows."""
    stage.cycles.samples = 1
    stage.cycles.use_denoising = False
    stage.cycles.max_bounces = 0
    stage.cycles.pixel_filter_type = "BOX"
    stage.cycles.filter_width = 0.01
    settings = stage.render.image_settings
    settings.media_type = "MULTI_LAYER_IMAGE"
    settings.use_exr_interleave = True  # one part with all channels
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"
    stage.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return np.rint(ids.read_channel(path, f"{NUMBER}.X")).astype(np.int64)
