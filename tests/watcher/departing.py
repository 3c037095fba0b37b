"""Files that leave upstream before this mirror has them."""

from tests.watcher.houses import House, long_ago


async def departed(house: House, *versions: str, name: str = "demo") -> list[str]:
    """Files that left upstream before anybody asked for them; their names."""
    pypi = house.pypi
    files = [pypi.upload(name, version, uploaded_at=long_ago(pypi, days=200)).filename for version in versions]
    pypi.upload(name, "99", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    await house.page(name)
    for version in versions:
        pypi.delete_release(name, version)
    await house.poll()
    return files
