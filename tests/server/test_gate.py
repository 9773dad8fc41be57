import threading

import pytest

from tests.server.shop import labels, opened, png, problem, send, zipped


@pytest.fixture(scope="module")
def guarded(catalogue, tmp_path_factory):
    """A server that asks for a token."""
    with opened(catalogue, token="open sesame", projects=tmp_path_factory.mktemp("kept")) as client:
        yield client


WRONG = (401, "the bearer token is missing or wrong. Send the header Authorization: Bearer TOKEN.")


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic open sesame", "open sesame", "Bearer é"])
def test_without_the_token_nothing_but_health_and_the_schema_opens(guarded, header):
    headers = {} if header is None else {"authorization": header.encode()}
    for method, path in [
        ("GET", "/v1/models"),
        ("GET", "/metrics"),
        ("GET", "/v1/projects/x"),
        ("PUT", "/v1/projects/x"),
        ("DELETE", "/v1/projects/x"),
        ("POST", "/v1/synthesise"),
    ]:
        answer = guarded.request(method, path, headers=headers)
        assert problem(answer) == WRONG
        assert answer.headers["www-authenticate"] == "Bearer"
    assert guarded.get("/v1/health", headers=headers).status_code == 200
    assert guarded.get("/openapi.json", headers=headers).status_code == 200


def test_with_the_token_everything_opens(guarded):
    headers = {"authorization": "Bearer open sesame"}
    assert guarded.get("/v1/models", headers=headers).status_code == 200
    assert send(guarded, headers=headers).status_code == 200
    assert guarded.put("/v1/projects/x", content=zipped(a=b"1"), headers=headers).status_code == 201


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
def test_another_hosts_name_is_refused_on_loopback(client, host):
    status, detail = problem(client.get("/v1/models", headers={"host": host}))
    assert (status, detail) == (
        421,
        f"host {host} is not this machine. Ask for 127.0.0.1, or start with --host.",
    )


@pytest.mark.parametrize("host", ["127.0.0.1:8123", "localhost", "[::1]:80"])
def test_this_machines_names_are_known(client, host):
    assert client.get("/v1/health", headers={"host": host}).status_code == 200


def test_a_server_for_others_answers_to_any_name(catalogue):
    with opened(catalogue, host="0.0.0.0") as client:
        assert client.get("/v1/health", headers={"host": "images.example"}).status_code == 200


def test_pages_of_other_sites_are_refused(client):
    for origin in ("https://evil.example", "null", "http://127.0.0.1:9999"):
        answer = send(client, headers={"origin": origin})
        assert problem(answer) == (403, f"pages of {origin} may not call this server. Allow them with --cors.")
        assert "access-control-allow-origin" not in answer.headers
    assert send(client, headers={"origin": "http://127.0.0.1"}).status_code == 200


def test_a_site_that_is_allowed_may_call(catalogue):
    with opened(catalogue, origins=("https://friend.example",), token="t") as client:
        asked = {
            "origin": "https://friend.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization",
        }
        answer = client.options("/v1/synthesise", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://friend.example"
        answer = send(client, headers={"origin": "https://friend.example", "authorization": "Bearer t"})
        assert answer.status_code == 200
        assert "x-seed" in answer.headers["access-control-expose-headers"].lower()


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(catalogue):
    with opened(catalogue, most_bytes=5000) as client:
        large = (413, "the body is larger than 5000 bytes. Send less, or start the server with a larger --most-bytes.")
        assert problem(client.put("/v1/projects/x", content=bytes(5001))) == large
        assert problem(send(client, files={"labels": png(labels()), "style": bytes(5000)})) == large

        def pieces():
            for _ in range(10):
                yield bytes(1000)

        assert (
            problem(
                client.post(
                    "/v1/synthesise", content=pieces(), headers={"content-type": "multipart/form-data; boundary=x"}
                )
            )
            == large
        )
        assert problem(client.get("/v1/health", headers={"content-length": "-1"})) == large
        assert send(client).status_code == 200


def test_a_body_that_does_not_arrive_is_given_up(catalogue):
    import asyncio

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from intarsia.server.gate import Gate
    from intarsia.server.metrics import Metrics
    from intarsia.server.settings import Settings

    async def reads(request: Request) -> Response:
        return Response(await request.body())

    app = Gate(
        Starlette(routes=[Route("/x", reads, methods=["POST"])]), Settings(body_seconds=0.05), Metrics(), lambda: 1
    )
    sent = []

    async def never():
        await asyncio.sleep(30)

    async def send_back(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [(b"host", b"localhost")], "query_string": b""}
    asyncio.run(app(scope, never, send_back))
    assert sent[0]["status"] == 408
    assert app.in_hand == 0


def test_a_full_server_sends_requests_back_with_a_time(catalogue, monkeypatch):
    with opened(catalogue, queue=2) as client:
        shop = client.app.state.shop
        go, begun = threading.Event(), threading.Semaphore(0)
        render = shop.workshop.render

        def slow(order):
            begun.release()
            assert go.wait(30)
            return render(order)

        monkeypatch.setattr(shop.workshop, "render", slow)
        answers = []
        threads = [
            threading.Thread(target=lambda n=n: answers.append(send(client, files={"labels": png(labels(seed=n))})))
            for n in range(2)
        ]
        threads[0].start()
        assert begun.acquire(timeout=30)
        threads[1].start()
        deadline = threading.Event()
        while shop.engine.waiting < 1:
            deadline.wait(0.01)
        refused = send(client)
        assert problem(refused) == (
            429,
            f"2 requests are in hand, as many as fit. Try again in {refused.headers['retry-after']} s.",
        )
        assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/v1/health").json()["waiting"] == 1  # what asks for nothing heavy passes
        go.set()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [200, 200]
        assert send(client).status_code == 200


def test_every_answer_says_what_browsers_must_not_do(client):
    for path in ("/v1/health", "/nowhere", "/openapi.json"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in headers["content-security-policy"]


def test_a_bug_is_one_line_for_the_client_and_a_trace_for_the_log(catalogue, monkeypatch, caplog):
    with opened(catalogue) as client:
        monkeypatch.setattr(client.app.state.shop.workshop, "render", lambda order: 1 / 0)
        assert problem(send(client)) == (500, "the server failed. Its log says why.")
        assert "ZeroDivisionError" in caplog.text
        monkeypatch.undo()
        assert send(client).status_code == 200


def test_metrics_count_requests_by_route(client):
    before = client.get("/metrics").text
    send(client)
    client.get("/v1/models/nothing/mapping?of=x")
    client.get("/some/where/1")
    client.get("/some/where/2")
    after = client.get("/metrics").text

    def count(text, line):
        return sum(float(row.rpartition(" ")[2]) for row in text.splitlines() if row.startswith(line))

    for line in (
        'intarsia_requests_total{path="/v1/synthesise",status="200"}',
        'intarsia_requests_total{path="/v1/models/{name}/mapping",status="404"}',
        "intarsia_jobs_total",
    ):
        assert count(after, line) == count(before, line) + 1
    line = 'intarsia_requests_total{path="other",status="404"}'
    assert count(after, line) == count(before, line) + 2
    assert "process_resident_memory_bytes" in after
