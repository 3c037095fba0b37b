"""A simulated PyPI on loopback, true to recorded answers of PyPI's own software.

Map: `model` the things, `journal` the rows, `state` what there is, `warehouse` the acts, `files` and
`wheels` make the bytes, `generated` those too many to be held; `pages`, `json_api`, `rss`, `xmlrpc`
render, `negotiate` chooses, `answers` is what they return; `cdn` caches; `faults` breaks, `accidents`,
`transfers` and `lies` let it happen; `ratelimit` counts; `index_host` and `files_host` speak HTTP, `server` runs them.

    async with PyPISim() as sim:
        sim.upload("leftpad", "1.0")
        sim.delete_release("leftpad", "1.0")
"""

from tests.pypi_sim.cdn import Cdn
from tests.pypi_sim.clock import Clock
from tests.pypi_sim.faults import Faults
from tests.pypi_sim.generated import Generated
from tests.pypi_sim.model import File, Project, RefusedError, Release, Row, Seen, UploadRefusedError
from tests.pypi_sim.server import PyPISim
from tests.pypi_sim.wheels import module_name

__all__ = [
    "Cdn",
    "Clock",
    "Faults",
    "File",
    "Generated",
    "Project",
    "PyPISim",
    "RefusedError",
    "Release",
    "Row",
    "Seen",
    "UploadRefusedError",
    "module_name",
]
