"""The page about the story world is what the generator makes, and its tool notices when not."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import render_storyworld  # noqa: E402


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "storyworld.md").read_text(encoding="utf-8")
    assert page == render_storyworld.render(), "run: python tools/render_storyworld.py"


def test_the_page_shows_five_stories_in_both_languages() -> None:
    page = (ROOT / "docs" / "storyworld.md").read_text(encoding="utf-8")
    stories = render_storyworld.choose(render_storyworld.SEED)
    assert [story.plot for story in stories] == list(render_storyworld.SHOWN)
    for story in stories:
        for told in story.told.values():
            assert told.text in page
            assert told.summary in page
            assert all(question.answer in page for question in told.questions)
        assert f"{-story.log_prob:.2f} nats in both languages" in page


def test_check_fails_on_an_old_page(monkeypatch, tmp_path, capsys) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(render_storyworld, "ROOT", tmp_path)
    monkeypatch.setattr(render_storyworld, "render", lambda: "new")
    monkeypatch.setattr(sys, "argv", ["render_storyworld.py"])
    assert render_storyworld.main() == 0
    monkeypatch.setattr(sys, "argv", ["render_storyworld.py", "--check"])
    assert render_storyworld.main() == 0
    (tmp_path / "docs" / "storyworld.md").write_text("old", encoding="utf-8")
    assert render_storyworld.main() == 1
    assert "out of date" in capsys.readouterr().out
