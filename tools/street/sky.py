"""Sky and sun."""

from __future__ import annotations

import math
import random
from typing import Any

import bpy
import mathutils

from street.materials import Nodes
from street.world import Weather


def make_sky(weather: Weather, yaw: float, rng: random.Random) -> Any:
    """A world whose light is a gradient; only the camera sees the clouds in detail."""
    world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    world.cycles.sampling_method = "NONE"
    nodes = Nodes(world.node_tree)
    ray = nodes.node("TexCoord").outputs["Generated"]
    parts = nodes.node("SeparateXYZ")
    nodes.feed(parts.inputs[0], ray)
    up = parts.outputs[2]
    rise = nodes.math("POWER", nodes.math("MAXIMUM", up, 0.0), 0.55)
    sky = nodes.mix(nodes.between(rise, 0.0, 0.95), weather.horizon, weather.zenith)
    toward = sun_direction(weather, yaw)
    glow = nodes.math("POWER", nodes.math("MAXIMUM", nodes.vector("DOT_PRODUCT", ray, tuple(toward)), 0.0), 9.0)
    strength = {"low sun": 0.5, "dusk": 0.6, "clear": 0.18}.get(weather.kind, 0.05)
    sky = nodes.mix(nodes.math("MULTIPLY", glow, strength, clamp=True), sky, tuple(1.3 * c for c in weather.sun_tint))
    plain = nodes.mix(weather.clouds * 0.6, sky, weather.cloud_tint)

    shadow = nodes.between(up, -0.02, 0.0)  # below the horizon the haze goes on
    clouded = nodes.mix(_cloud_cover(nodes, ray, up, weather, rng), sky, _cloud_colour(nodes, ray, up, weather))
    seen = nodes.mix(shadow, weather.haze, clouded)
    path = nodes.node("LightPath").outputs["Is Camera Ray"]
    lights = []
    for colour, power in ((plain, 1.6), (seen, 1.0)):
        background = nodes.node("Background")
        nodes.feed(background.inputs[0], colour)
        background.inputs[1].default_value = power
        lights.append(background.outputs[0])
    blend = nodes.node("MixShader")
    nodes.feed(blend.inputs[0], path)
    nodes.feed(blend.inputs[1], lights[0])
    nodes.feed(blend.inputs[2], lights[1])
    nodes.feed(nodes.node("OutputWorld").inputs[0], blend.outputs[0])
    return world


def _overhead(nodes: Nodes, ray: Any, up: Any) -> Any:
    """Where a ray meets a flat layer of clouds."""
    return nodes.vector(
        "SCALE", ray, nodes.math("DIVIDE", 1.0, nodes.math("ADD", nodes.math("MAXIMUM", up, 0.0), 0.16))
    )


def _cloud_cover(nodes: Nodes, ray: Any, up: Any, weather: Weather, rng: random.Random) -> Any:
    if weather.clouds >= 1:
        return 0.75
    shift = (rng.uniform(0, 50), rng.uniform(0, 50), 0.0)
    where = nodes.vector("ADD", _overhead(nodes, ray, up), shift)
    heap = nodes.noise(where, rng.uniform(0.7, 1.5), 5)
    edge = 0.66 - 0.32 * weather.clouds
    return nodes.between(heap, edge, edge + rng.uniform(0.08, 0.2))


def _cloud_colour(nodes: Nodes, ray: Any, up: Any, weather: Weather) -> Any:
    depth = nodes.noise(_overhead(nodes, ray, up), 1.9 if weather.clouds < 1 else 0.9, 4)
    dark = 0.8 if weather.clouds < 1 else 0.72
    return nodes.mix(
        nodes.between(depth, 0.35, 0.65),
        tuple(dark * c for c in weather.cloud_tint),
        tuple(1.05 * c for c in weather.cloud_tint),
    )


def sun_direction(weather: Weather, yaw: float) -> mathutils.Vector:
    """From the ground to the sun."""
    aside = yaw + weather.sun_aside
    flat = math.cos(weather.sun_height)
    return mathutils.Vector((-flat * math.sin(aside), flat * math.cos(aside), math.sin(weather.sun_height)))


def hang_sun(weather: Weather, yaw: float) -> Any:
    """The sun as an object."""
    light = bpy.data.lights.new("sun", "SUN")
    light.energy = weather.sun_power
    light.color = weather.sun_tint
    light.angle = weather.sun_size
    sun = bpy.data.objects.new("sun", light)
    sun.rotation_euler = sun_direction(weather, yaw).to_track_quat("Z", "Y").to_euler()
    return sun
