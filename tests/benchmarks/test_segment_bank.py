from benchmarks.segment_bank import measure


def test_a_bank_is_made_up_and_asked() -> None:
    measured = measure(60, 4, (32, 32), 5)
    assert measured["segments"] >= 60
    assert measured["photos"] < measured["segments"]
    assert 0 < measured["query_ms_median"] <= measured["query_ms_worst"]
