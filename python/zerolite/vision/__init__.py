"""Images for models: decoded, resized and preprocessed as Keras does, without TensorFlow. Needs the extra "vision".

>>> from zerolite import vision
>>> x = vision.load_image("cat.jpg", size=(224, 224), preprocessing="mobilenet_v2")
>>> vision.top(model(x)[0], vision.load_labels("labels.txt"), k=5)
"""

from zerolite.vision.classification import Classification, Prediction, classify, image_files, top
from zerolite.vision.contact_sheet import contact_sheet
from zerolite.vision.image import Color, ImageError, Resampling, decode_image
from zerolite.vision.image_folder import ImageFolder
from zerolite.vision.labels import Labels, check_labels, load_labels
from zerolite.vision.loading import OnCorrupt, load_image, load_images
from zerolite.vision.preprocessing import PREPROCESSINGS, preprocess

__all__ = [
    "PREPROCESSINGS",
    "Classification",
    "Color",
    "ImageError",
    "ImageFolder",
    "Labels",
    "OnCorrupt",
    "Prediction",
    "Resampling",
    "check_labels",
    "classify",
    "contact_sheet",
    "decode_image",
    "image_files",
    "load_image",
    "load_images",
    "load_labels",
    "preprocess",
    "top",
]
