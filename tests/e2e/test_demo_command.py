"""`citewatch demo`: in a namespace without any network, in under a minute, telling what happened."""

from tests.support.command import run


async def test_the_demo_plays_to_its_end() -> None:
    ended = await run("demo")
    assert ended.code == 0, ended.err
    for told in ("no target", "number", "not confirmed yet", "the page is lost", "moved", "correction or retraction"):
        assert told in ended.out, told
    assert "Traceback" not in ended.err
