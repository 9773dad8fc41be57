"""Build a style bank: the features of all objects of a data set, clustered for each class (pix2pixHD, section 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from intarsia.checkpoints.snapshot import check_label_space
from intarsia.data.pairs import Pair
from intarsia.data.sources import Source
from intarsia.data.transforms import resize
from intarsia.errors import ConfigError
from intarsia.synthesis.object_styles import StyleBank, Vector
from intarsia.synthesis.synthesiser import Synthesiser

CLUSTERS = 10
LEAST_SHARE = 0.5 / 32  # of the photo: smaller objects count only for classes that have no larger ones

Watch = Callable[[Iterable[int], str, int], Iterable[int]]


def build_bank(
    synthesiser: Synthesiser,
    source: Source,
    *,
    clusters: int = CLUSTERS,
    watch: Watch = lambda numbers, _what, _total: numbers,
) -> StyleBank:
    """Typical styles of each class in a data set, at most `clusters` of each.

    Photos are seen at the size that the model was trained on. `watch(numbers, what, total)` may show progress.

    Raises:
        ConfigError: the model has no features of objects, or scikit-learn is not installed.
        CheckpointError: the data are of another label space.
        DataError: a photo cannot be read.
    """
    synthesiser.check_features()
    check_label_space(synthesiser.label_space, source.label_space, f"model {synthesiser.card.preset}")
    check_installed()
    rows: dict[str, list[tuple[float, Vector]]] = {}
    for number in watch(range(len(source)), "looking at photos", len(source)):
        for name, share, style in seen(synthesiser, source.pair(number)):
            rows.setdefault(name, []).append((share, style))
    styles = {name: clustered(large_enough(found), clusters) for name, found in sorted(rows.items())}
    return StyleBank(synthesiser.card.preset, synthesiser.encoder_digest, source.name, styles)


def seen(synthesiser: Synthesiser, pair: Pair) -> Iterable[tuple[str, float, Vector]]:
    """(class, share of the photo, style) of each object in a labelled photo."""
    recipe = synthesiser.card.recipe
    size = synthesiser.config.size if recipe is None else recipe["load_size"]
    if size is not None:
        pair = resize(pair, (size[0], size[1]))
    scene = synthesiser.scene(synthesiser.label_space.decode(pair.labels), pair.instances, source=pair.name)
    styles = synthesiser.object_styles(pair.photo, scene.instance_map)
    return [(each.class_name, each.pixels / pair.labels.size, styles[each.id]) for each in scene.objects]


def large_enough(rows: Iterable[tuple[float, Vector]]) -> Vector:
    """The styles of objects that fill at least `LEAST_SHARE` of their photos, or where there are none, of all."""
    rows = list(rows)
    large = [style for share, style in rows if share > LEAST_SHARE]
    return np.stack(large or [style for _, style in rows])


def clustered(styles: Vector, clusters: int) -> Vector:
    """Centres of at most `clusters` clusters of styles (n features), by k-means with a fixed seed."""
    from sklearn.cluster import KMeans

    count = min(len(np.unique(styles, axis=0)), clusters)
    centres: Vector = KMeans(n_clusters=count, random_state=0).fit(styles).cluster_centers_.astype(np.float32)
    return centres


def check_installed() -> None:
    """Refuse to begin without scikit-learn.

    Raises:
        ConfigError: it is not installed.
    """
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise ConfigError("clustering styles needs scikit-learn. Install it with: pip install 'intarsia[style]'")
