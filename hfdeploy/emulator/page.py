"""The page for people: which routes there are and which options, in one file that needs no other host."""

from collections.abc import Sequence
from html import escape

from hfdeploy.emulator.door import Face
from hfdeploy.emulator.options import Options

_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>hfdeploy emulator</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
td{padding:.1rem .8rem .1rem 0;vertical-align:top}code{font-size:.9em}</style></head><body>
<h1>Emulator of Inference Endpoints</h1>
<p>A stand-in for the service, on this machine. It costs nothing and deploys nothing. Each endpoint has a page of its
own at <code>/endpoints/{namespace}/{name}/docs</code>.</p>"""


def page(faces: Sequence[Face], options: Options) -> str:
    """The page as HTML."""
    routes = "".join(
        f"<tr><td><code>{method}</code></td><td><code>{escape(path)}</code></td></tr>"
        for face in faces
        for method, path, _ in face.table()
    )
    rows = "".join(
        f"<tr><td><code>{name}</code></td><td>{escape(entry['meaning'])} <i>{escape(entry['source'])}</i></td></tr>"
        for name, entry in options.described().items()
    )
    return f"{_HEAD}<h2>Routes</h2><table>{routes}</table><h2>Options</h2><table>{rows}</table></body></html>"
