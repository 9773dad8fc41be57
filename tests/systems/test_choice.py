"""Choosing systems, presets, configs and terms by name."""

import dataclasses

import pytest

from intarsia import systems
from intarsia.errors import ConfigError
from intarsia.labels import numbered
from intarsia.systems.system import Recipe, weighed

TINY = systems.preset("spade-tiny")


def test_every_preset_is_of_a_known_system():
    for preset in systems.PRESETS.values():
        assert isinstance(preset.config, systems.SYSTEMS[preset.system].config)


def test_an_unknown_preset_proposes_near_ones():
    with pytest.raises(ConfigError) as caught:
        systems.preset("spade-earth")
    assert (
        str(caught.value) == "no preset is called spade-earth. Did you mean spade-earth-128, spade-tiny, spade+-tiny?"
    )


def test_an_unknown_system_proposes_near_ones():
    with pytest.raises(ConfigError) as caught:
        systems.build("spado", TINY.config, TINY.recipe)
    assert str(caught.value) == "no system is called spado. Did you mean spade, safm?"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"witdh": 8}, "no key of a spade config is called witdh. Did you mean width, depth?"),
        (
            {"depth": "lots"},
            "the config of spade is wrong at depth: Input should be 'normal', 'more' or 'most'. Correct it.",
        ),
        ({"size": [64]}, "the config of spade is wrong at size.1: Field required. Correct it."),
        ({"size": [0, 64]}, "the config of spade has size (0, 64). Give 1 or more."),
        ({"width": -1}, "the config of spade has width -1. Give 1 or more."),
        ({"kernel": 4}, "the config of spade has kernel 4. Give an odd number."),
    ],
)
def test_a_wrong_config_says_where(change, message):
    with pytest.raises(ConfigError) as caught:
        systems.config_from_dict("spade", dataclasses.asdict(TINY.config) | change)
    assert str(caught.value) == message


def test_a_config_is_fitted_to_a_label_space():
    spaces = numbered("plain", 4), numbered("more", 4, dont_care_ids=(9,))
    oasis = [systems.for_label_space(systems.preset("oasis-tiny").config, space) for space in spaces]
    assert [(config.labels, config.dont_care) for config in oasis] == [(4, False), (5, True)]
    assert systems.for_label_space(TINY.config, spaces[1]) == dataclasses.replace(TINY.config, labels=5)


def test_a_config_without_labels_says_so():
    with pytest.raises(ConfigError) as caught:
        systems.config_from_dict("spade", {"width": 8})
    assert str(caught.value) == "the config of spade is wrong at labels: Field required. Correct it."


def test_a_weight_for_a_term_that_nobody_computes_is_an_error():
    with pytest.raises(ConfigError) as caught:
        systems.build("spade", TINY.config, Recipe({"gan": 1.0, "kl": 0.05}, {"fake": 1.0}))
    assert str(caught.value) == "the recipe weighs the term kl, which is not computed. Known: gan, feature_matching."


def test_only_weighed_terms_are_computed():
    def never(made):
        raise AssertionError("computed without a weight")

    chosen = weighed({"one": lambda made: made, "other": never}, {"one": 2.0})
    assert chosen(5) == {"one": 5}
