"""A page to look through what was found in many pictures: one file, without anything from elsewhere."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from zerolite._platform.files import check_writable_target, replaced

__all__ = ["Gallery"]

# Of a thumbnail, in pixels: wide enough to see boxes and joints; about 15 kB each.
_LARGEST_SIDE = 360
_QUALITY = 80

_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }}
body {{ margin: 0 auto; max-width: 1500px; padding: 1rem; }}
header {{ display: flex; flex-wrap: wrap; gap: 1rem; align-items: baseline; position: sticky; top: 0;
  padding: .5rem 0; background: Canvas; }}
h1 {{ font-size: 1.3rem; margin: 0; }}
input {{ font: inherit; padding: .3rem .6rem; min-width: min(100%, 19rem); }}
main {{ display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); }}
figure {{ margin: 0; padding: .6rem; border: 1px solid #8884; border-radius: .4rem; overflow-wrap: anywhere; }}
figure[hidden] {{ display: none; }}
img {{ max-width: 100%; display: block; margin: 0 auto .5rem; }}
table {{ border-collapse: collapse; width: 100%; font-size: .85rem; }}
td {{ padding: .1rem .4rem .1rem 0; vertical-align: top; }}
figcaption {{ font-weight: 600; font-size: .85rem; }}
.broken {{ color: #b3261e; }}
</style>
<header>
<h1>{title}</h1>
<input type="search" placeholder="Only pictures with these words" aria-label="Only pictures with these words">
<span id="count"></span>
</header>
<main>
"""
_TAIL = """</main>
<script>
const figures = [...document.querySelectorAll("figure")];
const texts = figures.map(one => one.textContent.toLowerCase());
const field = document.querySelector("input");
function show() {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  figures.forEach((one, place) => {
    one.hidden = !words.every(word => texts[place].includes(word));
    count += !one.hidden;
  });
  document.getElementById("count").textContent = `${count} of ${figures.length} pictures`;
}
field.addEventListener("input", show);
show();
</script>
</html>
"""


class Gallery:
    """Writes the page picture by picture, so that any number of them takes no memory.

    It appears under its name when it is complete; a failure leaves what was there before.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    @classmethod
    @contextmanager
    def written(cls, file: Path, title: str) -> Iterator[Gallery]:
        """Context manager: the page, begun and ended.

        Raises:
            OSError: nothing can be written there.
        """
        check_writable_target(file)
        with replaced(file) as stream:
            gallery = cls(stream)
            gallery._write(_HEAD.format(title=html.escape(title)))
            yield gallery
            gallery._write(_TAIL)

    def add(self, path: Path | None, picture: Any, rows: Sequence[Sequence[str]]) -> None:
        """Add a Pillow image, which is made smaller, with the rows of what was found in it."""
        small = picture.convert("RGB")
        small.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
        content = io.BytesIO()
        small.save(content, "JPEG", quality=_QUALITY)
        cells = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        self._write(
            f'<figure><img alt="" loading="lazy" width="{small.width}" height="{small.height}" '
            f'src="data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"/>'
            f"<figcaption>{html.escape(str(path or ''))}</figcaption><table>{cells}</table></figure>\n"
        )

    def add_broken(self, error: Exception) -> None:
        """Add what is said of a file that can't be decoded."""
        self._write(f'<figure class="broken">{html.escape(str(error))}</figure>\n')

    def _write(self, text: str) -> None:
        self._stream.write(text.encode(errors="backslashreplace"))
