from __future__ import annotations

import io
import json
import tarfile

from enforcer.demo.image import Image
from enforcer.names import Digest


def test_an_image_is_what_it_says():
    """The same word gives the same bytes, so the same digest; another word another."""
    assert Image.saying("original") == Image.saying("original")
    assert Image.saying("original").digest != Image.saying("other").digest


def test_an_image_hangs_together():
    """Manifest, configuration and layer name each other by digest and size, as tools verify."""
    image = Image.saying("original")
    manifest, config = json.loads(image.manifest), json.loads(image.config)
    assert (manifest["config"]["digest"], manifest["config"]["size"]) == (Digest.of(image.config), len(image.config))
    (layer,) = manifest["layers"]
    assert (layer["digest"], layer["size"]) == (Digest.of(image.layer), len(image.layer))
    assert config["rootfs"]["diff_ids"] == [Digest.of(image.layer)]


def test_the_layer_holds_the_word():
    """Whoever unpacks the layer can read it."""
    with tarfile.open(fileobj=io.BytesIO(Image.saying("original").layer)) as archive:
        file = archive.extractfile("message")
        assert file is not None
        assert file.read() == b"original\n"
