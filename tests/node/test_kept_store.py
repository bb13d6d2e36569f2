"""A store that was kept while its node was in a cluster, and is put back."""

from pathlib import Path

from cluster.core.operations import Remove
from cluster.node.first_start import certificate_paths
from tests.node.alone import alone


async def test_a_store_kept_before_its_node_had_a_certificate_is_put_back_all_the_same(tmp_path: Path) -> None:
    async with alone(tmp_path / "alpha") as node:
        host, life = node.daemon.host, node.daemon.life
        await node.change(*(Remove(path) for path in certificate_paths("alpha")))
        kept = await host.backup_store()
        await node.write("datacenter.cfg", "keyboard: de\n")
        await host.restore_store(kept, keep=True)
        assert life.tree.find("datacenter.cfg") is None


async def test_a_store_that_was_put_back_is_whole_when_that_is_said(tmp_path: Path) -> None:
    async with alone(tmp_path / "alpha") as node:
        host, life = node.daemon.host, node.daemon.life
        await node.write("datacenter.cfg", "keyboard: de\n")
        kept = await host.backup_store()
        await node.write("datacenter.cfg", "keyboard: fr\n")
        await host.restore_store(kept, keep=True)
        assert life.tree.read("datacenter.cfg") == b"keyboard: de\n" and life.replica.writable
