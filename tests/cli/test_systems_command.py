from intarsia import cli, systems


def test_every_system_and_preset_is_listed_with_its_sizes(capsys):
    assert cli.run(["systems"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    listed = {words[0] for words in lines}
    assert set(systems.SYSTEMS) | set(systems.RECIPES) | set(systems.PRESETS) <= listed
    rows = {words[0]: " ".join(words[1:]) for words in lines}
    assert rows["spade"] == "(2019) Spatially-Adaptive Normalization (GauGAN)"
    assert rows["spade-cityscapes"] == "256x512 93.0 M 5.6 M - 35 labels, instance edges"
    assert rows["spade-facades-style"] == "256x256 119.5 M 5.6 M - 13 labels, style image or noise"
    assert rows["spade-street-256"].startswith("256x256 7.7 M 1.4 M in the package 28 labels")
    assert rows["crn-street-64"].startswith("64x64 1.5 M none in the repository 28 labels")


def test_ten_systems_are_listed_and_every_preset_belongs_to_one():
    families = {**systems.SYSTEMS, **systems.RECIPES}
    assert len(families) == 10
    members = [name for family in families for name in systems.of_family(family)]
    assert sorted(members) == sorted(systems.PRESETS)
