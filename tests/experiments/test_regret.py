from experiments import regret


def test_halves():
    """Is each planned task in one half only, and are tasks of both halves measured?"""
    stored = regret.RESULTS.read()
    choose, confirm = (set(stored["split"][half]["tasks"]) for half in ("choose", "confirm"))
    assert not choose & confirm
    assert len(choose & set(stored["tasks"])) >= 15 <= len(confirm & set(stored["tasks"]))


def test_table():
    """Does the table show the chosen rule beside each peer's own suggestion?"""
    text = regret.table(regret.RESULTS.read()["tasks"])
    for name in ("CHOSEN", "fastai, valley", "torch-lr-finder", "ignite", "Lightning"):
        assert name in text
