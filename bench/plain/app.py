"""What one would write by hand: FastAPI, Pillow and onnxruntime, with the model that Classifr ships and no checks.

At another address the same, by somebody who knows that libjpeg decodes at an eighth, a quarter or a half.
"""

import io
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
from fastapi import Body, FastAPI
from fastapi.responses import JSONResponse
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from engine import backbones, heads

app = FastAPI()
card = backbones.for_domain("Food")
head = heads.loads((backbones.MODELS / "food-101.safetensors").read_bytes())
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(
    (backbones.MODELS / card.file).read_bytes(), options, providers=["CPUExecutionProvider"]
)


Content = Annotated[bytes, Body(media_type="application/octet-stream")]


@app.post("/classify")
def classify(content: Content) -> JSONResponse:
    return answer(Image.open(io.BytesIO(content)))


@app.post("/classify/reduced")
def classify_reduced(content: Content) -> JSONResponse:
    image = Image.open(io.BytesIO(content))
    image.draft("RGB", (card.resize, card.resize))
    return answer(image)


def answer(image: Image.Image) -> JSONResponse:
    rgb = image.convert("RGB")
    side = card.crop / card.resize * min(rgb.size)
    left, top = (rgb.width - side) / 2, (rgb.height - side) / 2
    box = (left, top, left + side, top + side)
    small = rgb.resize((card.crop, card.crop), Image.Resampling.BICUBIC, box=box)
    prepared = np.asarray(small, dtype=np.float32).transpose(2, 0, 1)[None] * card.scale + card.offset
    vectors = session.run([card.output], {card.input: prepared.astype(np.float32)})[0]
    probabilities = head.probabilities(vectors)[0]
    return JSONResponse(
        [{"tag": head.tags[i], "probability": float(probabilities[i])} for i in (-probabilities).argsort()]
    )
