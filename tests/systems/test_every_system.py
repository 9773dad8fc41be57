"""What holds for every system, on each of its small presets."""

import pytest
import torch

from intarsia import systems
from intarsia.records import Seeds
from tests.systems import matrix

LINEAR = ("crn", "sims")  # their last layer has no tanh, as published


@pytest.fixture(params=matrix.SMALL)
def system(request):
    return matrix.build(request.param)


def test_every_system_has_a_small_preset():
    assert {systems.preset(name).system for name in matrix.SMALL} == set(systems.SYSTEMS)


def test_image_has_the_size_and_range_of_the_condition(system):
    image = system.generator(matrix.condition(system)).image
    assert image.shape == (2, 3, *system.config.size)
    assert image.dtype == torch.float32
    if system.name not in LINEAR:
        assert image.abs().max() <= 1


def test_terms_are_finite_and_are_those_that_the_recipe_weighs(system):
    made = matrix.round_of(system, matrix.condition(system))
    for terms, weights in (
        (system.generator_terms(made), system.recipe.generator_weights),
        (system.discriminator_terms(made), system.recipe.discriminator_weights),
    ):
        assert terms.keys() == weights.keys()
        assert all(term.shape == () and torch.isfinite(term) for term in terms.values())


def test_losses_are_float32_in_mixed_precision_too(system):
    with torch.autocast("cpu", torch.bfloat16):
        made = matrix.round_of(system, matrix.condition(system))
        terms = [*system.generator_terms(made).values(), *system.discriminator_terms(made).values()]
    assert all(term.dtype == torch.float32 and torch.isfinite(term) for term in terms)
    sum(terms).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in system.generator.parameters())


def test_gradient_reaches_every_parameter(system):
    made = matrix.round_of(system, matrix.condition(system))
    for network, terms in (
        (system.generator, system.generator_terms(made)),
        (system.discriminator, system.discriminator_terms(made)),
    ):
        if network is None:
            assert not terms
            continue
        network.zero_grad()
        # Unequal weights: on hinge's slopes the two sides of the discriminator would cancel in a bias.
        sum((1 + place / 3) * term for place, term in enumerate(terms.values())).backward(retain_graph=True)
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().max() > 0 or cancelled(name), name


def cancelled(name: str) -> bool:
    """Whether a bias comes before a normalisation that takes it out again, or a part before weights that start at 0."""
    if name.startswith("placing.trunk."):
        return True
    return name.endswith(("conv_0.bias", ".conv.bias", ".joint.whole.bias")) or (".hidden." in name and "bias" in name)


def test_the_same_seeds_make_the_same_image(system):
    system.generator.eval()
    photos = matrix.batch(system)
    images = [system.generator(system.condition(photos, Seeds((5, 6)))).image for _ in range(2)]
    assert torch.equal(*images)


def test_a_batch_is_its_images_one_by_one(system):
    system.generator.eval()
    whole = matrix.condition(system, 3)
    images = system.generator(whole).image
    for place in range(3):
        alone = system.generator(matrix.one_of(whole, place)).image
        torch.testing.assert_close(alone[0], images[place], atol=1e-5, rtol=0)


def test_a_state_dict_carries_everything(system):
    made = matrix.condition(system)
    system.generator(made)  # in training: statistics and singular vectors move
    twin = matrix.build(system.preset)
    with torch.no_grad():
        for parameter in twin.generator.parameters():
            parameter.add_(1)
    twin.generator.load_state_dict(system.generator.state_dict())
    images = [network.eval()(made).image for network in (system.generator, twin.generator)]
    assert torch.equal(*images)


def test_coded_maps_and_dense_planes_agree(system):
    """In float64, where no term looks through a fixed float32 network: rounding grows in narrow random networks."""
    condition = matrix.condition(system)
    adversarial = system.discriminator is not None
    if adversarial:
        condition = matrix.doubled(condition)
    rounds = {}
    for road, given in (("coded", condition), ("dense", condition.dense())):
        built = matrix.build(system.preset)  # anew: training moves statistics
        if adversarial:
            built.generator.double()
            built.discriminator.double()
        made = matrix.round_of(built, given)
        generator = sum(w * built.generator_terms(made)[k] for k, w in built.recipe.generator_weights.items())
        generator.backward(retain_graph=True)
        gradients = {f"generator {name}": p.grad for name, p in built.generator.named_parameters()}
        if built.discriminator is not None:
            built.discriminator.zero_grad()
            sum(built.discriminator_terms(made).values()).backward()
            gradients |= {f"discriminator {name}": p.grad for name, p in built.discriminator.named_parameters()}
        rounds[road] = (made.fake.image, gradients)
    torch.testing.assert_close(rounds["coded"][0], rounds["dense"][0], atol=1e-5, rtol=0)
    # Relative to the largest: gradients of biases that a normalisation cancels are rounding noise only.
    largest = max(gradient.abs().max() for gradient in rounds["dense"][1].values())
    for name, gradient in rounds["dense"][1].items():
        assert (rounds["coded"][1][name] - gradient).abs().max() <= 1e-5 * largest, name


def test_a_config_survives_json(system):
    import dataclasses
    import json

    values = json.loads(json.dumps(dataclasses.asdict(system.config)))
    assert systems.config_from_dict(system.name, values) == system.config
