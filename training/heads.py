"""Heads in the blob storage."""

import hashlib

from catalog import storage
from engine import heads


def read_head(head_key: str) -> heads.Head:
    """Read a head from the storage. Raises StorageUnavailable and ModelFileError."""
    return heads.loads(storage.read_blob(head_key))


def write_head(head: bytes) -> str:
    """Store a head's file under the hash of its content; return the key. Raises StorageUnavailable."""
    key = head_key(head)
    if not storage.has_blob(key):  # it may be live: the same training gives the same head
        storage.write_blob(key, head)
    return key


def head_key(content: bytes) -> str:
    return f"heads/{hashlib.sha256(content).hexdigest()}.safetensors"
