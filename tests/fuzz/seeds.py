"""Whole files of every accepted format, from which the campaign makes broken ones. They show nothing."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from PIL import Image

from tidegate.content.model import ContentKind
from tidegate.fingerprint.video import samples as video_samples


@dataclass(frozen=True, slots=True)
class Seed:
    """A whole file: what kind it is handed in as, its format, and its bytes."""

    kind: ContentKind
    format: str
    data: bytes


def seeds() -> list[Seed]:
    """Make one file of each variety."""
    return [*_pictures(), *_videos(), *_texts(), *_links()]


def scene(width: int, height: int, number: int = 0) -> Image.Image:
    """Draw a picture of slopes and squares."""
    chance = Random(number)
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    for _ in range(12):
        left, top = chance.randrange(width), chance.randrange(height)
        colour = tuple(chance.randrange(256) for _ in range(3))
        image.paste(colour, (left, top, left + width // 5, top + height // 5))
    return image


def _pictures() -> Iterator[Seed]:
    image = scene(96, 72)
    clear = image.copy()
    clear.putalpha(Image.linear_gradient("L").resize(image.size))
    frames = [scene(64, 48, number) for number in range(4)]
    exif = Image.Exif()
    exif[0x0112] = 6
    moving = {"save_all": True, "append_images": frames[1:], "duration": 40}
    for format_, mode, settings in (
        ("JPEG", image, {"quality": 80}),
        ("JPEG", image, {"quality": 60, "progressive": True}),
        ("JPEG", image, {"quality": 90, "subsampling": 0, "optimize": True, "exif": exif}),
        ("JPEG", image, {"quality": 80, "restart_marker_rows": 1}),
        ("JPEG", image.convert("L"), {"quality": 70}),
        ("JPEG", image.convert("CMYK"), {"quality": 70}),
        ("PNG", image, {}),
        ("PNG", clear, {"compress_level": 1}),
        ("PNG", image.convert("P"), {}),
        ("PNG", image.convert("1"), {}),
        ("PNG", image.convert("L").convert("I;16"), {}),
        ("PNG", frames[0], moving),
        ("WEBP", image, {"quality": 70}),
        ("WEBP", image, {"lossless": True}),
        ("WEBP", clear, {"quality": 70, "exif": exif}),
        ("WEBP", frames[0], moving),
        ("GIF", image.convert("P"), {}),
        ("GIF", frames[0], moving | {"disposal": 2, "transparency": 0}),
    ):
        out = io.BytesIO()
        mode.save(out, format_, **settings)
        yield Seed(ContentKind.PICTURE, format_.lower(), out.getvalue())


def _videos() -> Iterator[Seed]:
    for data in video_samples.every():
        yield Seed(ContentKind.VIDEO, "video", data)


def _texts() -> Iterator[Seed]:
    for text in (
        "The bridge over the river is closed on Monday; take the ferry. " * 8,
        "Мост через реку закрыт в понедельник, идите на паром. " * 8,
        "الجسر فوق النهر مغلق يوم الاثنين، خذوا العبّارة. " * 8,
        "河上的桥星期一关闭。请乘渡船。" * 20,
        "🌉🚢⛴️👩‍👩‍👧‍👦 ferry\u200b\u200d\u2060 bri\u0301dge " * 16,
    ):
        yield Seed(ContentKind.TEXT, "text", text.encode())


def _links() -> Iterator[Seed]:
    for link in (
        "https://bridge.example/ferry?day=monday#timetable",
        "HTTP://User:Secret@BRIDGE.example:8080/a/../b/%7Eferry/%2e%2e/",
        "https://xn--brcke-kva.example/straße",
        "https://[2001:db8::1]:443/path",
        "//192.0.2.1/0x7f.1",
    ):
        yield Seed(ContentKind.LINK, "link", link.encode())
