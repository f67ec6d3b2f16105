"""Ships in images: scenes, a detector, its measures, and the mining of hard negatives."""

from course_utils.detection.airbus import AirbusFolder, decode_rle, encode_rle
from course_utils.detection.boxes import Detections, match_boxes, suppress
from course_utils.detection.centernet import DetectionLoss, boxes_to_maps, maps_to_detections
from course_utils.detection.look_alikes import LOOK_ALIKES
from course_utils.detection.metrics import (
    PrecisionRecallCurve,
    airbus_score,
    average_precision,
    false_positives_per_empty_image,
    mask_overlaps,
    precision_recall,
    threshold_at_recall,
)
from course_utils.detection.mining import HardNegative, MiningRound, mine_hard_negatives
from course_utils.detection.models import FpnDetector, ShipDetector, detect
from course_utils.detection.scenes import Scene, SceneLoader, pack
from course_utils.detection.synthetic import SimulatedScenes
from course_utils.detection.tiles import CropLoader, CropPool, check_box_sizes

__all__ = [
    "AirbusFolder",
    "CropLoader",
    "CropPool",
    "DetectionLoss",
    "Detections",
    "FpnDetector",
    "HardNegative",
    "LOOK_ALIKES",
    "MiningRound",
    "PrecisionRecallCurve",
    "Scene",
    "SceneLoader",
    "ShipDetector",
    "SimulatedScenes",
    "airbus_score",
    "average_precision",
    "boxes_to_maps",
    "check_box_sizes",
    "decode_rle",
    "detect",
    "encode_rle",
    "false_positives_per_empty_image",
    "maps_to_detections",
    "mask_overlaps",
    "match_boxes",
    "mine_hard_negatives",
    "pack",
    "precision_recall",
    "suppress",
    "threshold_at_recall",
]
