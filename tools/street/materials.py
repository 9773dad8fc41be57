"""Materials, made once for each scene. A face brings its tint and number; a plant's object brings more of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from street.world import Weather

NUMBER = "number"  # the attribute of faces, and the render pass, that tell objects apart
TINT = "tint"
# fmt: off
MATERIALS = (
    "matte", "plaster", "brick", "planks", "tiles", "glass", "paint", "metal", "leaf", "grass", "field", "rows",
    "asphalt", "paving", "gravel", "marking", "water", "rock", "snow", "glow",
)
# fmt: on


class Nodes:
    """A node tree, written as formulas."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        tree.nodes.clear()

    def node(self, kind: str, **values: Any) -> Any:
        """A node of a kind with attributes set."""
        made = self.tree.nodes.new(f"ShaderNode{kind}")
        for name, value in values.items():
            setattr(made, name, value)
        return made

    def feed(self, socket: Any, value: Any) -> None:
        """Link a socket, or set its value."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, tuple) and len(value) == 3 and len(socket.default_value) == 4:
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value

    def math(self, operation: str, a: Any, b: Any = 0.0, *, clamp: bool = False) -> Any:
        """A number from one or two numbers."""
        made = self.node("Math", operation=operation, use_clamp=clamp)
        self.feed(made.inputs[0], a)
        self.feed(made.inputs[1], b)
        return made.outputs[0]

    def vector(self, operation: str, a: Any, b: Any = None) -> Any:
        """A vector (or number, for DOT_PRODUCT) from one or two."""
        made = self.node("VectorMath", operation=operation)
        self.feed(made.inputs[0], a)
        if b is not None:
            self.feed(made.inputs[1 if operation != "SCALE" else 3], b)
        return made.outputs[1 if operation == "DOT_PRODUCT" else 0]

    def mix(self, share: Any, a: Any, b: Any, blend: str = "MIX") -> Any:
        """A colour between two."""
        made = self.node("Mix", data_type="RGBA", blend_type=blend)
        self.feed(made.inputs[0], share)
        self.feed(made.inputs[6], a)
        self.feed(made.inputs[7], b)
        return made.outputs[2]

    def noise(self, where: Any, scale: float, detail: float = 1.0) -> Any:
        """Noise in about 0.25..0.75."""
        made = self.node("TexNoise")
        self.feed(made.inputs["Vector"], where)
        made.inputs["Scale"].default_value = scale
        made.inputs["Detail"].default_value = detail
        return made.outputs[0]

    def between(self, value: Any, low: float, high: float, out_low: float = 0.0, out_high: float = 1.0) -> Any:
        """A number mapped from low..high to out_low..out_high, clamped."""
        made = self.node("MapRange")
        for socket, v in zip(made.inputs[:5], (value, low, high, out_low, out_high), strict=True):
            self.feed(socket, v)
        return made.outputs[0]


def make_materials(weather: Weather) -> dict[str, Any]:
    """All materials of a scene by name."""
    return {name: _make(name, weather) for name in MATERIALS}


def _make(name: str, weather: Weather) -> Any:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.cycles.emission_sampling = "NONE"
    nodes = Nodes(material.node_tree)
    tint = nodes.node("Attribute", attribute_name=TINT).outputs["Color"]
    thing = nodes.node("ObjectInfo")
    if name == "leaf":
        tint = nodes.mix(1.0, tint, thing.outputs["Color"], "MULTIPLY")
    surface = SURFACES[name](nodes, tint, weather)
    if name != "glow":  # Light that has bounced does not need to see textures.
        seen = nodes.node("MixShader")
        nodes.feed(seen.inputs[0], nodes.node("LightPath").outputs["Is Diffuse Ray"])
        nodes.feed(seen.inputs[1], surface)
        nodes.feed(seen.inputs[2], _diffuse(nodes, tint))
        surface = seen.outputs[0]
    output = nodes.node("OutputMaterial")
    nodes.feed(output.inputs[0], _hazed(nodes, surface, weather))
    number = nodes.math(
        "ADD", nodes.node("Attribute", attribute_name=NUMBER).outputs["Fac"], thing.outputs["Object Index"]
    )
    nodes.feed(nodes.node("OutputAOV", aov_name=NUMBER).inputs["Value"], number)
    return material


def _hazed(nodes: Nodes, surface: Any, weather: Weather) -> Any:
    """The further, the more of the air's own colour."""
    far = nodes.node("CameraData").outputs["View Distance"]
    share = nodes.math(
        "SUBTRACT", 1.0, nodes.math("POWER", 2.71828, nodes.math("MULTIPLY", far, -1 / weather.haze_reach))
    )
    air = nodes.node("Emission")
    nodes.feed(air.inputs[0], weather.haze)
    blend = nodes.node("MixShader")
    nodes.feed(blend.inputs[0], share)
    nodes.feed(blend.inputs[1], surface)
    nodes.feed(blend.inputs[2], air.outputs[0])
    return blend.outputs[0]


def _diffuse(nodes: Nodes, colour: Any) -> Any:
    made = nodes.node("BsdfDiffuse")
    nodes.feed(made.inputs[0], colour)
    return made.outputs[0]


def _glossy(
    nodes: Nodes, colour: Any, rough: Any, specular: float = 0.5, metallic: float = 0.0, normal: Any = None
) -> Any:
    made = nodes.node("BsdfPrincipled")
    nodes.feed(made.inputs["Base Color"], colour)
    nodes.feed(made.inputs["Roughness"], rough)
    nodes.feed(made.inputs["Specular IOR Level"], specular)
    nodes.feed(made.inputs["Metallic"], metallic)
    if normal is not None:
        nodes.feed(made.inputs["Normal"], normal)
    return made.outputs[0]


def _position(nodes: Nodes) -> Any:
    return nodes.node("NewGeometry").outputs["Position"]


def _shaded(nodes: Nodes, tint: Any, amount: Any) -> Any:
    return nodes.vector("SCALE", tint, amount)


def _on_face(nodes: Nodes) -> tuple[Any, Any]:
    """Metres across and up a wall or roof, whatever way it faces."""
    geometry = nodes.node("NewGeometry")
    place, normal = nodes.node("SeparateXYZ"), nodes.node("SeparateXYZ")
    nodes.feed(place.inputs[0], geometry.outputs["Position"])
    nodes.feed(normal.inputs[0], geometry.outputs["True Normal"])
    flat = nodes.math(
        "SQRT", nodes.math("SUBTRACT", 1.0001, nodes.math("MULTIPLY", normal.outputs[2], normal.outputs[2]))
    )
    across = nodes.math(
        "SUBTRACT",
        nodes.math("MULTIPLY", place.outputs[1], normal.outputs[0]),
        nodes.math("MULTIPLY", place.outputs[0], normal.outputs[1]),
    )
    return nodes.math("DIVIDE", across, flat), nodes.math("DIVIDE", place.outputs[2], flat)


def _saw(nodes: Nodes, value: Any, period: float) -> Any:
    return nodes.math("FRACT", nodes.math("DIVIDE", value, period))


def _matte(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    return _diffuse(nodes, tint)


def _plaster(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    where = _position(nodes)
    return _diffuse(nodes, _shaded(nodes, tint, nodes.between(nodes.noise(where, 0.7, 3), 0.3, 0.7, 0.78, 1.08)))


def _brick(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    across, up = _on_face(nodes)
    row = nodes.math("FLOOR", nodes.math("DIVIDE", up, 0.13))
    shifted = nodes.math("ADD", across, nodes.math("MULTIPLY", row, 0.17))
    joint = nodes.math(
        "MAXIMUM",
        nodes.math("LESS_THAN", _saw(nodes, up, 0.13), 0.17),
        nodes.math("LESS_THAN", _saw(nodes, shifted, 0.34), 0.07),
    )
    stone = nodes.node("TexWhiteNoise", noise_dimensions="2D")
    place = nodes.node("CombineXYZ")
    nodes.feed(place.inputs[0], nodes.math("FLOOR", nodes.math("DIVIDE", shifted, 0.34)))
    nodes.feed(place.inputs[1], row)
    nodes.feed(stone.inputs["Vector"], place.outputs[0])
    colour = _shaded(nodes, tint, nodes.between(stone.outputs[0], 0, 1, 0.65, 1.3))
    return _diffuse(nodes, nodes.mix(nodes.math("MULTIPLY", joint, 0.6), colour, (0.5, 0.47, 0.43)))


def _planks(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    across, _ = _on_face(nodes)
    gap = nodes.math("LESS_THAN", _saw(nodes, across, 0.24), 0.1)
    grain = nodes.between(nodes.noise(_position(nodes), 3.0), 0.3, 0.7, 0.75, 1.2)
    return _diffuse(
        nodes,
        _shaded(
            nodes, tint, nodes.math("MULTIPLY", grain, nodes.math("SUBTRACT", 1.0, nodes.math("MULTIPLY", gap, 0.55)))
        ),
    )


def _tiles(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    if weather.snow:
        return _snow(nodes, tint, weather)
    across, up = _on_face(nodes)
    wave = nodes.math(
        "MULTIPLY",
        nodes.between(_saw(nodes, up, 0.36), 0, 1, 0.6, 1.1),
        nodes.between(_saw(nodes, across, 0.3), 0, 1, 0.85, 1.1),
    )
    age = nodes.between(nodes.noise(_position(nodes), 1.1, 2), 0.3, 0.7, 0.75, 1.25)
    return _diffuse(nodes, _shaded(nodes, tint, nodes.math("MULTIPLY", wave, age)))


def _glass(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    return _glossy(nodes, tint, 0.06, 1.0)


def _paint(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    return _glossy(nodes, tint, 0.22, 0.7)


def _metal(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    return _glossy(nodes, tint, 0.4, 0.5, 0.5)


def _leaf(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    return _diffuse(nodes, tint)


def _grass(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    where = _position(nodes)
    coarse = nodes.between(nodes.noise(where, 0.35, 2), 0.3, 0.7, 0.0, 1.0)
    fine = nodes.between(nodes.noise(where, 22.0, 2), 0.3, 0.7, 0.5, 1.5)
    dry = nodes.mix(coarse, tint, nodes.mix(0.55, tint, (0.3, 0.27, 0.09)))
    return _diffuse(nodes, _shaded(nodes, dry, fine))


def _field(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    where = _position(nodes)
    blend = nodes.math(
        "MULTIPLY",
        nodes.between(nodes.noise(where, 9.0, 2), 0.3, 0.7, 0.6, 1.4),
        nodes.between(nodes.noise(where, 0.12, 1), 0.3, 0.7, 0.85, 1.15),
    )
    return _diffuse(nodes, _shaded(nodes, tint, blend))


def _rows(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    """A field with drills that run along the y axis."""
    place = nodes.node("SeparateXYZ")
    where = _position(nodes)
    nodes.feed(place.inputs[0], where)
    wobble = nodes.math("MULTIPLY", nodes.noise(where, 0.4), 1.2)
    drill = nodes.math("SINE", nodes.math("MULTIPLY", nodes.math("ADD", place.outputs[0], wobble), 4.5))
    blend = nodes.math(
        "MULTIPLY",
        nodes.between(drill, -1, 1, 0.62, 1.2),
        nodes.between(nodes.noise(where, 3.0, 2), 0.3, 0.7, 0.75, 1.25),
    )
    return _diffuse(nodes, _shaded(nodes, tint, blend))


def _asphalt(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    where = _position(nodes)
    grain = nodes.math(
        "MULTIPLY",
        nodes.between(nodes.noise(where, 45, 1), 0.3, 0.7, 0.72, 1.28),
        nodes.between(nodes.noise(where, 0.3, 2), 0.3, 0.7, 0.8, 1.2),
    )
    if weather.wet:
        puddle = nodes.between(nodes.noise(where, 0.45, 2), 0.42, 0.6, 0.06, 0.38)
        return _glossy(nodes, _shaded(nodes, tint, nodes.math("MULTIPLY", grain, 0.55)), puddle, 0.9)
    return _diffuse(nodes, _shaded(nodes, tint, grain))


def _paving(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    place = nodes.node("SeparateXYZ")
    where = _position(nodes)
    nodes.feed(place.inputs[0], where)
    joint = nodes.math(
        "MAXIMUM",
        nodes.math("LESS_THAN", _saw(nodes, place.outputs[0], 0.6), 0.07),
        nodes.math("LESS_THAN", _saw(nodes, place.outputs[1], 0.6), 0.07),
    )
    slab = nodes.between(nodes.noise(where, 1.7, 2), 0.3, 0.7, 0.8, 1.15)
    colour = _shaded(
        nodes, tint, nodes.math("MULTIPLY", slab, nodes.math("SUBTRACT", 1.0, nodes.math("MULTIPLY", joint, 0.35)))
    )
    if weather.wet:
        return _glossy(nodes, _shaded(nodes, colour, 0.6), 0.3, 0.6)
    return _diffuse(nodes, colour)


def _gravel(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    where = _position(nodes)
    grain = nodes.math(
        "MULTIPLY",
        nodes.between(nodes.noise(where, 24, 2), 0.3, 0.7, 0.6, 1.4),
        nodes.between(nodes.noise(where, 0.8, 1), 0.3, 0.7, 0.85, 1.15),
    )
    return _diffuse(nodes, _shaded(nodes, tint, grain))


def _marking(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    wear = nodes.between(nodes.noise(_position(nodes), 5, 2), 0.3, 0.65, 1.0, 0.72)
    if weather.wet:
        return _glossy(nodes, _shaded(nodes, tint, 0.7), 0.25, 0.6)
    return _diffuse(nodes, _shaded(nodes, tint, wear))


def _water(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    stretched = nodes.vector("MULTIPLY", _position(nodes), (1.0, 0.45, 1.0))
    bump = nodes.node("Bump")
    bump.inputs["Strength"].default_value = 0.25
    bump.inputs["Distance"].default_value = 0.12
    nodes.feed(bump.inputs["Height"], nodes.noise(stretched, 1.3, 2))
    return _glossy(nodes, tint, 0.04, 0.6, normal=bump.outputs[0])


def _rock(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    where = _position(nodes)
    crag = nodes.math(
        "MULTIPLY",
        nodes.between(nodes.noise(where, 3.0, 3), 0.3, 0.7, 0.65, 1.25),
        nodes.between(nodes.noise(where, 0.05, 3), 0.3, 0.7, 0.75, 1.25),
    )
    return _diffuse(nodes, _shaded(nodes, tint, crag))


def _snow(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    return _diffuse(
        nodes, _shaded(nodes, tint, nodes.between(nodes.noise(_position(nodes), 0.8, 3), 0.3, 0.7, 0.88, 1.02))
    )


def _glow(nodes: Nodes, tint: Any, weather: Weather) -> Any:
    made = nodes.node("Emission")
    nodes.feed(made.inputs[0], tint)
    made.inputs[1].default_value = 1.1
    return made.outputs[0]


SURFACES: dict[str, Callable[[Nodes, Any, Weather], Any]] = {
    "matte": _matte,
    "plaster": _plaster,
    "brick": _brick,
    "planks": _planks,
    "tiles": _tiles,
    "glass": _glass,
    "paint": _paint,
    "metal": _metal,
    "leaf": _leaf,
    "grass": _grass,
    "field": _field,
    "rows": _rows,
    "asphalt": _asphalt,
    "paving": _paving,
    "gravel": _gravel,
    "marking": _marking,
    "water": _water,
    "rock": _rock,
    "snow": _snow,
    "glow": _glow,
}
