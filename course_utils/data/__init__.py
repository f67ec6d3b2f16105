"""The course's data sets, and how their images reach the device."""

from course_utils.data.datasets import load_cifar10, load_fashion_mnist, load_images
from course_utils.data.device_loader import Augment, DeviceLoader
from course_utils.data.image_dataset import ImageDataset, pool_images, split_images
from course_utils.data.splits import group_by_ground, split_by_group

__all__ = [
    "Augment",
    "DeviceLoader",
    "ImageDataset",
    "group_by_ground",
    "load_cifar10",
    "load_fashion_mnist",
    "load_images",
    "pool_images",
    "split_by_group",
    "split_images",
]
