"""The one way in which a picture becomes the square that a network sees."""

from PIL import Image


def middle(image: Image.Image, *, resize: int, crop: int) -> Image.Image:
    """Return the square that the network sees: the shorter side becomes `resize` pixels, `crop` of which are kept."""
    side = crop / resize * min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    # Each pass rounds. In one call Pillow chooses by the sizes which is first: two squares of one picture would differ.
    narrow = image.resize((crop, image.height), Image.Resampling.BICUBIC, box=(left, 0, left + side, image.height))
    return narrow.resize((crop, crop), Image.Resampling.BICUBIC, box=(0, top, crop, top + side))
