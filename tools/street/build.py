"""From a plan to a scene: the land, what lies far off, and then a town or the countryside."""

from __future__ import annotations

import random
from collections.abc import Sequence

from street import country, town
from street.scene import Scene
from street.terrain import Land, lay_ground, pour_water, raise_mountains
from street.world import TOWN, Plan


def build_scene(plan: Plan, classes: Sequence[str]) -> Scene:
    """Collect all that the plan's camera may see. `classes` are the names of the label space, in the order of ids."""
    rng = random.Random(f"layout {plan.seed}")
    land = Land(plan.relief, plan.road, plan.half_road + 1.5)
    scene = Scene(classes, land.height)
    eye = plan.road.place(plan.view.along, plan.view.aside)
    yaw = eye[2] + plan.view.yaw
    ground = "snow" if plan.weather.snow else "grass"
    tint = (
        (0.8, 0.82, 0.86)
        if plan.weather.snow
        else rng.choice(((0.07, 0.15, 0.02), (0.1, 0.17, 0.03), (0.12, 0.16, 0.04), (0.06, 0.12, 0.025)))
    )
    lay_ground(scene, yaw, eye[:2], ground, tint, rng)
    pour_water(scene, land, rng.choice(((0.02, 0.05, 0.06), (0.03, 0.06, 0.05), (0.02, 0.04, 0.08))))
    green = (
        (0.5, 0.52, 0.55)
        if plan.weather.snow
        else rng.choice(((0.05, 0.09, 0.04), (0.07, 0.1, 0.04), (0.04, 0.08, 0.045)))
    )
    raise_mountains(
        scene,
        yaw,
        plan.mountains,
        plan.mountains_near,
        plan.snowline if not plan.weather.snow else min(plan.snowline, 0.45),
        green,
        rng,
    )
    if plan.family in TOWN:
        town.fill(scene, rng, plan)
    else:
        country.fill(scene, rng, plan, land)
    return scene
