"""What several rooms' tests share."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SnapshotOf = Callable[[str], Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `gpu` where torch finds none."""
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="torch finds no GPU"))


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests compute out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def snapshot_of(tmp_path_factory: pytest.TempPathFactory) -> SnapshotOf:
    """An untrained snapshot of a preset, over a label space of its size named after the preset; made once."""
    import torch

    from intarsia import labels, systems
    from intarsia.checkpoints.snapshot import Card, save_snapshot

    folder = tmp_path_factory.mktemp("snapshots")

    def make(preset: str) -> Path:
        if not (folder / preset).exists():
            recorded = systems.preset(preset)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                built = systems.build(recorded.system, recorded.config, recorded.recipe, preset=preset)
            card = Card(
                system=recorded.system,
                preset=preset,
                config=dataclasses.asdict(recorded.config),
                label_space=labels.numbered(preset, recorded.config.labels),
            )
            save_snapshot(folder / preset, card, built.generator.state_dict())
        return folder / preset

    return make
