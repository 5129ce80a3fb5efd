"""Pictures drawn for benchmarks: something like photographs, pages made from templates, and what people do to them.

A template is drawn from one seed and filled in from another, so that two of one template look alike and say different
things: what a look-alike must not be held for.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Generator = np.random.Generator
Picture = Image.Image

_WORDS = [
    "river",
    "bridge",
    "market",
    "garden",
    "winter",
    "lamp",
    "bread",
    "window",
    "paper",
    "train",
    "story",
    "music",
    "number",
    "simple",
    "green",
    "yellow",
    "evening",
    "harbour",
    "letter",
    "cloud",
    "table",
    "summer",
    "quiet",
    "engine",
    "coffee",
    "stone",
    "forest",
    "island",
    "village",
    "road",
    "light",
    "water",
    "house",
]


def photograph(width: int, height: int, seed: int) -> Picture:
    """Draw soft shapes of several sizes, edges, and a little grain."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), dtype=np.float32)
    for cells, weight in ((3, 0.45), (9, 0.3), (27, 0.15), (81, 0.1)):
        coarse = Image.fromarray(random.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += np.float32(weight) * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    for _ in range(6):
        top, left = int(random.integers(0, height * 3 // 4)), int(random.integers(0, width * 3 // 4))
        high, wide = int(random.integers(height // 12, height // 3)), int(random.integers(width // 12, width // 3))
        total[top : top + high, left : left + wide] += random.integers(-60, 61, 3).astype(np.float32)
    total += random.standard_normal((height, width, 1), dtype=np.float32) * 3
    return Image.fromarray(np.clip(total, 0, 255).astype(np.uint8))


def encoded(picture: Picture, quality: int) -> bytes:
    """Encode as JPEG."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _words(random: Generator, count: int) -> str:
    return " ".join(random.choice(_WORDS, count))


def _colour(random: Generator, lowest: int = 0, highest: int = 256) -> tuple[int, int, int]:
    red, green, blue = random.integers(lowest, highest, 3).tolist()
    return red, green, blue


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _chat(layout: Generator, content: Generator) -> Picture:
    picture = Image.new("RGB", (540, 960), _colour(layout, 200))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 540, 90), _colour(layout, 0, 120))
    draw.text((100, 30), _words(content, 2), "white", font=_font(28))
    fills, y = (_colour(layout, 150, 250), _colour(layout, 150, 250)), 120
    while y < picture.height - 60:
        left, width, lines = bool(layout.integers(2)), int(layout.integers(200, 400)), int(layout.integers(1, 4))
        x = 20 if left else 520 - width
        draw.rounded_rectangle((x, y, x + width, y + lines * 28 + 24), 16, fills[left])
        for line in range(lines):
            draw.text((x + 14, y + 10 + line * 28), _words(content, 5)[: width // 11], "black", font=_font(20))
        y += lines * 28 + 42
    return picture


def _card(layout: Generator, content: Generator) -> Picture:
    picture = Image.new("RGB", (800, 600), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 800, 70), _colour(layout, 0, 180))
    draw.text((20, 12), _words(layout, 2).upper(), "white", font=_font(40))
    picture.paste(photograph(360, 300, int(content.integers(1_000_000))), (20, 100))
    for line in range(5):
        draw.text((400, 110 + line * 50), _words(content, 4)[:24], "black", font=_font(30))
    for line in range(4):
        draw.text((20, 430 + line * 38), _words(content, 9)[:60], (60, 60, 60), font=_font(22))
    return picture


def _gradient(layout: Generator, content: Generator) -> Picture:
    above, below = np.array(_colour(layout)), np.array(_colour(layout))
    down = np.linspace(0, 1, 600)[:, None, None]
    picture = Image.fromarray((above * (1 - down) + below * down + np.zeros((600, 600, 3))).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for line in range(3):
        draw.text((60, 180 + line * 90), _words(content, 2)[:14], "white", font=_font(64))
    return picture


def _slide(layout: Generator, content: Generator) -> Picture:
    picture = Image.new("RGB", (1280, 720), _colour(layout, 220))
    draw, colour = ImageDraw.Draw(picture), _colour(layout, 0, 160)
    draw.rectangle((0, 0, 1280, int(layout.integers(90, 160))), colour)
    draw.text((60, 30), _words(content, 4).title(), "white", font=_font(52))
    for line in range(int(layout.integers(3, 7))):
        draw.ellipse((80, 220 + line * 80, 96, 236 + line * 80), colour)
        draw.text((120, 210 + line * 80), _words(content, int(content.integers(4, 8))), "black", font=_font(32))
    return picture


def _sign(layout: Generator, content: Generator) -> Picture:
    picture = Image.new("RGB", (600, 600), _colour(layout))
    draw, colour = ImageDraw.Draw(picture), _colour(layout)
    x, y, side = (int(layout.integers(low, high)) for low, high in ((150, 300), (150, 300), (100, 250)))
    shape = draw.ellipse if layout.integers(2) else draw.rectangle
    shape((x, y, x + side, y + side), colour)
    draw.text((60, 480), _words(content, 2), colour, font=_font(56))
    draw.text((x + 10, y + side // 3), _words(content, 1)[:6], _colour(layout), font=_font(60))
    return picture


def _caption(layout: Generator, content: Generator) -> Picture:
    picture = photograph(600, 600, int(layout.integers(1_000_000)))
    draw = ImageDraw.Draw(picture)
    for y in (15, 520):
        words = _words(content, 3).upper()[:18]
        draw.text((30, y), words, "white", font=_font(54), stroke_width=3, stroke_fill="black")
    return picture


def _chart(layout: Generator, content: Generator) -> Picture:
    picture = Image.new("RGB", (900, 600), "white")
    draw, bars, colour = ImageDraw.Draw(picture), int(layout.integers(5, 14)), _colour(layout, 0, 200)
    draw.line((80, 40, 80, 540), "black", 3)
    draw.line((80, 540, 860, 540), "black", 3)
    draw.text((300, 8), _words(content, 3), "black", font=_font(26))
    for bar in range(bars):
        x, high = 100 + bar * 740 // bars, int(content.integers(60, 480))
        draw.rectangle((x, 540 - high, x + 500 // bars, 540), colour)
    return picture


def _receipt(layout: Generator, content: Generator) -> Picture:
    picture = Image.new("RGB", (400, 900), (245, 245, 240))
    draw = ImageDraw.Draw(picture)
    draw.text((80, 30), _words(layout, 2).upper(), "black", font=_font(34))
    for line in range(int(layout.integers(12, 20))):
        draw.text((20, 120 + line * 36), _words(content, 2), "black", font=_font(20))
        draw.text((310, 120 + line * 36), f"{content.random() * 50:.2f}", "black", font=_font(20))
    return picture


TEMPLATES: dict[str, Callable[[Generator, Generator], Picture]] = {
    "chat": _chat,
    "card": _card,
    "gradient": _gradient,
    "slide": _slide,
    "sign": _sign,
    "caption": _caption,
    "chart": _chart,
    "receipt": _receipt,
}


def of_template(name: str, layout: int, content: int) -> Picture:
    """Draw one of a template, by the seeds of its layout and of what it says."""
    return TEMPLATES[name](np.random.default_rng([layout, len(name)]), np.random.default_rng([content, 777]))


# --- what people do to pictures ---


def again(picture: Picture, quality: int) -> Picture:
    """Encode and decode."""
    return Image.open(io.BytesIO(encoded(picture, quality))).convert("RGB")


def cropped(picture: Picture, part: float) -> Picture:
    """Cut so much off each side."""
    width, height = picture.size
    return picture.crop((int(width * part), int(height * part), int(width * (1 - part)), int(height * (1 - part))))


def written_on(picture: Picture) -> Picture:
    """Write a line over the bottom."""
    picture = picture.copy()
    width, height = picture.size
    ImageDraw.Draw(picture).text(
        (width * 0.05, height * 0.85),
        "seen at the market",
        "white",
        font=_font(max(height // 16, 8)),
        stroke_width=max(height // 300, 1),
        stroke_fill="black",
    )
    return picture


def marked(picture: Picture) -> Picture:
    """Put a mark into a corner."""
    picture = picture.copy()
    width, height = picture.size
    ImageDraw.Draw(picture).rectangle((width * 0.86, height * 0.04, width * 0.97, height * 0.12), "red")
    return picture


def _gamma(picture: Picture, power: float) -> Picture:
    return picture.point([int(255 * (grey / 255) ** power + 0.5) for grey in range(256)] * 3)


def _noisy(picture: Picture) -> Picture:
    pixels = np.asarray(picture).astype(np.float32)
    noise = np.random.default_rng(3).standard_normal(pixels.shape, dtype=np.float32) * 12
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _scaled(picture: Picture, factor: float) -> Picture:
    width, height = picture.size
    return picture.resize((max(int(width * factor), 64), max(int(height * factor), 64)), Image.Resampling.LANCZOS)


EDITS: dict[str, Callable[[Picture], Picture]] = {
    "quality 85": lambda picture: again(picture, 85),
    "quality 50": lambda picture: again(picture, 50),
    "quality 25": lambda picture: again(picture, 25),
    "half": lambda picture: again(_scaled(picture, 0.5), 80),
    "a third": lambda picture: again(_scaled(picture, 1 / 3), 80),
    "160 wide": lambda picture: again(_scaled(picture, 160 / picture.width), 80),
    "double": lambda picture: _scaled(picture, 2),
    "square": lambda picture: again(picture.resize((512, 512)), 80),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 400)),
    "blurred a lot": lambda picture: picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 150)),
    "sharpened": lambda picture: picture.filter(ImageFilter.UnsharpMask(3, 200, 2)),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.3),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.6),
    "more contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.6),
    "less contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(0.6),
    "lighter shadows": lambda picture: _gamma(picture, 0.6),
    "deeper shadows": lambda picture: _gamma(picture, 1.6),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "more colour": lambda picture: ImageEnhance.Color(picture).enhance(2.0),
    "cropped 1 %": lambda picture: cropped(picture, 0.01),
    "cropped 2 %": lambda picture: cropped(picture, 0.02),
    "noise": _noisy,
    "words": written_on,
    "mark": marked,
    "stretched": lambda picture: ImageOps.autocontrast(picture, 2),
    "equalized": ImageOps.equalize,
    "posterized": lambda picture: ImageOps.posterize(picture, 3),
    "64 colours": lambda picture: picture.quantize(64).convert("RGB"),
    "several": lambda picture: again(written_on(again(_scaled(picture, 0.66), 60)), 70),
}
