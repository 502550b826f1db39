"""From a model's file to answers: what is in a picture, and where; what a text says. Needs "vision" or "text", extras.

>>> import zerolite as zl
>>> with zl.tasks.load("detector.tflite") as detect:
...     for found in detect.map("photos/"):
...         print(found.path, [(one.label, one.box) for one in found.detections])
"""

from zerolite.tasks.audio import AudioClassifier, AudioSource, Heard, HeardWindow
from zerolite.tasks.classify import Classified, Classifier
from zerolite.tasks.decoding.anchors import efficientdet_anchors, ssd_anchors
from zerolite.tasks.decoding.boxes import Box
from zerolite.tasks.detect import Detection, Detections, Detector
from zerolite.tasks.embed import Embedder, Embedding, similarities
from zerolite.tasks.image_task import DrawnTask, ImageTask
from zerolite.tasks.loading import Task, TaskName, load
from zerolite.tasks.picture import PictureSource
from zerolite.tasks.pose import KeyPoint, Pose, PoseEstimator, Poses
from zerolite.tasks.segment import Area, Segmentation, Segmenter
from zerolite.tasks.stylize import Stylized, Stylizer, load_stylizer
from zerolite.tasks.text.answer import Answer, Answers, QuestionAnswerer
from zerolite.tasks.text.classify import ClassifiedText, TextClassifier
from zerolite.tasks.text.reply import MessageSource, Replier, Replies, Reply
from zerolite.tasks.text.text_task import TextTask

__all__ = [
    "Answer",
    "Answers",
    "Area",
    "AudioClassifier",
    "AudioSource",
    "Box",
    "Classified",
    "ClassifiedText",
    "Classifier",
    "Detection",
    "Detections",
    "Detector",
    "DrawnTask",
    "Embedder",
    "Embedding",
    "Heard",
    "HeardWindow",
    "ImageTask",
    "KeyPoint",
    "MessageSource",
    "PictureSource",
    "Pose",
    "PoseEstimator",
    "Poses",
    "QuestionAnswerer",
    "Replier",
    "Replies",
    "Reply",
    "Segmentation",
    "Segmenter",
    "Stylized",
    "Stylizer",
    "Task",
    "TaskName",
    "TextClassifier",
    "TextTask",
    "efficientdet_anchors",
    "load",
    "load_stylizer",
    "similarities",
    "ssd_anchors",
]
