"""The picture that an authenticator app reads. ISO/IEC 18004."""

from __future__ import annotations

import segno


def qr_code(text: str) -> str:
    """A QR code as an SVG `data:` address: black on white in dark pages too, or cameras fail."""
    return segno.make(text, error="m", micro=False).svg_data_uri(
        scale=4, border=4, dark="#000", light="#fff"
    )
