"""Folders of pictures, on a disk or in a ZIP: what is taken of them, and why the rest is not."""

from engine.folders.archives import is_zip
from engine.folders.files import FoundFile, LeftOut
from engine.folders.opening import open_folder
from engine.folders.surveying import Survey, survey

__all__ = ["FoundFile", "LeftOut", "Survey", "is_zip", "open_folder", "survey"]
