from intarsia import cli, systems


def test_every_system_and_preset_is_listed_with_its_sizes(capsys):
    assert cli.run(["systems"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    listed = {words[0] for words in lines}
    assert set(systems.SYSTEMS) | set(systems.PRESETS) <= listed
    rows = {words[0]: " ".join(words[1:]) for words in lines}
    assert rows["spade"] == "(2019) Spatially-Adaptive Normalization (GauGAN)"
    assert rows["spade-cityscapes"] == "256x512 93.0 M 5.6 M 35 labels, instance edges"
    assert rows["spade-facades-style"] == "256x256 119.5 M 5.6 M 13 labels, style image or noise"
