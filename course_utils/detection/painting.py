"""What simulated scenes are painted with: water, land, quays, ships and their wakes, haze.

Positions and lengths are in pixels; a heading is in radians, 0 to the right, growing downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator

# red, green and blue, 0 to 255
WHITE = np.array([235.0, 238, 240], np.float32)
FOAM = np.array([205.0, 215, 218], np.float32)
CONCRETE = np.array([150.0, 142, 130], np.float32)
EARTH = np.array([110.0, 100, 70], np.float32)
SHADE = np.array([35.0, 38, 36], np.float32)
HULLS = np.array(
    [[190] * 3, [135, 70, 60], [115, 120, 130], [225, 225, 220], [150, 135, 110], [90, 120, 105]]
    + [[70, 80, 105], [85, 50, 45]],
    np.float32,
)


@dataclass(frozen=True)
class Frame:
    """A square part of an image, with coordinates along and across an object's heading."""

    window: np.ndarray  # the part, (height, width, 3): a view into the image
    u: np.ndarray  # pixels ahead of the object's centre, (height, width)
    v: np.ndarray  # pixels to its right
    top: int  # the window's corner in the image
    left: int

    def blend(self, alpha: np.ndarray, colour) -> None:
        """Paint a colour with an opacity of 0 to 1 for each pixel."""
        window = self.window  # a view: changed in place, the image is changed
        window += alpha[..., None] * (colour - window)


def frame(image: np.ndarray, x: float, y: float, heading: float, reach: float) -> Frame:
    """Cut the part of an image out that is within `reach` pixels of a point."""
    size = image.shape[0]
    low = [min(max(int(c - reach), 0), size - 1) for c in (y, x)]
    high = [
        max(min(int(c + reach) + 2, size), start + 1) for c, start in zip((y, x), low, strict=True)
    ]
    rows = np.arange(low[0], high[0], dtype=np.float32)[:, None] + np.float32(0.5 - y)
    columns = np.arange(low[1], high[1], dtype=np.float32)[None] + np.float32(0.5 - x)
    cos, sin = np.float32(np.cos(heading)), np.float32(np.sin(heading))
    window = image[low[0] : high[0], low[1] : high[1]]
    return Frame(window, columns * cos + rows * sin, rows * cos - columns * sin, *low)


def bar(part: Frame, length: float, width: float) -> np.ndarray:
    """Return the opacity (0 to 1) of a bar along the heading, with smooth edges."""
    ends = np.clip(length / 2 - np.abs(part.u) + 0.5, 0, 1)
    return ends * np.clip(width / 2 - np.abs(part.v) + 0.5, 0, 1)


def bounds(part: Frame, alpha: np.ndarray) -> tuple[float, float, float, float] | None:
    """Return the box of what is more opaque than half: x0, y0, x1, y1 of the image, or None."""
    rows, columns = np.nonzero(alpha > 0.5)
    if not len(rows):
        return None
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return tuple(
        float(edge + start) for edge, start in zip(box, (part.left, part.top) * 2, strict=True)
    )


def smooth_noise(size: int, patches: int, rng: Generator) -> np.ndarray:
    """Return a random field (size, size) of standard deviation 1 that varies over `patches`."""
    basis = _basis(size, patches)
    return basis @ rng.standard_normal((patches, patches), dtype=np.float32) @ basis.T


@cache
def axes(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows (size, 1) and columns (1, size) of an image's pixels, float32."""
    numbers = np.arange(size, dtype=np.float32)
    return numbers[:, None], numbers[None]


def turned(size: int, heading: float) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates along and across a heading (size, size), float32."""
    rows, columns = axes(size)
    cos, sin = np.float32(np.cos(heading)), np.float32(np.sin(heading))
    return columns * cos + rows * sin, rows * cos - columns * sin


@cache
def _basis(size: int, patches: int) -> np.ndarray:
    """Return the weights (size, patches) that interpolate a coarse grid smoothly."""
    places = np.linspace(0, patches - 1, size)[:, None]
    distance = np.clip(np.abs(places - np.arange(patches)), 0, 1)
    weights = (1 + np.cos(np.pi * distance)) / 2
    return (weights / np.sqrt((weights**2).sum(1, keepdims=True))).astype(np.float32)


@dataclass(frozen=True)
class Port:
    """The look that all scenes of a family share, as the scenes of one port and day do."""

    colour: tuple[float, float, float]  # red, green and blue of the water, 0 to 255
    cast: tuple[float, float, float]  # factor on each channel of the finished image
    patchiness: float  # standard deviation of large patches of water, in levels
    swell: float  # amplitude of the waves, in levels
    wavelength: float  # of the swell, in pixels
    heading: float  # of the swell, and of streets and quays, in radians
    noise: float  # standard deviation of the pixel noise, in levels
    light: float  # factor on land, quays, ships and foam
    scale: float  # of ships, streets and roofs: how fine the sensor's pixels are
    blur: float  # weight of each neighbouring row and column in a pixel, 0 to 0.25


def random_port(rng: Generator) -> Port:
    """Draw the look of a family of scenes, in the range of Sentinel-2 images of real ports."""
    depth = rng.beta(1.0, 1.6)
    muddy = rng.uniform(0, 1)
    colour = (1 + depth * (27 + 40 * muddy), 8 + 77 * depth, 18 + depth * (67 - 25 * muddy))
    return Port(
        colour=colour,
        cast=tuple(rng.uniform(0.92, 1.08, 3)),
        patchiness=rng.uniform(0.3, 4),
        swell=rng.choice([0.0, rng.uniform(0.3, 4)]),
        wavelength=rng.uniform(4, 14),
        heading=rng.uniform(0, 2 * np.pi),
        noise=rng.uniform(0.1, 2.2),
        light=rng.uniform(0.75, 1.15),
        scale=rng.uniform(0.75, 1.4),
        blur=rng.uniform(0.0, 0.22),
    )


def paint_water(port: Port, size: int, rng: Generator, *, glint: float = 0.0) -> np.ndarray:
    """Paint open water, (size, size, 3) float32 in levels; `glint` is the sun's reflection on it.

    A glint of 1 lightens crests by some 60 levels, over a part of the image.
    """
    patches = smooth_noise(size, 6, rng)
    level = port.patchiness * patches
    if port.swell or glint:
        along, _ = turned(size, port.heading)
        waves = np.sin(2 * np.pi / port.wavelength * along + rng.uniform(0, 6) + 0.5 * patches)
        level += port.swell * waves
    level = level[..., None] / 2
    image = np.asarray(port.colour, np.float32) * (1 + level / 25) + level
    if glint:
        crests = np.maximum(waves + 1.2 * rng.standard_normal((size, size), dtype=np.float32), 0)
        lit = np.clip(0.5 + 0.6 * smooth_noise(size, 3, rng), 0, 1)
        image += (60 * glint * lit * (0.4 + 0.6 * crests))[..., None]
    return image


_ROOFS = np.array(
    [[142, 105, 86], [160, 145, 125], [118, 112, 106], [205, 200, 192], [92, 92, 93]], np.float32
)
_SHEDS = np.array(
    [[222, 222, 220], [168, 163, 155], [122, 121, 122], [112, 126, 150], [180, 168, 148]],
    np.float32,
)
_STACKS = np.array(
    [[130, 78, 68], [80, 92, 118], [160, 150, 138], [165, 112, 80], [88, 108, 96]], np.float32
)
_FIELDS = np.array([[66, 80, 50], [95, 97, 66], [122, 108, 82], [52, 66, 46]], np.float32)
# palette; length and width of a unit in pixels; share of streets; contrast of units
_LANDS = {
    "town": (_ROOFS, (2.5, 6.0), (2.5, 5.0), 0.25, 0.4),
    "sheds": (_SHEDS, (10.0, 28.0), (7.0, 15.0), 0.25, 0.25),
    "stacks": (_STACKS, (4.0, 8.0), (2.5, 3.5), 0.15, 0.3),
    "fields": (_FIELDS, (18.0, 45.0), (12.0, 30.0), 0.04, 0.15),
}
_GREEN, _DRY = (np.array(c, np.float32) for c in ([54.0, 63, 42], [118.0, 101, 78]))
_UNITS = 32  # along a side of the table of colours, which repeats


def paint_land(port: Port, size: int, kind: str, rng: Generator) -> np.ndarray:
    """Paint land that fills an image (size, size, 3), in levels: woods, or a kind of units.

    Units lie along streets, with a colour each: "town" has small roofs, "sheds" large ones,
    "stacks" containers, and "fields" are fields.
    """
    fine, broad = smooth_noise(size, size // 3, rng), smooth_noise(size, 7, rng)
    if kind == "woods":
        dry = np.clip(0.3 * broad + rng.uniform(-0.1, 0.4), 0, 1)[..., None]
        ground = _GREEN * np.float32(rng.uniform(0.7, 1.2)) * (1 - dry) + _DRY * dry
        return ground * ((1 + 0.14 * fine + 0.08 * broad) * port.light)[..., None]
    palette, lengths, widths, streets, contrast = _LANDS[kind]
    length, width = (rng.uniform(*sides) * port.scale for sides in (lengths, widths))
    turn = port.heading + rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.1)
    u, v = turned(size, turn)
    bend = 1.2 * broad + 0.3 * fine  # pixels
    u, v = (u + bend) / np.float32(length), (v - bend) / np.float32(width)
    row = np.floor(v).astype(np.int32)
    # roofs of two streets do not line up
    u += rng.uniform(0, 1, _UNITS).astype(np.float32)[row & (_UNITS - 1)]
    column = np.floor(u).astype(np.int32)
    shares = rng.dirichlet(np.full(len(palette), 0.8))  # in most towns one colour leads
    chosen = palette[rng.choice(len(palette), _UNITS**2, p=shares)]
    units = chosen * np.exp(contrast * rng.standard_normal((_UNITS**2, 1), dtype=np.float32))
    image = units.take((row & (_UNITS - 1)) * _UNITS + (column & (_UNITS - 1)), axis=0)
    street = np.minimum((u - column) * np.float32(length / width), v - row) < streets
    ground = SHADE if kind == "stacks" else CONCRETE * np.float32(rng.uniform(0.35, 0.8))
    image += street[..., None] * (ground - image)
    trees = np.clip(1.2 * (broad - np.float32(rng.uniform(0.3, 2.5))), 0, 0.8)[..., None]
    image += trees * (_GREEN - image)
    return image * ((1 + 0.12 * fine) * port.light)[..., None]


def lay_land(image: np.ndarray, land: np.ndarray, height: np.ndarray, *, surf: float) -> None:
    """Blend land over water where `height` (pixels inland from the shore) is above zero.

    `surf` is the opacity of the foam along the shore, 0 to 1.
    """
    if surf:
        foam = surf * np.exp(-(((height + 1.5) / 1.5) ** 2))
        image += foam[..., None] * (FOAM - image)
    alpha = np.clip(height + 0.5, 0, 1)[..., None]
    image += alpha * (land - image)


SHORTEST, LONGEST = 6.0, 44.0  # pixels


def paint_ship(
    image: np.ndarray,
    x: float,
    y: float,
    heading: float,
    length: float,
    rng: Generator,
    *,
    light: float = 1.0,
    wake: float = 0.4,
) -> tuple[float, float, float, float] | None:
    """Paint a ship, with a wake at random, and return the box of its hull; None if out of sight.

    `wake` is the probability of one, `light` a factor on all colours.
    """
    beam = max(length / rng.uniform(3.5, 6.0), 2.2)
    if rng.random() < wake:
        paint_wake(image, x, y, heading, length, rng, light=light)
    part = frame(image, x, y, heading, length / 2 + 2)
    ahead = np.clip(part.u / (length / 2), -1, 1)
    taper = np.sqrt(np.clip(1 - np.clip((ahead - 0.3) / 0.7, 0, 1) ** 2, 0, 1))
    hull = np.clip(beam / 2 * taper - np.abs(part.v) + 0.5, 0, 1)
    hull = hull * np.clip(length / 2 - np.abs(part.u) + 0.5, 0, 1)
    box = bounds(part, hull)
    part.blend(hull, HULLS[rng.integers(len(HULLS))] * (light * rng.uniform(0.9, 1.2)))
    _paint_deck(part, hull, length, beam, light, rng)
    return box


def _paint_deck(
    part: Frame, hull: np.ndarray, length: float, beam: float, light: float, rng: Generator
) -> None:
    """Paint a bridge at the stern, and on large ships containers or hatches."""
    if length > 16 and rng.random() < 0.6:
        period = rng.uniform(3, 5)
        stripes = (np.floor(part.u / period) % 2 == 0) & (np.abs(part.u) < 0.32 * length)
        stripes &= np.abs(part.v) < 0.35 * beam
        part.blend(0.6 * hull * stripes, HULLS[rng.integers(len(HULLS))] * light)
    bridge = np.abs(part.u + 0.33 * length) < 0.09 * length + 0.5
    part.blend(0.9 * hull * bridge, WHITE * light)


def paint_wake(
    image: np.ndarray,
    x: float,
    y: float,
    heading: float,
    length: float,
    rng: Generator,
    *,
    light: float = 1.0,
) -> np.ndarray:
    """Paint the foam behind a ship of a given length, which widens and fades with the distance.

    Returns where it is more opaque than a tenth, bool (size, size).
    """
    reach = length * rng.uniform(1.0, 3.0)
    strength, spread = rng.uniform(0.35, 0.8), rng.uniform(0.06, 0.14)
    back = length / 2 + reach / 2
    cx, cy = x - back * np.cos(heading), y - back * np.sin(heading)
    # as wide as the foam ever gets, so that no edge of it is cut
    part = frame(image, cx, cy, heading, reach / 2 + length / 2 + 3 * spread * reach)
    behind = np.clip((reach / 2 - part.u) / reach, 0, 1)
    start = np.clip((reach / 2 + 0.2 * length - part.u) / 3, 0, 1)
    width = 0.8 + 0.06 * length + spread * reach * behind
    arms = np.exp(-(((np.abs(part.v) - 1.2 * spread * reach * behind) / width) ** 2))
    alpha = strength * start * (1 - behind) ** 1.5 * arms
    part.blend(alpha, FOAM * light)
    seen = np.zeros(image.shape[:2], bool)
    rows, columns = alpha.shape
    seen[part.top : part.top + rows, part.left : part.left + columns] = alpha > 0.1
    return seen


def develop(image: np.ndarray, port: Port, rng: Generator, *, haze: float = 0.0) -> np.ndarray:
    """Turn a painted scene into what a sensor sends: haze, blur, noise and cast; uint8 levels.

    `haze` is the opacity of thin cloud where it is thickest, 0 to 1.
    """
    size = image.shape[0]
    if haze:
        veil = haze * np.clip(0.5 + 0.4 * smooth_noise(size, 4, rng), 0, 1)
        image = image + veil[..., None] * (WHITE - image)
    if port.blur:
        for _ in ("down", "across"):
            near = port.blur * image
            image = image - 2 * near
            image[1:] += near[:-1]
            image[:-1] += near[1:]
            image[0] += near[0]
            image[-1] += near[-1]
            image = image.transpose(1, 0, 2)
    noise = port.noise * rng.standard_normal((size, size), dtype=np.float32)
    return np.clip(image * np.asarray(port.cast, np.float32) + noise[..., None], 0, 255).astype(
        np.uint8
    )
